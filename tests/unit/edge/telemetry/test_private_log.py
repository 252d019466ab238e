from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import Transient
from core.inference.rows import RowReader
from core.usecases.prediction_records import Answered
from edge.telemetry.private_log import PrivateLog
from edge.telemetry.ring import LEAST, Ring
from tests import penguins

from .rings import ORIGIN, records

SECRETS = {"tag": "N1A1", "seen": "2026-11-24T12:00:00Z", "colony": "north-17", "observer": "Gorman"}


class Desk:
    """A log over a ring, and what it was told of."""

    def __init__(self, folder: Path, logged: set[str], mode: Any = "buffered", **settings: Any) -> None:
        self.folder, self.ring, self.seen = folder, Ring(folder, LEAST), []
        schema = penguins.schema()
        self.reader = RowReader(schema)
        options = {"mode": mode, **settings}
        self.log = PrivateLog(lambda: self.ring, ORIGIN, schema, frozenset(logged), self.seen.append, **options)

    def answer(self, row: dict[str, Any], error: str = "") -> list[str]:
        from core.inference.answers import Classified  # noqa: PLC0415

        rows = self.reader.rows([row])
        answers = () if error else (Classified("Adelie", rows.features[0]),)
        return self.log.record(Answered("penguins", "00ff", "request", rows, answers, 0.001, error=error))

    def on_disk(self) -> bytes:
        self.log.flush()
        self.ring.close()
        return b"".join(gzip.decompress(path.read_bytes()) for path in self.folder.glob("*.gz"))


def told(desk: Desk) -> list[dict[str, Any]]:
    desk.log.flush()
    desk.ring.close()
    return [json.loads(line) for line in records(desk.folder)]


def test_nothing_but_what_is_declared_to_be_logged_reaches_the_disk(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"island", "flipper_length"})
    desk.answer({**penguins.ROW, **SECRETS, "sex": "female"})
    data = desk.on_disk()
    (record,) = [json.loads(line) for line in data.splitlines()[1:]]
    assert record["features"] == {"island": "Dream", "flipper_length": 186}
    assert not {"id", "time", "sensitive"} & set(record)
    assert not any(secret.encode() in data for secret in SECRETS.values())
    assert len(desk.seen) == 1
    assert desk.seen[0].rows.count == 1


def test_a_sensitive_column_stays_here_even_if_it_is_named(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"island", "colony"})
    desk.answer({**penguins.ROW, **SECRETS})
    assert b"north-17" not in desk.on_disk()


def test_an_id_and_a_time_that_may_leave_are_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"island", "tag", "seen"})
    desk.answer({**penguins.ROW, **SECRETS})
    (record,) = told(desk)
    assert (record["id"], record["time"]) == ("N1A1", "2026-11-24T12:00:00+00:00")


def test_a_failure_is_told_by_its_kind_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"island"})
    desk.answer(penguins.ROW, error="Fail: the value 39.5 of bill_length is odd")
    (record,) = told(desk)
    assert record["error"] == "Fail"


def test_in_mode_sync_an_answer_is_on_the_disk_before_it_is_given(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"island"}, mode="sync")
    (given,) = desk.answer(penguins.ROW)
    Ring(tmp_path / "elsewhere", LEAST)
    copied = tmp_path / "after-a-kill"
    copied.mkdir()
    for path in tmp_path.glob("*.*"):
        if path.is_file():
            (copied / path.name).write_bytes(path.read_bytes())
    Ring(copied, LEAST)
    assert [json.loads(line)["prediction_id"] for line in records(copied)] == [given]


def test_in_mode_sync_an_answer_that_cannot_be_recorded_is_not_given(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"island"}, mode="sync")
    desk.ring.add = refuse  # type: ignore[method-assign,assignment]
    with pytest.raises(Transient, match="is not given"):
        desk.answer(penguins.ROW)


def test_in_mode_buffered_it_is_given_all_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"island"})
    desk.answer(penguins.ROW)
    desk.ring.add = refuse  # type: ignore[method-assign,assignment]
    desk.log.flush()
    assert desk.log._full == type(desk.log._full)()


def test_mode_off_records_nothing_and_gives_ids(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"island"}, mode="off")
    assert len(desk.answer(penguins.ROW)) == 1
    assert told(desk) == []


def test_age_is_monotonic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.telemetry import private_log  # noqa: PLC0415

    now = [1000.0]
    monkeypatch.setattr(private_log.time, "monotonic", lambda: now[0])
    desk = Desk(tmp_path, {"island"}, max_age=60)
    desk.answer(penguins.ROW)
    now[0] += 59
    desk.log.flush(due_only=True)
    assert list(tmp_path.glob("*.open")) == []
    now[0] += 2
    desk.log.flush(due_only=True)
    assert len(list(tmp_path.glob("*.open"))) == 1


def refuse(*_given: object) -> None:
    raise Transient("the disk is full.")
