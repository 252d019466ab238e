"""The prediction log: every answer has a record, and its id finds it."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adapters.store_memory import MemoryStore
from core.domain.prediction import place_of
from core.errors import AlreadyExists, Transient
from core.inference.answers import plain
from core.inference.rows import RowReader
from core.inference.service import Service
from core.tables.predictions import read_answered
from core.usecases.log_predictions import KEPT_PAGES, PredictionLog
from core.usecases.prediction_page import is_sampled
from tests import penguins
from tests.penguins import MODEL, ROW, Desk, content, rows, sentence

BESIDE = {"tag": 7, "seen": "2026-11-24T10:00:00Z", "colony": "north", "observer": "Dr. Gorman"}


def record_of(desk: Desk, prediction_id: str) -> dict[str, Any]:
    place = place_of(prediction_id)
    record: dict[str, Any] = json.loads(desk.predictions.get(place.key).data.splitlines()[place.row])
    return record


@pytest.mark.parametrize("mode", ["buffered", "sync"])
def test_every_id_finds_its_record(mode: Any) -> None:
    desk = Desk(mode=mode)
    answers = [content(desk.predict(*rows(n), model=model)) for n in (1, 3, 2) for model in (MODEL, "weights")]
    desk.service.close()
    for answer in answers:
        for prediction_id, prediction in zip(answer["prediction_ids"], answer["predictions"], strict=True):
            record = record_of(desk, prediction_id)
            assert record["prediction_id"] == prediction_id
            assert {name: record[name] for name in prediction} == prediction
    assert sum(map(len, desk.records().values())) == 12


def test_a_record_is_whole() -> None:
    desk = Desk()
    answer = desk.ask("POST", f"/v1/models/{MODEL}:predict", {"instances": [{**ROW, **BESIDE}]}, x_request_id="r-1")
    desk.service.close()
    (prediction,) = content(answer)["predictions"]
    record = record_of(desk, content(answer)["prediction_ids"][0])
    assert 0 < record.pop("latency_ms") < 1000
    assert record == {
        "prediction_id": "penguins.r.2026-11-24.desk-1.0",
        "answered_at": "2026-11-24T12:00:00+00:00",
        "model_version": "0000000000000001",
        "request_id": "r-1",
        "role": "champion",
        "features": ROW,
        "id": "7",
        "time": "2026-11-24T10:00:00+00:00",
        "sensitive": {"colony": "north"},
        **prediction,
    }


def test_what_is_recorded_is_what_is_read_back() -> None:
    desk = Desk()
    given = [{**row, "tag": str(number), "seen": "2026-01-02"} for number, row in enumerate(penguins.rows(50))]
    answer = content(desk.predict(*given))
    (key,) = desk.records()
    manifest = penguins.classifier().manifest
    (found,) = read_answered(desk.predictions, key, manifest)
    assert found.prediction_ids.tolist() == answer["prediction_ids"]
    assert found.ids is not None
    assert found.ids.tolist() == [row["tag"] for row in given]
    assert set(found.times.tolist()) == {datetime(2026, 1, 2)}  # type: ignore[union-attr]  # noqa: DTZ001
    for name, values in RowReader(manifest.schema).rows(given).columns.items():
        np.testing.assert_array_equal(found.columns[name], values.reshape(-1))
    assert plain(found.outputs, manifest.classes) == answer["predictions"]


def test_declared_personal_columns_are_never_logged() -> None:
    desk = Desk()
    desk.predict({**ROW, **BESIDE})
    desk.service.close()
    assert all(b"Gorman" not in desk.predictions.get(info.key).data for info in desk.predictions.list(""))


def test_missing_features_are_recorded_as_null() -> None:
    desk = Desk()
    desk.predict({"island": "Dream", "flipper_length": 186})
    (page,) = desk.records().values()
    assert page[0]["features"] == {**dict.fromkeys(ROW), "island": "Dream", "flipper_length": 186}
    assert "id" not in page[0]


def test_refused_rows_are_not_recorded() -> None:
    desk = Desk()
    desk.predict(ROW, {})
    assert desk.records() == {}


def test_off_records_nothing_and_gives_ids_all_the_same() -> None:
    desk = Desk(mode="off")
    ids = [content(desk.predict(ROW, ROW))["prediction_ids"] for _ in range(2)]
    assert len({each for some in ids for each in some}) == 4
    assert desk.records() == {}


def test_sync_stores_before_it_answers() -> None:
    desk = Desk(mode="sync")
    ids = content(desk.predict(ROW))["prediction_ids"]
    assert record_of(desk, ids[0])["features"] == ROW


def test_sync_gives_no_answer_that_it_cannot_record() -> None:
    desk = Desk(mode="sync")
    desk.log._predictions = Away()
    answer = desk.predict(ROW)
    assert answer.status == 503
    assert sentence(answer).startswith("the answer cannot be recorded, and so is not given")
    assert "predictions" not in content(answer)


def test_a_page_is_written_when_it_is_full_or_old_and_not_before() -> None:
    desk = Desk()
    for _ in range(9):
        desk.predict(*[ROW] * 100)
    desk.log.flush(due_only=True)
    assert not list(desk.predictions.list(""))
    desk.predict(*[ROW] * 100)
    desk.predict(ROW)
    desk.log.flush(due_only=True)
    assert [len(page) for page in stored(desk).values()] == [1000]
    desk.clock.advance(5)
    desk.log.flush(due_only=True)
    assert [len(page) for page in stored(desk).values()] == [1000, 1]


def paging(rows: int) -> Desk:
    """Its log has pages of so many rows."""
    desk = Desk()
    desk.log = PredictionLog(desk.predictions, desk.clock, max_rows=rows)
    desk.service = Service(desk.cache, desk.log)
    return desk


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=40))
@settings(max_examples=20)
def test_what_a_kill_can_lose_is_bounded_by_rows_and_by_age(asked: list[tuple[int, int]]) -> None:
    """A host looks after the log once a second: what is not stored then is neither a page long nor 5 s old."""
    desk = paging(rows=100)
    told: list[tuple[float, str]] = []
    for seconds, count in asked:
        for _ in range(seconds):
            desk.clock.advance(1)
            desk.log.flush(due_only=True)
        told += [(desk.clock.seconds(), each) for each in content(desk.predict(*[ROW] * count))["prediction_ids"]]
        desk.log.flush(due_only=True)
        kept = {json.loads(line)["prediction_id"] for page in stored(desk).values() for line in page}
        lost = [at for at, each in told if each not in kept]
        assert len(lost) < 100
        assert all(desk.clock.seconds() - at < 5 for at in lost)


def stored(desk: Desk) -> dict[str, list[bytes]]:
    return {info.key: desk.predictions.get(info.key).data.splitlines() for info in desk.predictions.list("")}


def test_a_page_ends_with_its_day() -> None:
    desk = Desk()
    desk.predict(ROW)
    desk.clock.advance(12 * 3600)
    desk.predict(ROW)
    assert sorted(desk.records()) == [
        f"{MODEL}/realtime/2026-11-24/desk-1.jsonl",
        f"{MODEL}/realtime/2026-11-25/desk-2.jsonl",
    ]


class Away(MemoryStore):
    """A store that cannot be written to until it is told so."""

    def __init__(self, error: Callable[[], Exception] = lambda: Transient("the store is away.")) -> None:
        super().__init__()
        self.error: Callable[[], Exception] | None = error

    def create(self, key: str, data: bytes) -> Any:
        if self.error is not None:
            raise self.error()
        return super().create(key, data)


def test_what_cannot_be_written_is_kept_for_the_next_time(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    away = desk.log._predictions = desk.predictions = Away()
    ids = content(desk.predict(ROW))["prediction_ids"]
    with caplog.at_level(logging.WARNING):
        desk.log.flush()
    assert "predictions are not stored yet: the store is away." in caplog.text
    away.error = None
    desk.log.flush()
    assert record_of(desk, ids[0])["prediction_id"] == ids[0]


def test_the_oldest_pages_are_given_up_loudly_when_too_many_wait(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    away = desk.log._predictions = desk.predictions = Away()
    for _ in range(KEPT_PAGES + 2):
        desk.predict(ROW)
        desk.log.flush()
    assert caplog.text.count("1 predictions are lost") == 2
    away.error = None
    assert len(desk.records()) == KEPT_PAGES


def test_a_store_that_takes_pages_loses_none_however_many_wait(caplog: pytest.LogCaptureFixture) -> None:
    """Pages fill while others are written: those are no reason to give up any."""
    desk = paging(rows=1)

    class Busy(MemoryStore):
        """While it takes its first page, as many others come as may wait."""

        def create(self, key: str, data: bytes) -> Any:
            while desk.log._sequence <= KEPT_PAGES:
                desk.predict(ROW)
            return super().create(key, data)

    desk.log._predictions = desk.predictions = Busy()
    desk.predict(ROW)
    assert sum(map(len, desk.records().values())) == KEPT_PAGES + 1
    assert "lost" not in caplog.text


def test_a_page_that_an_earlier_attempt_stored_is_done() -> None:
    desk = Desk()
    desk.log._predictions = Away(lambda: AlreadyExists("it is there."))
    desk.predict(ROW)
    desk.log.flush()
    assert not desk.log._full


def test_two_processes_never_write_the_same_page() -> None:
    store, desk = MemoryStore(), Desk()
    names = {PredictionLog(store, desk.clock)._writer for _ in range(100)}
    assert len(names) == 100


# a sample ---------------------------------------------------------------------------------------------------


def sampling(share: float) -> Desk:
    desk = Desk()
    desk.log = PredictionLog(desk.predictions, desk.clock, mode="sampled", share=share, writer="desk")
    desk.service = Service(desk.cache, desk.log)
    return desk


def test_a_sample_keeps_the_rows_that_their_ids_say() -> None:
    desk = sampling(0.3)
    ids = [each for _ in range(4) for each in content(desk.predict(*[ROW] * 200))["prediction_ids"]]
    kept = [record["prediction_id"] for page in desk.records().values() for record in page]
    assert kept == [each for each in ids if is_sampled(each, 0.3)]
    assert abs(len(kept) - 240) < 5 * (0.3 * 0.7 * 800) ** 0.5


def test_a_larger_sample_holds_the_smaller_one() -> None:
    ids = [f"penguins.r.2026-11-24.desk-1.{row}" for row in range(1000)]
    small, large = ({each for each in ids if is_sampled(each, share)} for share in (0.1, 0.4))
    assert small < large < set(ids)
    assert all(is_sampled(each, 1.0) for each in ids)


def test_a_sample_of_nothing_writes_no_object() -> None:
    desk = sampling(0.0)
    desk.predict(ROW)
    desk.log.flush()
    assert list(desk.predictions.list("")) == []
    assert not desk.log._full


def test_a_sampled_prediction_is_found_by_its_id() -> None:
    desk = sampling(0.3)
    desk.predict(*[ROW] * 50)
    (key,) = desk.records()
    manifest = penguins.classifier().manifest
    (found,) = read_answered(desk.predictions, key, manifest)
    assert {place_of(each).key for each in found.prediction_ids.tolist()} == {key}


def test_latency_is_the_model_s_for_the_whole_request() -> None:
    desk = Desk()
    desk.predict(ROW, ROW)
    (page,) = desk.records().values()
    assert page[0]["latency_ms"] == page[1]["latency_ms"] > 0
