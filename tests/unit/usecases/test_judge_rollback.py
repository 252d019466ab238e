"""An earlier version serves again when the champion got worse and it is better on the same rows; never in circles."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from core import layout
from core.domain.canonical import canonical_json, sha256
from core.domain.journal import Entry
from core.domain.model import ONNX
from core.domain.rollback import RollbackVerdict
from core.spec import ModelSpec
from core.usecases.check_performance import check_performance
from core.usecases.journal import audit, entries
from core.usecases.judge_rollback import judge_rollback
from core.usecases.promote import current_route, promote
from tests.faults import Counter, Died, FailingStore
from tests.unit.usecases import site as sites
from tests.unit.usecases.site import CODE, SPEC, Model, Site, csv, rows
from tests.unit.usecases.test_check_drift import label

BAD = 3.0
"""A model of this bias answers yes nearly always."""


class World(Site):
    """Versions of v1 on served one after the other; each is the name of a version and its bias."""

    def __init__(self, *versions: tuple[str, float], **fields):
        declared = {"gates": {"metric": "accuracy"}, "rollback_when": {"performance": True}, **fields}
        super().__init__(spec=ModelSpec.model_validate({**SPEC.model_dump(mode="json"), **declared}))
        for version, bias in versions:
            self.publish(version, bias)
            self.let_serve(version)

    def publish(self, version, bias=0.0, *, serves=False):
        """A version that answered well when it was made, and answers with this bias now."""
        manifest = super().publish(version, serves=serves)
        onnx = f"bias {bias}".encode()
        changed = replace(manifest, files={**manifest.files, ONNX: sha256(onnx)})
        self.models.put(layout.model_file("m", version, ONNX), onnx)
        self.models.put(layout.model_manifest("m", version), canonical_json(changed.to_json()))
        return changed

    @property
    def models(self):
        return self.zones["models"]

    def let_serve(self, version, decision=None):
        promote(
            self.models, self.clock, "m", version, decision=decision or f"by hand {version}", evidence={}, code=CODE
        )

    def answer(self, count=1000, *, day=0, flipped=False, labelled=None, degraded=True):
        """The champion answers a file, whose truth comes; returns the key of a performance report that says so."""
        self.clock.time += timedelta(days=day)
        columns = rows(count, seed=day)
        self.score(self.drop(f"{day}.csv", csv(columns, start=1000 * day, at=self.clock.time)))
        truth = sites.truth(columns["x"], self.spec, seed=50 + day)
        if flipped:
            truth = np.where(truth == "yes", "no", "yes")
        label(
            self,
            dict(list({f"r{1000 * day + row}": value for row, value in enumerate(truth.tolist())}.items())[:labelled]),
        )
        key = layout.performance_report("m", f"{self.champion}-{day}")
        said = {"format": 1, "kind": "performance", "version": self.champion, "degraded": degraded, "current": {}}
        self.zones["reports"].create(key, json.dumps(said).encode())
        return key

    def report(self):
        """The report that the performance check itself writes."""
        zones = [self.zones[zone] for zone in ("predictions", "models", "datasets", "reports")]
        report = check_performance(*zones, spec=self.spec, code=CODE)
        assert report.degraded
        return report.key

    def judge(self, report, models=None):
        return judge_rollback(
            self.zones["predictions"],
            models or self.models,
            self.zones["datasets"],
            self.zones["reports"],
            report=report,
            spec=self.spec,
            load=Model,
            clock=self.clock,
            code=CODE,
        )

    @property
    def champion(self):
        return current_route(self.models, "m").champion

    def journal(self):
        return [Entry.decode(data) for data in entries(self.models, "m")]


def test_a_version_that_got_worse_is_relieved_by_the_one_before_which_is_better():
    world = World(("v1", 0.0), ("v2", BAD))
    world.answer()
    report = world.report()
    verdict = world.judge(report)
    assert (verdict.champion, verdict.successor) == ("v2", "v1")
    assert world.champion == "v1"
    entry = world.journal()[-1]
    assert (entry.kind, entry.evidence["by_itself"], entry.evidence["relieved"]) == ("rolled back", True, "v2")
    assert entry.evidence["report"] == report
    found = entry.evidence["judged"]["v1"]
    assert found["metric"] == "accuracy"
    assert found["candidate"] > found["champion"] + 0.2
    assert found["low"] > 0
    assert found["rows"] == 1000


def test_judged_again_nothing_changes():
    world = World(("v1", 0.0), ("v2", BAD))
    report = world.answer()
    first = world.judge(report)
    state = world.state("models")
    assert world.judge(report) == first
    assert world.state("models") == state


def test_where_the_world_has_changed_for_both_the_champion_stays():
    world = World(("v1", 0.0), ("v2", 0.0))
    world.answer(flipped=True)
    verdict = world.judge(world.report())
    assert (verdict.successor, verdict.reason) == (None, "v1: it is not better")
    assert world.champion == "v2"
    assert world.journal()[-1].kind == "rollback declined"


def test_an_older_version_that_is_better_is_found_behind_one_that_is_not():
    world = World(("v1", 0.0), ("v2", BAD + 1), ("v3", BAD))
    verdict = world.judge(world.answer())
    assert verdict.successor == "v1"
    assert verdict.judged["v2"]["difference"] <= 0
    route = current_route(world.models, "m")
    assert (route.champion, route.earlier) == ("v1", ())


@pytest.mark.parametrize(
    ("fields", "answer", "reason"),
    [
        ({}, {"labelled": 150}, "v1: 150 labelled rows, 200 are needed"),
        ({"drift": {"min_rows": 150}}, {"labelled": 150}, "v1 has accuracy"),
    ],
)
def test_so_many_labels_make_a_judgement(fields, answer, reason):
    world = World(("v1", 0.0), ("v2", BAD), **fields)
    verdict = world.judge(world.answer(**answer))
    assert verdict.reason.startswith(reason)


def test_there_may_be_no_earlier_version():
    world = World(("v1", BAD))
    verdict = world.judge(world.answer())
    assert (verdict.successor, verdict.reason) == (None, "there is no earlier version")


def test_a_version_that_cannot_answer_these_rows_is_passed_over():
    world = World(("v1", 0.0))
    other = {**world.spec.model_dump(mode="json"), "undeclared": "drop"}
    other["features"] = other["features"][:2]
    spec, world.spec = world.spec, ModelSpec.model_validate(other)
    world.publish("v2", BAD, serves=False)
    world.spec = spec
    world.let_serve("v2")
    manifest = world.models.get(layout.model_manifest("m", "v2"))
    assert json.loads(manifest.data)["version"] == "v2"
    verdict = world.judge(world.answer())
    assert verdict.successor is None
    assert "v1: it cannot answer these rows: it learned from 'b'" in verdict.reason


@pytest.mark.parametrize("why", ["off", "fine", "another"])
def test_what_is_none_of_its_business(why):
    world = World(("v1", 0.0), ("v2", BAD))
    report = world.answer(degraded=why != "fine")
    if why == "off":
        world.spec = world.spec.model_copy(update={"rollback_when": SPEC.rollback_when})
    if why == "another":
        world.publish("v3")
        world.let_serve("v3")
    before = world.state("models")
    assert world.judge(report) is None
    assert world.state("models") == before


def test_a_version_that_was_relieved_does_not_come_back_by_itself_before_the_cooldown():
    world = World(("v1", 0.0), ("v2", BAD / 2), rollback_when={"performance": True, "cooldown": "7d"})
    world.judge(world.answer())
    assert world.champion == "v1"
    world.let_serve("v2", "again by hand")
    world.publish("v3", BAD + 2)
    world.let_serve("v3")
    world.models.replace(*earlier_only(world, "v2"))
    verdict = world.judge(world.answer(day=1))
    assert verdict.successor is None
    assert verdict.reason == "v2: it was relieved itself within 7d"
    later = world.judge(world.answer(day=8))
    assert later.successor == "v2"


def earlier_only(world, version):
    """The route with one earlier version alone."""
    key = layout.route("m")
    blob = world.models.get(key)
    route = json.loads(blob.data) | {"earlier": [version]}
    return key, json.dumps(route).encode(), blob.info.version


def test_whoever_changes_the_route_meanwhile_wins():
    world = World(("v1", 0.0), ("v2", BAD))
    report = world.answer()
    world.publish("v3")

    class Raced:
        def __getattr__(self, name):
            return getattr(world.models, name)

        def create(self, key, data):
            info = world.models.create(key, data)
            if "/rollbacks/" in key:
                world.let_serve("v3")
            return info

    assert world.judge(report, models=Raced()).successor == "v1"
    assert world.champion == "v3"
    assert [entry.kind for entry in world.journal()] == ["promoted"] * 3


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("bias", [0.0, BAD + 1])
def test_killed_at_any_write_it_ends_the_same(bias, after):
    calm, counter = World(("v1", bias), ("v2", BAD)), Counter()
    calm.judge(calm.answer(), models=FailingStore(calm.models, 0, counter))
    assert counter.writes == (3 if bias == 0 else 2)
    for at in range(1, counter.writes + 1):
        world = World(("v1", bias), ("v2", BAD))
        report = world.answer()
        with pytest.raises(Died):
            world.judge(report, models=FailingStore(world.models, at, Counter(), after=after))
        world.judge(report)
        assert world.state("models") == calm.state("models")
        assert audit(world.models, "m").intact


def test_a_verdict_is_read_back():
    verdict = RollbackVerdict("m", "r", "v2", None, "why", {"v1": "it is not better"})
    assert RollbackVerdict.decode(verdict.encode()) == verdict
