"""From what skl2onnx's graph computes to the outputs that are served, where its own labels or sums go silently wrong.

- The label is taken from the probabilities by ArgMax: onnxruntime's TreeEnsembleClassifier gives the wrong label of two
  when every tree is a single leaf.
- The votes of a forest are counted whole and divided at the end: twentieths of float32 do not add up to a half.
- Of two classes that are exactly tied, gradient boosting answers the second and everything else the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline

from ..inference.predictor import LABEL_OUTPUT, PREDICTION_OUTPUT, PROBABILITIES_OUTPUT
from .exact import final_estimator

BINARY = 2
_WHOLE_VOTE = 1e-6


@dataclass(frozen=True, slots=True)
class Head:
    """Nodes and constants to stand behind a graph."""

    nodes: Sequence[onnx.NodeProto]
    constants: Sequence[onnx.TensorProto]


def regressor_head(answer: str) -> Head:
    """`prediction` as float32."""
    return Head([helper.make_node("Cast", [answer], [PREDICTION_OUTPUT], to=TensorProto.FLOAT)], [])


def classifier_head(
    body: Iterable[onnx.NodeProto], scores: str, prefix: str, classes: Sequence[str], pipeline: Pipeline
) -> Head:
    """`label` and `probabilities` of `scores` [n, k]. New names start with `prefix`; a forest's `body` is changed."""
    estimator = final_estimator(pipeline)
    shares = Head([], [])
    if isinstance(estimator, (RandomForestClassifier, ExtraTreesClassifier)):
        _vote_whole(body, len(estimator.estimators_))
        shares = _shares(scores, prefix, len(estimator.estimators_), binary=len(classes) == BINARY)
        scores = shares.nodes[-1].output[0]
    second = isinstance(estimator, GradientBoostingClassifier) and len(classes) == BINARY
    labels = _labels(scores, prefix, classes, last_of_tied=second)
    probabilities = helper.make_node("Cast", [scores], [PROBABILITIES_OUTPUT], to=TensorProto.FLOAT)
    return Head([*shares.nodes, *labels.nodes, probabilities], [*shares.constants, *labels.constants])


def _vote_whole(body: Iterable[onnx.NodeProto], trees: int) -> None:
    for node in body:
        for attribute in node.attribute:
            if node.op_type == "TreeEnsembleClassifier" and attribute.name == "class_weights":
                _scale(attribute, trees)


def _scale(weights: Any, trees: int) -> None:  # noqa: ANN401 - onnx.AttributeProto, whose lists are untyped
    votes = np.array(weights.floats, dtype=np.float64) * trees
    votes[np.abs(votes - 1) < _WHOLE_VOTE] = 1.0
    weights.floats[:] = votes.astype(np.float32).tolist()


def _shares(votes: str, prefix: str, trees: int, *, binary: bool) -> Head:
    """From counted votes to their shares. Of two classes the trees hold the votes v of one, and [1 - v, v] comes in."""
    missing, number, counted, shares = (f"{prefix}head_{name}" for name in ("missing", "trees", "counted", "shares"))
    complement = np.array([trees - 1, 0] if binary else [0], dtype=np.float32)
    nodes = [
        helper.make_node("Add", [votes, missing], [counted]),
        helper.make_node("Div", [counted, number], [shares]),
    ]
    constants = [
        numpy_helper.from_array(complement, missing),
        numpy_helper.from_array(np.array(trees, dtype=np.float32), number),
    ]
    return Head(nodes, constants)


def _labels(scores: str, prefix: str, classes: Sequence[str], *, last_of_tied: bool) -> Head:
    names, best = f"{prefix}head_classes", f"{prefix}head_best"
    nodes = [
        helper.make_node("ArgMax", [scores], [best], axis=1, keepdims=0, select_last_index=int(last_of_tied)),
        helper.make_node("Gather", [names, best], [LABEL_OUTPUT]),
    ]
    return Head(nodes, [numpy_helper.from_array(np.array(classes, dtype=object), names)])
