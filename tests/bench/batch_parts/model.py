"""The model that every program of the bench answers with, and the file that it is asked to score.

`python -m tests.bench.batch_parts.model FOLDER NAME ROWS` makes the model, if it is not there, and FOLDER/NAME.

The model is that of the realtime bench, gradient boosting on 15 mixed columns of real flights, with an id and a time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core import layout
from core.adapters.store_local import LocalStore
from core.domain.learning import Plan, Rows
from core.domain.route import Route
from core.domain.schema import Schema
from core.training.learner import SklearnLearner
from core.usecases.make_version import Recipe, make_version

from ..realtime_parts import model as flights

MODEL, VERSION = flights.MODEL, flights.VERSIONS[0]
ID, TIME = "flight", "scheduled"
SCHEMA = Schema(
    model=MODEL, task="binary", target="late", features=flights.SCHEMA.features, id=ID, time=TIME, undeclared="drop"
)
OTHERS = ("tail", "note", "gate", "crew")
"""Columns of the file that the model does not take."""

GROUP = 1 << 17
"""Rows of a row group."""


def make_model(folder: Path) -> None:
    """Store one version in `folder/models`, and route to it."""
    frame = flights._flights()
    target = frame["late"].map({True: "true", False: "false"}).to_numpy(dtype=object)
    rows = Rows(flights._columns(frame), target)
    held = np.arange(len(frame)) % 5 == 0
    plan = Plan(SCHEMA, "hist-gradient-boosting", {"max_iter": 100}, None, 7, "roc_auc", in_order=False)
    recipe = Recipe(VERSION, flights.INPUTS, plan, "interleaved", None)
    training, holdout = rows.take(np.flatnonzero(~held)), rows.take(np.flatnonzero(held))
    models = LocalStore(folder / "models")
    make_version(models, recipe, training, holdout, SklearnLearner(), flights.print_nothing)
    models.create(layout.route(MODEL), Route.first(MODEL, VERSION, "bench").encode())


def make_rows(path: Path, rows: int) -> None:
    """Write a Parquet file of `rows` rows drawn from the flights, with ids, times and columns that nobody wants."""
    frame = flights._flights()[list(SCHEMA.feature_names)]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    generator = np.random.default_rng(7)
    with pq.ParquetWriter(path, next(_groups(table, generator, 1)).schema) as file:
        for group in _groups(table, generator, rows):
            file.write_table(group, row_group_size=GROUP)


def _groups(table: pa.Table, generator: np.random.Generator, rows: int) -> Iterator[pa.Table]:
    for start in range(0, rows, GROUP):
        places = np.arange(start, min(start + GROUP, rows))
        drawn = table.take(generator.integers(0, len(table), len(places)))
        drawn = drawn.append_column(ID, pa.array(np.char.add("F", places.astype(str))))
        drawn = drawn.append_column(
            TIME, pa.array(places).cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("us", "UTC"))
        )
        for name in OTHERS:
            drawn = drawn.append_column(name, pa.array(generator.integers(0, 1 << 40, len(places))))
        yield drawn


def main() -> None:
    """Make what is asked for."""
    folder, name, rows = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if not (folder / "models").exists():
        make_model(folder)
        flights._flights().to_csv(folder / "flights.csv", index=False)
    make_rows(folder / name, rows)
    sys.stdout.write(json.dumps({"rows": rows}) + "\n")


if __name__ == "__main__":
    main()
