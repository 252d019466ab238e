"""What was answered beside what was true: over time, by slice, in value, and between groups."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk

from core import layout
from core.domain.canonical import canonical_json
from core.domain.model import REFERENCE, ModelManifest
from core.domain.performance.report import PerformanceReport
from core.domain.prediction import realtime_id
from core.spec import ModelSpec
from core.usecases.check_performance import check_performance
from tests.faults import Counter, Died, FailingStore, RecordingStore
from tests.unit.usecases import site as sites
from tests.unit.usecases.site import CODE, NOON, SPEC, Site, csv, rows
from tests.unit.usecases.test_check_drift import label, log

ROOT = Path(__file__).parents[3]
DAY = timedelta(days=1)


@pytest.fixture
def site() -> Site:
    site = Site()
    site.publish("v1")
    return site


def declare(site: Site, **fields: Any) -> None:
    site.spec = ModelSpec.model_validate({**site.spec.model_dump(mode="json"), **fields})


def check(site: Site) -> PerformanceReport:
    zones = site.zones
    stores = (zones["predictions"], zones["models"], zones["datasets"], zones["reports"])
    return check_performance(*stores, spec=site.spec, code=CODE)


def shown(site: Site, report: PerformanceReport) -> dict[str, Any]:
    return json.loads(site.zones["reports"].get(str(report.key)).data)


def answer(site: Site, count: int, day: int = 0, *, shift: float = 0.0) -> np.ndarray:
    """A batch run of `count` rows of that day, called r<day>000, …; returns their x."""
    site.clock.time = NOON + day * DAY
    columns = rows(count, day, shift)
    site.score(site.drop(f"{day}.csv", csv(columns, start=1000 * day, at=site.clock.time)))
    return columns["x"]


def tell(
    site: Site, x: np.ndarray, day: int = 0, *, wrong: float = 0.0, first: int = 0, last: int | None = None
) -> str:
    """Labels of some of the rows of a day, a share of them `wrong`."""
    truth = sites.truth(x, site.spec, seed=50 + day)
    swap = np.random.default_rng(9).random(len(x)) < wrong
    truth = np.where(swap, np.where(truth == "yes", "no", "yes"), truth)
    named = {f"r{1000 * day + row}": value for row, value in enumerate(truth.tolist())}
    return label(site, dict(list(named.items())[first:last]))


def keys(site: Site, kind: str = "performance") -> list[str]:
    return [key for key in site.state("reports") if f"/{kind}/" in key]


# what is looked at ------------------------------------------------------------------------------------------


def test_no_version_no_report(site: Site) -> None:
    site.zones["models"].delete(layout.route("m"))
    report = check(site)
    assert (report.version, report.key) == (None, None)
    assert "no version" in str(report.reason)


def test_few_answers_wait_for_more(site: Site) -> None:
    answer(site, 49)
    report = check(site)
    assert report.key is None
    assert report.reason == "49 rows are answered, 50 make a figure"
    assert keys(site) == []


def test_before_labels_come_there_is_an_estimate(site: Site) -> None:
    answer(site, 400)
    told = shown(site, check(site))
    assert (told["kind"], told["version"], told["metric"], told["degraded"]) == ("performance", "v1", "roc_auc", False)
    (window,) = told["windows"]
    assert (window["rows"], window["labelled"], window["metrics"], told["current"]) == (400, 0, {}, None)
    assert set(window["estimated"]) == set(told["reference"]) - {"ece"}
    assert window["foreseen"] is None


def test_metrics_are_those_of_scikit_learn_day_by_day(site: Site) -> None:
    for day in range(3):
        tell(site, answer(site, 300, day), day)
    told = shown(site, check(site))
    assert [window["since"] for window in told["windows"]] == [f"2026-05-0{day}T00:00:00+00:00" for day in (1, 2, 3)]
    for day, window in enumerate(told["windows"]):
        x = rows(300, day)["x"]
        truth = sites.truth(x, SPEC, seed=50 + day) == "yes"
        share = 1 / (1 + np.exp(-np.nan_to_num(x)))
        wanted = {
            "accuracy": sk.accuracy_score(truth, share > 0.5),
            "f1": sk.f1_score(truth, share > 0.5),
            "roc_auc": sk.roc_auc_score(truth, share),
            "average_precision": sk.average_precision_score(truth, share),
            "log_loss": sk.log_loss(truth, share),
            "brier": sk.brier_score_loss(truth, share),
        }
        for name, value in wanted.items():
            found = window["metrics"][name]
            assert found["value"] == pytest.approx(value, rel=1e-6), name
            assert found["low"] <= found["value"] <= found["high"]


def test_the_estimate_is_checked_against_what_labels_say(site: Site) -> None:
    for day in range(3):
        tell(site, answer(site, 500, day), day)
    told = shown(site, check(site))
    assert told["estimate_check"]["windows"] == 3
    assert told["estimate_check"]["within"] == 3
    assert told["estimate_check"]["largest_gap"] < 0.03


def test_labels_name_answers_by_their_prediction_id_too(site: Site) -> None:
    log(site, 200, "w-1")
    day = NOON.date().isoformat()
    label(
        site, {realtime_id("m", day, "w-1", row): "yes" if row % 2 else "no" for row in range(200)}, by="prediction_id"
    )
    assert shown(site, check(site))["current"]["labelled"] == 200


def test_a_label_that_comes_late_makes_another_report(site: Site) -> None:
    x = answer(site, 400)
    tell(site, x, first=0, last=100)
    first = check(site)
    tell(site, x, first=100)
    second = check(site)
    assert [shown(site, report)["current"]["labelled"] for report in (first, second)] == [100, 400]
    assert len(keys(site)) == 2


def test_of_several_labels_the_last_to_arrive_counts(site: Site) -> None:
    x = answer(site, 400)
    tell(site, x, wrong=1.0)
    tell(site, x)
    assert shown(site, check(site))["current"]["metrics"]["accuracy"]["value"] > 0.8


def test_a_later_label_by_another_key_counts_too(site: Site) -> None:
    log(site, 200, "w-1")
    day = NOON.date().isoformat()
    label(site, {realtime_id("m", day, "w-1", row): "yes" for row in range(200)}, by="prediction_id")
    label(site, {f"w-1-{row}": "no" for row in range(100)})
    current = shown(site, check(site))["current"]
    assert current["labelled"] == 200
    assert (current["metrics"]["recall"], current["labelled"]) != ({}, 0)
    label(site, {f"w-1-{row}": "no" for row in range(200)})
    assert shown(site, check(site))["current"]["metrics"]["recall"]["value"] == 0  # nobody is a yes any more


def test_labels_may_come_before_the_answers(site: Site) -> None:
    tell(site, rows(400, 0)["x"])
    answer(site, 400)
    assert shown(site, check(site))["current"]["labelled"] == 400


def test_a_repeated_check_finds_its_work_done(site: Site) -> None:
    tell(site, answer(site, 400))
    check(site)
    before = site.state("reports")
    again = check(site)
    assert again.key is None
    assert "nothing is new" in str(again.reason)
    assert site.state("reports") == before


def test_another_spec_of_slices_is_another_report(site: Site) -> None:
    tell(site, answer(site, 400))
    check(site)
    declare(site, slices=["c"])
    assert check(site).key is not None


def test_answers_of_other_versions_are_left_out(site: Site) -> None:
    answer(site, 300)
    site.publish("v2")
    answer(site, 200, 1)
    told = shown(site, check(site))
    assert (told["version"], [window["rows"] for window in told["windows"]]) == ("v2", [200])


def test_what_lies_behind_the_history_is_left_out(site: Site) -> None:
    declare(site, performance={"history": "10d", "window": "day"})
    answer(site, 100, 0)
    answer(site, 100, 11)
    answer(site, 100, 12)
    assert len(shown(site, check(site))["windows"]) == 2


def test_windows_are_as_the_spec_says(site: Site) -> None:
    declare(site, performance={"window": "week"})
    answer(site, 100, 0)
    answer(site, 100, 1)
    told = shown(site, check(site))
    assert [(window["since"][:10], window["until"][:10]) for window in told["windows"]] == [
        ("2026-04-27", "2026-05-04")
    ]


def test_a_version_without_a_reference_is_measured_and_not_foreseen(site: Site) -> None:
    manifest = site.publish("v2")
    files = {name: digest for name, digest in manifest.files.items() if name != REFERENCE}
    old = ModelManifest("m", "v2", SPEC.columns, manifest.classes, {}, files, 5_000, 5_000)
    site.zones["models"].put(layout.model_manifest("m", "v2"), canonical_json(old.to_json()))
    tell(site, answer(site, 300))
    told = shown(site, check(site))
    assert told["current"]["metrics"]["accuracy"]["value"] > 0.8
    assert (told["current"]["estimated"], told["change"], told["degraded"]) == ({}, None, False)


# what is found ----------------------------------------------------------------------------------------------


def test_nothing_changed_no_alarm(site: Site) -> None:
    tell(site, answer(site, 600))
    told = shown(site, check(site))
    assert (told["degraded"], told["change"]["cause"], told["change"]["concept_drifted"]) == (False, "none", False)


def test_rows_that_come_true_otherwise_are_a_degraded_concept(site: Site) -> None:
    tell(site, answer(site, 600), wrong=0.3)
    report = check(site)
    told = shown(site, report)
    assert report.degraded
    assert (told["degraded"], told["change"]["cause"], told["expected_degraded"]) == (True, "concept", False)
    assert told["window"] == {"since": "2026-05-01T00:00:00+00:00", "until": "2026-05-02T00:00:00+00:00"}


def test_few_labels_are_told_and_no_alarm(site: Site) -> None:
    tell(site, answer(site, 600), wrong=0.5, last=100)
    told = shown(site, check(site))
    assert (told["current"]["labelled"], told["degraded"]) == (100, False)


def test_the_newest_windows_are_judged(site: Site) -> None:
    for day, wrong in enumerate((0.0, 0.0, 0.4)):
        tell(site, answer(site, 300, day), day, wrong=wrong)
    told = shown(site, check(site))
    assert (told["degraded"], told["window"]["since"][:10], told["current"]["labelled"]) == (True, "2026-05-03", 300)


def test_slices_are_told_apart(site: Site) -> None:
    declare(site, slices=["c", "b"])
    tell(site, answer(site, 600))
    told = shown(site, check(site))["current"]["slices"]
    assert {(each["column"], each["value"]) for each in told} == {
        *(("c", value) for value in ("red", "green", "<null>")),
        *(("b", value) for value in ("true", "false")),
    }
    of_c = [each for each in told if each["column"] == "c"]
    assert sum(each["labelled"] for each in of_c) == 600
    columns = rows(600, 0)
    right = (sites.truth(columns["x"], SPEC, seed=50) == "yes") == (np.nan_to_num(columns["x"]) > 0)
    for each in of_c:
        assert each["metrics"]["accuracy"]["value"] == pytest.approx(
            right[columns["c"] == each["value"]].mean(), rel=1e-9
        )


def test_a_slice_of_too_few_rows_has_no_number(site: Site) -> None:
    declare(site, slices=["c"], performance={"min_rows": 250})
    tell(site, answer(site, 600))
    for each in shown(site, check(site))["current"]["slices"]:
        assert (each["metrics"], each["estimated"], each["kpi"]) == ({}, {}, None)
        assert each["labelled"] > 0


def test_what_answers_are_worth(site: Site) -> None:
    declare(site, kpi={"name": "saved", "unit": "USD", "values": {"true_positive": 40, "false_positive": -5}})
    tell(site, answer(site, 600))
    told = shown(site, check(site))
    x = np.nan_to_num(rows(600, 0)["x"])
    truth, answered = sites.truth(x, SPEC, seed=50) == "yes", x > 0
    total = 40.0 * (truth & answered).sum() - 5.0 * (~truth & answered).sum()
    worth = told["current"]["kpi"]
    assert told["kpi"] == {"name": "saved", "unit": "USD"}
    assert worth["total"] == pytest.approx(total)
    assert worth["mean"]["value"] == pytest.approx(total / 600)
    assert worth["estimated"]["low"] <= worth["mean"]["value"] <= worth["estimated"]["high"]


def test_a_regression_is_measured_foreseen_and_worth_something() -> None:
    values = {"over": -1, "under": -3}
    fields = {"task": "regression", "slices": ["b"], "kpi": {"name": "cost", "values": values}}
    site = Site(spec=ModelSpec.model_validate({**SPEC.model_dump(mode="json"), **fields}))
    site.publish("v1")
    x = answer(site, 600)
    truth = sites.truth(x, site.spec, seed=50)
    label(site, {f"r{row}": value for row, value in enumerate(truth.tolist())})
    told = shown(site, check(site))
    error = np.nan_to_num(x) - truth
    current = told["current"]
    assert current["metrics"]["mae"]["value"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert current["metrics"]["rmse"]["value"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
    assert current["metrics"]["r2"]["value"] == pytest.approx(sk.r2_score(truth, np.nan_to_num(x)), rel=1e-5)
    for name in ("mae", "rmse"):
        foreseen = current["estimated"][name]
        assert foreseen["low"] <= current["metrics"][name]["value"] <= foreseen["high"]
    cost = -np.maximum(error, 0) - 3 * np.maximum(-error, 0)
    assert current["kpi"]["total"] == pytest.approx(cost.sum(), rel=1e-5)
    assert current["kpi"]["estimated"]["low"] <= cost.mean() <= current["kpi"]["estimated"]["high"]
    assert (told["change"]["cause"], told["degraded"], keys(site, "fairness")) == ("none", False, [])


# between groups ---------------------------------------------------------------------------------------------


def with_groups(site: Site) -> None:
    """c is a feature and sensitive; sex is sensitive alone."""
    declare(site, sensitive=["c", "sex"])
    site.publish("v1")


def people(site: Site, count: int) -> np.ndarray:
    columns = rows(count, 0)
    text = csv(columns).decode().splitlines()
    sexes = ["sex", *("f" if row % 3 else "m" for row in range(count))]
    lines = [f"{line},{sex}" for line, sex in zip(text, sexes, strict=True)]
    site.score(site.drop("people.csv", "\n".join(lines).encode()))
    return columns["x"]


def test_fairness_is_told_by_group_and_by_pairs_of_columns(site: Site) -> None:
    with_groups(site)
    tell(site, people(site, 900))
    report = check(site)
    fairness = json.loads(site.zones["reports"].get(str(report.fairness)).data)
    assert shown(site, report)["fairness"] == report.fairness
    assert (fairness["kind"], fairness["version"]) == ("fairness", "v1")
    sections = {tuple(section["columns"]): section for section in fairness["current"]["sections"]}
    assert set(sections) == {("c",), ("sex",), ("c", "sex")}
    by_sex = {group["group"]["sex"]: group for group in sections["sex",]["groups"]}
    x = np.nan_to_num(rows(900, 0)["x"])
    men = np.arange(900) % 3 == 0
    assert by_sex["m"]["rates"]["selection_rate"]["value"] == pytest.approx((x[men] > 0).mean())
    assert by_sex["f"]["labelled"] == 600
    assert len(sections["c", "sex"]["groups"]) == 6
    parity = sections["sex",]["measures"]["demographic_parity"]
    assert parity["difference"]["value"] == pytest.approx(abs((x[men] > 0).mean() - (x[~men] > 0).mean()))
    assert [window["since"] for window in fairness["windows"]] == [shown(site, report)["windows"][0]["since"]]


def test_groups_too_small_are_called_so(site: Site) -> None:
    with_groups(site)
    tell(site, people(site, 120))
    report = check(site)
    (section,) = [
        each
        for each in json.loads(site.zones["reports"].get(str(report.fairness)).data)["current"]["sections"]
        if each["columns"] == ["sex"]
    ]
    small = {group["group"]["sex"]: group["too_small"] for group in section["groups"]}
    assert small["m"]["selection_rate"] == 40
    assert "selection_rate" not in small["f"]
    assert section["measures"]["demographic_parity"] is None


def test_a_sensitive_column_that_was_not_sent_is_a_group_of_its_own(site: Site) -> None:
    with_groups(site)
    answer(site, 200)
    report = check(site)
    (window,) = json.loads(site.zones["reports"].get(str(report.fairness)).data)["windows"]
    (section,) = [each for each in window["sections"] if each["columns"] == ["sex"]]
    assert [group["group"] for group in section["groups"]] == [{"sex": "(missing)"}]


# what may go wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", [1, 2])
def test_a_check_that_dies_is_made_again(site: Site, dies_at: int, after: bool) -> None:
    with_groups(site)
    tell(site, people(site, 300))
    whole = Site(zones=dict(site.zones), spec=site.spec)
    inner = site.zones["reports"]
    site.zones["reports"] = FailingStore(inner, dies_at, Counter(), after=after)
    with pytest.raises(Died):
        check(site)
    site.zones["reports"] = inner
    check(site)
    assert (len(keys(site)), len(keys(site, "fairness"))) == (1, 1)
    assert "nothing is new" in str(check(whole).reason)


def test_it_reads_and_creates_and_nothing_else(site: Site) -> None:
    with_groups(site)
    tell(site, people(site, 300))
    calls: list[Any] = []
    site.zones = {zone: RecordingStore(store, zone, calls) for zone, store in site.zones.items()}
    check(site)
    assert {(zone, verb) for zone, verb, _ in calls} == {
        *(("predictions", verb) for verb in ("list", "get")),
        ("models", "get"),
        *(("datasets", verb) for verb in ("list", "get")),
        *(("reports", verb) for verb in ("head", "create")),
    }


def test_no_file_stays_behind(site: Site, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tell(site, answer(site, 300))
    check(site)
    assert list(tmp_path.iterdir()) == []


def test_the_same_answers_and_labels_are_the_same_bytes(site: Site) -> None:
    tell(site, answer(site, 300))
    first = check(site)
    data = site.zones["reports"].get(str(first.key)).data
    site.zones["reports"].delete(str(first.key))
    second = check(site)
    assert (second.key, site.zones["reports"].get(str(second.key)).data) == (first.key, data)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
def test_three_million_pairs_are_compared_in_bounded_memory(tmp_path) -> None:
    """A process that has imported it all has 140 MB; as dictionaries the labels alone take 700 MB."""
    assert peak_of(3_000_000, tmp_path) < 450


def peak_of(count: int, folder: Path) -> int:
    """Compare that many pairs in a process of their own; its peak in MB."""
    child = [sys.executable, "-m", "tests.unit.usecases.many_pairs"]
    subprocess.run([*child, "write", str(count), str(folder)], cwd=ROOT, check=True)
    done = subprocess.run([*child, "check", str(folder)], cwd=ROOT, capture_output=True, text=True, check=True)
    found, peak, _seconds = done.stdout.split()
    assert int(found) == count
    return int(peak)
