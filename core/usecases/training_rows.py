"""The rows that a training learns from, out of its datasets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .. import layout
from ..domain.dataset import DatasetManifest
from ..domain.learning import Rows
from ..domain.schema import Schema
from ..errors import BadInput
from ..ports import Reads
from ..tables.columns import to_columns
from ..tables.datasets import read_dataset
from ..training.split import by_hash, by_time, identities


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Rows with what identifies them: `ids` [n] of str and `times` [n] in microseconds since 1970, where declared.

    `datasets` are those they came from, sorted; but in order of arrival if that decided which row of an id counts, so
    that the same `datasets` always are the same rows.
    """

    datasets: tuple[str, ...]
    rows: Rows
    ids: NDArray[np.object_] | None
    times: NDArray[np.int64] | None

    def split(self, by: str, holdout: float) -> tuple[Rows, Rows]:
        """(training, holdout), in the order of time when split by it."""
        if by == "time" and self.times is not None:
            training, held = by_time(self.times, holdout)
        else:
            training, held = by_hash(identities(self.rows, self.ids), len(self.rows), holdout)
        return self.rows.take(training), self.rows.take(held)

    def window(self) -> tuple[str, str] | None:
        """The first and the last time, RFC 3339 in UTC."""
        if self.times is None:
            return None
        first, last = (np.datetime_as_string(end.astype("M8[us]"), "s") for end in (self.times.min(), self.times.max()))
        return f"{first}Z", f"{last}Z"


def read_material(datasets: Reads, model: str, versions: tuple[str, ...], schema: Schema) -> Material:
    """The rows of all `versions`, which are in order of arrival, each id once.

    The rows are in the order of the sorted versions, so that the order of arrival changes nothing but which row counts
    of those with the same id (and time). Raises BadInput if the spec wants other columns.
    """
    named = tuple(sorted(versions))
    tables = [_read(datasets, model, version, schema) for version in named]
    table = pa.concat_tables(tables)
    if schema.id is not None:
        ids, times = table[schema.id].to_numpy(), _times(table, schema)
        kept = newest(ids, times, _arrivals(versions, named, tables))
        if len(kept) < len(ids) and not np.array_equal(kept, newest(ids, times, np.arange(len(ids)))):
            named = versions
        table = table.take(pa.array(kept))
    columns = to_columns(table, schema)
    ids = None if schema.id is None else table[schema.id].to_numpy()
    times = _times(table, schema)
    dated = None if times is None else times.astype("M8[us]")
    return Material(named, Rows(columns, _target(table, schema), dated), ids, times)


def _arrivals(versions: tuple[str, ...], named: tuple[str, ...], tables: list[pa.Table]) -> NDArray[np.intp]:
    """For each row of `tables`, which are of the versions `named`, the place of its version in `versions`."""
    place = {version: number for number, version in enumerate(versions)}
    return np.repeat(np.array([place[version] for version in named], np.intp), [table.num_rows for table in tables])


def newest(ids: NDArray[np.object_], times: NDArray[np.int64] | None, arrivals: NDArray[np.intp]) -> NDArray[np.intp]:
    """The row number of the newest row of each id, ascending; of equal times, or without, the last to arrive.

    >>> ids = np.array(["a", "b", "a"], dtype=object)
    >>> newest(ids, np.array([5, 1, 2]), np.array([0, 0, 1])).tolist()
    [0, 1]
    >>> newest(ids, None, np.array([0, 0, 1])).tolist()
    [1, 2]
    """
    order = np.lexsort((arrivals,) if times is None else (arrivals, times))  # stable: then by row
    kept = dict(zip(ids[order].tolist(), order.tolist(), strict=True))  # a later row takes the place of an earlier one
    return np.sort(np.fromiter(kept.values(), np.intp, len(kept)))


def _read(datasets: Reads, model: str, version: str, schema: Schema) -> pa.Table:
    manifest = DatasetManifest.decode(datasets.get(layout.dataset_manifest(model, version)).data)
    wanted = [name for name in (schema.id, schema.time, *schema.feature_names, schema.target) if name is not None]
    _check_fit(manifest, schema)
    return read_dataset(datasets, manifest, columns=list(dict.fromkeys(wanted))).select(list(dict.fromkeys(wanted)))


def _check_fit(manifest: DatasetManifest, schema: Schema) -> None:
    """Raise BadInput if the dataset was made for a spec whose columns are of other types."""
    had, wanted = _roles(manifest.schema), _roles(schema)
    for name, role in wanted.items():
        if had.get(name) != role:
            raise BadInput(
                f"dataset {manifest.version} has {name!r} as {had.get(name, 'nothing')}, and the spec wants {role}: "
                f"drop {manifest.source.key} again, so that it is read by the new spec."
            )


def _roles(schema: Schema) -> dict[str, str]:
    target = "a number" if schema.task == "regression" else "a label"
    roles = {feature.name: f"a {feature.type}" for feature in schema.features}
    named = {schema.id: "an id", schema.time: "a time", schema.target: target}
    return {**{name: role for name, role in named.items() if name is not None}, **roles}


def _target(table: pa.Table, schema: Schema) -> NDArray[Any]:
    values: NDArray[Any] = table[schema.target].to_numpy()
    return values.astype(np.float64) if schema.task == "regression" else values.astype(object)


def _times(table: pa.Table, schema: Schema) -> NDArray[np.int64] | None:
    if schema.time is None:
        return None
    times: NDArray[np.int64] = table[schema.time].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    return times
