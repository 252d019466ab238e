"""Releases that are not to be used: each is refused in one clear sentence, and the model that answers goes on."""

import json
import os
from dataclasses import replace

import pytest

from core import layout
from core.domain.canonical import canonical_json
from core.errors import Corrupt, NotFound, Permanent, Refused, TooLarge, Unsupported
from edge.agent import files
from edge.agent.config import Device
from edge.agent.state import State, change
from edge.agent.update import LOCK, Updater
from edge.release import FILES, SIGNATURE, FileFact, Requirements, release_id, sign_manifest
from edge.rollout import ROLLOUT_KIND, Rollout, Stage
from edge.runtime.model import Model
from edge.signing import SigningKey

from .releases import KEY, MODEL, OTHER_KEY, FakeClock, Zone, make, new_device

ROW = {"load": 3.0, "age": 1.0}
GOOD, NEXT = make(5), make(6, 3.0)
UNKNOWN = SigningKey.generate()


@pytest.fixture
def zone():
    zone = Zone()
    zone.add(GOOD)
    zone.roll_out(Stage(GOOD.id, 100))
    return zone


@pytest.fixture
def root(tmp_path, zone):
    """A device with a release that answers 7 to `ROW`, and is kept."""
    root = tmp_path / "device"
    Updater(root, new_device(root, release_bytes=1_000_000, memory_mb=100.0), FakeClock()).update(zone)
    change(root, lambda state: state.kept())
    return root


@pytest.fixture
def updater(root):

    return Updater(root, Device.read(root), FakeClock())


def offer(zone, made):
    """The zone has the release, for everyone."""
    zone.add(made)
    zone.roll_out(Stage(made.id, 100), Stage(GOOD.id, 100))
    return made


def refused(act, root, kind, words):
    """`act` is refused for that reason, while the release before answers before, meanwhile and after."""
    before = State.read(root)
    with Model.open(root) as model:
        with pytest.raises(kind, match=words) as caught:
            act()
        assert model.predict([ROW]) == [{"prediction": 7.0}]
        sentence = str(caught.value)
        assert isinstance(caught.value, Permanent)
        assert sentence.endswith(".")
        assert "\n" not in sentence
    after = State.read(root)
    assert (after.active, after.release, after.highest) == (before.active, before.release, before.highest)
    with Model.open(root) as model:
        assert model.predict([ROW]) == [{"prediction": 7.0}]


def altered(made, name, how):
    return replace(made, files={**made.files, name: how(made.files[name])})


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def with_fields(made, key=KEY, **fields):
    """A release whose manifest says otherwise, and is signed for it."""
    manifest = canonical_json({**json.loads(made.files[layout.MANIFEST]), **fields})
    return signed_again_raw(manifest, made, key)


def signed_again_raw(manifest, made, key):

    signed = {**made.files, layout.MANIFEST: manifest, SIGNATURE: sign_manifest(manifest, key)}
    return replace(made, id=release_id(6, manifest), files=signed)


def with_file(made, name):
    """A release whose manifest lists a file of this name too."""
    fields = json.loads(made.files[layout.MANIFEST])["files"]
    return with_fields(made, files={**fields, name: fields["model.onnx"]})


NAMES = (layout.MANIFEST, SIGNATURE, *FILES)
TRAVERSING = ("../../state.json", "/etc/passwd", "a/model.onnx", "..", ".", "", "model.onnx\0", "state.json", "C:\\x")


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bit_on_the_way(root, zone, updater, name):
    offer(zone, altered(NEXT, name, flipped))
    refused(lambda: updater.update(zone), root, (Refused, Corrupt), None)


@pytest.mark.parametrize("name", NAMES)
def test_truncated_on_the_way(root, zone, updater, name):
    offer(zone, altered(NEXT, name, lambda data: data[:-1]))
    refused(lambda: updater.update(zone), root, (Refused, Corrupt), None)


@pytest.mark.parametrize("name", NAMES)
def test_longer_than_the_manifest_says_is_cut_off(root, zone, updater, name):
    """No byte behind the size is asked for; manifest and signature have no size but must be as they were signed."""
    offer(zone, altered(NEXT, name, lambda data: data + b"x" * 10_000_000))
    if name in FILES:
        assert updater.update(zone).did == "installed"
        assert zone.sent < 100_000
    else:
        refused(lambda: updater.update(zone), root, TooLarge, f"{name} has more than")


@pytest.mark.parametrize("key", [UNKNOWN, OTHER_KEY])
def test_signed_by_a_key_that_is_not_trusted(root, zone, updater, key):
    offer(zone, make(6, 3.0, key=key))
    refused(lambda: updater.update(zone), root, Refused, "no key that is trusted")


def test_signed_by_a_key_that_was_revoked(root, zone, updater):
    zone.follow(KEY, OTHER_KEY, revoked=[KEY.id])
    zone.add(NEXT)
    zone.roll_out(Stage(NEXT.id, 100), key=OTHER_KEY)
    refused(lambda: updater.update(zone), root, Refused, "no key that is trusted")


def test_signature_of_another_release(root, zone, updater):
    offer(zone, altered(NEXT, SIGNATURE, lambda _: GOOD.files[SIGNATURE]))
    refused(lambda: updater.update(zone), root, Refused, "does not match")


def test_signature_over_the_same_bytes_as_something_else(root, zone, updater):
    """A rollout's signature is none of a release, though the key and the bytes were the same."""

    signature = KEY.sign(ROLLOUT_KIND, NEXT.files[layout.MANIFEST]).to_json()
    forged = canonical_json({"format": 1, "signatures": [signature]})
    offer(zone, altered(NEXT, SIGNATURE, lambda _: forged))
    refused(lambda: updater.update(zone), root, Refused, "does not match")


def test_another_release_under_its_name(root, zone, updater):
    offer(zone, NEXT)
    zone.add(replace(GOOD, id=NEXT.id))
    refused(lambda: updater.update(zone), root, Refused, "what was sent as release")


@pytest.mark.parametrize("name", TRAVERSING)
def test_manifest_that_names_a_place_outside(root, zone, updater, name):
    offer(zone, with_file(NEXT, name))
    refused(lambda: updater.update(zone), root, (Corrupt, Refused), "manifest")
    assert [path.name for path in root.parent.iterdir()] == ["device"]
    assert not list((root / "downloads").glob("*/*"))


def test_larger_than_the_device_takes(root, zone, updater):
    offer(zone, make(6, 3.0, padding=2_000_000))
    refused(lambda: updater.update(zone), root, TooLarge, "more than the 1,000,000")
    assert zone.sent < 50_000


def test_more_memory_than_the_device_has(root, zone, updater):
    offer(zone, make(6, 3.0, requires=Requirements(1000.0, {}, (), ">=1.16")))
    refused(lambda: updater.update(zone), root, TooLarge, "needs 1000 MB")


def test_newer_onnxruntime_than_the_device_has(root, zone, updater):
    offer(zone, make(6, 3.0, requires=Requirements(1.0, {}, (), ">=99.1")))
    refused(lambda: updater.update(zone), root, Unsupported, "onnxruntime >=99.1")


def test_release_of_another_model(root, zone, updater):
    offer(zone, make(6, 3.0, model="valves"))
    refused(lambda: updater.update(zone), root, Refused, "of model valves, not pumps")


def test_manifest_of_a_newer_format(root, zone, updater):
    offer(zone, with_fields(NEXT, format=2))
    refused(lambda: updater.update(zone), root, Unsupported, "format 2")


def test_answers_otherwise_than_it_should_and_is_not_fetched_again(root, zone, updater):
    made = offer(zone, make(6, 3.0, golden_weight=4.0))
    refused(lambda: updater.update(zone), root, Refused, "golden rows off by")
    requests = zone.requests
    assert "golden rows" in updater.update(zone).reason
    assert zone.requests == requests + 1  # is there a newer rollout?
    assert made.id in State.read(root).refused


def test_no_model_at_all(root, zone, updater):
    made = make(6, 3.0)
    broken = {**made.files, "model.onnx": b"\x08\x09nothing"}
    fields = json.loads(made.files[layout.MANIFEST])

    fact = FileFact.of(broken["model.onnx"])
    listed = {**fields["files"], "model.onnx": {"sha256": fact.sha256, "size": fact.size}}
    offer(zone, with_fields(replace(made, files=broken), files=listed))
    refused(lambda: updater.update(zone), root, Refused, "not an ONNX model that can be loaded")


@pytest.mark.parametrize("key", [UNKNOWN, OTHER_KEY])
def test_rollout_that_nobody_trusted_signed(root, zone, updater, key):
    zone.add(NEXT)
    zone.roll_out(Stage(NEXT.id, 100), key=key)
    assert updater.update(zone).did == "stayed"
    assert State.read(root).rollout == 1


def test_replayed_rollout(root, zone, updater):
    """The rollout that named an older release, sent again as the newest one."""
    old = zone.objects[layout.edge_rollout(MODEL, 1)]
    offer(zone, NEXT)
    updater.update(zone)
    change(root, lambda state: state.kept())
    zone.objects[layout.edge_rollout(MODEL, 3)] = old
    assert updater.update(zone).reason == "it runs what it is to run"
    assert State.read(root).release == NEXT.id
    assert State.read(root).rollout == 2


def test_rollout_before_the_newest_is_not_gone_back_to(root, zone, updater):
    """A server that forgets the newest document changes nothing."""
    offer(zone, NEXT)
    updater.update(zone)
    change(root, lambda state: state.kept())
    del zone.objects[layout.edge_rollout(MODEL, 2)]
    zone.objects[layout.edge_rollout(MODEL, 2)] = Rollout.issue(MODEL, 1, [Stage(GOOD.id, 100)], [], KEY).encode()
    updater.update(zone)
    assert State.read(root).release == NEXT.id


def test_rollout_of_another_model(root, zone, updater):
    zone.objects[layout.edge_rollout(MODEL, 2)] = Rollout.issue("valves", 2, [Stage(NEXT.id, 100)], [], KEY).encode()
    zone.add(NEXT)
    assert updater.update(zone).did == "stayed"
    assert State.read(root).release == GOOD.id


def test_downgrade_by_hand(root, updater, tmp_path):
    folder = make(4, 4.0).write(tmp_path / "older")
    refused(lambda: updater.install(folder), root, Refused, "would be a downgrade")


def test_same_number_by_hand(root, updater, tmp_path):
    folder = make(5, 4.0).write(tmp_path / "same")
    refused(lambda: updater.install(folder), root, Refused, "would be a downgrade")


def test_downgrade_that_the_rollout_names_is_none(root, zone, updater, tmp_path):
    older = zone.add(make(4, 4.0))
    zone.roll_out(Stage(GOOD.id, 0, ("lab",)), Stage(older.id, 100))
    assert updater.update(zone).did == "installed"
    assert State.read(root).release == older.id
    assert State.read(root).highest == 5


def test_withdrawn_by_hand(root, zone, updater, tmp_path):
    zone.roll_out(Stage(GOOD.id, 100), withdrawn=[NEXT.id])
    updater.update(zone)
    refused(lambda: updater.install(NEXT.write(tmp_path / "next")), root, Refused, "was withdrawn")


def test_rolled_back_from_here_unless_asked_again(root, updater, tmp_path):
    folder = NEXT.write(tmp_path / "next")
    change(root, lambda state: state.refusing(NEXT.id, "it failed 9 of 10 requests"))
    refused(lambda: updater.install(folder), root, Refused, "failed here: it failed 9 of 10 requests. Say --again")
    assert updater.install(folder, again=True).did == "installed"


def link(path, target):
    path.unlink()
    path.symlink_to(target)


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "spoil", [lambda path: link(path, "/etc/passwd"), fifo, folder], ids=["link", "fifo", "folder"]
)
def test_no_plain_file_in_a_folder(root, updater, tmp_path, name, spoil):
    place = NEXT.write(tmp_path / "next")
    spoil(place / name)
    refused(lambda: updater.install(place), root, (Refused, Corrupt), "plain file")


@pytest.mark.parametrize("name", NAMES)
def test_link_to_the_right_file_in_a_folder(root, updater, tmp_path, name):
    place = NEXT.write(tmp_path / "next")
    (place / name).rename(tmp_path / name)
    (place / name).symlink_to(tmp_path / name)
    refused(lambda: updater.install(place), root, Refused, "no plain file")


@pytest.mark.parametrize("name", NAMES)
def test_file_that_is_missing_in_a_folder(root, updater, tmp_path, name):
    place = NEXT.write(tmp_path / "next")
    (place / name).unlink()
    refused(lambda: updater.install(place), root, (NotFound, Corrupt), name)


def test_no_folder(root, updater, tmp_path):
    refused(lambda: updater.install(tmp_path / "nowhere"), root, NotFound, "there is no folder")


def test_links_that_someone_put_where_releases_are_put_together(root, zone, updater, tmp_path):
    """They are removed, not written through."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    offer(zone, NEXT)
    place = root / "downloads" / NEXT.id
    place.mkdir(parents=True)
    for name in NAMES:
        (place / name).symlink_to(victim)
    (place / "strange").write_bytes(b"x")
    assert updater.update(zone).did == "installed"
    assert victim.read_bytes() == b"precious"


def test_update_while_another_one_runs(root, zone, updater):

    with files.locked(root / LOCK), pytest.raises(Exception, match="another process does that"):
        updater.update(zone)
