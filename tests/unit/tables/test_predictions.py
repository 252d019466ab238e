import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.columns import Outputs
from core.domain.model import ModelManifest
from core.domain.prediction import batch_id
from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.errors import Corrupt
from core.tables.arrow import dataset_schema
from core.tables.datasets import encode_part
from core.tables.predictions import Answered, answer_columns, answered_rows, read_answered, recorded, same_rows

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
FEATURES = (Feature("x", "number", nullable=True), Feature("c", "category"), Feature("b", "boolean", nullable=True))
SCHEMA = Schema(model="m", task="multiclass", target="y", features=FEATURES, id="id", time="at", sensitive=("sex",))
CLASSES = ("a", "é b", "z")


def manifest(version: str = "v1", *, regression: bool = False) -> ModelManifest:
    classes = () if regression else CLASSES
    return ModelManifest("m", version, SCHEMA, classes, {}, {}, 0, 0)


def good(count: int = 3) -> pa.RecordBatch:
    columns = {
        "id": [f"r{row}" for row in range(count)],
        "at": [AT] * count,
        "x": [None if row == 1 else row / 2 for row in range(count)],
        "c": ["red"] * (count - 1) + [None],
        "b": [None if row == 0 else row == 1 for row in range(count)],
        "sex": ["f"] * count,
    }
    return pa.RecordBatch.from_pydict(columns, schema=dataset_schema(SCHEMA, "score"))


def answers(count: int = 3) -> Outputs:
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], count).astype(np.float32)
    return Outputs(np.array(CLASSES, dtype=object)[probabilities.argmax(axis=1)], probabilities)


def part(version: str = "v1", outputs: Outputs | None = None, *, regression: bool = False) -> pa.RecordBatch:
    made = manifest(version, regression=regression)
    answered = answered_rows(good(), answer_columns(outputs or answers(), made))
    return recorded(answered, made, run="run", part=2, row=10, at=AT)


def read(data: bytes, key: str, made: ModelManifest) -> list[Answered]:
    store = MemoryStore()
    store.put(key, data)
    return list(read_answered(store, key, made))


PART = layout.batch_part("m", "run", 2)
LOG = layout.realtime_log("m", "2026-05-01", "w-1")


def test_a_part_holds_what_the_contract_says() -> None:
    stored = pq.read_table(pa.BufferReader(encode_part([part()])))
    assert stored.column_names == [
        "prediction_id", "answered_at", "model_version", "id", "at", "x", "c", "b", "sex",
        "label", "probability_a", "probability_é b", "probability_z",
    ]  # fmt: skip
    assert stored["prediction_id"].to_pylist() == [batch_id("m", "run", 2, row) for row in (10, 11, 12)]
    assert stored.schema.field("answered_at").type == pa.timestamp("us", tz="UTC")
    assert stored["model_version"].to_pylist() == ["v1"] * 3


def test_a_part_is_read_back() -> None:
    (answered,) = read(encode_part([part()]), PART, manifest())
    assert len(answered) == 3
    assert answered.columns["x"].tolist()[::2] == [0, 1]
    assert np.isnan(answered.columns["x"][1])
    assert answered.columns["c"].tolist() == ["red", "red", NULL_CATEGORY]
    assert answered.outputs.labels.tolist() == answers().labels.tolist()  # type: ignore[union-attr]
    assert answered.outputs.probabilities.tolist() == answers().probabilities.tolist()  # type: ignore[union-attr]
    assert answered.answered_at.tolist() == [AT.replace(tzinfo=None)] * 3
    assert answered.ids is not None
    assert answered.ids.tolist() == ["r0", "r1", "r2"]


def record(row: int, version: str = "v1", **changes: object) -> bytes:
    x, c, b = ([0, None, 1.0][row], ["red", "red", None][row], [None, True, False][row])
    outputs = answers()
    fields = {
        "prediction_id": f"m.r.2026-05-01.w-1.{row}",
        "answered_at": "2026-05-01T14:00:00+02:00",
        "model_version": version,
        "request_id": "q",
        "features": {"x": x, "c": c, "b": b},
        "id": f"r{row}",
        "time": "2026-05-01T12:00:00Z",
        "label": outputs.labels[row],  # type: ignore[index]
        "probabilities": dict(zip(CLASSES, outputs.probabilities[row].tolist(), strict=True)),  # type: ignore[index]
    }
    return json.dumps({**fields, **changes}).encode() + b"\n"


def test_a_log_is_read_like_a_part() -> None:
    (logged,) = read(b"".join(map(record, range(3))), LOG, manifest())
    (batched,) = read(encode_part([part()]), PART, manifest())
    for name, values in batched.columns.items():
        assert logged.columns[name].dtype == values.dtype
        np.testing.assert_array_equal(logged.columns[name], values)
    np.testing.assert_array_equal(logged.outputs.labels, batched.outputs.labels)
    np.testing.assert_array_equal(logged.outputs.probabilities, batched.outputs.probabilities)
    np.testing.assert_array_equal(logged.answered_at, batched.answered_at)
    np.testing.assert_array_equal(logged.times, batched.times)
    np.testing.assert_array_equal(logged.ids, batched.ids)


def test_rows_of_other_versions_are_left_out() -> None:
    assert read(encode_part([part("v2")]), PART, manifest()) == []
    (logged,) = read(record(0) + record(1, "v2") + record(2), LOG, manifest())
    assert logged.prediction_ids.tolist() == ["m.r.2026-05-01.w-1.0", "m.r.2026-05-01.w-1.2"]
    assert read(record(0, "v2", features={"other": 1}), LOG, manifest()) == []


def test_a_row_without_id_or_time_has_none() -> None:
    (logged,) = read(record(0, id=None, time=None), LOG, manifest())
    assert logged.ids is not None
    assert logged.ids.tolist() == [None]
    assert np.isnat(logged.times).all()  # type: ignore[arg-type]


def test_sensitive_columns_are_read_in_both_forms() -> None:
    (batched,) = read(encode_part([part()]), PART, manifest())
    (logged,) = read(record(0, sensitive={"sex": "f"}) + record(1), LOG, manifest())
    assert batched.sensitive["sex"].tolist() == ["f"] * 3
    assert logged.sensitive["sex"].tolist() == ["f", None]
    assert batched.take(np.array([0])).sensitive["sex"].tolist() == ["f"]


def test_a_regression_is_read_in_both_forms() -> None:
    prediction = np.array([1.5, -2, 0], np.float32)
    made = manifest(regression=True)
    data = encode_part([part(outputs=Outputs(prediction=prediction), regression=True)])
    (batched,) = read(data, PART, made)
    (logged,) = read(record(0, prediction=1.5), LOG, made)
    assert batched.outputs.prediction.tolist() == prediction.tolist()  # type: ignore[union-attr]
    assert logged.outputs.prediction.tolist() == [1.5]  # type: ignore[union-attr]


def test_rows_can_be_taken() -> None:
    (answered,) = read(encode_part([part()]), PART, manifest())
    taken = answered.take(np.array([True, False, True]))
    assert len(taken) == len(taken.outputs) == 2
    assert taken.columns["c"].tolist() == ["red", NULL_CATEGORY]
    assert taken.ids is not None
    assert taken.ids.tolist() == ["r0", "r2"]


def test_same_rows_compares_questions_and_not_answers() -> None:
    stored = encode_part([part()])
    shifted = Outputs(answers().labels, answers().probabilities + np.float32(1e-7))
    assert same_rows(stored, encode_part([part(outputs=shifted)]), manifest())
    answered = answered_rows(good(), answer_columns(answers(), manifest()))
    other = recorded(answered, manifest(), run="run", part=2, row=11, at=AT)
    assert not same_rows(stored, encode_part([other]), manifest())


@pytest.mark.parametrize(("key", "data"), [(PART, b"PAR1"), (PART, b""), (LOG, b"{"), (LOG, b"[]"), (LOG, b"\xff")])
def test_what_cannot_be_read_is_corrupt_and_named(key: str, data: bytes) -> None:
    with pytest.raises(Corrupt, match=key):
        read(data, key, manifest())


def test_a_part_that_lacks_a_feature_is_corrupt() -> None:
    batch = part()
    with pytest.raises(Corrupt, match="cannot be read"):
        read(encode_part([batch.drop_columns(["x"])]), PART, manifest())
