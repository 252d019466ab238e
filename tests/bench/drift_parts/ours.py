"""Ours: a stored profile is read, the window counted and compared, and the report made. `ours FOLDER`"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from core.domain.columns import Outputs
from core.domain.drift.check import Window, compare
from core.domain.profile import Profile, build
from core.domain.schema import Feature, Schema

from .asked import answer
from .data import Columns, read


def schema_of(columns: Columns) -> Schema:
    """Every column a feature."""
    kinds = ((name, "category" if values.dtype == object else "number") for name, values in columns.items())
    return Schema("bench", "regression", "y", tuple(Feature(name, kind) for name, kind in kinds))


def profile_of(columns: Columns) -> bytes:
    """The profile of a model that answers with its first column."""
    return build(schema_of(columns), columns, Outputs(prediction=columns["number_0"])).encode()


def main() -> None:
    """Learn, and answer."""
    folder = Path(sys.argv[1])
    reference, window = read(folder, "reference"), read(folder, "window")
    began = time.perf_counter()
    stored = profile_of(reference)
    fitted = time.perf_counter() - began
    outputs = Outputs(prediction=window["number_0"])

    def check() -> object:
        found = compare(Window(Profile.decode(stored)).plus(window, outputs))
        return [column.to_json() for column in (*found.features, *found.outputs)]

    answer(check, fitted)


if __name__ == "__main__":
    main()
