"""Golden rows: inputs and the answers they had when the model was made; any host proves by them that it answers so."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..domain.artefact import read_artefact
from ..domain.canonical import canonical_json
from ..domain.columns import Columns, Outputs
from ..errors import Corrupt
from ..ports import Predictor

FORMAT = 1
TOLERANCE = 1e-5
"""How far answers may be off, see `largest_difference`."""


class Golden(msgspec.Struct, frozen=True):
    """n rows as given to the model and as answered by it."""

    columns: Columns
    outputs: Outputs

    def encode(self) -> bytes:
        """The bytes that are stored. A missing number is null; a missing category is `schema.NULL_CATEGORY`."""
        columns = {name: _to_json(values) for name, values in self.columns.items()}
        answers = {"labels": self.outputs.labels, "probabilities": self.outputs.probabilities}
        answers["prediction"] = self.outputs.prediction
        expected = {name: _to_json(values) for name, values in answers.items() if values is not None}
        return canonical_json({"format": FORMAT, "columns": columns, "expected": expected})

    @classmethod
    def decode(cls, data: bytes) -> Golden:
        """Read stored rows; raises Corrupt if they are none, or of a newer format."""
        return read_artefact(data, "golden rows", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Golden:
        columns = {name: _from_json(values) for name, values in fields["columns"].items()}
        answers = {name: _from_json(values) for name, values in fields["expected"].items()}
        return cls(columns, Outputs(**answers))


def check_golden(predictor: Predictor, golden: Golden, tolerance: float = TOLERANCE) -> None:
    """Ask `predictor` for the golden rows; raises Corrupt if a label or a number is not as expected.

    Another label is as expected where the two are so nearly tied that `tolerance` decides between them.
    """
    expected, given = golden.outputs, predictor.predict(golden.columns)
    wrong = _wrong_labels(expected, given, tolerance)
    if wrong:
        raise Corrupt(f"the model answers {wrong} of {len(expected)} golden rows with another label.")
    off = largest_difference(expected, given)
    if not off <= tolerance:
        raise Corrupt(f"the model answers its golden rows off by {off:.2g}, more than {tolerance:g}.")


def _wrong_labels(expected: Outputs, given: Outputs, tolerance: float) -> int:
    if expected.labels is None or expected.probabilities is None or given.labels is None:
        return 0
    top = np.sort(expected.probabilities, axis=1)[:, -2:]
    clear = top[:, 1] - top[:, 0] > 2 * tolerance
    return int(np.sum(clear & (expected.labels != given.labels)))


def largest_difference(expected: Outputs, given: Outputs) -> float:
    """How far answers are off at most; infinite if they are of different kinds or not numbers.

    Of probabilities the absolute difference. Of predictions the difference relative to the expected value, or to the
    root mean square of all expected values where that is larger: a value that happens to be near zero asks for no more.
    """
    if expected.probabilities is not None and given.probabilities is not None:
        return _largest(np.abs(expected.probabilities - given.probabilities))
    if expected.prediction is not None and given.prediction is not None:
        wanted = expected.prediction.astype(np.float64)
        size = np.maximum(np.abs(wanted), np.sqrt(np.mean(wanted**2)))
        off = np.abs(wanted - given.prediction)
        return _largest(np.divide(off, size, out=off, where=size > 0))
    return float("inf")


def _largest(differences: NDArray[Any]) -> float:
    largest = float(np.max(differences, initial=0.0))
    return float("inf") if np.isnan(largest) else largest


def _to_json(values: NDArray[Any]) -> list[Any]:
    if values.dtype == np.float32:
        values = np.where(np.isnan(values), np.array(None), values.astype(object))
    return list(values.tolist())


def _from_json(values: list[Any]) -> NDArray[Any]:
    if values and isinstance(values[0], str):
        return np.array(values, dtype=object)
    return np.array(values, dtype=np.float32)
