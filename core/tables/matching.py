"""Rows joined to labels that came later, in bounded memory: neither side need fit into it.

A Grace hash join (Kitsuregawa, Tanaka and Moto-oka 1983): both sides are parted by a hash of the key into files of a
folder, and joined one part at a time. What is found is then parted by the number of the row, and put back beside the
rows in their order. In memory are at most the labels of one part, a block of rows, and what is buffered for files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LABELS_AT_ONCE = 250_000
"""About as many labels are joined at once."""
ROWS_AT_ONCE = 250_000
"""As many rows are put together at once."""
UNMATCHED = -1

Records: TypeAlias = NDArray[Any]
"""A structured array [n]: what is kept of each row."""
Matched: TypeAlias = tuple[Records, NDArray[np.float64], NDArray[np.int64]]
"""Rows, the truth of each (NaN without one), and the number of the label that told it (UNMATCHED without one)."""

_LABEL = pa.schema([("key", pa.string()), ("number", pa.int64()), ("truth", pa.float64())])
_PROBE = pa.schema([("key", pa.string()), ("row", pa.int64())])
_FOUND = pa.schema([("row", pa.int64()), ("number", pa.int64()), ("truth", pa.float64())])


class Matching:
    """Add all labels, then all rows, then read `matched` once. Files are made in `folder`, which the caller removes.

    `labels` is about how many labels there will be. `kept` is the dtype of what is kept of a row. Of all labels of a
    row, by whichever of its keys, the one that was added last counts.
    """

    def __init__(self, folder: Path, labels: int, kept: np.dtype[Any]) -> None:
        self._parts = -(-max(labels, 1) // LABELS_AT_ONCE)
        self._kept = kept
        self._labels = _Files(folder, "labels", _LABEL)
        self._probes = _Files(folder, "probes", _PROBE)
        self._found = _Files(folder, "found", _FOUND)
        self._path = folder / "rows"
        self._rows = self._path.open("wb")
        self._kinds: set[str] = set()
        self.labels = 0
        self.rows = 0

    def __enter__(self) -> Self:
        """Use it within `with`, so that no file stays open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every file."""
        self._rows.close()
        for files in (self._labels, self._probes, self._found):
            files.close()

    def add_labels(self, keys: dict[str, pa.Array], truth: NDArray[np.float64]) -> None:
        """Labels of n rows: their keys by kind, text or null, and their truth [n]."""
        numbers = np.arange(self.labels, self.labels + len(truth))
        self.labels += len(truth)
        for kind, column in keys.items():
            if column.null_count < len(column):
                self._kinds.add(kind)
                self._part(self._labels, kind, column, {"number": numbers, "truth": truth})

    def add_rows(self, keys: dict[str, pa.Array], records: Records) -> None:
        """Rows to find the labels of: their keys by kind, text or null, and what is kept of them [n]."""
        numbers = np.arange(self.rows, self.rows + len(records))
        self.rows += len(records)
        self._rows.write(np.ascontiguousarray(records, self._kept).tobytes())
        for kind in self._kinds & keys.keys():
            self._part(self._probes, kind, keys[kind], {"row": numbers})

    def matched(self) -> Iterator[Matched]:
        """All rows in the order they were added, in blocks."""
        self._rows.close()
        for part in range(self._parts):
            self._join(part)
        for block, start in enumerate(range(0, self.rows, ROWS_AT_ONCE)):
            count = min(ROWS_AT_ONCE, self.rows - start)
            records = np.fromfile(self._path, self._kept, count, offset=start * self._kept.itemsize)
            yield records, *self._truth(block, count)

    def _part(self, files: _Files, kind: str, keys: pa.Array, beside: dict[str, NDArray[Any]]) -> None:
        """Write rows that have a key of this kind to the part that the key belongs to."""
        given = keys.is_valid().to_numpy(zero_copy_only=False)
        named = pc.binary_join_element_wise(kind, keys.filter(pa.array(given)).cast(pa.string()), ":")
        columns = {"key": named, **{name: values[given] for name, values in beside.items()}}
        files.add(pa.RecordBatch.from_pydict(columns, files.schema), self._parts_of(named))

    def _parts_of(self, keys: pa.Array) -> NDArray[np.int64]:
        if self._parts == 1:
            return np.zeros(len(keys), np.int64)
        hashes = (crc32(key.encode()) for key in keys.to_pylist())
        return np.fromiter(hashes, np.int64, len(keys)) % self._parts

    def _join(self, part: int) -> None:
        labels = pa.concat_tables([_LABEL.empty_table(), *self._labels.read(part)])
        keys = labels["key"].combine_chunks().dictionary_encode()
        last = np.zeros(len(keys.dictionary), np.int64)
        last[keys.indices.to_numpy()] = np.arange(len(labels))  # of equal keys the last assignment stands
        numbers, truth = labels["number"].to_numpy()[last], labels["truth"].to_numpy()[last]
        for probes in self._probes.read(part):
            place = pc.index_in(probes["key"], value_set=keys.dictionary)
            hit = place.is_valid()
            rows, at = probes["row"].filter(hit).to_numpy(), place.filter(hit).to_numpy()
            found = pa.RecordBatch.from_pydict({"row": rows, "number": numbers[at], "truth": truth[at]}, _FOUND)
            self._found.add(found, rows // ROWS_AT_ONCE)

    def _truth(self, block: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        found = pa.concat_tables([_FOUND.empty_table(), *self._found.read(block)]).sort_by("number")
        rows = found["row"].to_numpy() - block * ROWS_AT_ONCE
        truth, number = np.full(count, np.nan), np.full(count, UNMATCHED, np.int64)
        truth[rows], number[rows] = found["truth"].to_numpy(), found["number"].to_numpy()
        return truth, number


class _Files:
    """Record batches in numbered files, each read back in the order of writing."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self.schema = schema
        self._folder = folder
        self._name = name
        self._open: dict[int, tuple[pa.NativeFile, pa.RecordBatchWriter]] = {}

    def add(self, batch: pa.RecordBatch, files: NDArray[np.int64]) -> None:
        """Write each row of the batch to the file of its number."""
        order = np.argsort(files, kind="stable")
        numbers, starts = np.unique(files[order], return_index=True)
        ends = np.append(starts[1:], len(order))
        for number, start, end in zip(numbers.tolist(), starts, ends, strict=False):
            self._writer(number).write_batch(batch.take(pa.array(order[start:end])))

    def read(self, number: int) -> Iterator[pa.Table]:
        """The rows of a file, many at a time; then the file is gone."""
        if number not in self._open:
            return
        file, writer = self._open.pop(number)
        writer.close()
        file.close()
        batches: list[pa.RecordBatch] = []
        with pa.OSFile(self._path(number)) as source:
            for batch in pa.ipc.open_stream(source):
                batches.append(batch)
                if sum(map(len, batches)) >= ROWS_AT_ONCE:
                    yield pa.Table.from_batches(batches)
                    batches = []
        if batches:
            yield pa.Table.from_batches(batches)
        Path(self._path(number)).unlink()

    def close(self) -> None:
        """Close every file that is open."""
        for file, writer in self._open.values():
            writer.close()
            file.close()

    def _writer(self, number: int) -> pa.RecordBatchWriter:
        if number not in self._open:
            file = pa.OSFile(self._path(number), "wb")
            self._open[number] = file, pa.ipc.new_stream(file, self.schema)
        return self._open[number][1]

    def _path(self, number: int) -> str:
        return str(self._folder / f"{self._name}-{number}")
