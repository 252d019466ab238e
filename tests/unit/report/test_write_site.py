"""Writing the site: from real stores, again, after others, and by the function's events."""

from __future__ import annotations

import dataclasses
import json

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.events.messages import ObjectCreated, ScheduleFired
from core.hosts.local.queue import Queue
from core.report.pages import PAGES
from core.usecases.promote import current_route
from core.usecases.site_facts import ALERTS, Zones, model_facts, summaries
from core.usecases.write_site import write_site
from functions.report.handler import handle
from tests.functions.loop import MODEL, Loop
from tests.unit.report import measured

KEYS = {layout.SITE_INDEX, *(layout.site_page(MODEL, name) for name in PAGES)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    loop = Loop(tmp_path_factory.mktemp("ran"))
    loop.drop()
    loop.run()
    return loop


@pytest.fixture
def stores(ran):
    """The zones after the loop, and a reports zone of one's own."""
    reports, written = MemoryStore(), ran.stores["reports"]._blobs
    reports._blobs = {key: blob for key, blob in written.items() if not key.endswith(".html")}
    return {**ran.stores, "reports": reports}


def write(stores, reports=None):
    zones = (stores["models"], stores["datasets"], reports or stores["reports"], stores["quarantine"], stores["edge"])
    return write_site(*zones, model=MODEL)


def test_the_loop_leaves_a_site_of_its_newest_state(ran, stores):
    written = {info.key for info in ran.stores["reports"].list("") if info.key.endswith(".html")}
    assert written == KEYS
    write(stores)
    for key in KEYS:
        assert ran.stores["reports"].get(key).data == stores["reports"].get(key).data, key


def test_a_second_writing_finds_nothing_to_write(stores):
    assert set(write(stores).written) == KEYS
    assert write(stores).written == ()


def test_the_facts_are_those_of_the_loop(stores):
    facts = model_facts(
        Zones(*(stores[zone] for zone in ("models", "datasets", "reports", "quarantine", "edge"))), MODEL
    )
    assert facts.champion.version == current_route(stores["models"], MODEL).champion
    assert facts.champion.passed
    assert facts.champion.deciding["low"] <= facts.champion.deciding["value"]
    assert {receipt.rejected for receipt in facts.receipts} == {0, 2}
    assert [sum(reasons.values()) for reasons in facts.rejected.values()] == [2]
    assert [check["rows"] for check in facts.checks] == [104]
    assert all(column["distribution"] for column in facts.checks[0]["features"])
    assert [report["version"] for report in facts.measured] == [facts.champion.version]
    assert facts.measured[0]["windows"]
    assert facts.alerts_known == len(facts.alerts)
    assert facts.entries_known == len(facts.entries) > 2
    assert facts.broken is None
    assert set(facts.champion.datasets) <= set(facts.datasets)


def test_an_altered_entry_of_the_journal_is_found(stores):
    models = MemoryStore()
    for info in stores["models"].list(""):
        models.create(info.key, stores["models"].get(info.key).data)
    key = layout.journal_entry(MODEL, 2)
    models.put(key, models.get(key).data.replace(b'"code":"', b'"code":"x'))
    zones = Zones(models, stores["datasets"], stores["reports"], stores["quarantine"], stores["edge"])
    assert model_facts(zones, MODEL).broken == 3


def stored(reports, key, content):
    reports.create(key, content if isinstance(content, bytes) else json.dumps(content).encode())


def test_of_each_version_the_newest_performance_report_is_told_with_its_fairness_report(stores):
    reports = MemoryStore()
    for version in "abcdefg":
        for check in "12":
            fair = layout.fairness_report(MODEL, f"{version}-{check}") if version == "g" else None
            report = measured.measurement(version, count=3, fairness=fair)
            stored(reports, layout.performance_report(MODEL, f"{version}-{check}"), {**report, "check": check})
    stored(reports, layout.fairness_report(MODEL, "g-2"), measured.fairness("g"))
    facts = model_facts(
        Zones(stores["models"], stores["datasets"], reports, stores["quarantine"], stores["edge"]), MODEL
    )
    assert [report["version"] for report in facts.measured] == list("cdefg")
    assert {report["check"] for report in facts.measured} == {"2"}
    assert [report["version"] for report in facts.fairness] == ["g"]


def test_a_performance_report_whose_fairness_report_is_gone_is_told_all_the_same(stores):
    reports = MemoryStore()
    report = measured.measurement("a", fairness=layout.fairness_report(MODEL, "a-1"))
    stored(reports, layout.performance_report(MODEL, "a-1"), report)
    facts = model_facts(
        Zones(stores["models"], stores["datasets"], reports, stores["quarantine"], stores["edge"]), MODEL
    )
    assert (len(facts.measured), facts.fairness) == (1, ())


def test_of_each_alert_its_newest_state_is_told_and_of_many_the_newest(stores):
    reports = MemoryStore()
    for number in range(ALERTS + 5):
        state = measured.alert(number)
        for transition, change in ((9, "open"), (10, "acknowledged")):
            key = layout.alert(MODEL, state.fingerprint, transition)
            stored(reports, key, dataclasses.replace(state, number=transition, state=change).encode())
    facts = model_facts(
        Zones(stores["models"], stores["datasets"], reports, stores["quarantine"], stores["edge"]), MODEL
    )
    assert len(facts.alerts) == ALERTS
    assert facts.alerts_known == ALERTS + 5
    assert {state.state for state in facts.alerts} == {"acknowledged"}
    raised = [state.raised for state in facts.alerts]
    assert raised == sorted(raised, reverse=True)


def test_a_model_of_which_nothing_is_known_has_pages(stores):
    zones = (MemoryStore(), MemoryStore(), stores["reports"], MemoryStore(), MemoryStore())
    site = write_site(*zones, model="fresh")
    assert b"tidemill put fresh" in stores["reports"].get(site.page).data
    assert [summary.model for summary in summaries(Zones(*zones))] == ["fresh", MODEL]


class Racing(MemoryStore):
    """Between this writer's reading and its first write, another one writes."""

    def __init__(self, inner):
        super().__init__()
        self._blobs, self._writes, self.rival, self.writes = inner._blobs, inner._writes, None, 0

    def create(self, key, data):
        return self._raced(super().create, key, data)

    def replace(self, key, data, version):
        return self._raced(super().replace, key, data, version)

    def _raced(self, verb, *arguments):
        self.writes += 1
        rival, self.rival = self.rival, None
        if rival:
            rival()
        return verb(*arguments)


@pytest.mark.parametrize("there_before", [False, True])
def test_of_two_writers_the_slower_one_looks_again(stores, there_before):
    if there_before:
        for key in KEYS:
            stores["reports"].create(key, b"an older page")
    racing = Racing(stores["reports"])
    racing.rival = lambda: write(stores, racing)
    site = write(stores, racing)
    assert site.written == ()
    assert racing.writes == len(KEYS) + 1


def test_only_the_newest_entry_of_the_journal_makes_the_pages(ran, stores, tmp_path):
    queue = Queue(tmp_path / "queue")
    runtime = ran.runtime(lambda store: store, queue)
    runtime._stores = stores
    keys = [info.key for info in stores["models"].list(layout.journal(MODEL))]
    assert handle(ObjectCreated("models", keys[0], "v"), runtime)["written"] == 0
    assert handle(ObjectCreated("models", keys[-1], "v"), runtime) == {
        "written": len(KEYS),
        "page": layout.site_page(MODEL),
    }
    assert handle(ScheduleFired("report", MODEL, runtime.clock.now()), runtime)["written"] == 0
    queue.close()
