"""The disk is full: the model that answers goes on, telemetry gives way before models, and updates go on with room.

Where these tests may, they mount a small disk of their own; else the system's limit on the size of a file stands in.
"""

import errno
import os
import subprocess
import sys

import pytest

from edge.agent import files, room
from edge.agent.going_back import leave
from edge.agent.state import State, change
from edge.agent.update import Updater
from edge.rollout import Stage
from edge.runtime.model import Model
from edge.telemetry import ring
from tests.docs.markdown import ROOT

from .releases import FakeClock, Zone, make, new_device

MB = 1024 * 1024
SMALL, BIG = make(1), make(2, 3.0, padding=2 * MB)
ROW = {"load": 3.0, "age": 1.0}


@pytest.fixture
def zone():
    zone = Zone()
    zone.add(SMALL)
    zone.roll_out(Stage(SMALL.id, 100))
    return zone


@pytest.fixture
def disk(tmp_path):
    """A disk of 6 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tidemill-test", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a disk here: see the tests with a limit instead")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def started(root, zone, **settings):
    """A device whose first release is kept."""
    updater = Updater(root, new_device(root, **settings), FakeClock())
    updater.update(zone)
    change(root, lambda state: state.kept())
    zone.add(BIG)
    zone.roll_out(Stage(BIG.id, 100))
    return updater


def fill(path, leave):
    """A file that leaves so many bytes of the disk."""
    with path.open("wb") as file:
        while (left := room.free(path.parent) - leave) > 0:
            file.write(bytes(min(left, MB)))
            file.flush()


def segments(root, size):
    """Sealed telemetry of so many bytes."""
    folder = root / ring.FOLDER
    folder.mkdir(exist_ok=True)
    for number in range(size // 100_000):
        (folder / f"{number:010d}-v.jsonl.gz").write_bytes(os.urandom(100_000))


def answers(root):
    with Model.open(root) as model:
        return model.predict([ROW])[0]["prediction"]


def test_no_room_for_a_release(disk, zone):
    updater = started(disk / "device", zone)
    fill(disk / "others", leave=1_500_000)

    with pytest.raises(files.NoRoom, match=r"the disk is full: .* are needed"):
        updater.update(zone)

    assert answers(disk / "device") == 7.0
    (disk / "others").unlink()
    assert updater.update(zone).did == "installed"
    assert answers(disk / "device") == 10.0


def test_no_byte_is_left(disk, zone):
    """Not even the state can be written: what is there answers, and goes on when there is room."""
    root = disk / "device"
    updater = started(root, zone)
    fill(disk / "others", leave=0)

    with pytest.raises(files.NoRoom):
        updater.update(zone)

    assert State.read(root).release == SMALL.id
    assert answers(root) == 7.0
    (disk / "others").unlink()
    assert updater.update(zone).did == "installed"


def test_telemetry_gives_way(disk, zone):
    root = disk / "device"
    updater = started(root, zone)
    segments(root, 2_000_000)
    fill(disk / "others", leave=2_000_000)
    before = len(ring.sealed(root / ring.FOLDER))

    assert updater.update(zone).did == "installed"

    left = ring.sealed(root / ring.FOLDER)
    assert 0 < len(left) < before
    assert left[-1].name.startswith(f"{before - 1:010d}")  # the newest stay
    assert answers(root) == 10.0


def test_way_back_gives_way_when_telemetry_was_not_enough(disk, zone):
    """The release before the one that answers: it is given up for the next one, never the one that answers."""
    root = disk / "device"
    updater = started(root, zone)
    updater.update(zone)
    change(root, lambda state: state.kept())
    third = zone.add(make(3, 4.0, padding=MB))
    zone.roll_out(Stage(third.id, 100))
    fill(disk / "others", leave=2 * MB)
    assert State.read(root).previous == SMALL.id

    (root / "slots" / "a" / "model.onnx").write_bytes(bytes(100_000))  # so that giving it up gains something
    fill(disk / "more", leave=2 * MB)
    assert updater.update(zone).did == "installed"

    assert State.read(root).previous == BIG.id
    assert answers(root) == 13.0


def test_state_is_written_when_telemetry_gave_way(disk, zone):
    """A rollback on a disk that is full of telemetry."""
    root = disk / "device"
    updater = started(root, zone)
    updater.update(zone)
    segments(root, 400_000)
    fill(disk / "others", leave=0)

    assert leave(root, FakeClock(), BIG.id, "it failed", refuse=True).release == SMALL.id
    assert State.read(root).release == SMALL.id


LIMITED = """
import resource, sys
from pathlib import Path
from edge.agent.config import Device
from edge.agent.files import NoRoom
from edge.agent.transport import FolderSource
from edge.agent.update import Updater
from edge.agent.clock import SystemClock
root, zone, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    print(Updater(root, Device.read(root), SystemClock()).update(FolderSource(zone)).did)
except NoRoom as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [0, 100, 1000, 100_000, 2 * MB])
def test_limit_of_the_system_stands_in_for_a_full_disk(tmp_path, zone, limit):
    """A write that fails in the middle, for everyone: what is there answers, and the next attempt goes on."""
    root = tmp_path / "device"
    updater = started(root, zone)
    folder = zone.write(tmp_path / "zone")

    command = [sys.executable, "-c", LIMITED, str(root), str(folder), str(limit)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert ended.stdout.startswith("the disk is full: ")
    assert State.read(root).release == SMALL.id
    assert answers(root) == 7.0
    assert updater.update(zone).did == "installed"
    assert answers(root) == 10.0


@pytest.mark.parametrize("number", sorted(files.NO_ROOM))
def test_what_the_system_says_of_a_full_disk(tmp_path, monkeypatch, number):
    def write(_descriptor, _data):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(files.NoRoom, match="the disk is full"):
        files.replace(tmp_path / "file", b"data")
    assert not list(tmp_path.iterdir())


def test_other_failures_are_not_taken_for_a_full_disk(tmp_path, monkeypatch):
    def write(_descriptor, _data):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="Input/output error"):
        files.replace(tmp_path / "file", b"data")


def test_journal_that_cannot_be_written_stops_nothing(tmp_path, zone, monkeypatch):
    root = tmp_path / "device"
    updater = started(root, zone)
    real = files.append

    def append(path, chunks):
        if path.name == "journal.jsonl":
            raise files.NoRoom("the disk is full.")
        real(path, chunks)

    monkeypatch.setattr(files, "append", append)
    assert updater.update(zone).did == "installed"
