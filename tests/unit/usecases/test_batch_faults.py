"""What goes wrong around a batch run: with its time, its input and the store that it writes to."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.batch import Success
from core.errors import BadInput, Corrupt, TimeUp, Transient, VersionMismatch
from core.ports import ObjectInfo
from core.usecases.batch_time import MARGIN
from core.usecases.score_batch import BatchResult, score_batch
from core.usecases.score_new import score_new
from tests.faults import Counter, RecordingStore, _Wrapper
from tests.unit.usecases.site import Model, Site, csv, rows

ROWS = 400


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 50 rows, and no time lost with waiting."""
    monkeypatch.setattr("core.tables.input_parts.PART_ROWS", 50)
    monkeypatch.setattr("core.usecases.patient.PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def site() -> Site:
    site = Site()
    site.publish("v1")
    return site


def parquet(count: int = ROWS, group: int = 50) -> bytes:
    columns = rows(count)
    made = {name: [None if value == "<null>" else value for value in values] for name, values in columns.items()}
    table = pa.table({"id": [f"r{row}" for row in range(count)], **made, "b": pa.array(columns["b"] == 1)})
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=group)
    return file.getvalue()


def undisturbed(name: str, data: bytes) -> dict[str, bytes]:
    site = Site()
    site.publish("v1")
    site.score(site.drop(name, data))
    return site.state("predictions", "quarantine")


class Time:
    """Seconds that are left; each look takes one."""

    def __init__(self, left: float) -> None:
        self.left = left

    def __call__(self) -> float:
        self.left -= 1
        return self.left


def attempt(site: Site, key: str, left: float) -> BatchResult:
    zones = site.zones
    return score_batch(
        zones["landing"],
        zones["models"],
        zones["predictions"],
        zones["quarantine"],
        key=key,
        means=site.means(seconds_left=Time(left)),
    )


@pytest.mark.parametrize(("name", "make"), [("a.parquet", parquet), ("a.csv", lambda: csv(rows(ROWS)))])
def test_near_the_end_of_its_time_a_run_is_handed_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, make: Callable[[], bytes]
) -> None:
    """Each attempt has time for a few parts; together they come to what one would have come to."""
    monkeypatch.setattr("core.tables.records.BLOCK", 2_000)
    key, attempts = site.drop(name, make()), 0
    scored = _counted(monkeypatch)
    while True:
        attempts += 1
        try:
            result = attempt(site, key, MARGIN + 8)
            break
        except TimeUp:
            continue
    assert attempts > 1
    assert result.rows == ROWS
    assert result.read is not None
    assert result.read < ROWS
    assert sum(scored) == ROWS
    assert site.state("predictions", "quarantine") == undisturbed(name, make())


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    scored: list[int] = []
    predict = Model.predict

    def count(self: Model, columns: Any) -> Any:
        scored.append(len(columns["x"]))
        return predict(self, columns)

    monkeypatch.setattr(Model, "predict", count)
    return scored


def test_who_came_no_further_is_not_called_again_at_once(site: Site) -> None:
    with pytest.raises(Transient, match="take longer than this host gives") as caught:
        attempt(site, site.drop("a.parquet", parquet()), MARGIN - 1)
    assert not isinstance(caught.value, TimeUp)


def test_a_schedule_hands_on_the_files_that_it_has_no_time_for(site: Site) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        site.drop(name, csv(rows(30)))
    zones = site.zones
    four = (zones["landing"], zones["models"], zones["predictions"], zones["quarantine"])
    with pytest.raises(TimeUp, match="1 files of model m are scored"):
        score_new(*four, model="m", key=None, means=site.means(seconds_left=Time(MARGIN + 6)))
    assert score_new(*four, model="m", key=None, means=site.means())["files"] == 2


def test_finished_parts_are_not_scored_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    key = site.drop("a.parquet", parquet())
    result = site.score(key)
    done = site.state("predictions")
    predictions = site.zones["predictions"]
    predictions.delete(layout.batch_success("m", result.run))
    predictions.delete(layout.batch_done("m", result.run, 3))
    scored = _counted(monkeypatch)
    assert site.score(key).rows == ROWS
    assert scored == [50]
    assert site.state("predictions") == done


def test_a_corrupt_row_group_in_the_middle_refuses_the_file(site: Site) -> None:
    data = bytearray(parquet())
    chunk = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(4).column(1)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start : start + 40] = b"\xff" * 40
    key = site.drop("a.parquet", bytes(data))
    with pytest.raises(BadInput, match=r"damaged behind row 200 \(row group 4\)"):
        site.score(key)
    state = site.state("predictions", "quarantine")
    assert not [name for name in state if name.endswith("_SUCCESS")]
    assert [name for name in state if name.endswith(("_REFUSED", "report.json"))]


class Replacing(_Wrapper):
    """Another file lies there from the n-th range on."""

    def __init__(self, inner: MemoryStore, key: str, data: bytes, after: int) -> None:
        super().__init__(inner)
        self.key, self.data, self.left = key, data, after

    def get_range(self, key: str, start: int, length: int) -> bytes:
        self.left -= 1
        if self.left == 0:
            self.inner.put(self.key, self.data)
        return self.inner.get_range(key, start, length)


@pytest.mark.parametrize("after", [1, 2, 3, 5, 7, 9])
def test_an_input_that_is_replaced_while_it_is_read(site: Site, after: int) -> None:
    """No run is ever finished with rows of two versions, and the version that is there then is scored by its event."""
    key = site.drop("a.parquet", parquet())
    site.zones["landing"] = Replacing(site.zones["landing"], key, parquet(ROWS - 10), after)
    with pytest.raises(VersionMismatch):
        site.score(key)
    assert not [name for name in site.state("predictions") if name.endswith("_SUCCESS")]
    assert site.score(key).rows == ROWS - 10


def test_only_the_version_that_was_announced_is_scored(site: Site) -> None:
    key = site.drop("a.csv", csv(rows(20)))
    announced = site.zones["landing"].head(key).version
    site.drop("a.csv", csv(rows(30)))
    zones = site.zones
    four = (zones["landing"], zones["models"], zones["predictions"], zones["quarantine"])
    told = score_new(*four, model="m", key=key, version=announced, means=site.means())
    assert told == {"files": 0, "rows": 0, "replaced": 1}
    assert site.state("predictions") == {}
    now = zones["landing"].head(key).version
    assert score_new(*four, model="m", key=key, version=now, means=site.means())["rows"] == 30


class Troubled(_Wrapper):
    """A store whose writes fail now and then, and change nothing."""

    def __init__(self, inner: MemoryStore, fails: Callable[[int], bool], counter: Counter) -> None:
        super().__init__(inner)
        self.fails, self.counter = fails, counter

    def create(self, key: str, data: bytes) -> ObjectInfo:
        with self.counter.lock:
            self.counter.writes += 1
            if self.fails(self.counter.writes):
                raise Transient(f"object {key!r} cannot be written: the disk or the quota is full.")
        return self.inner.create(key, data)


def troubled(site: Site, fails: Callable[[int], bool]) -> None:
    counter = Counter()
    for zone in ("predictions", "quarantine"):
        site.zones[zone] = Troubled(site.zones[zone], fails, counter)


def test_an_output_that_fails_every_third_write(site: Site) -> None:
    data = csv(rows(ROWS)) + b"bad,2026-05-01,999,red,true\n"
    key = site.drop("a.csv", data)
    whole = dict(site.zones)
    troubled(site, lambda write: write % 3 == 0)
    result = site.score(key)
    assert (result.rows, result.quarantined) == (ROWS, 1)
    site.zones = whole
    assert site.state("predictions", "quarantine") == undisturbed("a.csv", data)


def test_a_full_disk_is_told_and_mended(site: Site) -> None:
    key = site.drop("a.parquet", parquet())
    whole = dict(site.zones)
    troubled(site, lambda write: write > 4)
    with pytest.raises(Transient, match="the disk or the quota is full"):
        site.score(key)
    site.zones = whole
    assert site.score(key).rows == ROWS
    assert site.state("predictions", "quarantine") == undisturbed("a.parquet", parquet())


def test_other_answers_in_the_place_of_a_part_are_corrupt(site: Site) -> None:
    key = site.drop("a.parquet", parquet())
    result = site.score(key)
    predictions = site.zones["predictions"]
    predictions.put(layout.batch_part("m", result.run, 2), predictions.get(result.output[1]).data)
    predictions.delete(layout.batch_done("m", result.run, 2))
    predictions.delete(layout.batch_success("m", result.run))
    with pytest.raises(Corrupt, match="delete its folder"):
        site.score(key)


def test_columns_that_nobody_wants_are_not_read(site: Site) -> None:
    table = pq.read_table(io.BytesIO(parquet(2_000, 2_000)))
    wide = table.append_column("at", pa.array(["2026-05-01"] * 2_000))
    noise = pa.array([f"{row * 7919 % 100_003}" * 40 for row in range(2_000)])
    file = io.BytesIO()
    pq.write_table(wide.append_column("noise", noise), file, compression="none", use_dictionary=False)
    site.spec = site.spec.model_copy(update={"undeclared": "drop"})
    site.publish("v2")
    key = site.drop("a.parquet", file.getvalue())
    calls: list[tuple[str, Any, str]] = []
    asked = RecordingStore(site.zones["landing"], "landing", calls)
    lengths: list[int] = []
    asked.get_range = lambda key, start, length: lengths.append(length) or site_range(key, start, length)  # type: ignore[method-assign]
    site_range = site.zones["landing"].get_range
    site.zones["landing"] = asked
    success = Success.decode(site.zones["predictions"].get(layout.batch_success("m", site.score(key).run)).data)
    assert success.rows == 2_000
    assert sum(lengths) < len(file.getvalue()) / 2


def test_the_records_of_parts_add_up(site: Site) -> None:
    data = csv(rows(ROWS)) + b"bad,2026-05-01,999,red,true\n" * 7
    result = site.score(site.drop("a.csv", data))
    found = [json.loads(data) for name, data in site.state("predictions").items() if "/done/" in name]
    assert sum(done["rows"] for done in found) == ROWS == result.rows
    assert sum(done["quarantined"] for done in found) == 7
    assert {reason for done in found for reason in done["reasons"]} == {"x: is above the maximum 100"}


def test_columns_are_kept_in_what_is_recorded_whether_declared_or_not(site: Site) -> None:
    lines = csv(rows(20)).decode().splitlines()
    data = "\n".join(line + (",note" if at == 0 else f",n{at}") for at, line in enumerate(lines)).encode()
    key = site.drop("a.csv", data)
    zones = site.zones
    four = (zones["landing"], zones["models"], zones["predictions"], zones["quarantine"])
    assert score_new(*four, model="m", key=key, means=site.means(), keep=("note", "x"))["rows"] == 20
    (part,) = [data for name, data in site.state("predictions").items() if name.endswith(".parquet")]
    found = pq.read_table(io.BytesIO(part))
    assert found["note"].to_pylist() == [f"n{at}" for at in range(1, 21)]
    assert {"prediction_id", "answered_at", "x", "c", "b", "label"} <= set(found.column_names)
    with pytest.raises(BadInput, match="does not declare: 'note'"):
        site.score(site.drop("b.csv", data))
