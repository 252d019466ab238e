"""What was answered: written by batch runs as Parquet, by the realtime endpoint as JSON Lines, and read back alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..domain.columns import Columns, Outputs
from ..domain.model import ModelManifest
from ..domain.prediction import (
    ANSWERED_AT,
    ERROR,
    LABEL,
    MODEL_VERSION,
    PREDICTION,
    PREDICTION_ID,
    batch_id,
    probability_column,
)
from ..domain.schema import NULL_CATEGORY, Feature, Schema
from ..errors import Corrupt
from ..ports import Reads
from .arrow import TEXT, TIME
from .buffers import coded, numbers
from .columns import to_columns

PARQUET = ".parquet"
AT_ONCE = 65_536
"""Rows that are read at once."""

Times = NDArray[np.datetime64]
Texts = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """n rows that one version answered. `answered_at` and `times` are datetime64[us] in UTC, NaT for null.

    `ids` (None where a row has none) and `times` are None if the model's schema has no such column. `sensitive` has
    those columns that are no features, as far as they were given; None where a row has no value.
    """

    columns: Columns
    outputs: Outputs
    prediction_ids: Texts
    answered_at: Times
    ids: Texts | None = None
    times: Times | None = None
    sensitive: Mapping[str, Texts] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.prediction_ids)

    def take(self, rows: NDArray[Any]) -> Answered:
        """Only these rows, by a mask [n] or by their numbers."""
        parts = {name: _part(getattr(self, name), rows) for name in ("ids", "times")}
        outputs = (self.outputs.labels, self.outputs.probabilities, self.outputs.prediction)
        return Answered(
            columns={name: values[rows] for name, values in self.columns.items()},
            outputs=Outputs(*(_part(values, rows) for values in outputs)),
            prediction_ids=self.prediction_ids[rows],
            answered_at=self.answered_at[rows],
            sensitive={name: values[rows] for name, values in self.sensitive.items()},
            **parts,
        )


def read_answered(store: Reads, key: str, manifest: ModelManifest) -> Iterator[Answered]:
    """The rows of one object that the version of `manifest` answered, a batch part or a realtime log.

    Objects are bounded by who writes them, so each is fetched whole. Raises Corrupt if the object is not as expected.
    """
    data = store.get(key).data
    read = _read_part if key.endswith(PARQUET) else _read_log
    try:
        yield from read(data, manifest)
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"predictions {key!r} cannot be read: {error!r}.") from error


def answer_columns(outputs: Outputs, manifest: ModelManifest) -> pa.RecordBatch:
    """Answers as they are written: a prediction, or a label and the probability of each class."""
    if outputs.prediction is not None:
        return pa.RecordBatch.from_pydict({PREDICTION: numbers(outputs.prediction.reshape(-1))})
    assert outputs.probabilities is not None
    shares = np.ascontiguousarray(outputs.probabilities.T)
    probabilities = {probability_column(name): numbers(shares[at]) for at, name in enumerate(manifest.classes)}
    assert outputs.labels is not None
    return pa.RecordBatch.from_pydict({LABEL: coded(outputs.labels, manifest.classes), **probabilities})


def answered_rows(given: pa.RecordBatch, answers: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of a source with their answers behind them."""
    names = [*given.schema.names, *answers.schema.names]
    return pa.RecordBatch.from_arrays([*given.columns, *answers.columns], names)


def recorded(
    answered: pa.RecordBatch, manifest: ModelManifest, *, run: str, part: int, row: int, at: datetime
) -> pa.RecordBatch:
    """Answered rows as they are recorded, each with its id; the first is row `row` of part `part`."""
    rows = len(answered)
    places = pc.cast(numbers(np.arange(row, row + rows)), TEXT)
    prefix = batch_id(manifest.model, run, part, 0).removesuffix("0")
    before = {
        PREDICTION_ID: pc.binary_join_element_wise(prefix, places, ""),
        ANSWERED_AT: pa.repeat(pa.scalar(at, TIME), rows),
        MODEL_VERSION: pa.repeat(pa.scalar(manifest.version, TEXT), rows),
    }
    return pa.RecordBatch.from_pydict({**before, **dict(zip(answered.schema.names, answered.columns, strict=True))})


def same_rows(stored: bytes, made: bytes, manifest: ModelManifest) -> bool:
    """Whether two parts record the same questions; the answers may differ in the last digit between processors."""
    answers = {LABEL, PREDICTION, *map(probability_column, manifest.classes)}
    tables = [pq.read_table(pa.BufferReader(data)) for data in (stored, made)]
    first, second = (table.drop_columns([name for name in table.column_names if name in answers]) for table in tables)
    return bool(first.equals(second))


def _read_part(data: bytes, manifest: ModelManifest) -> Iterator[Answered]:
    for batch in pq.ParquetFile(pa.BufferReader(data)).iter_batches(AT_ONCE):
        ours = batch.filter(pc.equal(batch.column(MODEL_VERSION), manifest.version))
        if len(ours):
            yield _from_batch(ours, manifest)


def _from_batch(batch: pa.RecordBatch, manifest: ModelManifest) -> Answered:
    schema = manifest.schema

    def values(name: str | None) -> Any:  # noqa: ANN401 - of the column's own type
        return None if name not in batch.schema.names else batch.column(name).to_numpy(zero_copy_only=False)

    return Answered(
        columns=to_columns(batch, schema),
        outputs=_outputs({name: values(name) for name in _names(manifest)}, manifest),
        prediction_ids=values(PREDICTION_ID),
        answered_at=values(ANSWERED_AT),
        ids=values(schema.id),
        times=values(schema.time),
        sensitive={name: values(name) for name in _beside(schema) if name in batch.schema.names},
    )


def _read_log(data: bytes, manifest: ModelManifest) -> Iterator[Answered]:
    lines = map(json.loads, data.splitlines())
    records = [record for record in lines if record[MODEL_VERSION] == manifest.version and ERROR not in record]
    if records:
        yield from_records(records, manifest)


def from_records(records: Sequence[Mapping[str, Any]], manifest: ModelManifest) -> Answered:
    """Records of a realtime log that one version answered; raises KeyError, TypeError or ValueError for others."""
    features = [record["features"] for record in records]
    answers = {name: np.array([_answer(record, name) for record in records]) for name in _names(manifest)}
    times = _times([record.get("time") for record in records]) if manifest.schema.time else None
    return Answered(
        columns={
            feature.name: _feature_column(feature, [row[feature.name] for row in features])
            for feature in manifest.schema.features
        },
        outputs=_outputs(answers, manifest),
        prediction_ids=_texts([record[PREDICTION_ID] for record in records]),
        answered_at=_times([record[ANSWERED_AT] for record in records]),
        ids=_texts([record.get("id") for record in records]) if manifest.schema.id else None,
        times=times,
        sensitive={
            name: _texts([record.get("sensitive", {}).get(name) for record in records])
            for name in _beside(manifest.schema)
        },
    )


def _beside(schema: Schema) -> list[str]:
    """Sensitive columns that are no features."""
    return [name for name in schema.sensitive if name not in schema.feature_names]


def _answer(record: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - a label or a number
    if name in record:
        return record[name]
    return record["probabilities"][name.removeprefix(probability_column(""))]


def _names(manifest: ModelManifest) -> list[str]:
    return [LABEL, *map(probability_column, manifest.classes)] if manifest.classes else [PREDICTION]


def _outputs(columns: Mapping[str, NDArray[Any]], manifest: ModelManifest) -> Outputs:
    if not manifest.classes:
        return Outputs(prediction=columns[PREDICTION].astype(np.float32))
    probabilities = np.stack([columns[probability_column(name)] for name in manifest.classes], axis=1)
    return Outputs(columns[LABEL].astype(object), probabilities.astype(np.float32))


def _feature_column(feature: Feature, values: Sequence[Any]) -> NDArray[Any]:
    if feature.type == "category":
        return _texts([NULL_CATEGORY if value is None else value for value in values])
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def _texts(values: Sequence[str | None]) -> Texts:
    return np.array(values, dtype=object)


def _times(values: Sequence[str | None]) -> Times:
    return np.array([None if value is None else _utc(value) for value in values], dtype="datetime64[us]")


def _utc(text: str) -> datetime:
    """A time without a zone is in UTC."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def _part(values: NDArray[Any] | None, rows: NDArray[Any]) -> Any:  # noqa: ANN401 - of the values' own type
    return None if values is None else values[rows]
