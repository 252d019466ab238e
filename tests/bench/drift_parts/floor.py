"""The floor: sorting, counting, and the two statistics and their p, in numpy and nothing around it. `floor FOLDER`"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, kolmogorov

from .asked import answer
from .data import read

EDGES = 800


def sketch(values: NDArray[Any]) -> Any:
    """What is kept of a column."""
    if values.dtype == object:
        return Counter(values.tolist())
    ordered = np.sort(values[~np.isnan(values)])
    edges = ordered[np.linspace(0, len(ordered) - 1, EDGES).astype(int)]
    return edges, np.searchsorted(ordered, edges, "right") / len(ordered), len(ordered)


def tested(known: Any, values: NDArray[Any]) -> float:
    """p of Kolmogorov and Smirnov's test, or of Pearson's."""
    if values.dtype == object:
        counts = Counter(values.tolist())
        names = sorted({*known, *counts})
        table = np.array([[side.get(name, 0) for name in names] for side in (known, counts)])
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
        return float(chdtrc(len(names) - 1, ((table - expected) ** 2 / expected).sum()))
    edges, upto, rows = known
    ordered = np.sort(values)
    ordered = ordered[: len(ordered) - int(np.isnan(ordered).sum())]
    apart = np.abs(np.searchsorted(ordered, edges, "right") / len(ordered) - upto).max()
    return float(kolmogorov(apart * np.sqrt(rows * len(ordered) / (rows + len(ordered)))))


def main() -> None:
    """Learn, and answer."""
    folder = Path(sys.argv[1])
    reference, window = read(folder, "reference"), read(folder, "window")
    began = time.perf_counter()
    known = {name: sketch(values) for name, values in reference.items()}
    fitted = time.perf_counter() - began
    answer(lambda: {name: tested(known[name], values) for name, values in window.items()}, fitted)


if __name__ == "__main__":
    main()
