from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.telemetry import parse_segment_name
from core.errors import Transient
from edge.telemetry.ring import FOLDER, LEAST, Ring, sealed
from edge.telemetry.upload import Uploaded, upload

from .rings import ORIGIN


@pytest.fixture
def root(tmp_path: Path) -> Path:
    ring = Ring(tmp_path / FOLDER, LEAST)
    for n in range(3):
        ring.add(ORIGIN, b'{"n":%d}\n' % n)
        ring.seal(ORIGIN)
    return tmp_path


class Cloud:
    """Keeps each name once, and answers as it is told to; then the network may end."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.kept: dict[str, bytes] = {}

    def put(self, name: str, data: bytes) -> int:
        status = self.statuses.pop(0) if self.statuses else 201
        if status == 0:
            raise Transient("there is no network.")
        if name in self.kept:
            return 412
        if status < 300:
            self.kept[name] = data
        return status


def test_everything_is_sent_once_the_oldest_first(root: Path) -> None:
    waiting = [path.read_bytes() for path in sealed(root / FOLDER)]
    cloud = Cloud()
    assert upload(root, cloud.put) == Uploaded(3, 0, 0)
    assert list(cloud.kept.values()) == waiting
    assert [parse_segment_name(name).release for name in cloud.kept] == [ORIGIN.release] * 3
    assert upload(root, cloud.put) == Uploaded(0, 0, 0)


def test_it_ends_where_the_network_does_and_goes_on_another_time(root: Path) -> None:
    cloud = Cloud(201, 0)
    assert upload(root, cloud.put) == Uploaded(1, 0, 2)
    assert upload(root, cloud.put) == Uploaded(2, 0, 0)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503, 307])
def test_an_answer_that_may_be_another_one_later_ends_it_too(root: Path, status: int) -> None:
    assert upload(root, Cloud(status).put) == Uploaded(0, 0, 3)


@pytest.mark.parametrize("status", [409, 412])
def test_what_is_there_already_is_done_with(root: Path, status: int) -> None:
    assert upload(root, Cloud(status).put) == Uploaded(3, 0, 0)


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422])
def test_what_is_never_taken_is_given_up_and_counted(root: Path, status: int) -> None:
    ring = Ring(root / FOLDER, LEAST)
    assert upload(root, Cloud(status).put) == Uploaded(2, 1, 0)
    assert ring.dropped == 1


def test_an_answer_that_got_lost_sends_it_again_and_the_cloud_has_it_once(root: Path) -> None:
    cloud = Cloud()

    def put(name: str, data: bytes) -> int:
        cloud.put(name, data)
        raise Transient("the connection broke.")

    assert upload(root, put) == Uploaded(0, 0, 3)
    assert len(cloud.kept) == 1
    assert upload(root, cloud.put) == Uploaded(3, 0, 0)
    assert len(cloud.kept) == 3


def test_a_segment_that_was_given_up_meanwhile_is_passed_over(root: Path) -> None:
    cloud, waiting = Cloud(), sealed(root / FOLDER)

    def put(name: str, data: bytes) -> int:
        waiting[1].unlink(missing_ok=True)
        return cloud.put(name, data)

    assert upload(root, put).sent == 2


def test_a_device_without_telemetry_sends_nothing(tmp_path: Path) -> None:
    assert upload(tmp_path, Cloud().put) == Uploaded(0, 0, 0)
