"""One look at what is new: documents, proofs that kill, and what is left behind."""

import pytest

from core import layout
from core.errors import Corrupt, NotFound, Refused, TooLarge
from edge.agent.documents import AHEAD, read_rollout, read_trust
from edge.agent.state import State, change
from edge.agent.update import Updater
from edge.rollout import Stage
from edge.trust import Trust
from tests.edge.releases import (
    KEY,
    MODEL,
    OTHER_KEY,
    ROOT_KEY,
    FakeClock,
    Zone,
    first_trust,
    make,
    new_device,
)

FIRST, SECOND = make(1), make(2, 3.0)


class Killed(BaseException):
    """The process dies."""


@pytest.fixture
def root(tmp_path):
    return tmp_path / "device"


@pytest.fixture
def device(root):
    return new_device(root)


@pytest.fixture
def zone():
    zone = Zone()
    zone.add(FIRST)
    zone.roll_out(Stage(FIRST.id, 100))
    return zone


def updater(root, device, prove=lambda _folder: None):
    return Updater(root, device, FakeClock(), prove)


def offer(zone, made, **more):
    zone.add(made)
    return zone.roll_out(Stage(made.id, 100), **more)


def test_proof_that_takes_the_process_with_it(root, device, zone):
    """Three times, then the release is refused for good, and no fourth process dies."""
    updater(root, device).update(zone)
    change(root, lambda state: state.kept())
    offer(zone, SECOND)
    died = []

    def die(_folder):
        died.append(True)
        raise Killed

    for _ in range(3):
        with pytest.raises(Killed):
            updater(root, device, die).update(zone)
    with pytest.raises(Refused, match="did not end 3 times"):
        updater(root, device, die).update(zone)
    assert updater(root, device, die).update(zone).did == "stayed"
    assert len(died) == 3
    assert State.read(root).release == FIRST.id
    assert not list((root / "downloads").iterdir())


def test_proof_that_power_cuts_broke_off_is_made_again(root, device, zone):
    def die(_folder):
        raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            updater(root, device, die).update(zone)
    assert updater(root, device).update(zone).did == "installed"
    assert State.read(root).proofs == {}


def test_proof_is_made_where_the_release_lies(root, device, zone):
    seen = []
    updater(root, device, lambda folder: seen.append(folder.name)).update(zone)
    assert seen == [FIRST.id]


def test_release_that_lies_in_the_idle_slot_is_not_fetched_again(root, device, zone):
    """Power went between the move and the swap."""
    updater(root, device).update(zone)
    change(root, lambda _state: State(rollout=1))
    requests = zone.requests
    assert updater(root, device).update(zone).did == "installed"
    assert zone.requests == requests + 2  # is there a newer rollout, and newer trust?


def test_nothing_new_is_one_request(root, device, zone):
    updater(root, device).update(zone)
    requests = zone.requests
    assert updater(root, device).update(zone).did == "stayed"
    assert zone.requests == requests + 1


def test_begun_downloads_of_others_are_removed(root, device, zone):
    (root / "downloads" / SECOND.id).mkdir(parents=True)
    updater(root, device).update(zone)
    assert not list((root / "downloads").iterdir())


def test_many_documents_are_followed_in_turn(root, device, zone):
    for _ in range(30):
        zone.follow(KEY)
    for _ in range(30):
        offer(zone, FIRST)
    updater(root, device).update(zone)
    assert read_trust(root).number == 31
    assert State.read(root).rollout == 31


def test_documents_without_an_end_are_followed_so_far(root, device, zone):
    endless = zone.objects[layout.edge_rollout(MODEL, 1)]
    asked = []

    def stream(key, start, length):
        asked.append(key)
        yield endless

    zone.stream = stream
    with pytest.raises(Corrupt):
        updater(root, device).update(zone)
    assert len(asked) <= AHEAD + 1


def test_rollout_of_a_key_that_was_revoked_meanwhile_is_passed_over(root, device, zone):
    offer(zone, SECOND)
    signed = make(3, 4.0, key=OTHER_KEY)
    offer(zone, signed, key=OTHER_KEY)
    zone.follow(KEY, OTHER_KEY)
    zone.follow(OTHER_KEY, revoked=[KEY.id])
    assert updater(root, device).update(zone).release == signed.id
    assert State.read(root).rollout == 3


def test_known_rollout_counts_no_more_when_its_key_was_revoked(root, device, zone):
    """Trust is followed before anything is installed, also where no new rollout came."""
    updater(root, device, lambda _folder: None).update(zone)
    change(root, lambda state: state.kept())
    offer(zone, SECOND)
    del zone.objects[layout.edge_file(MODEL, SECOND.id, "manifest.json")]
    with pytest.raises(NotFound):
        updater(root, device).update(zone)
    zone.add(SECOND)
    zone.follow(OTHER_KEY, revoked=[KEY.id])
    assert updater(root, device).update(zone).reason == "there is no rollout yet"
    assert State.read(root).release == FIRST.id


@pytest.mark.parametrize("number", [1, 3])
def test_trust_out_of_turn(root, device, zone, number):
    skipped = Trust.issue(number, [ROOT_KEY.public], [OTHER_KEY.public], [], [ROOT_KEY])
    zone.objects[layout.edge_trust(MODEL, 2)] = skipped.data
    with pytest.raises(Refused, match=f"trust document {number} does not follow 1"):
        updater(root, device).update(zone)
    assert read_trust(root) == first_trust()


def test_trust_of_a_stranger(root, device, zone):
    strange = Trust.issue(2, [OTHER_KEY.public], [OTHER_KEY.public], [], [OTHER_KEY])
    zone.objects[layout.edge_trust(MODEL, 2)] = strange.data
    with pytest.raises(Refused):
        updater(root, device).update(zone)
    assert read_trust(root).number == 1


def test_trust_larger_than_any(root, device, zone):
    zone.objects[layout.edge_trust(MODEL, 2)] = b"x" * 2_000_000
    with pytest.raises(TooLarge):
        updater(root, device).update(zone)


def test_device_without_trust(root, device, zone):
    (root / "trust.json").unlink()
    with pytest.raises(NotFound, match="provision the device"):
        updater(root, device).update(zone)


def test_rollout_that_is_older_than_the_state_says_is_none(root, device, zone):
    """Someone put an older file in the device's folder."""
    first = zone.objects[layout.edge_rollout(MODEL, 1)]
    offer(zone, SECOND)
    updater(root, device).update(zone)
    (root / "rollout.json").write_bytes(first)
    assert read_rollout(root, read_trust(root)) is None


def test_withdrawn_release_goes_back_without_the_network(root, device, zone):
    updater(root, device).update(zone)
    change(root, lambda state: state.kept())
    offer(zone, SECOND)
    updater(root, device).update(zone)
    zone.roll_out(Stage(FIRST.id, 100), withdrawn=[SECOND.id])
    requests = zone.requests
    outcome = updater(root, device).update(zone)
    assert (outcome.did, outcome.release) == ("went back", FIRST.id)
    assert zone.requests == requests + 3  # two rollouts asked for, and trust
    assert State.read(root).trial is None


def test_withdrawn_release_whose_way_back_is_damaged_is_replaced(root, device, zone):
    updater(root, device).update(zone)
    change(root, lambda state: state.kept())
    offer(zone, SECOND)
    updater(root, device).update(zone)
    (root / "slots" / "a" / "model.onnx").write_bytes(b"flipped")
    zone.roll_out(Stage(FIRST.id, 100), withdrawn=[SECOND.id])
    with pytest.raises(Refused, match="is damaged"):
        updater(root, device).update(zone)
    outcome = updater(root, device).update(zone)
    assert (outcome.did, outcome.release) == ("installed", FIRST.id)
    assert State.read(root).previous is None
