"""Rows of every kind of column that is known to cry wolf somewhere, and ways in which they change."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain.columns import Outputs
from core.domain.profile import Context, Profile, build
from core.domain.schema import Feature, FeatureType, Schema

Data = tuple[dict[str, NDArray[Any]], Outputs]
KINDS: dict[str, FeatureType] = {
    **{f"normal{number}": "number" for number in range(4)},
    "skewed": "number",
    "heavy": "number",
    "mostly_zero": "number",
    "hour": "integer",
    "nulls": "number",
    "seldom_null": "number",
    "constant": "number",
    "flag": "boolean",
    "three": "category",
    "zipf": "category",
    "long_tail": "category",
    "user": "category",
}
SCHEMA = Schema(
    model="m", task="binary", target="y", features=tuple(Feature(name, kind) for name, kind in KINDS.items())
)
CLASSES = ("false", "true")
START = np.datetime64("2025-01-06", "us")  # a Monday


def rows(rng: np.random.Generator, count: int) -> Data:
    """`normal3` goes with `normal2`; the others are independent of each other."""
    normal = {f"normal{number}": rng.normal(size=count) for number in range(4)}
    normal["normal3"] = 0.8 * normal["normal2"] + 0.6 * normal["normal3"]
    numbers = {
        **normal,
        "skewed": rng.exponential(size=count),
        "heavy": rng.standard_cauchy(count),
        "mostly_zero": np.where(rng.random(count) < 0.9, 0, rng.exponential(size=count)),
        "hour": rng.integers(0, 24, count),
        "nulls": np.where(rng.random(count) < 0.05, np.nan, normal["normal0"]),
        "seldom_null": np.where(rng.random(count) < 0.001, np.nan, normal["normal1"]),
        "constant": np.ones(count),
        "flag": rng.random(count) < 0.3,
    }
    categories = {
        "three": drawn(rng, 3, 0, count),
        "zipf": drawn(rng, 100, 1, count),
        "long_tail": drawn(rng, 5000, 1, count),
        "user": drawn(rng, 20_000, 0, count),
    }
    positive = rng.beta(1, 3, count).astype(np.float32)
    labels = np.where(positive > 0.5, "true", "false").astype(object)
    columns = {name: np.asarray(values, dtype=np.float32) for name, values in numbers.items()}
    return {**columns, **categories}, Outputs(labels, np.stack([1 - positive, positive], axis=1))


def drawn(rng: np.random.Generator, categories: int, skew: float, count: int) -> NDArray[np.object_]:
    """Categories of which the k-th is as frequent as 1 / k ** skew."""
    shares = 1 / np.arange(1, categories + 1) ** skew
    names = np.array([f"category {number}" for number in range(categories)], dtype=object)
    return names[np.minimum(np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(count)), categories - 1)]


def profile(data: Data, context: Context | None = None) -> Profile:
    """What a model that learned from these rows knows of them."""
    return build(SCHEMA, data[0], data[1], CLASSES, context=context)


def moved(rng: np.random.Generator, values: NDArray[Any], share: float, to: object) -> NDArray[Any]:
    """`share` of all rows, taken from those that are not `to`, become `to`."""
    changed = values.copy()
    others = np.flatnonzero(values != to)
    changed[rng.choice(others, min(int(share * len(values)), len(others)), replace=False)] = to
    return changed


def times(rng: np.random.Generator, count: int, days: int, start: np.datetime64 = START) -> NDArray[np.datetime64]:
    """Times within so many days, in no order."""
    return start + rng.integers(0, days * 86_400, count).astype("m8[s]")


def in_season(data: Data, when: NDArray[np.datetime64], rng: np.random.Generator) -> Data:
    """The rows as they are on these times: more of everything at weekends, and other categories in the evening."""
    columns, outputs = data
    days = when.astype("M8[h]").astype(np.int64) // 24
    weekend = (days + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    changed = {
        name: values + np.float32(1.5) * weekend for name, values in columns.items() if name in {"normal0", "skewed"}
    }
    three = np.where(weekend & (rng.random(len(when)) < 0.5), "category 2", columns["three"]).astype(object)
    return {**columns, **changed, "three": three}, outputs
