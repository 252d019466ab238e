"""A claimed training from its datasets to a version that serves, or is kept with reasons."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from palmerpenguins import load_penguins

from core import layout
from core.code import code_version
from core.domain.canonical import sha256
from core.domain.learning import Learned, Plan, Rows
from core.domain.model import CARD, ESTIMATOR, GOLDEN, METRICS, ONNX, PROFILE, REFERENCE, ModelManifest
from core.domain.profile import Profile
from core.errors import BadInput, BadSpec, Corrupt, NotFound
from core.inference.predictor import load_predictor
from core.ports import ObjectStore
from core.training.learner import SklearnLearner
from core.usecases.journal import audit, entries
from core.usecases.load_model import load_version, prove
from core.usecases.promote import current_route, promote
from core.usecases.training_rows import read_material
from tests.faults import Counter, Died, FailingStore

from .claimed import Clock, World, spec


def penguins() -> list[dict[str, Any]]:
    """Every penguin whose sex is known, as rows of a dataset."""
    frame = load_penguins()
    frame = frame[frame["sex"].notna()].reset_index(drop=True)
    return [
        {
            "tag": f"p{place}",
            "bill": None if place % 17 == 0 else float(row.bill_depth_mm),
            "flipper": int(row.flipper_length_mm),
            "island": None if place % 13 == 0 else str(row.island),
            "sex": str(row.sex),
        }
        for place, row in enumerate(frame.itertuples())
    ]


def journal(models: ObjectStore, model: str = "penguins") -> list[dict[str, Any]]:
    return [json.loads(data) for data in entries(models, model)]


class Recalling:
    """Learns each plan on the same rows once, so that hundreds of runs are quick."""

    made: dict[str, Learned] = {}  # noqa: RUF012 - shared on purpose

    def environment(self, estimator: str) -> Mapping[str, str]:
        return SklearnLearner().environment(estimator)

    def learn(self, plan: Plan, training: Rows, holdout: Rows, progress: Callable[[str], None]) -> Learned:
        key = f"{plan} {len(training)} {len(holdout)}"
        if key not in self.made:
            self.made[key] = SklearnLearner().learn(plan, training, holdout, progress)
        return self.made[key]


def test_the_first_version_that_passes_serves():
    world = World()
    found = world.train(spec(), penguins())
    assert found.promoted
    assert [gate["gate"] for gate in found.gates] == ["regression", "parity"]
    route = current_route(world.models, "penguins")
    assert route is not None
    assert route.champion == found.version
    assert [entry["kind"] for entry in journal(world.models)] == ["promoted"]
    assert audit(world.models, "penguins").intact
    assert any("fitting hist-gradient-boosting" in step for step in world.steps)


def test_what_it_returns_is_what_the_contract_says():
    found = World().train(spec(), penguins()).to_json()
    assert set(found) >= {"model", "version", "promoted", "reasons", "metrics", "gates", "parity"}
    assert set(found["metrics"]["roc_auc"]) == {"value", "low", "high"}
    assert set(found["gates"][0]) == {"gate", "passed", "detail"}
    assert found["parity"]["label_mismatches"] == 0
    assert json.loads(json.dumps(found)) == {**found, "reasons": list(found["reasons"]), "gates": list(found["gates"])}


def test_a_version_holds_every_file_and_loads():
    world = World()
    found = world.train(spec(), penguins())
    loaded = load_version(world.models, "penguins", found.version, load_predictor)
    prove(world.models, loaded)
    manifest = loaded.manifest
    assert set(manifest.files) == {ONNX, PROFILE, METRICS, REFERENCE, GOLDEN, ESTIMATOR, CARD}
    for name, digest in manifest.files.items():
        assert sha256(world.models.get(layout.model_file("penguins", found.version, name)).data) == digest
    assert manifest.training_rows + manifest.holdout_rows == len(penguins())
    assert manifest.classes == ("female", "male")
    assert set(manifest.inputs) == {"datasets", "spec", "seed", "code", "environment"}
    profile = Profile.decode(world.models.get(layout.model_file("penguins", found.version, PROFILE)).data)
    assert profile.rows == manifest.training_rows
    assert profile.performance["roc_auc"]["value"] == found.metrics["roc_auc"]["value"]


def test_the_card_can_be_read_by_a_person():
    world = World()
    found = world.train(spec(), penguins())
    card = world.models.get(layout.model_file("penguins", found.version, CARD)).data.decode()
    for part in (
        "# penguins",
        "`sex` (binary)",
        "| flipper | integer | allowed |",
        "roc_auc",
        "seed 7",
        "max_iter: 10",
    ):
        assert part in card


def test_the_same_inputs_are_the_same_bytes_in_another_world():
    worlds = World(), World()
    for world in worlds:
        world.train(spec(), penguins())
    assert worlds[0].contents() == worlds[1].contents()


def test_a_training_that_has_ended_is_not_done_again():
    world = World()
    training = world.claim(spec(), world.put(spec(), penguins()))
    first, before = world.run(training), world.contents()
    world.steps.clear()
    assert world.run(training) == first
    assert world.steps == []
    assert world.contents() == before


def test_gates_traffic_and_schedules_are_no_part_of_a_version():
    found = World().train(spec(), penguins())
    other = World().train(spec(gates={"metric": "roc_auc", "min": 0.5}, traffic={"mode": "canary"}), penguins())
    assert found.version == other.version
    assert World().train(spec(seed=8), penguins()).version != found.version


def test_a_candidate_below_the_floor_is_kept_with_a_reason():
    world = World()
    found = world.train(spec(gates={"metric": "accuracy", "min": 0.999}), penguins())
    assert not found.promoted
    assert found.reasons[0].startswith("accuracy is 0.")
    assert current_route(world.models, "penguins") is None
    entry = journal(world.models)[0]
    assert (entry["kind"], entry["decision"]) == ("kept", f"train {found.version}")
    assert entry["evidence"]["reasons"] == list(found.reasons)


def test_a_loss_above_its_ceiling_is_kept():
    found = World().train(spec(gates={"metric": "log_loss", "max": 0.001}), penguins())
    assert not found.promoted
    assert [gate["gate"] for gate in found.gates if not gate["passed"]] == ["max"]


def test_a_clearly_worse_candidate_is_kept():
    """One tree that may hardly split and hardly counts can only guess."""
    world = World()
    champion = world.train(spec(), penguins())
    declared = spec(params={"max_iter": 1, "learning_rate": 0.001, "min_samples_leaf": 150})
    found = world.train(declared, penguins())
    assert not found.promoted
    assert [gate["gate"] for gate in found.gates if not gate["passed"]] == ["regression"]
    assert champion.version in str(journal(world.models)[-1]["evidence"]["against"])
    assert current_route(world.models, "penguins").champion == champion.version


@pytest.mark.parametrize("seed", range(8, 13))
def test_an_equal_candidate_passes_within_noise(seed):
    """Another number of trees makes another model, as good as the first give or take its luck with the holdout."""
    world = World()
    world.train(spec(params={"max_iter": 60}), penguins())
    found = world.train(spec(params={"max_iter": 60 + seed}), penguins())
    assert found.promoted, found.gates


def test_a_challenger_shares_traffic_where_the_spec_says_so():
    world = World()
    declared = {"traffic": {"mode": "canary", "share": 0.25}}
    champion = world.train(spec(**declared), penguins())
    found = world.train(spec(seed=8, **declared), penguins())
    assert champion.promoted
    assert not found.promoted
    route = current_route(world.models, "penguins")
    assert (route.champion, route.challenger, route.mode, route.share) == (
        champion.version,
        found.version,
        "canary",
        0.25,
    )
    assert "challenges" in found.reasons[0]


def test_a_version_that_serves_already_changes_nothing():
    world = World()
    training = world.claim(spec(), world.put(spec(), penguins()))
    other = World()
    found = other.run(other.claim(spec(), other.put(spec(), penguins())))
    for key, data in other.contents().items():
        if key.startswith(layout.versions("penguins")):
            world.models.put(key, data)
    promote(world.models, Clock(), "penguins", found.version, decision="by hand", evidence={}, code="test")
    before = world.models.get(layout.route("penguins")).data
    again = world.run(training)
    assert again.promoted
    assert "serves already" in again.reasons[0]
    assert world.models.get(layout.route("penguins")).data == before


def test_a_champion_that_came_in_between_is_not_overrun():
    """The judgement stands against the champion it was made with; another one was never compared."""
    world = World()
    first = world.train(spec(), penguins())
    training = world.claim(spec(seed=8), world.put(spec(), penguins()))
    fault = FailingStore(world.models, _write_of(world, training, "verdict.json"), Counter(), after=True)
    with pytest.raises(Died):
        World(fault, world.datasets, Recalling()).run(training)
    second = world.train(spec(seed=9), penguins())
    found = world.run(training)
    assert second.promoted
    assert not found.promoted
    assert first.version != second.version
    assert current_route(world.models, "penguins").champion == second.version


def _write_of(world: World, training: str, name: str) -> int:
    """The number of the write whose key ends in `name`, in an undisturbed run over a copy."""
    copy = World(learner=Recalling(), datasets=world.datasets)
    for key, data in world.contents().items():
        copy.models.put(key, data)
    counter = Counter()
    World(FailingStore(copy.models, 0, counter), world.datasets, Recalling()).run(training)
    return next(number for number, (_, key) in enumerate(counter.verbs, 1) if key.endswith(name))


def test_a_champion_of_other_columns_is_not_compared():
    world = World()
    world.train(spec(), penguins())
    fewer = spec(features=[{"name": "flipper", "type": "integer", "nullable": True}])
    found = world.train(fewer, [{name: row[name] for name in ("tag", "flipper", "sex")} for row in penguins()])
    detail = next(gate["detail"] for gate in found.gates if gate["gate"] == "regression")
    assert found.promoted
    assert "cannot answer these rows" in detail


def test_a_new_class_is_compared_too():
    world = World()
    rows = [{**row, "sex": row["island"] or "Dream"} for row in penguins()]
    declared = spec(task="multiclass", features=spec().model_dump()["features"][:2])
    known = [{name: row[name] for name in ("tag", "bill", "flipper", "sex")} for row in rows]
    assert world.train(declared, [row for row in known if row["sex"] != "Torgersen"]).promoted
    found = world.train(declared, known)
    assert found.promoted, found.gates
    assert found.metrics["log_loss"]["value"] < 1.2


def test_of_one_id_in_several_datasets_the_newest_row_counts():
    world = World()
    declared = spec(time="seen", split={"by": "time"})
    start = datetime(2007, 1, 1, tzinfo=UTC)
    rows = [{**row, "seen": start + timedelta(hours=place)} for place, row in enumerate(penguins())]
    swapped = {"male": "female", "female": "male"}
    stale = [{**row, "seen": row["seen"] - timedelta(days=900), "sex": swapped[row["sex"]]} for row in rows]
    found = world.train(declared, stale, rows)
    alone = World().train(declared, rows)
    assert found.metrics == alone.metrics
    manifest = ModelManifest.decode(world.models.get(layout.model_manifest("penguins", found.version)).data)
    assert manifest.training_rows + manifest.holdout_rows == len(rows)


def test_small_datasets_of_one_class_each_are_learned_from_together():
    alone, world = World(), World()
    rows = penguins()
    found = world.train(spec(), *([row for row in rows if row["sex"] == sex] for sex in ("male", "female")))
    assert found.promoted
    assert alone.train(spec(), *(rows[start : start + 8] for start in range(0, len(rows), 8))).promoted


def manifest_of(world: World, found: Any) -> ModelManifest:
    return ModelManifest.decode(world.models.get(layout.model_manifest("penguins", found.version)).data)


def test_the_order_of_arrival_changes_nothing_where_no_id_comes_twice():
    worlds = World(), World()
    batches = [penguins()[:150], penguins()[150:]]
    found = worlds[0].train(spec(), *batches), worlds[1].train(spec(), *reversed(batches))
    assert found[0] == found[1]
    contents = [{key: data for key, data in world.contents().items() if "claim" not in key} for world in worlds]
    assert contents[0] == contents[1]
    datasets = manifest_of(worlds[0], found[0]).inputs["datasets"]
    assert datasets == sorted(datasets)


def test_of_one_id_without_a_time_the_row_that_arrived_last_counts():
    rows = penguins()
    swapped = {"male": "female", "female": "male"}
    wrong = [{**row, "sex": swapped[row["sex"]]} for row in rows]
    world, declared = World(), spec()
    versions = world.put(declared, rows), world.put(declared, wrong)
    for first, last in (versions, reversed(versions)):
        material = read_material(world.datasets, "penguins", (first, last), declared.columns)
        alone = read_material(world.datasets, "penguins", (last,), declared.columns)
        assert material.rows.target.tolist() == alone.rows.target.tolist()
    orders = {
        read_material(world.datasets, "penguins", order, declared.columns).datasets
        for order in (versions, versions[::-1])
    }
    assert len(orders) == 2, "other rows count, so they are other inputs"


def bad(**changes: Any) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda rows: [{**row, **changes} for row in rows]


FAILURES: dict[str, tuple[dict[str, Any], Callable[[list[dict[str, Any]]], list[dict[str, Any]]], str]] = {
    "one class": ({}, bad(sex="male"), "nothing to tell apart"),
    "one number": (
        {"task": "regression", "target": "flipper", "features": [{"name": "bill", "type": "number", "nullable": True}]},
        lambda rows: [{"tag": row["tag"], "bill": row["bill"], "flipper": 3.0} for row in rows],
        "all 333 rows have flipper 3: there is nothing to learn",
    ),
    "few rows": ({}, lambda rows: rows[:5], "there are 5 rows"),
    "three classes": ({}, lambda rows: [*rows[:-1], {**rows[-1], "sex": "?"}], "use `task: multiclass`"),
    "no parameter": ({"params": {"max_itr": 3}}, lambda rows: rows, "no parameter 'max_itr'"),
    "bad value": ({"params": {"max_iter": -3}}, lambda rows: rows, "'max_iter' parameter"),
    "beyond float32": ({}, bad(bill=1e300), "'bill' has values beyond"),
    "all alike": ({"id": None}, bad(bill=1.0, flipper=1, island="x"), "too much alike|values come only in"),
    "no module": ({"estimator": "no_such.module:make", "params": {}}, lambda rows: rows, "cannot be made"),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_what_cannot_be_learned_ends_with_a_sentence(name):
    changes, spoil, sentence = FAILURES[name]
    world, declared = World(), spec(**changes)
    rows = spoil(penguins())
    if declared.id is None:
        rows = [{key: value for key, value in row.items() if key != "tag"} for row in rows]
    training = world.claim(declared, world.put(declared, rows))
    for _ in range(2):
        with pytest.raises(BadInput, match=sentence):
            world.run(training)
    stored = json.loads(world.models.get(layout.training_result("penguins", training)).data)
    assert set(stored) == {"format", "failed"}
    assert [entry["kind"] for entry in journal(world.models)] == ["training failed"]
    assert not list(world.models.list(layout.versions("penguins")))


def test_a_holdout_that_cannot_determine_the_metric_fails():
    rows = [{**row, "seen": datetime(2007, 1, 1 + place // 100, tzinfo=UTC)} for place, row in enumerate(penguins())]
    last = max(row["seen"] for row in rows)
    rows = [{**row, "sex": "male"} if row["seen"] == last else row for row in rows]
    world = World()
    with pytest.raises(BadInput, match="cannot determine roc_auc"):
        world.train(spec(time="seen", split={"by": "time", "holdout": 0.1}), rows)


def test_a_dataset_of_another_spec_is_named():
    world = World()
    old = world.put(spec(task="multiclass", features=spec().model_dump()["features"][:2]), penguins())
    with pytest.raises(BadInput, match=f"dataset {old} has 'island' as nothing"):
        world.run(world.claim(spec(), old))


def test_columns_that_say_nothing_train_all_the_same():
    for estimator in ("hist-gradient-boosting", "random-forest", "gradient-boosting", "logistic-regression"):
        rows = bad(bill=None, island="Dream")(penguins())
        found = World().train(spec(estimator=estimator, params={}), rows)
        assert found.parity["label_mismatches"] == 0
        assert found.metrics["roc_auc"]["value"] > 0.5


def test_a_regression_learns_numbers():
    world = World()
    declared = spec(task="regression", target="bill", features=spec().model_dump()["features"][1:])
    rows = [
        {"tag": row["tag"], "flipper": row["flipper"], "island": row["island"], "bill": row["bill"]}
        for row in penguins()
    ]
    found = world.train(declared, [row for row in rows if row["bill"] is not None])
    assert found.promoted
    assert found.metrics["rmse"]["value"] < np.std([row["bill"] for row in rows if row["bill"] is not None])


def test_no_claim_is_not_found():
    with pytest.raises(NotFound):
        World().run("nothing")


def test_other_bytes_under_a_version_are_not_overwritten():
    world = World()
    found = world.train(spec(), penguins())
    other = World()
    training = other.claim(spec(), other.put(spec(), penguins()))
    other.models.put(layout.model_file("penguins", found.version, CARD), b"altered")
    with pytest.raises(Corrupt, match=r"card\.md is stored with other bytes"):
        other.run(training)


def runs(fail_at: int, *, after: bool, counter: Counter, declared: Any, rows: list[dict[str, Any]]) -> World:
    """A champion serves; a second training is killed at one write and started again."""
    world = World(learner=Recalling())
    world.train(spec(params={"max_iter": 2}), rows)
    training = world.claim(declared, world.put(declared, rows))
    dying = World(FailingStore(world.models, fail_at, counter, after=after), world.datasets, world.learner)
    with contextlib.suppress(Died, BadInput):
        dying.run(training, declared.model)
    with contextlib.suppress(BadInput):
        world.run(training, declared.model)
    return world


OUTCOMES = {
    "promoted": {},
    "kept": {"gates": {"metric": "accuracy", "min": 0.9999}},
    "challenged": {"traffic": {"mode": "ab", "share": 0.5}},
    "failed": {"params": {"max_iter": -1}},
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_killed_at_any_write_it_ends_in_the_same_state(outcome, after):
    declared, rows = spec(**OUTCOMES[outcome]), penguins()
    counter = Counter()
    undisturbed = runs(0, after=after, counter=counter, declared=declared, rows=rows).contents()
    assert counter.writes >= 2
    for fail_at in range(1, counter.writes + 1):
        died = Counter()
        world = runs(fail_at, after=after, counter=died, declared=declared, rows=rows)
        assert died.dead
        assert world.contents() == undisturbed, f"killed at write {fail_at}: {died.verbs[-1]}"


def test_two_runs_at_once_end_as_one():
    world = World(learner=Recalling())
    alone = World(learner=Recalling())
    alone.train(spec(), penguins())
    training = world.claim(spec(), world.put(spec(), penguins()))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(world.run, [training] * 4))
    assert found == [found[0]] * 4
    assert world.contents() == alone.contents()


def test_users_own_estimators_count_by_their_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "own_estimators_for_tests.py"
    module.write_text(
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import MinMaxScaler\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "def make():\n    return make_pipeline(MinMaxScaler(), LogisticRegression())\n"
    )
    world = World()
    declared = spec(estimator="own_estimators_for_tests:make", params={"logisticregression__C": 0.5})
    found = world.train(declared, penguins())
    assert found.promoted
    manifest = ModelManifest.decode(world.models.get(layout.model_manifest("penguins", found.version)).data)
    assert manifest.inputs["environment"]["estimator"] == sha256(module.read_bytes())
    assert manifest.inputs["code"] == code_version()
    with pytest.raises(BadSpec, match="no parameter 'nope'"):
        World().train(spec(estimator="own_estimators_for_tests:make", params={"nope": 1}), penguins())
