"""From a version to a release: measured, written whole or not at all, and the same when it is done again."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.canonical import canonical_json, sha256
from core.domain.model import ModelManifest
from core.domain.profile import Profile
from core.errors import BadInput, Corrupt, NotFound, Refused, Transient
from core.inference.golden import Golden
from core.inference.predictor import load_predictor
from core.usecases.load_model import load_version, prove, read_manifest
from edge.export.folder import NAMES, check_folder, write_folder
from edge.export.keys import KeyFolder
from edge.export.memory import memory_mb
from edge.export.proving import prove_folder
from edge.export.publish import (
    models_trusting,
    publish_release,
    publish_trust,
    published_trust,
    read_files,
    read_release,
    releases,
)
from edge.export.quality import Budget, Quality
from edge.export.rolling import newest_rollout, stage, withdraw
from edge.release import FILES, MODEL_ONNX, SIGNATURE, ReleaseManifest
from tests.faults import Counter, Died, FailingStore
from tests.functions.loop import StandingClock

from ..trained import BUDGET, MODEL, exporter, made, stores

DEVICES = [f"bird-{n}" for n in range(500)]


@pytest.fixture
def keys(tmp_path):
    folder = KeyFolder(tmp_path / "keys")
    folder.init()
    return folder


@pytest.fixture
def zones():
    return stores()


@pytest.fixture
def edge(zones):
    return zones["edge"]


def export(zones, keys, variant="full", budget=BUDGET, version=None, code="test"):
    return exporter(zones, keys, code).export(MODEL, version, variant, budget)


def champion(zones):
    return json.loads(zones["models"].get(layout.route(MODEL)).data)["champion"]


def manifest_of(exported):
    return ReleaseManifest.decode(exported.release.files["manifest.json"])


# what is in a release


def test_the_release_is_in_the_store_and_can_be_proved(zones, edge, keys, tmp_path):
    exported = export(zones, keys)
    assert exported.new
    found = read_release(edge, MODEL, exported.release.id, keys.trust())
    assert {name: edge.get(layout.edge_file(MODEL, found.id, name)).data for name in NAMES} == exported.release.files
    write_folder(tmp_path / "out", exported.release.files)
    assert prove_folder(tmp_path / "out", published_trust(edge, MODEL), load_predictor) == found


def test_the_manifest_tells_what_a_device_must_know(zones, keys):
    exported = export(zones, keys)
    found, version = manifest_of(exported), read_manifest(zones["models"], MODEL, champion(zones))
    assert (found.model, found.version, found.sequence) == (MODEL, version.version, 1)
    assert found.created == StandingClock().now().isoformat()
    assert (found.schema, found.classes) == (version.schema, version.classes)
    assert found.lineage == {"inputs": version.inputs, "code": "test"}
    assert found.privacy == {"sensitive": ["ringed"], "logged": [*version.schema.feature_names, "bird"]}
    assert found.requires.onnxruntime == ">=1.12"
    assert found.requires.opsets == {"ai.onnx": 17, "ai.onnx.ml": 3}
    assert 0 < found.requires.memory_mb < 100
    assert found.variant.budget == {"quality_loss": 0.01, "max_difference": 0.1}
    assert found.variant.measured["loss"] == 0
    assert found.variant.measured["bytes"] == len(exported.release.files[MODEL_ONNX])
    assert found.variant.measured["latency_us"] > 0
    assert {name: fact.sha256 for name, fact in found.files.items()} == {
        name: sha256(exported.release.files[name]) for name in FILES
    }


def test_a_feature_that_is_sensitive_stays_on_the_device(zones, keys):
    version = champion(zones)
    key = layout.model_manifest(MODEL, version)
    fields = json.loads(zones["models"].get(key).data)
    fields["schema"]["sensitive"] = ["sex"]
    zones["models"].put(key, canonical_json(fields))
    found = manifest_of(export(zones, keys)).privacy
    assert found["sensitive"] == ["sex"]
    assert "sex" not in found["logged"]
    assert "island" in found["logged"]


def test_a_device_serves_the_release_as_a_cloud_serves_the_version(zones, keys):
    """The same reader, the same golden rows: a slot is a models zone with one version in it."""
    files = export(zones, keys).release.files
    described = ModelManifest.decode(files["model.json"])
    for name in (*FILES, "manifest.json"):
        data = files["model.json"] if name == "manifest.json" else files[name]
        zones["models"].put(layout.model_file(MODEL, "slot", name), data)
    zones["models"].put(
        layout.model_manifest(MODEL, "slot"), canonical_json({**described.to_json(), "version": "slot"})
    )
    prove(zones["models"], load_version(zones["models"], MODEL, "slot", load_predictor))


def test_the_full_variant_is_the_version_bit_for_bit(zones, keys):
    files = export(zones, keys).release.files
    assert files[MODEL_ONNX] == zones["models"].get(layout.model_file(MODEL, champion(zones), MODEL_ONNX)).data
    golden = Golden.decode(zones["models"].get(layout.model_file(MODEL, champion(zones), "golden.json")).data)
    np.testing.assert_allclose(
        Golden.decode(files["golden.json"]).outputs.probabilities, golden.outputs.probabilities, atol=1e-5
    )


def test_the_profile_has_the_distributions_alone(zones, keys):
    found = Profile.decode(export(zones, keys).release.files["profile.json"])
    kept = Profile.decode(zones["models"].get(layout.model_file(MODEL, champion(zones), "profile.json")).data)
    assert found.features == kept.features
    assert set(found.outputs) == set(kept.outputs)
    nothing = (found.target, found.correlations, found.joint, found.seasons, found.output_seasons)
    assert nothing == (None,) * 5


# variants and budgets


def test_every_variant_is_measured_whichever_is_released(zones, keys):
    told = {each.name: each for each in export(zones, keys).candidates}
    assert set(told) == {"full", "float16", "int8", "pruned"}
    assert told["full"].refused is None
    assert "no trees" in told["pruned"].refused
    assert told["int8"].to_json()["latency_us"] > 0


def test_a_variant_that_gains_nothing_is_refused_with_its_figures(zones, keys):
    with pytest.raises(
        Refused, match=r"variant int8 .* it gains nothing: it has [\d,]+ bytes, and the full model [\d,]+"
    ):
        export(zones, keys, "int8")
    assert releases(zones["edge"], MODEL) == []


def test_the_smallest_that_may_be_is_released(zones, keys):
    exported = export(zones, keys, "smallest")
    fitting = [each for each in exported.candidates if each.refused is None]
    assert exported.variant == min(fitting, key=lambda each: len(each.onnx)).name
    assert manifest_of(exported).variant.name == exported.variant


QUALITY = Quality("roc_auc", 0.72, 0.75, 0.04, 0.2)


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        (Budget(0.04, 0.2), None),
        (Budget(0.039, 0.2), r"4\.00% of roc_auc \(0\.72 against 0\.75\), more than the 3\.90%"),
        (Budget(0.04, 0.19), r"off by 0\.2, more than the 0\.19"),
    ],
)
def test_what_is_beyond_a_budget_is_told_with_its_figures(budget, sentence):
    told = QUALITY.beyond(budget)
    assert (told is None) == (sentence is None)
    assert sentence is None or re.search(sentence, told)


@pytest.mark.parametrize("allowed", [float("nan"), float("inf"), -0.1])
def test_a_budget_is_a_number(allowed):
    for make in (lambda: Budget(allowed, 0.1), lambda: Budget(0.1, allowed)):
        with pytest.raises(BadInput, match="cannot be kept to"):
            make()


def test_a_loss_that_is_not_a_number_is_beyond_every_budget():
    assert replace(QUALITY, loss=float("nan")).beyond(Budget(1, 1)) is not None
    endless = replace(QUALITY, max_difference=float("inf"))
    assert endless.beyond(Budget(1, 1)) is not None
    assert endless.to_json() == {**QUALITY.to_json(), "max_difference": None}


def test_memory_is_told_of_a_process_that_has_nothing_else(zones):
    version = read_manifest(zones["models"], MODEL, champion(zones))
    onnx, golden = (
        zones["models"].get(layout.model_file(MODEL, version.version, name)).data
        for name in (MODEL_ONNX, "golden.json")
    )
    assert 0 < memory_mb(onnx, version, golden) < 100
    with pytest.raises(Refused, match="process of its own"):
        memory_mb(b"no model", version, golden)


# versions


def test_a_version_may_be_named(zones, keys):
    version = champion(zones)
    zones["models"].delete(layout.route(MODEL))
    assert export(zones, keys, version=version).version == version
    with pytest.raises(NotFound, match="--version"):
        export(zones, keys)
    with pytest.raises(NotFound, match="no version nope"):
        export(zones, keys, version="nope")


def test_a_version_whose_rows_are_gone_cannot_be_measured(zones, keys):
    for info in list(zones["datasets"].list("")):
        zones["datasets"].delete(info.key)
    with pytest.raises(Refused, match="a dataset that it learned from is gone"):
        export(zones, keys)


def test_rows_that_are_not_those_of_the_version_are_noticed(zones, keys):
    key = layout.model_manifest(MODEL, champion(zones))
    fields = json.loads(zones["models"].get(key).data)
    zones["models"].put(key, canonical_json({**fields, "holdout_rows": 3}))
    with pytest.raises(Corrupt, match="not the 3 that it was judged on"):
        export(zones, keys)


def test_a_model_that_was_altered_is_not_released(zones, keys):
    zones["models"].put(layout.model_file(MODEL, champion(zones), MODEL_ONNX), b"other")
    with pytest.raises(Corrupt, match="hash"):
        export(zones, keys)


# again, and at once


def test_the_same_again_is_the_same_release(zones, edge, keys):
    first = export(zones, keys)
    before = {info.key for info in edge.list("")}
    again = export(zones, keys)
    assert not again.new
    assert again.release == first.release
    assert {info.key for info in edge.list("")} == before


@pytest.mark.parametrize("change", [{"budget": Budget(0.5, 0.5)}, {"code": "newer"}], ids=["budget", "code"])
def test_something_else_is_a_release_of_its_own(zones, edge, keys, change):
    export(zones, keys)
    assert export(zones, keys, **change).new
    assert [release[:10] for release in releases(edge, MODEL)] == ["0000000001", "0000000002"]
    assert export(zones, keys).new, "the newest is another: a device would take it for a step back"


def test_a_release_of_a_revoked_key_is_made_anew(zones, edge, keys):
    first = export(zones, keys)
    keys.revoke(keys.signer().id)
    again = export(zones, keys)
    assert again.new
    with pytest.raises(Refused, match="no key that is trusted"):
        read_release(edge, MODEL, first.release.id, keys.trust())
    assert read_release(edge, MODEL, again.release.id, published_trust(edge, MODEL))


@pytest.mark.parametrize("name", [MODEL_ONNX, SIGNATURE, "golden.json"])
@pytest.mark.parametrize("altered", [True, False], ids=["altered", "gone"])
def test_a_release_that_was_damaged_in_the_store_is_made_anew(zones, edge, keys, name, altered):
    key = layout.edge_file(MODEL, export(zones, keys).release.id, name)
    edge.put(key, b"other") if altered else edge.delete(key)
    again = export(zones, keys)
    assert again.new
    assert export(zones, keys).release == again.release


def test_a_number_that_is_taken_is_passed_over(zones, edge, keys):
    for number in (1, 2):
        edge.create(layout.edge_sequence(MODEL, number), b"{}")
    assert export(zones, keys).release.id.startswith("0000000003-")


def test_of_two_at_once_each_has_a_number(zones, edge, keys):
    """The second one takes the number that the first one was about to take."""

    class Late(FailingStore):
        def _call(self, verb, key, *arguments):
            if verb == "create" and key == layout.edge_sequence(MODEL, 1) and not self.counter.writes:
                self.counter.writes = 1
                export(zones, keys, code="other")
            return super(FailingStore, self)._call(verb, key, *arguments)

    late = export({**zones, "edge": Late(edge, 0, Counter())}, keys)
    assert late.release.id.startswith("0000000002-")
    assert len(releases(edge, MODEL)) == 2


def publish(edge, keys):
    """What an export writes into the store, in its order."""
    publish_trust(edge, MODEL, keys.chain())
    files = {name: made().files[name] for name in FILES}
    listed = ReleaseManifest.decode(made().files["manifest.json"])
    return publish_release(
        edge, MODEL, files, lambda number: replace(listed, sequence=number).encode(), keys.signer(), {"by": "test"}
    )


def writes_of_publishing(keys):
    counter = Counter()
    publish(FailingStore(MemoryStore(), 0, counter), keys)
    return [key.rpartition("/")[2] for _, key in counter.verbs]


def test_the_claim_is_first_and_the_manifest_last(keys):
    written = writes_of_publishing(keys)
    assert written[:2] == ["0000000001.json", "0000000001.json"]  # trust and the claim of the number
    assert sorted(written[2:-2]) == sorted(FILES)
    assert written[-2:] == [SIGNATURE, "manifest.json"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_wherever_it_dies_there_is_a_whole_release_or_none_and_again_makes_one(keys, after):
    for number in range(1, len(writes_of_publishing(keys)) + 1):
        edge = MemoryStore()
        with pytest.raises(Died):
            publish(FailingStore(edge, number, Counter(), after=after), keys)
        for release in releases(edge, MODEL):
            assert {info.key.rpartition("/")[2] for info in edge.list(f"{MODEL}/{release}/")} == NAMES
        whole = publish(edge, keys)
        assert read_files(edge, read_release(edge, MODEL, whole.id, keys.trust())) == whole
        assert releases(edge, MODEL)[-1] == whole.id


def test_an_export_that_died_is_done_by_the_next_one(zones, edge, keys):
    with pytest.raises(Died):
        export({**zones, "edge": FailingStore(edge, 5, Counter())}, keys)
    assert releases(edge, MODEL) == []
    exported = export(zones, keys)
    assert releases(edge, MODEL) == [exported.release.id]


# trust in the store


def test_trust_is_published_as_it_grows(edge, keys):
    publish_trust(edge, MODEL, keys.chain())
    keys.rotate()
    publish_trust(edge, MODEL, keys.chain())
    assert published_trust(edge, MODEL) == keys.trust()


def test_devices_of_other_keys_are_left_alone(edge, keys, tmp_path):
    publish_trust(edge, MODEL, keys.chain())
    other = KeyFolder(tmp_path / "other")
    other.init()
    with pytest.raises(Refused, match="TIDEMILL_EDGE_KEYS"):
        publish_trust(edge, MODEL, other.chain())


def test_an_old_copy_of_the_keys_is_noticed(edge, keys):
    before = keys.chain()
    keys.rotate()
    publish_trust(edge, MODEL, keys.chain())
    with pytest.raises(Refused, match="follow trust document 2, and the keys at hand know 1"):
        publish_trust(edge, MODEL, before)


def test_where_nobody_is_trusted_it_is_said(edge):
    with pytest.raises(NotFound, match="edge export"):
        published_trust(edge, MODEL)


def test_the_models_of_some_keys_are_found(edge, keys, tmp_path):
    other = KeyFolder(tmp_path / "other")
    other.init()
    for model, folder in (("a", keys), ("a-b", keys), ("a0", other), ("z", keys)):
        publish_trust(edge, model, folder.chain())
    edge.create(layout.edge_telemetry("a", "g", "d", "s"), b"")
    edge.create(layout.edge_file("untrusted", "0000000001-0f3a5c2e9b1d", "model.onnx"), b"")
    assert sorted(models_trusting(edge, keys.trust())) == ["a", "a-b", "z"]


# folders


def test_a_release_takes_the_place_of_another(tmp_path):
    files = made().files
    write_folder(tmp_path / "new" / "out", files)
    write_folder(tmp_path / "new" / "out", {**files, MODEL_ONNX: b"other"})
    assert (tmp_path / "new" / "out" / MODEL_ONNX).read_bytes() == b"other"
    assert {path.name for path in (tmp_path / "new" / "out").iterdir()} == NAMES


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for act in (check_folder, lambda folder: write_folder(folder, made().files)):
        with pytest.raises(Refused, match=r"thesis\.txt"):
            act(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(Refused, match="is no folder"):
        check_folder(tmp_path / "thesis.txt")


def test_a_folder_may_be_named_relatively(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    for name in (".", "../beside", "sub/deep"):
        write_folder(Path(name), made().files)
        assert prove_folder(Path(name), made().trust, load_predictor)
        for path in list(Path(name).iterdir()):
            path.unlink()


def test_what_was_broken_off_is_no_release_and_is_mended(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    write_folder(folder, made().files)
    count = [0]

    def dies(path, data, real=write_folder.__globals__["_write"]):
        count[0] += 1
        if count[0] == 4:
            path.with_name(".tidemill-half").write_bytes(data[:10])
            raise Died
        real(path, data)

    monkeypatch.setitem(write_folder.__globals__, "_write", dies)
    with pytest.raises(Died):
        write_folder(folder, {**made().files, MODEL_ONNX: b"other"})
    with pytest.raises(Corrupt, match="lacks manifest"):
        prove_folder(folder, made().trust, load_predictor)
    monkeypatch.undo()
    write_folder(folder, made().files)
    assert prove_folder(folder, made().trust, load_predictor)


def test_a_link_in_the_folder_is_not_followed(tmp_path):
    folder = tmp_path / "out"
    write_folder(folder, made().files)
    (tmp_path / "precious").write_text("kept")
    (folder / MODEL_ONNX).unlink()
    (folder / MODEL_ONNX).symlink_to(tmp_path / "precious")
    write_folder(folder, made().files)
    assert (tmp_path / "precious").read_text() == "kept"
    assert prove_folder(folder, made().trust, load_predictor)


def test_a_model_that_answers_otherwise_than_it_says_is_not_proved(zones, keys, tmp_path, monkeypatch):
    """The signature is right, and every hash: the processor is not."""
    write_folder(tmp_path / "out", made().files)

    def load(onnx, manifest):
        predictor = load_predictor(onnx, manifest)
        real = predictor.predict
        monkeypatch.setattr(
            predictor, "predict", lambda columns: replace(real(columns), probabilities=real(columns).probabilities / 2)
        )
        return predictor

    with pytest.raises(Corrupt, match="golden rows"):
        prove_folder(tmp_path / "out", made().trust, load)


# rollouts


@pytest.fixture
def pair(edge, keys):
    """Two releases, the older one for all."""
    old, new = publish(edge, keys).id, publish(edge, keys).id
    stage(edge, keys, MODEL, old, 100, ())
    return old, new


def running(edge, ring=""):
    rollout = newest_rollout(edge, MODEL)
    return {device: rollout.release_for(device, ring) for device in DEVICES}


def test_a_release_spreads_from_a_ring_to_all(edge, keys, pair):
    old, new = pair
    stage(edge, keys, MODEL, new, 0, ("canary",))
    assert set(running(edge).values()) == {old}
    assert set(running(edge, "canary").values()) == {new}
    took = set()
    for percent in (1, 10, 50, 100):
        stage(edge, keys, MODEL, new, percent, ("canary",))
        taking = {device for device, release in running(edge).items() if release == new}
        assert took <= taking
        took = taking
    assert took == set(DEVICES)
    assert newest_rollout(edge, MODEL).number == 6


def test_a_withdrawn_release_gives_way_to_the_one_before(edge, keys, pair):
    old, new = pair
    stage(edge, keys, MODEL, new, 100, ())
    withdraw(edge, keys, MODEL, new)
    assert set(running(edge).values()) == {old}
    assert withdraw(edge, keys, MODEL, new).number == 3, "done already"
    with pytest.raises(Refused, match="was withdrawn"):
        stage(edge, keys, MODEL, new, 1, ())


def test_what_is_behind_all_and_the_one_before_is_forgotten(edge, keys, pair):
    old, new = pair
    newest = publish(edge, keys).id
    for release in (new, newest):
        stage(edge, keys, MODEL, release, 100, ())
    assert [stage.release for stage in newest_rollout(edge, MODEL).releases] == [newest, new]
    assert old not in newest_rollout(edge, MODEL).encode().decode()


def test_what_cannot_be_rolled_out_is_refused(edge, keys, pair):
    with pytest.raises(NotFound, match="edge releases"):
        stage(edge, keys, MODEL, "0000000009-0f3a5c2e9b1d", 1, ())
    with pytest.raises(Refused, match="not rolled out"):
        withdraw(edge, keys, MODEL, "0000000009-0f3a5c2e9b1d")


def test_of_two_who_change_the_rollout_at_once_one_wins(edge, keys, pair):
    _, new = pair

    class Late(FailingStore):
        def _call(self, verb, key, *arguments):
            if verb == "create" and "/rollouts/" in key:
                stage(edge, keys, MODEL, new, 5, ())
            return super(FailingStore, self)._call(verb, key, *arguments)

    with pytest.raises(Transient, match="meanwhile"):
        stage(Late(edge, 0, Counter()), keys, MODEL, new, 100, ())
    assert newest_rollout(edge, MODEL).releases[0].percent == 5


def test_each_rollout_is_signed_by_who_may(edge, keys, pair):
    assert newest_rollout(edge, MODEL).verify(keys.trust()) == keys.signer().id
