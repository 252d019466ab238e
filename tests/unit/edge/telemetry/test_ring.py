from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import BadInput, Transient
from edge.telemetry import ring as rings
from edge.telemetry.register import Register
from edge.telemetry.ring import LEAST, Ring, give_way, sealed

from .rings import ORIGIN, OTHER, content, records, size_of


def lines(first: int, count: int) -> bytes:
    return b"".join(b'{"n":%d,"x":"%s"}\n' % (n, os.urandom(40).hex().encode()) for n in range(first, first + count))


def test_what_is_added_comes_out_in_order_under_names_that_never_come_twice(tmp_path: Path) -> None:
    given = [lines(n, 3) for n in range(4)]
    ring = Ring(tmp_path, LEAST)
    ring.add(ORIGIN, given[0])
    ring.add(ORIGIN, given[1])
    ring.seal(ORIGIN, {"requests": 2})
    ring.add(ORIGIN, given[2])
    ring.add(OTHER, given[3])
    ring.close()
    assert b"".join(records(tmp_path)) == b"".join(given)
    headings = [content(segment)[0] for segment in sealed(tmp_path)]
    assert [(each.sequence, each.release, each.health) for each in headings] == [
        (1, ORIGIN.release, {"requests": 2}),
        (2, ORIGIN.release, None),
        (3, OTHER.release, None),
    ]
    names = {segment.name for segment in sealed(tmp_path)}
    for segment in sealed(tmp_path):
        segment.unlink()  # sent
    again = Ring(tmp_path, LEAST)
    again.add(ORIGIN, given[0])
    again.close()
    assert not names & {segment.name for segment in sealed(tmp_path)}


def test_a_new_folder_of_the_same_device_has_other_names(tmp_path: Path) -> None:
    for folder in ("old-card", "new-card"):
        ring = Ring(tmp_path / folder, LEAST)
        ring.add(ORIGIN, b"{}\n")
        ring.close()
    assert sealed(tmp_path / "old-card")[0].name != sealed(tmp_path / "new-card")[0].name


def test_health_is_told_without_records_too(tmp_path: Path) -> None:
    ring = Ring(tmp_path, LEAST)
    ring.seal(ORIGIN)
    assert sealed(tmp_path) == []
    ring.seal(ORIGIN, {"requests": 0})
    assert content(sealed(tmp_path)[0]) == (content(sealed(tmp_path)[0])[0], [])
    assert content(sealed(tmp_path)[0])[0].health == {"requests": 0}


def test_health_is_never_told_of_another_release(tmp_path: Path) -> None:
    ring = Ring(tmp_path, LEAST)
    ring.add(OTHER, b"{}\n")
    ring.seal(ORIGIN, {"release": ORIGIN.release})
    told = [(heading.release, heading.health) for heading, _ in map(content, sealed(tmp_path))]
    assert told == [(OTHER.release, None), (ORIGIN.release, {"release": ORIGIN.release})]


def test_the_oldest_is_given_up_and_counted(tmp_path: Path) -> None:
    ring = Ring(tmp_path, LEAST)
    given = [lines(n, 20) for n in range(0, 4000, 20)]
    for each in given:
        ring.add(ORIGIN, each)
        assert size_of(tmp_path) <= LEAST
    ring.close()
    kept = records(tmp_path)
    assert 0 < len(kept) < 4000
    assert b"".join(kept) == b"".join(given)[-sum(map(len, kept)) :]
    assert ring.dropped == 4000 - len(kept)


def test_what_is_larger_than_the_ring_is_given_up_alone(tmp_path: Path) -> None:
    ring = Ring(tmp_path, LEAST)
    huge = b'{"x":"%s"}\n' % os.urandom(100_000).hex().encode()
    ring.add(ORIGIN, b'{"n":1}\n' + huge + b'{"n":2}\n')
    ring.close()
    assert records(tmp_path) == [b'{"n":1}\n', b'{"n":2}\n']
    assert ring.dropped == 1


def test_a_ring_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs 65,536"):
        Ring(tmp_path, LEAST - 1)


def test_a_power_cut_at_any_byte_leaves_every_addition_whole_or_not_at_all(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "whole", LEAST)
    given = [lines(n, 1) for n in range(3)]
    for each in given:
        ring.add(ORIGIN, each)
    (growing,) = (tmp_path / "whole").glob("*.open")
    data, register = growing.read_bytes(), (tmp_path / "whole" / "ring.json").read_bytes()
    seen = set()
    for cut in (*range(0, len(data), 7), len(data)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / growing.name).write_bytes(data[:cut])
        (folder / "ring.json").write_bytes(register)
        after = Ring(folder, LEAST)
        found = records(folder)
        assert found == given[: len(found)]
        seen.add(len(found))
        after.add(ORIGIN, given[0])
        after.close()
        assert records(folder) == [*found, given[0]]
    assert seen == {0, 1, 2, 3}


def test_a_power_cut_between_the_steps_of_sealing_loses_and_doubles_nothing(tmp_path: Path) -> None:
    ring = Ring(tmp_path, LEAST)
    ring.add(ORIGIN, lines(0, 2))
    (growing,) = tmp_path.glob("*.open")
    data = growing.read_bytes()
    ring.close()
    before = records(tmp_path)
    growing.write_bytes(data)  # sealed, and not yet removed
    (tmp_path / ".half.jsonl.gz.new").write_bytes(b"half")
    Ring(tmp_path, LEAST)
    assert records(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in {".open", ".new"}) == []


def test_a_broken_register_begins_a_ring_of_another_name(tmp_path: Path) -> None:
    ring = Ring(tmp_path, LEAST)
    ring.seal(ORIGIN, {})
    (tmp_path / "ring.json").write_bytes(b'{"format":1,"name')
    again = Ring(tmp_path, LEAST)
    again.seal(ORIGIN, {})
    first, second = (segment.name for segment in sealed(tmp_path))
    assert first[:10] == second[:10]
    assert first != second


def test_a_broken_segment_is_given_up_like_another(tmp_path: Path) -> None:
    ring = Ring(tmp_path, LEAST)
    ring.add(ORIGIN, lines(0, 5))
    ring.close()
    sealed(tmp_path)[0].write_bytes(b"\x1f\x8bflipped")
    assert give_way(tmp_path, 1) == len(b"\x1f\x8bflipped")
    assert sealed(tmp_path) == []


def test_a_full_disk_takes_the_oldest_segments_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring(tmp_path, LEAST)
    for n in range(3):
        ring.add(ORIGIN, lines(n, 1))
        ring.seal(ORIGIN)
    write, full = os.pwrite, [True, True]

    def pwrite(descriptor: int, data: bytes, at: int) -> int:
        if full:
            full.pop()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    last = lines(9, 1)
    ring.add(ORIGIN, last)
    monkeypatch.undo()
    ring.close()
    assert len(records(tmp_path)) == 2
    assert records(tmp_path)[-1] == last
    assert ring.dropped == 2


def test_a_disk_that_stays_full_is_told_of_and_nothing_is_torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring(tmp_path, LEAST)
    first = lines(0, 1)
    ring.add(ORIGIN, first)

    def full(descriptor: int, data: bytes, at: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Transient, match="disk is full"):
        ring.add(ORIGIN, lines(1, 1))
    monkeypatch.undo()
    ring.add(ORIGIN, last := lines(2, 1))
    ring.close()
    assert records(tmp_path) == [first, last]


def test_health_beyond_all_bounds_is_left_out(tmp_path: Path) -> None:
    ring = Ring(tmp_path, LEAST)
    ring.seal(ORIGIN, {"drift": {os.urandom(20).hex(): 1.0 for _ in range(1000)}})
    assert content(sealed(tmp_path)[0])[0].health is None
    assert sealed(tmp_path)[0].stat().st_size < rings.RESERVE


def test_two_processes_share_a_ring(tmp_path: Path) -> None:
    first, second = Ring(tmp_path, LEAST), Ring(tmp_path, LEAST)
    for n in range(5):
        first.add(ORIGIN, b'{"first":%d}\n' % n)
        second.add(OTHER, b'{"second":%d}\n' % n)
    Ring(tmp_path, LEAST)  # a third one takes over nothing of those who live
    assert sealed(tmp_path) == []
    first.close()
    second.close()
    assert len(records(tmp_path)) == 10
    assert Register.read(tmp_path).next == 3


WRITER = """
import os, sys
from pathlib import Path
from edge.telemetry.ring import Ring
from tests.unit.edge.telemetry.rings import ORIGIN
ring = Ring(Path(sys.argv[1]), 1 << 20)
for n in range(10_000):
    ring.add(ORIGIN, b'{"n":%d}\\n' % n)
    os.write(1, b"%d\\n" % n)
"""


def test_what_was_added_before_a_kill_is_there(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(30)]
        process.kill()
        told += [int(line) for line in process.stdout.read().splitlines()]
    Ring(tmp_path, 1 << 20)
    found = records(tmp_path)
    assert [b'{"n":%d}\n' % n for n in told] == found[: len(told)]
    assert len(found) <= len(told) + 1
