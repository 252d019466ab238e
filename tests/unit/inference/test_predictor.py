"""Loading and asking exported models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from core.domain.model import ONNX
from core.domain.schema import NULL_CATEGORY, Feature
from core.errors import Corrupt
from core.inference.predictor import OnnxPredictor, load_predictor
from tests import penguins


def columns(n: int = 3):
    return {
        "island": np.array(["Dream", NULL_CATEGORY, "nowhere"][:n], object),
        "sex": np.array(["female", "male", ""][:n], object),
        "bill_length": np.array([39.5, np.nan, 50][:n], np.float32),
        "flipper_length": np.array([186, 200, 230][:n], np.float32),
        "heavy": np.array([0, 1, np.nan][:n], np.float32),
    }


@pytest.mark.parametrize("optimise", [True, False])
def test_a_classifier_answers_labels_and_probabilities(optimise):
    made = penguins.classifier()
    outputs = OnnxPredictor(made.files[ONNX], made.manifest, optimise=optimise).predict(columns())
    assert outputs.labels is not None
    assert outputs.probabilities is not None
    assert outputs.probabilities.dtype == np.float32
    assert outputs.probabilities.shape == (3, 3)
    assert set(outputs.labels) <= set(made.manifest.classes)
    assert list(outputs.labels) == [made.manifest.classes[best] for best in outputs.probabilities.argmax(axis=1)]
    assert outputs.prediction is None


def test_a_regression_answers_numbers():
    made = penguins.regression()
    outputs = load_predictor(made.files[ONNX], made.manifest).predict(columns())
    assert outputs.prediction is not None
    assert outputs.prediction.shape == (3,)
    assert outputs.prediction.dtype == np.float32
    assert outputs.labels is None


@pytest.mark.parametrize("made", [penguins.classifier, penguins.regression])
def test_no_rows_have_no_answers(made):
    version = made()
    outputs = load_predictor(version.files[ONNX], version.manifest).predict(columns(0))
    assert len(outputs) == 0


def test_rows_are_answered_alike_alone_and_together():
    made = penguins.classifier()
    predictor = load_predictor(made.files[ONNX], made.manifest)
    together = predictor.predict(columns()).probabilities
    for row in range(3):
        alone = predictor.predict({name: values[row : row + 1] for name, values in columns().items()}).probabilities
        np.testing.assert_allclose(alone[0], together[row], atol=1e-6)


def test_threads_share_one():
    made = penguins.classifier()
    predictor = load_predictor(made.files[ONNX], made.manifest)
    expected = predictor.predict(columns()).probabilities
    with ThreadPoolExecutor(8) as pool:
        for outputs in pool.map(predictor.predict, [columns()] * 64):
            np.testing.assert_array_equal(outputs.probabilities, expected)


@pytest.mark.parametrize("data", [b"", b"no model", b"\x08\x07", b"\0" * 1000])
def test_bytes_that_are_no_model(data):
    with pytest.raises(Corrupt, match="version 0000000000000001 of model penguins is not an ONNX model"):
        load_predictor(data, penguins.classifier().manifest)


def test_half_a_model():
    made = penguins.classifier()
    with pytest.raises(Corrupt):
        load_predictor(made.files[ONNX][: len(made.files[ONNX]) // 2], made.manifest)


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (penguins.FEATURES[1:], "input 'island' is tensor\\(string\\), not known"),
        ((*penguins.FEATURES, Feature("more", "number")), "input 'more' is missing, not tensor\\(float\\)"),
        ((Feature("island", "number"), *penguins.FEATURES[1:]), "input 'island' is tensor\\(string\\), not tensor"),
    ],
)
def test_a_model_of_other_inputs(features, sentence):
    made = penguins.classifier()
    manifest = replace(made.manifest, schema=replace(made.manifest.schema, features=tuple(features)))
    with pytest.raises(Corrupt, match=sentence):
        load_predictor(made.files[ONNX], manifest)


def test_a_model_of_other_outputs():
    made = penguins.regression()
    manifest = replace(made.manifest, schema=replace(made.manifest.schema, task="binary"), classes=("a", "b"))
    with pytest.raises(Corrupt, match="output 'label' is missing"):
        load_predictor(made.files[ONNX], manifest)
