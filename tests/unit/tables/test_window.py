"""A window answers each row for itself, whatever the order and the lots that the model is asked in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from core.domain.columns import Columns, Outputs
from core.domain.model import ModelManifest
from core.domain.schema import Feature, Schema
from core.tables.columns import to_features
from core.tables.window import LOT, Question, Window

SCHEMA = Schema(
    model="m", task="binary", target="y", features=(Feature("x", "number"), Feature("c", "category")), id="id"
)
CLASSES = ("no", "yes")


class Echo:
    """Answers a row with its own number, its category told by the label; remembers how many it was asked at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def predict(self, columns: Columns) -> Outputs:
        self.asked.append(len(columns["x"]))
        labels = np.where(columns["c"] == "b", "yes", "no").astype(object)
        return Outputs(labels, np.stack([-columns["x"], columns["x"]], axis=1))


def questions(sizes: Sequence[int]) -> list[Question]:
    rng, made = np.random.default_rng(sum(sizes)), []
    for size in sizes:
        rows = pa.record_batch(
            {
                "id": pa.array([f"r{row}" for row in range(size)], pa.string()),
                "x": pa.array(rng.normal(size=size)),
                "c": pa.array(rng.choice(["a", "b"], size), pa.string()),
            }
        )
        made.append(Question(rows, to_features(rows, SCHEMA)))
    return made


@pytest.mark.parametrize("sizes", [[1], [500, 0, 3], [3_000], [0, LOT, 5, LOT - 5, 1]])
def test_every_row_has_its_own_answer(sizes: list[int]) -> None:
    asked, echo = questions(sizes), Echo()
    window = Window(asked, ModelManifest("m", "v1", SCHEMA, CLASSES, {}, {}, 0, 0), echo)
    lots = [window.answer(lot) for lot in reversed(range(window.lots))]
    found = list(window.answered(lots[::-1]))
    assert sum(echo.asked) == sum(sizes)
    assert max(echo.asked) <= LOT
    for question, rows in zip((each for each in asked if len(each)), found, strict=True):
        assert rows.column("id").equals(question.passed.column("id"))
        asked_x = np.array(question.passed.column("x").to_pylist(), np.float32)
        np.testing.assert_array_equal(np.array(rows.column("probability_yes").to_pylist(), np.float32), asked_x)
        wanted = ["yes" if each == "b" else "no" for each in question.passed.column("c").to_pylist()]
        assert rows.column("label").to_pylist() == wanted


def test_no_rows_are_no_question() -> None:
    echo = Echo()
    window = Window(questions([0, 0]), ModelManifest("m", "v1", SCHEMA, CLASSES, {}, {}, 0, 0), echo)
    assert window.lots == 0
    assert list(window.answered([])) == []
