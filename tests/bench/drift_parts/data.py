"""The rows of the speed bench, as columns in files that every environment can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBERS, CATEGORIES = 30, 10
VALUES = 20
"""Distinct values of a category."""

Columns = dict[str, NDArray[Any]]


def write(folder: Path, rows: int) -> None:
    """`reference.npz` and `window.npz`: numbers as float32 of which 2 % are null, categories as text."""
    for seed, name in enumerate(("reference", "window")):
        np.savez(folder / f"{name}.npz", **drawn(np.random.default_rng(seed), rows, text=str))


def drawn(rng: np.random.Generator, rows: int, text: type = object) -> Columns:
    """The columns of some rows."""
    numbers = {f"number_{place}": rng.normal(place, 1 + place, rows).astype(np.float32) for place in range(NUMBERS)}
    for values in numbers.values():
        values[rng.random(rows) < 0.02] = np.nan
    names = np.array([f"value {place}" for place in range(VALUES)], dtype=text)
    return {**numbers, **{f"category_{place}": names[rng.integers(0, VALUES, rows)] for place in range(CATEGORIES)}}


def read(folder: Path, name: str) -> Columns:
    """The columns of one of the files, categories as objects."""
    with np.load(folder / f"{name}.npz") as stored:
        found = {column: stored[column] for column in stored.files}
    return {column: _shared(values) if values.dtype.kind == "U" else values for column, values in found.items()}


def _shared(texts: NDArray[np.str_]) -> NDArray[np.object_]:
    """Text as objects, each distinct one once, as readers of columns have it."""
    names, places = np.unique(texts, return_inverse=True)
    return np.asarray(names.astype(object)[places])
