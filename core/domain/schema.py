"""What a model's columns are: the part of the spec that data is checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Task = Literal["binary", "multiclass", "regression"]
FeatureType = Literal["number", "integer", "category", "boolean"]

NULL_CATEGORY = "<null>"
"""How a missing category is told to a model, in training and in serving alike.

scikit-learn and ONNX treat NaN and the empty string differently in string columns, silently; an ordinary
string is one category among others to both.
"""


@dataclass(frozen=True, slots=True)
class Feature:
    """One model input. `values` is the closed set of a category, or None when the set is learned."""

    name: str
    type: FeatureType
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of one model. The order of `features` is the order everywhere.

    `sensitive` columns are strings kept for fairness, never inputs unless also features. `drop` columns are personal
    data removed at ingest. A column that is none of these is refused, or removed when `undeclared` is "drop".
    """

    model: str
    task: Task
    target: str
    features: tuple[Feature, ...]
    id: str | None = None
    time: str | None = None
    sensitive: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    undeclared: Literal["refuse", "drop"] = "refuse"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(feature.name for feature in self.features)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """Rebuild a schema; fields that a newer version added are ignored. Raises KeyError if one is missing."""
        return cls(
            model=data["model"],
            task=data["task"],
            target=data["target"],
            features=tuple(_feature(item) for item in data["features"]),
            id=data.get("id"),
            time=data.get("time"),
            sensitive=tuple(data.get("sensitive", ())),
            drop=tuple(data.get("drop", ())),
            undeclared=data.get("undeclared", "refuse"),
        )


def _feature(data: Mapping[str, Any]) -> Feature:
    values = data.get("values")
    return Feature(
        name=data["name"],
        type=data["type"],
        nullable=bool(data.get("nullable", False)),
        min=data.get("min"),
        max=data.get("max"),
        values=None if values is None else tuple(values),
    )
