import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import layout
from core.domain.canonical import canonical_json, content_version, sha256
from core.domain.dataset import DatasetManifest, Part, Source
from core.domain.drift.report import By, DriftReport
from core.domain.model import ModelManifest
from core.domain.prediction import realtime_id
from core.errors import BadInput, Corrupt
from core.tables.arrow import dataset_schema
from core.usecases.check_drift import check_drift
from tests.faults import Counter, Died, FailingStore, RecordingStore
from tests.unit.usecases.site import CLASSES, CODE, NOON, SPEC, Model, Site, csv, rows


@pytest.fixture
def site() -> Site:
    site = Site()
    site.publish("v1")
    return site


def check(site: Site, since: datetime | None = None, until: datetime | None = None, by: By = "answered") -> DriftReport:
    zones = site.zones
    return check_drift(
        zones["predictions"],
        zones["models"],
        zones["datasets"],
        zones["reports"],
        spec=site.spec,
        code=CODE,
        since=since,
        until=until,
        by=by,
    )


def score(site: Site, count: int, name: str = "a.csv", *, shift: float = 0, seed: int = 1, at: datetime = NOON) -> str:
    """A finished batch run of rows r0, r1, …, answered at `at`; returns its id."""
    site.clock.time = at
    return site.score(site.drop(name, csv(rows(count, seed, shift), at=at))).run


def log(site: Site, count: int, name: str, *, version: str = "v1", at: datetime = NOON, shift: float = 0) -> None:
    """One realtime log, a row a second from `at`, of ids <name>-0, <name>-1, …"""
    columns = rows(count, 7, shift)
    manifest = ModelManifest("m", version, SPEC.columns, CLASSES, {}, {}, 0, 0)
    outputs = Model(b"bias 0", manifest).predict(columns)
    day = at.date().isoformat()
    lines = []
    for row in range(count):
        record = {
            "prediction_id": realtime_id("m", day, name, row),
            "answered_at": (at + timedelta(seconds=row)).isoformat(),
            "model_version": version,
            "request_id": "q",
            "features": {key: _plain(values[row]) for key, values in columns.items()},
            "id": f"{name}-{row}",
            "label": outputs.labels[row],  # type: ignore[index]
            "probabilities": dict(zip(CLASSES, outputs.probabilities[row].tolist(), strict=True)),  # type: ignore[index]
        }
        record["features"]["b"] = bool(columns["b"][row])
        lines.append(json.dumps(record))
    site.zones["predictions"].put(layout.realtime_log("m", day, name), "\n".join(lines).encode() + b"\n")


def _plain(value: Any) -> Any:
    return None if value == "<null>" else value if isinstance(value, str) else float(value)


def label(site: Site, targets: dict[str, Any], *, by: str = "id") -> str:
    """A dataset of labels; returns its version."""
    columns_of_spec = site.spec.columns
    schema = dataset_schema(columns_of_spec, "labels")
    columns = {name: [None] * len(targets) for name in schema.names} | {by: list(targets), "y": list(targets.values())}
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=schema), buffer)
    data = bytes(buffer.getvalue())
    version = content_version([by, targets])
    part, source = Part(len(targets), sha256(data)), Source("m/labels/a.csv", "1", "")
    manifest = DatasetManifest("m", version, "labels", source, columns_of_spec, len(targets), 0, (part,), CODE)
    site.zones["datasets"].put(layout.dataset_part("m", version, 0), data)
    site.zones["datasets"].put(layout.dataset_manifest("m", version), manifest.encode())
    return version


def truth(count: int, *, wrong: bool = False, prefix: str = "r", seed: int = 1, shift: float = 0) -> dict[str, str]:
    """What the model answers, or the opposite, with some noise."""
    rng = np.random.default_rng(3)
    positive = (np.nan_to_num(rows(count, seed, shift)["x"]) + rng.normal(0, 0.4, count)) > 0
    return {f"{prefix}{row}": "yes" if yes != wrong else "no" for row, yes in enumerate(positive)}


def stored(site: Site) -> list[str]:
    return [key for key in site.state("reports") if "/drift/" in key]


def drifted(report: DriftReport) -> set[str]:
    return {column.name for column in (*report.comparison.features, *report.comparison.outputs) if column.drifted}


# what is looked at ------------------------------------------------------------------------------------------


def test_nothing_changed_no_alarm(site: Site) -> None:
    score(site, 500)
    log(site, 300, "w-1")
    report = check(site)
    assert (report.version, report.rows, report.reference_rows) == ("v1", 800, 5_000)
    assert drifted(report) == set()
    assert stored(site) == [f"reports/{report.key}"]


def test_a_shift_is_found_in_feature_and_answers(site: Site) -> None:
    score(site, 500, shift=0.6)
    report = check(site)
    assert drifted(report) == {"x", "label", "probability_yes"}
    assert report.drifted


def test_a_repeated_check_finds_itself_done(site: Site) -> None:
    score(site, 500)
    check(site)
    before = site.state("reports")
    again = check(site)
    assert (again.rows, again.key, again.drifted) == (0, None, False)
    assert "nothing since the last check" in str(again.reason)
    assert site.state("reports") == before


def test_the_next_check_takes_what_is_new_alone(site: Site) -> None:
    score(site, 500)
    log(site, 300, "w-1")
    check(site)
    score(site, 250, "b.csv")
    log(site, 50, "w-2")
    assert check(site).rows == 300
    assert len(stored(site)) == 2


def test_few_rows_wait_for_more(site: Site) -> None:
    score(site, 150, shift=3)
    report = check(site)
    assert (report.rows, report.key, report.drifted) == (150, None, False)
    assert report.reason == "150 rows are new, 200 make a check: they wait for more"
    assert stored(site) == []
    score(site, 60, "b.csv", shift=3)
    assert check(site).rows == 210
    assert check(site).rows == 0


def test_an_unfinished_run_waits_for_its_success(site: Site) -> None:
    run = score(site, 500)
    key = layout.batch_success("m", run)
    success = site.zones["predictions"].get(key).data
    site.zones["predictions"].delete(key)
    assert check(site).rows == 0
    site.zones["predictions"].put(key, success)
    assert check(site).rows == 500


def test_only_the_serving_version_is_checked_and_each_has_its_own_coverage(site: Site) -> None:
    score(site, 500)
    log(site, 300, "w-1")
    check(site)
    site.publish("v2")
    log(site, 250, "w-2", version="v2")
    score(site, 100, "b.csv")
    second = check(site)
    assert (second.version, second.rows) == ("v2", 350)
    site.serve("v1")
    log(site, 220, "w-3")
    assert check(site).rows == 220


def test_a_log_of_two_versions_is_split(site: Site) -> None:
    log(site, 300, "w-1")
    key = layout.realtime_log("m", NOON.date().isoformat(), "w-1")
    lines = site.zones["predictions"].get(key).data.replace(b'"v1"', b'"v2"', 90)
    site.zones["predictions"].put(key, lines)
    assert check(site).rows == 210


def test_no_champion_is_told_and_not_an_error() -> None:
    report = check(Site())
    assert (report.version, report.rows, report.key) == (None, 0, None)
    assert report.reason == "no version of model m serves yet"
    assert report.to_json()["performance"]["degraded"] is False


# windows ----------------------------------------------------------------------------------------------------


def test_a_window_of_answering_times(site: Site) -> None:
    log(site, 300, "w-1")
    report = check(site, NOON + timedelta(seconds=10), NOON + timedelta(seconds=20))
    assert report.rows == 10
    assert report.to_json()["window"] == {"since": "2026-05-01T12:00:10+00:00", "until": "2026-05-01T12:00:20+00:00"}
    assert report.key is not None
    assert check(site, until=NOON + timedelta(seconds=10)).rows == 10
    assert check(site, since=NOON + timedelta(seconds=10)).rows == 290


def test_a_window_of_the_rows_own_times(site: Site) -> None:
    score(site, 300)
    site.clock.time = NOON + timedelta(days=9)
    assert check(site, NOON, NOON + timedelta(seconds=100), by="time").rows == 100
    assert check(site, NOON + timedelta(seconds=1), NOON + timedelta(seconds=100)).rows == 0


def test_rows_without_a_time_are_in_no_window(site: Site) -> None:
    log(site, 300, "w-1")
    assert check(site, since=NOON - timedelta(days=999), by="time").rows == 0
    assert check(site, by="time").rows == 300


def test_an_asked_window_covers_nothing_and_stays_the_same_report(site: Site) -> None:
    score(site, 500)
    first = check(site, since=NOON)
    second = check(site, since=NOON)
    assert first == second
    assert len(stored(site)) == 1
    assert check(site).rows == 500


def test_an_asked_window_is_checked_even_when_small(site: Site) -> None:
    score(site, 20, shift=9)
    report = check(site, since=NOON)
    assert (report.rows, report.drifted) == (20, False)
    assert report.key is not None
    assert check(site, since=NOON + timedelta(days=1)).key is None


def test_an_automatic_window_spans_its_answers(site: Site) -> None:
    log(site, 300, "w-1")
    score(site, 10, at=NOON - timedelta(hours=1))
    window = check(site).to_json()["window"]
    assert window == {"since": "2026-05-01T11:00:00+00:00", "until": "2026-05-01T12:04:59+00:00"}


@pytest.mark.parametrize(
    ("since", "until"), [(NOON.replace(tzinfo=None), None), (NOON, NOON), (NOON, NOON - timedelta(1))]
)
def test_windows_that_are_none_are_refused(site: Site, since: datetime, until: datetime | None) -> None:
    with pytest.raises(BadInput, match="window"):
        check(site, since, until)


def test_a_model_without_times_has_no_window_of_them() -> None:
    site = Site(spec=SPEC.model_copy(update={"time": None}))
    site.publish("v1")
    with pytest.raises(BadInput, match="no time column"):
        check(site, by="time")


# performance ------------------------------------------------------------------------------------------------


def test_no_labels_no_current_performance(site: Site) -> None:
    score(site, 500)
    shown = check(site).to_json()["performance"]
    assert shown["metric"] == "roc_auc"
    assert shown["reference"] == {"value": 0.9, "low": 0.88, "high": 0.92}
    assert (shown["current"], shown["degraded"], shown["labelled"]) == (None, False, 0)


def test_without_labels_performance_is_estimated(site: Site) -> None:
    score(site, 500)
    foreseen = check(site).to_json()["performance"]["estimated"]
    label(site, truth(500))
    realised = check(site).to_json()["performance"]["current"]
    assert foreseen["low"] <= realised["value"] <= foreseen["high"]


def test_labels_are_joined_by_id(site: Site) -> None:
    score(site, 500)
    label(site, truth(400))
    performance = check(site).performance
    assert performance.labelled == 400
    assert performance.current is not None
    assert performance.current["low"] <= performance.current["value"] <= performance.current["high"]
    assert performance.current["value"] > 0.9
    assert not performance.degraded


def test_labels_are_joined_by_prediction_id(site: Site) -> None:
    log(site, 300, "w-1")
    day = NOON.date().isoformat()
    label(
        site, {realtime_id("m", day, "w-1", row): "yes" if row % 2 else "no" for row in range(300)}, by="prediction_id"
    )
    assert check(site).performance.labelled == 300


def test_lost_performance_is_degraded(site: Site) -> None:
    score(site, 500)
    label(site, truth(500, wrong=True))
    report = check(site)
    assert report.performance.degraded
    assert report.to_json()["performance"]["degraded"] is True
    assert not report.drifted


def test_few_labels_are_told_and_no_alarm(site: Site) -> None:
    score(site, 500)
    label(site, truth(50, wrong=True))
    performance = check(site).performance
    assert performance.current is not None
    assert not performance.degraded


def test_labels_that_come_later_are_checked_then(site: Site) -> None:
    score(site, 500)
    assert check(site).performance.current is None
    label(site, truth(500, wrong=True))
    later = check(site)
    assert (later.rows, later.performance.labelled) == (0, 500)
    assert later.performance.degraded
    assert later.key is not None
    assert check(site).key is None


def test_late_labels_add_up_until_they_are_enough(site: Site) -> None:
    score(site, 500)
    check(site)
    whole = list(truth(500, wrong=True).items())
    label(site, dict(whole[:150]))
    assert check(site).key is None
    label(site, dict(whole[150:300]))
    later = check(site)
    assert later.performance.labelled == 300
    assert later.key is not None


def test_the_last_label_wins(site: Site) -> None:
    score(site, 500)
    label(site, truth(500, wrong=True))
    label(site, truth(500))
    performance = check(site).performance
    assert performance.labelled == 500
    assert performance.current is not None
    assert performance.current["value"] > 0.9


def test_one_class_alone_has_no_roc_auc(site: Site) -> None:
    score(site, 500)
    label(site, dict.fromkeys(truth(500), "yes"))
    performance = check(site).performance
    assert (performance.labelled, performance.current) == (500, None)


def test_a_regression_is_measured_by_its_error() -> None:
    spec = SPEC.model_copy(update={"task": "regression"})
    site = Site(spec=spec)
    site.publish("v1")
    score(site, 500, shift=0)
    report = check(site)
    assert report.performance.metric == "rmse"
    assert {column.name for column in report.comparison.outputs} == {"prediction"}


# faults -----------------------------------------------------------------------------------------------------


def test_killed_at_its_write_it_is_made_again_alike(site: Site) -> None:
    score(site, 500, shift=0.6)
    inner = site.zones["reports"]
    for after in (False, True):
        site.zones["reports"] = FailingStore(inner, 1, Counter(), after=after)
        with pytest.raises(Died):
            check(site)
        assert len(list(inner.list(""))) == int(after)
    site.zones["reports"] = inner
    assert check(site).rows == 0
    assert json.loads(inner.get(next(inner.list("")).key).data)["drifted"] is True


def test_two_at_once_write_one_report(site: Site) -> None:
    score(site, 500)
    first = check(site)
    assert first.key is not None
    data = site.zones["reports"].get(first.key).data
    site.zones["reports"].delete(first.key)
    second = check(site)
    assert second.key == first.key
    assert site.zones["reports"].get(first.key).data == data


def test_it_uses_only_the_verbs_that_it_declares(site: Site) -> None:
    score(site, 500)
    label(site, truth(10))
    calls: list[Any] = []
    site.zones = {zone: RecordingStore(store, zone, calls) for zone, store in site.zones.items()}  # type: ignore[misc]
    check(site)
    assert {(zone, verb) for zone, verb, _ in calls} <= {
        ("predictions", "list"),
        ("predictions", "get"),
        ("models", "get"),
        ("datasets", "list"),
        ("datasets", "get"),
        ("reports", "list"),
        ("reports", "get"),
        ("reports", "create"),
    }


@pytest.mark.parametrize("line", [b"{", b'{"model_version":"v1"}', b"[]"])
def test_a_broken_log_is_corrupt_and_named(site: Site, line: bytes) -> None:
    key = layout.realtime_log("m", "2026-05-01", "w-1")
    site.zones["predictions"].put(key, line)
    with pytest.raises(Corrupt, match="w-1"):
        check(site)


def test_a_newer_report_is_corrupt(site: Site) -> None:
    site.zones["reports"].put(layout.drift_report("m", "v1-x"), canonical_json({"format": 2}))
    with pytest.raises(Corrupt, match="update Tidemill"):
        check(site)


def test_the_json_is_that_of_the_contract(site: Site) -> None:
    score(site, 500)
    report = check(site)
    shown = report.to_json()
    contract = {"model", "version", "window", "rows", "reference_rows", "drifted", "features", "predictions"}
    assert {*contract, "performance"} <= set(shown)
    assert [feature["name"] for feature in shown["features"]] == ["x", "c", "b"]
    assert set(shown["performance"]) >= {"metric", "reference", "current", "estimated", "degraded"}
    assert json.loads(site.zones["reports"].get(str(report.key)).data) == json.loads(json.dumps(shown))
