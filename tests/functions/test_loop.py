"""The whole loop: undisturbed, killed at every write, and with events twice and in reverse."""

from __future__ import annotations

import json

import pytest

from core import layout
from core.domain.prediction import place_of
from core.hosts.local.events import Scanner
from core.hosts.local.host import LocalHost
from core.hosts.local.queue import Queue
from core.usecases.journal import audit
from core.usecases.lineage import lineage
from core.usecases.promote import current_route
from tests.faults import Counter, Died, FailingStore, RecordingStore
from tests.functions.loop import MODEL, Loop, _call_here, drain


@pytest.fixture
def loop(tmp_path):
    loop = Loop(tmp_path)
    loop.drop()
    return loop


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The state after an undisturbed run, and how many writes it took."""
    loop, counter = Loop(tmp_path_factory.mktemp("undisturbed")), Counter()
    loop.drop()
    loop.run(lambda store: FailingStore(store, 0, counter))
    return loop.state(), counter.writes


def keys(state, pattern):
    return [key for key in state if pattern in key]


def test_rows_dropped_become_a_served_version_and_everything_is_accounted_for(loop):
    loop.run()
    state, models = loop.state(), loop.stores["models"]
    route = current_route(models, MODEL)
    assert keys(state, f"models/{MODEL}/versions/{route.champion}/model.onnx")
    manifests = [json.loads(state[key]) for key in keys(state, "/manifest.json") if key.startswith("datasets/")]
    assert sorted((manifest["kind"], manifest["rows"], manifest["rejected"]) for manifest in manifests) == [
        ("labels", 104, 0),
        ("rows", 100, 0),
        ("rows", 140, 2),
    ]
    (rejected,) = keys(state, "quarantine/penguins/first.csv")[1:]
    reasons = [row["reasons"][0]["column"] for row in map(json.loads, state[rejected].splitlines())]
    assert reasons == ["bill_length_mm", "species"]
    (success,) = keys(state, "_SUCCESS")
    assert json.loads(state[success])["rows"] == 104
    (drift,) = keys(state, f"reports/{MODEL}/drift/")
    report = json.loads(state[drift])
    assert report["rows"] == 104
    assert report["performance"]["current"]["value"] > 0.8
    assert audit(models, MODEL).intact
    assert not any(b"Gorman" in data for key, data in state.items() if not key.startswith("landing/"))


def test_lineage_leads_from_a_prediction_to_the_files_that_were_dropped(loop):
    loop.run()
    (success,) = keys(loop.state(), "_SUCCESS")
    run = json.loads(loop.state()[success])["run"]
    prediction = f"{MODEL}.b.{run}.0.7"
    assert place_of(prediction).key == layout.batch_part(MODEL, run, 0)
    found = lineage(loop.stores["models"], loop.stores["datasets"], loop.stores["predictions"], prediction)
    version, scored = found.parents
    dropped = {node.id.partition("@")[0] for dataset in version.parents for node in dataset.parents}
    assert dropped == {f"landing/{MODEL}/rows/first.csv", f"landing/{MODEL}/rows/second.csv"}
    assert scored.id.startswith(f"landing/{MODEL}/score/later.csv@")


def test_a_second_run_changes_nothing(loop):
    loop.run()
    before = loop.state()
    loop.run(queue="a queue that was lost")
    assert loop.state() == before


def test_two_stores_come_to_the_same_state_byte_by_byte(loop, undisturbed):
    loop.run()
    assert loop.state() == undisturbed[0]


@pytest.mark.slow
@pytest.mark.parametrize("queue", ["queue", "a queue that was lost"])
def test_killed_before_any_write_and_started_again_it_ends_in_the_same_state(tmp_path, undisturbed, queue):
    """Dying right after a write leaves the same objects as dying right before the next one."""
    state, writes = undisturbed
    assert writes > 30
    for fail_at in range(1, writes + 1):
        loop, counter = Loop(tmp_path / str(fail_at)), Counter()
        loop.drop()
        with pytest.raises(Died):
            loop.run(lambda store, at=fail_at, shared=counter: FailingStore(store, at, shared))
        loop.run(queue=queue)
        ours, theirs = without_causes(loop.state()), without_causes(state)
        assert ours == theirs, f"killed at write {fail_at}: {counter.verbs[-1]}"
        assert audit(loop.stores["models"], MODEL).intact


def test_events_that_come_twice_and_in_reverse_lead_to_the_same_state(loop, undisturbed):
    """Whichever event asked for the training is journalled; what came of it is the same."""
    queue = Queue(loop.folder / "queue")
    runtime = loop.runtime(lambda store: store, queue)
    scanner = Scanner(runtime, queue, settle=LocalHost(runtime, queue).scanner._settle)
    while scanner.scan():
        pending = queue.pending()
        for work in [*reversed(pending), *reversed(pending)]:
            _call_here(work, runtime, None)
            queue.done(work)
    queue.close()
    loop.run()
    ours, theirs = without_causes(loop.state()), without_causes(undisturbed[0])
    assert ours == theirs


def without_causes(state):
    """The state without the order of the journal, which the pages show too, and without who of two came first."""
    kept = {key: data for key, data in state.items() if "/journal/" not in key and not key.endswith("/claim.json")}
    kept |= {key: b"a page" for key in kept if key.endswith(".html")}
    kinds = sorted(json.loads(state[key])["kind"] for key in keys(state, "/journal/"))
    claims = [json.loads(state[key]) for key in state if key.endswith("/claim.json")]
    return kept, kinds, [claim | {"cause": "", "datasets": sorted(claim["datasets"])} for claim in claims]


def test_no_function_uses_a_zone_or_a_verb_that_it_did_not_declare(loop):
    """What each function's declaration grants is what it was seen to use."""
    from core.declaration import declarations  # noqa: PLC0415

    granted = {"head": "read", "get": "read", "get_range": "read", "get_if_changed": "read", "stream": "read"}
    queue = Queue(loop.folder / "queue")
    used: dict[str, set[tuple[str, str]]] = {name: set() for name in declarations()}

    def call(work, runtime, stopping):
        calls = []
        recorded = loop.runtime(lambda store: store, queue)
        stores = {zone: RecordingStore(store, zone, calls) for zone, store in loop.stores.items()}
        recorded._stores = stores
        reply = _call_here(work, recorded, stopping)
        used[work.function] |= {(zone, granted.get(verb, verb)) for zone, verb, _ in calls}
        return reply

    drain(LocalHost(loop.runtime(lambda store: store, queue), queue, call=call))
    queue.close()
    for name, seen in used.items():
        declared = {(zone, verb) for zone, verbs in declarations()[name].zones.items() for verb in verbs}
        assert seen <= declared, name
