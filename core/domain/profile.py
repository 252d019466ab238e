"""The profile of a model version: what it learned from, what it answers, and how well.

It is made at training, stored beside the model, and read by validation and by the drift check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from numpy.typing import NDArray

from .artefact import read_artefact
from .canonical import canonical_json
from .columns import Columns, Outputs
from .prediction import LABEL, PREDICTION, probability_column
from .schema import FeatureType, Schema
from .sketch import CategoryCounts, NumberSketch, most_frequent_first

FORMAT = 1
_PARTS = ("features", "outputs")
MOST_PROBABILITIES = 20
"""Of a model with more classes than this only the labels are profiled: each probability takes 20 kB."""

Summary: TypeAlias = NumberSketch | CategoryCounts
Metrics: TypeAlias = Mapping[str, Mapping[str, float]]
"""Metric -> value, low and high: the estimate and the ends of its interval."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The distributions of each feature over `rows` training rows, and of each output over `output_rows` holdout rows.

    `outputs` has `label` and `probability_<class>` (of a binary model the positive class alone), or `prediction`.
    """

    model: str
    rows: int
    output_rows: int
    features: Mapping[str, Summary] = field(hash=False)
    outputs: Mapping[str, Summary] = field(hash=False)
    classes: tuple[str, ...] = ()
    performance: Metrics = field(default_factory=dict, hash=False)
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored: at most 2 MB for 100 features."""
        return canonical_json({**asdict(self), "features": _listed(self.features), "outputs": _listed(self.outputs)})

    @classmethod
    def decode(cls, data: bytes) -> Profile:
        """Read a stored profile; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "profile", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Profile:
        summaries = {part: {item.pop("name"): _summary(item) for item in fields[part]} for part in _PARTS}
        return cls(**{**fields, **summaries, "classes": tuple(fields["classes"])})


def build(
    schema: Schema,
    columns: Columns,
    outputs: Outputs,
    classes: Sequence[str] = (),
    performance: Metrics | None = None,
) -> Profile:
    """Profile a model: `columns` are the rows it learned from, `outputs` its answers on rows it did not.

    `classes` are in the order of `outputs.probabilities`; empty for regression.

    >>> import numpy as np
    >>> from .schema import Feature
    >>> schema = Schema(model="m", task="regression", target="y", features=(Feature("x", "number"),))
    >>> x = np.array([1.0, 2.0, np.nan], dtype=np.float32)
    >>> profile = build(schema, {"x": x}, Outputs(prediction=x))
    >>> profile.features["x"].maximum, profile.features["x"].nulls
    (2.0, 1)
    >>> Profile.decode(profile.encode()) == profile
    True
    """
    features = {feature.name: summarise(columns[feature.name], feature.type) for feature in schema.features}
    answers = {name: summarise(values, kind) for name, kind, values in answer_columns(outputs, tuple(classes))}
    rows = len(columns[schema.features[0].name])
    return Profile(schema.model, rows, len(outputs), features, answers, tuple(classes), performance or {})


def summarise(values: NDArray[Any], kind: FeatureType) -> Summary:
    """The summary of one column, [n] as `columns.Columns` has it."""
    return CategoryCounts.of(values) if kind in {"category", "boolean"} else NumberSketch.of(values)


def answer_columns(outputs: Outputs, classes: tuple[str, ...]) -> Iterator[tuple[str, FeatureType, NDArray[Any]]]:
    """The columns of a model's answers that are profiled: name, type and [n] values."""
    if outputs.prediction is not None:
        yield PREDICTION, "number", outputs.prediction.reshape(-1)
        return
    assert outputs.labels is not None
    assert outputs.probabilities is not None
    yield LABEL, "category", outputs.labels
    if len(classes) > MOST_PROBABILITIES:
        return
    for index in range(1 if len(classes) == 2 else 0, len(classes)):  # noqa: PLR2004 - binary: the positive class
        yield probability_column(classes[index]), "number", outputs.probabilities[:, index]


def _listed(summaries: Mapping[str, Summary]) -> list[dict[str, Any]]:
    """A list, since the keys of canonical JSON have no order of their own."""
    return [{"name": name, **asdict(summary)} for name, summary in summaries.items()]


def _summary(fields: Mapping[str, Any]) -> Summary:
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    if "edges" in fields:
        return NumberSketch(**{**fields, **lists})
    return CategoryCounts(**{**fields, **lists, "counts": dict(most_frequent_first(fields["counts"]))})
