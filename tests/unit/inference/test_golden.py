"""Golden rows survive storing, and tell a model that answers otherwise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.domain.columns import Columns, Outputs
from core.domain.model import GOLDEN, ONNX
from core.domain.schema import NULL_CATEGORY
from core.errors import Corrupt
from core.inference.golden import Golden, check_golden, largest_difference
from core.inference.predictor import load_predictor
from tests import penguins


class Answers:
    """A predictor that gives what it was told to."""

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs

    def predict(self, columns: Columns) -> Outputs:
        return self.outputs


def classes(labels: list[str], probabilities: list[list[float]]) -> Outputs:
    return Outputs(labels=np.array(labels, object), probabilities=np.array(probabilities, np.float32))


def numbers(*values: float) -> Outputs:
    return Outputs(prediction=np.array(values, np.float32))


def test_rows_come_back_as_they_were():
    columns = {
        "x": np.array([0.1, np.nan], np.float32),
        "none": np.array([np.nan, np.nan], np.float32),
        "name": np.array([NULL_CATEGORY, "é"], object),
    }
    golden = Golden(columns, classes(["a", "b"], [[0.7, 0.3], [0.1, 0.9]]))
    back = Golden.decode(golden.encode())
    for name, values in columns.items():
        assert back.columns[name].dtype == values.dtype
        np.testing.assert_array_equal(back.columns[name], values)
    np.testing.assert_array_equal(back.outputs.probabilities, golden.outputs.probabilities)
    assert back.outputs.labels.tolist() == ["a", "b"]
    assert back.encode() == golden.encode()


@pytest.mark.parametrize("made", [penguins.classifier, penguins.regression])
def test_a_model_answers_its_own_rows(made):
    version = made()
    check_golden(load_predictor(version.files[ONNX], version.manifest), Golden.decode(version.files[GOLDEN]))


def test_another_label_is_told():
    golden = Golden({"x": np.zeros(2, np.float32)}, classes(["a", "b"], [[0.7, 0.3], [0.1, 0.9]]))
    with pytest.raises(Corrupt, match="answers 1 of 2 golden rows with another label"):
        check_golden(Answers(classes(["b", "b"], [[0.7, 0.3], [0.1, 0.9]])), golden)


def test_another_label_of_a_tie_is_as_expected():
    golden = Golden({"x": np.zeros(1, np.float32)}, classes(["a"], [[0.5, 0.5]]))
    check_golden(Answers(classes(["b"], [[0.499999, 0.500001]])), golden)


def test_other_numbers_are_told():
    golden = Golden({"x": np.zeros(2, np.float32)}, numbers(1000, 2000))
    check_golden(Answers(numbers(1000.001, 2000)), golden)
    with pytest.raises(Corrupt, match=r"off by 0\.001"):
        check_golden(Answers(numbers(1000, 2002)), golden)


def test_a_tolerance_may_be_wider():
    golden = Golden({"x": np.zeros(1, np.float32)}, classes(["a"], [[0.7, 0.3]]))
    check_golden(Answers(classes(["a"], [[0.69, 0.31]])), golden, tolerance=0.02)


def test_no_number_and_other_kinds_are_infinitely_far():
    assert largest_difference(numbers(1.0), numbers(float("nan"))) == float("inf")
    assert largest_difference(numbers(1.0), classes(["a"], [[1.0]])) == float("inf")


def test_differences_are_relative_whatever_the_size():
    for scale in (1e-6, 1.0, 1e6):
        assert largest_difference(numbers(scale, scale), numbers(scale * 1.001, scale)) == pytest.approx(1e-3, rel=1e-2)
    assert largest_difference(numbers(0, 100), numbers(1e-5, 100)) < 1e-6
    assert largest_difference(numbers(0, 0), numbers(0, 0)) == 0


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format":1,"columns":{},"expected":{"odd":[1]}}', b"\xff"])
def test_what_is_no_golden_rows(data):
    with pytest.raises(Corrupt, match="golden rows cannot be read"):
        Golden.decode(data)


def test_a_newer_format_is_told():
    with pytest.raises(Corrupt, match="update Tidemill"):
        Golden.decode(json.dumps({"format": 2}).encode())
