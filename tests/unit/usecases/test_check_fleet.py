"""What devices answered, checked group by group: counted once, and in spite of what hostile ones send."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import layout
from core.domain.columns import Outputs
from core.domain.model import ModelManifest
from core.domain.performance.report import PerformanceReport
from core.domain.schema import NULL_CATEGORY
from core.spec import ModelSpec
from core.tables.telemetry import is_usable
from core.usecases.alert import alert, read_alerts
from core.usecases.check_fleet import GroupCheck, check_fleet
from core.usecases.judge_rollback import judge_rollback
from tests.faults import Counter, Died, FailingStore, RecordingStore
from tests.telemetry import name_of, record, release, segment
from tests.unit.usecases.site import CLASSES, CODE, SPEC, Model, Site, rows, truth
from tests.unit.usecases.test_check_drift import check, drifted, label, log
from tests.unit.usecases.test_trigger_training import World

ALL = ("x", "c", "b")


class Fleet(Site):
    """A site whose model is released to devices."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(spec=ModelSpec.model_validate({**SPEC.model_dump(mode="json"), **changes}))
        self.publish("v1")
        self.release = self.released("v1")

    def released(self, version: str, logged: tuple[str, ...] = ALL, sequence: int = 1) -> str:
        return release(self.zones["edge"], "m", version, logged, sequence=sequence)

    def records(
        self, count: int, seed: int = 1, shift: float = 0, version: str = "v1", logged: tuple[str, ...] = ALL
    ) -> list[dict[str, Any]]:
        """Answers to rows; their ids are d<seed>-0, d<seed>-1, …"""
        columns = rows(count, seed, shift)
        classes = () if self.spec.task == "regression" else CLASSES
        outputs = Model(b"bias 0", ModelManifest("m", version, SPEC.columns, classes, {}, {}, 0, 0)).predict(columns)
        made = []
        for row in range(count):
            values: dict[str, Any] = {"x": float(columns["x"][row]), "b": bool(columns["b"][row])}
            values["c"] = None if columns["c"][row] == NULL_CATEGORY else columns["c"][row]
            features = {name: values[name] for name in logged}
            found = record("m", version, row, features, id=f"d{seed}-{row}", **_answer(outputs, row))
            found["prediction_id"] = f"m.r.2026-11-24.w{seed}-1.{row}"
            made.append(found)
        return made

    def send(self, records: Any, sequence: int = 1, *, device: str = "pi-1", group: str = "north", **more: Any) -> str:
        """What a device uploads, as it lies in the edge zone; returns its key."""
        name, version = more.pop("release", self.release), more.pop("version", "v1")
        data = segment(records, device=device, group=group, sequence=sequence, release=name, version=version, **more)
        return self.store(data, sequence, device, group, name)

    def store(self, data: bytes, sequence: int, device: str = "pi-1", group: str = "north", name: str = "") -> str:
        key = layout.edge_telemetry("m", group, device, name_of(sequence, name or self.release))
        self.zones["edge"].put(key, data)
        return key

    def check(self, **wrapped: Any) -> dict[tuple[str, str], GroupCheck]:
        zones = {**self.zones, **wrapped}
        found = check_fleet(
            zones["edge"], zones["models"], zones["datasets"], zones["reports"], spec=self.spec, code=CODE
        )
        return {(check.group, check.version): check for check in found}

    def reports(self, kind: str) -> dict[str, Any]:
        return {key: json.loads(data) for key, data in self.state("reports").items() if f"/{kind}/" in key}


def _answer(outputs: Outputs, row: int) -> dict[str, Any]:
    if outputs.prediction is not None:
        return {"prediction": float(outputs.prediction[row])}
    assert outputs.labels is not None
    assert outputs.probabilities is not None
    shares = dict(zip(CLASSES, outputs.probabilities[row].tolist(), strict=True))
    return {"label": outputs.labels[row], "probabilities": shares}


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


# groups, versions, counting ---------------------------------------------------------------------------------


def test_each_group_has_a_report_of_its_own(fleet: Fleet) -> None:
    fleet.send(fleet.records(300), device="pi-1")
    fleet.send(fleet.records(250, seed=2), device="pi-2")
    fleet.send(fleet.records(220, seed=3, shift=2), device="pi-3", group="south")
    log(fleet, 300, "w-1")
    found = fleet.check()
    assert {key: check.drift.rows for key, check in found.items()} == {("north", "v1"): 550, ("south", "v1"): 220}
    assert not found["north", "v1"].drift.drifted
    assert drifted(found["south", "v1"].drift) == {"x", "label", "probability_yes"}
    stored = fleet.reports("drift")
    assert sorted(layout.group_of_report(key) or "" for key in stored) == ["north", "south"]
    assert {report["group"] for report in stored.values()} == {"north", "south"}


def test_the_next_check_takes_what_is_new_alone_in_whatever_order_it_came(fleet: Fleet) -> None:
    fleet.send(fleet.records(300), sequence=2)
    fleet.check()
    before = fleet.state("reports")
    again = fleet.check()["north", "v1"]
    assert (again.drift.rows, again.drift.key, again.performance.key) == (0, None, None)
    assert fleet.state("reports") == before
    fleet.send(fleet.records(210, seed=2), sequence=1)
    assert fleet.check()["north", "v1"].drift.rows == 210


def test_few_rows_wait_for_more(fleet: Fleet) -> None:
    fleet.send(fleet.records(150))
    assert "wait for more" in str(fleet.check()["north", "v1"].drift.reason)
    fleet.send(fleet.records(60, seed=2), sequence=2)
    assert fleet.check()["north", "v1"].drift.rows == 210


def test_a_record_that_came_twice_counts_once(fleet: Fleet) -> None:
    records = fleet.records(300)
    fleet.send(records[:200])
    fleet.send(records[100:], sequence=2)
    assert fleet.check()["north", "v1"].drift.rows == 300


def test_devices_of_one_group_may_run_several_versions(fleet: Fleet) -> None:
    fleet.publish("v2")
    second = fleet.released("v2", sequence=2)
    fleet.send(fleet.records(300))
    fleet.send(fleet.records(250, seed=2, version="v2"), sequence=2, release=second, version="v2")
    assert {key: check.drift.rows for key, check in fleet.check().items()} == {
        ("north", "v1"): 300,
        ("north", "v2"): 250,
    }


def test_two_releases_of_a_version_are_checked_together(fleet: Fleet) -> None:
    fleet.send(fleet.records(150))
    fleet.send(fleet.records(150, seed=2), sequence=2, release=fleet.released("v1", sequence=2))
    assert fleet.check()["north", "v1"].drift.rows == 300


def test_releases_and_versions_that_are_gone_are_passed_over(fleet: Fleet) -> None:
    fleet.send(fleet.records(300), release="0000000009-0f3a5c2e9b1d")
    fleet.send(fleet.records(300, version="v9"), release=fleet.released("v9", sequence=9), version="v9", sequence=2)
    assert fleet.check() == {}


def test_the_cloud_counts_none_of_it(fleet: Fleet) -> None:
    fleet.send(fleet.records(300))
    fleet.check()
    log(fleet, 300, "w-1")
    assert check(fleet).rows == 300


# columns that do not leave a device -------------------------------------------------------------------------


def test_a_column_that_is_not_sent_is_not_measured(fleet: Fleet) -> None:
    fleet.send(fleet.records(300, logged=("x", "b")))
    report = fleet.check()["north", "v1"].drift
    assert [column.name for column in report.comparison.features] == ["x", "b"]
    assert drifted(report) == set()


def test_a_column_that_some_send_is_measured_where_it_is(fleet: Fleet) -> None:
    fleet.send(fleet.records(300, logged=("x", "b")))
    fleet.send(fleet.records(250, seed=2), sequence=2)
    report = fleet.check()["north", "v1"].drift
    assert {column.name: column.drifted for column in report.comparison.features} == dict.fromkeys("xcb", False)


def test_a_regression_is_measured_but_not_foreseen_without_every_feature() -> None:
    changes = {"task": "regression", "gates": {"metric": "mae", "max": 9.0}}
    fleet = Fleet(**changes, performance={"min_rows": 50})
    fleet.send(fleet.records(300, logged=("b",)))
    label(fleet, {f"d1-{row}": 0.1 for row in range(300)})
    check = fleet.check()["north", "v1"]
    assert check.drift.performance.estimated is None
    assert check.drift.performance.labelled == 300
    assert check.performance.current is not None
    assert check.performance.current.whole.expected == {}


# truth ------------------------------------------------------------------------------------------------------


def labels_of(fleet: Fleet, count: int, *, wrong: bool, by: str = "id", seed: int = 1) -> None:
    """The truth of a device's rows, by either name that they have."""
    true = truth(rows(count, seed)["x"], fleet.spec)
    told = [("no" if each == "yes" else "yes") if wrong else str(each) for each in true]
    prefix = f"m.r.2026-11-24.w{seed}-1." if by == "prediction_id" else f"d{seed}-"
    label(fleet, {f"{prefix}{row}": value for row, value in enumerate(told)}, by=by)


@pytest.mark.parametrize("by", ["id", "prediction_id"])
def test_labels_find_what_devices_answered_by_either_id(fleet: Fleet, by: str) -> None:
    fleet.send(fleet.records(300))
    labels_of(fleet, 300, wrong=False, by=by)
    check = fleet.check()["north", "v1"]
    assert check.drift.performance.labelled == 300
    assert not check.drift.performance.degraded
    assert check.performance.current is not None
    assert check.performance.current.whole.labelled == 300


def test_labels_that_come_later_are_found_of_what_was_covered(fleet: Fleet) -> None:
    fleet.send(fleet.records(300))
    fleet.check()
    labels_of(fleet, 300, wrong=True)
    check = fleet.check()["north", "v1"]
    assert (check.drift.rows, check.drift.performance.labelled, check.drift.performance.degraded) == (0, 300, True)
    assert check.performance.degraded
    assert check.performance.group == "north"


def test_performance_of_a_group_is_of_what_arrived_lately(fleet: Fleet) -> None:
    old = fleet.send(fleet.records(300))
    store: Any = fleet.zones["edge"]
    fleet.send(fleet.records(220, seed=2), sequence=2)
    blob = store._blobs[old]
    store._blobs[old] = replace(blob, info=replace(blob.info, modified=blob.info.modified - timedelta(days=900)))
    assert _rows(fleet.check()["north", "v1"].performance) == 220


def _rows(report: PerformanceReport) -> int:
    return sum(window.whole.rows for window in report.windows)


# what follows -----------------------------------------------------------------------------------------------


class Told:
    """Remembers notices."""

    def __init__(self) -> None:
        self.notices: list[Any] = []

    def publish(self, notice: Any) -> None:
        self.notices.append(notice)


def alerts_of(fleet: Fleet) -> dict[tuple[str, str], tuple[str, str]]:
    zones = fleet.zones
    alert(zones["models"], zones["reports"], spec=fleet.spec, publishers={"told": Told()}, clock=fleet.clock)
    return {(each.kind, each.subject): (each.state, each.summary) for each in read_alerts(zones["reports"], "m")}


def test_an_alert_names_the_group_and_ends_with_it(fleet: Fleet) -> None:
    fleet.send(fleet.records(300, shift=2), group="south")
    fleet.send(fleet.records(300, seed=4))
    fleet.check()
    found = alerts_of(fleet)
    assert found == {("fleet-drift", "south"): ("open", "What devices of group south are asked has drifted.")}
    fleet.send(fleet.records(300, seed=5), group="south", sequence=2)
    fleet.check()
    assert alerts_of(fleet)["fleet-drift", "south"][0] == "resolved"


@pytest.mark.slow
def test_many_groups_hide_nothing_of_the_cloud(fleet: Fleet) -> None:
    log(fleet, 300, "w-1", shift=3)
    assert check(fleet).drifted
    for number in range(45):
        fleet.send(fleet.records(200, seed=number), group=f"g{number}")
    fleet.check()
    assert alerts_of(fleet)["drift", "v1"][0] == "open"


def test_a_drifting_group_starts_a_training_by_the_same_rule(fleet: Fleet) -> None:
    fleet.send(fleet.records(300, shift=2), group="south")
    report = fleet.check()["south", "v1"].drift
    world = World()
    world.data("d1", 300)
    world.serve("v1")
    world.reports.put(str(report.key), fleet.zones["reports"].get(str(report.key)).data)
    outcome = world.ask(cause=str(report.key))
    assert (outcome.answer.train, outcome.answer.reason) == (True, f"drift found by {report.key}")
    assert list(world.jobs.started) == [outcome.job]


def test_the_cloud_does_not_go_back_for_what_devices_answered(fleet: Fleet) -> None:
    fleet.send(fleet.records(300))
    labels_of(fleet, 300, wrong=True)
    report = fleet.check()["north", "v1"].performance
    zones = fleet.zones
    stores = (zones["predictions"], zones["models"], zones["datasets"], zones["reports"])
    judged = judge_rollback(*stores, report=str(report.key), spec=fleet.spec, load=Model, clock=fleet.clock, code=CODE)
    assert report.degraded
    assert judged is None


# hostile devices --------------------------------------------------------------------------------------------

STRANGE: list[dict[str, Any]] = [
    {"features": None},
    {"features": {"x": "1", "c": "red", "b": True}},
    {"features": {"x": 1e300, "c": "red", "b": True}},
    {"features": {"x": 1.0, "c": 7, "b": True}},
    {"features": {"x": 1.0, "c": "red", "b": 1}},
    {"label": "maybe"},
    {"label": ["yes"]},
    {"probabilities": {"no": "0", "yes": 1}},
    {"probabilities": {"yes": 1}},
    {"probabilities": None},
    {"answered_at": "yesterday"},
    {"answered_at": "9999-12-31T23:59:59-23:00"},
    {"answered_at": 7},
    {"time": "x"},
    {"id": 7},
    {"prediction_id": None},
    {"sensitive": "x"},
]


@pytest.mark.parametrize("change", STRANGE, ids=[str(number) for number in range(len(STRANGE))])
def test_a_record_that_cannot_be_is_left_out_and_counted(fleet: Fleet, change: dict[str, Any]) -> None:
    records = fleet.records(300)
    records[7] |= change
    fleet.send(records)
    report = fleet.check()["north", "v1"].drift
    assert (report.rows, report.unusable) == (299, 1)
    assert json.loads(fleet.zones["reports"].get(str(report.key)).data)["unusable"] == 1


def test_what_is_read_is_what_was_sent(fleet: Fleet) -> None:
    manifest = fleet.publish("v1")
    assert all(is_usable(each, manifest) for each in fleet.records(50))


def test_a_segment_that_cannot_be_read_stops_nobody(fleet: Fleet) -> None:
    fleet.store(b"rubbish", 1, "pi-9")
    fleet.store(segment(fleet.records(10), device="pi-8")[:-5], 1, "pi-8")
    fleet.store(segment([[1], "x", {}], device="pi-7"), 1, "pi-7")  # type: ignore[list-item]
    fleet.send(fleet.records(300))
    report = fleet.check()["north", "v1"].drift
    assert (report.rows, report.unusable) == (300, 4)


def test_columns_that_nobody_declared_are_not_read(fleet: Fleet) -> None:
    records = fleet.records(300)
    for each in records:
        each["features"]["passport"] = "1"
        each["sensitive"] = {"sex": "f"}
    fleet.send(records)
    report = fleet.check()["north", "v1"].drift
    assert report.rows == 300
    assert "passport" not in json.dumps(report.to_json())


def test_a_key_of_nobody_is_passed_over(fleet: Fleet) -> None:
    fleet.zones["edge"].put("telemetry/m/north/pi-1/x.jsonl.gz", b"")
    fleet.zones["edge"].put("telemetry/m/deep/er/and/deeper.jsonl.gz", b"")
    assert fleet.check() == {}


def test_a_clock_that_is_wrong_by_ten_years_is_only_told(fleet: Fleet) -> None:
    records = fleet.records(300)
    for each in records:
        each["answered_at"] = each["answered_at"].replace("2026", "2016")
    fleet.send(records)
    check = fleet.check()["north", "v1"]
    assert str(check.drift.span.since).startswith("2016")
    assert check.drift.rows == _rows(check.performance) == 300


# faults and permissions -------------------------------------------------------------------------------------


def test_it_reads_lists_and_creates_what_is_declared(fleet: Fleet) -> None:
    calls: list[Any] = []
    wrapped = {zone: RecordingStore(store, zone, calls) for zone, store in fleet.zones.items()}
    fleet.send(fleet.records(300))
    labels_of(fleet, 300, wrong=False)
    fleet.check(**wrapped)
    assert wrapped["edge"].verbs() <= {"get", "list", "head"}
    assert wrapped["models"].verbs() <= {"get", "head"}
    assert wrapped["reports"].verbs() <= {"get", "head", "list", "create"}


@pytest.mark.slow
def test_whoever_dies_in_between_is_followed_by_the_same_end(fleet: Fleet) -> None:
    def made() -> Fleet:
        site = Fleet()
        site.send(site.records(300))
        site.send(site.records(250, seed=2, shift=2), group="south")
        return site

    undisturbed = made()
    undisturbed.check()
    for write in range(1, len(undisturbed.state("reports")) + 1):
        for after in (False, True):
            site = made()
            with pytest.raises(Died):
                site.check(reports=FailingStore(site.zones["reports"], write, Counter(), after=after))
            site.check()
            assert site.state("reports") == undisturbed.state("reports")
