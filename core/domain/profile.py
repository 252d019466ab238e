"""The profile of a model version: what it learned from, what it answers, and how well.

It is made at training, stored beside the model, and read by validation and by the drift check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from numpy.typing import NDArray

from .artefact import read_artefact
from .canonical import canonical_json
from .columns import Columns, Outputs
from .correlations import Correlations, correlations_of, merged_correlations
from .joint import Joint, joint_of
from .prediction import LABEL, PREDICTION, probability_column
from .profile_formats import upgraded
from .schema import FeatureType, Schema
from .seasons import Seasons, Times, seasons_of
from .sketch import CategoryCounts, NumberSketch, Summary, merged, summarise

FORMAT = 2
_PARTS = ("features", "outputs")
MOST_PROBABILITIES = 20
"""Of a model with more classes than this only the labels are profiled: each probability takes 12 kB."""

Metrics: TypeAlias = Mapping[str, Mapping[str, float]]
"""Metric -> value, low and high: the estimate and the ends of its interval."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Profile:
    """The distributions of each feature over `rows` training rows, and of each output over `output_rows` holdout rows.

    `outputs` has `label` and `probability_<class>` (of a binary model the positive class alone), or `prediction`.
    `performance` is that on the holdout, with its noise. `target` is the distribution of the truth in training, and
    `importance` what the deciding metric loses when a feature's values are shuffled. `joint` tells which features go
    together, and `seasons` and `output_seasons` how each column was distributed in each season. What is not known is
    empty or None: a profile of format 1 knows the distributions and the performance alone.
    """

    model: str
    rows: int
    output_rows: int
    features: Mapping[str, Summary] = field(hash=False)
    outputs: Mapping[str, Summary] = field(hash=False)
    classes: tuple[str, ...] = ()
    performance: Metrics = field(default_factory=dict, hash=False)
    target: Summary | None = None
    importance: Mapping[str, float] = field(default_factory=dict, hash=False)
    correlations: Correlations | None = None
    joint: Joint | None = None
    seasons: Seasons | None = None
    output_seasons: Seasons | None = None
    format: int = FORMAT

    @property
    def shares(self) -> Mapping[str, float]:
        """Feature -> its share of all importance; empty where nothing is known of it."""
        known = {name: max(lost, 0.0) for name, lost in self.importance.items()}
        total = sum(known.values())
        return {name: lost / total for name, lost in known.items()} if total else {}

    def encode(self) -> bytes:
        """The bytes that are stored: at most 2 MB for 100 features."""
        plain = ("model", "rows", "output_rows", "performance", "importance", "format")
        optional = ("target", "correlations", "joint", "seasons", "output_seasons")
        known = {name: getattr(self, name) for name in optional}
        return canonical_json(
            {
                **{name: getattr(self, name) for name in plain},
                **{name: None if found is None else found.to_json() for name, found in known.items()},
                **{name: _listed(getattr(self, name)) for name in _PARTS},
                "classes": list(self.classes),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Profile:
        """Read a stored profile; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "profile", FORMAT, lambda fields: cls._of(upgraded(fields)))

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Profile:
        summaries = {part: {item.pop("name"): _summary(item) for item in fields[part]} for part in _PARTS}
        readers = {
            "target": _summary,
            "correlations": Correlations.from_json,
            "joint": Joint.from_json,
            "seasons": Seasons.from_json,
            "output_seasons": Seasons.from_json,
        }
        known = {name: None if fields[name] is None else read(fields[name]) for name, read in readers.items()}
        return cls(**{**fields, **summaries, **known, "classes": tuple(fields["classes"]), "format": FORMAT})


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What else is known: truth and times of [n] training rows, times of the holdout, importance of features."""

    target: NDArray[Any] | None = None
    times: Times | None = None
    output_times: Times | None = None
    importance: Mapping[str, float] = field(default_factory=dict)


def build(
    schema: Schema,
    columns: Columns,
    outputs: Outputs,
    classes: Sequence[str] = (),
    performance: Metrics | None = None,
    context: Context | None = None,
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
    known = context or Context()
    features = {feature.name: summarise(columns[feature.name], feature.type) for feature in schema.features}
    given = list(answer_columns(outputs, tuple(classes)))
    answers = {name: values for name, _, values in given}
    answered = {name: summarise(values, kind) for name, kind, values in given}
    truth: FeatureType = "number" if schema.task == "regression" else "category"
    return Profile(
        model=schema.model,
        rows=len(columns[schema.features[0].name]),
        output_rows=len(outputs),
        features=features,
        outputs=answered,
        classes=tuple(classes),
        performance=performance or {},
        target=None if known.target is None else summarise(known.target, truth),
        importance=dict(known.importance),
        correlations=correlations_of(columns, features),
        joint=joint_of(columns, features, known.importance, known.times),
        seasons=None if known.times is None else seasons_of(columns, features, known.times),
        output_seasons=None if known.output_times is None else seasons_of(answers, answered, known.output_times),
    )


def merged_profile(parts: Sequence[Profile]) -> Profile:
    """One profile of all rows of the parts, which are of one model: each column within the error that it states.

    What does not add up (performance, importance, what goes together in a row, seasons) is kept if every part has the
    same, and else unknown.
    """
    first = parts[0]
    known = [part.correlations for part in parts if part.correlations is not None]
    targets = [part.target for part in parts if part.target is not None]
    same = ("classes", "performance", "importance", "joint", "seasons", "output_seasons")
    kept = {name: getattr(first, name) for name in same if all(getattr(p, name) == getattr(first, name) for p in parts)}
    return Profile(
        model=first.model,
        rows=sum(part.rows for part in parts),
        output_rows=sum(part.output_rows for part in parts),
        features={name: merged([part.features[name] for part in parts]) for name in first.features},
        outputs={name: merged([part.outputs[name] for part in parts]) for name in first.outputs},
        target=merged(targets) if len(targets) == len(parts) else None,
        correlations=merged_correlations(known, [part.features for part in parts])
        if len(known) == len(parts)
        else None,
        **kept,
    )


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
    return [{"name": name, **summary.to_json()} for name, summary in summaries.items()]


def _summary(fields: Mapping[str, Any]) -> Summary:
    return NumberSketch.from_json(fields) if "edges" in fields else CategoryCounts.from_json(fields)
