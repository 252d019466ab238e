"""The newest rows that a version answered and whose truth is known: what was asked, what was answered, what is true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain.columns import Columns, Outputs
from ..domain.drift.report import Span
from ..domain.model import ModelManifest
from ..ports import ReadsLists
from ..tables.matching import Matching
from ..tables.predictions import Answered
from .answered import recent_units, rows_of
from .labels import add_labels, keys_of, label_datasets

_PLACE = np.dtype([("time", "datetime64[us]"), ("unit", np.int64), ("row", np.int64), ("truth", np.float64)])
"""Where an answer is: which unit, and which row of it."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """n rows. `truth` [n] has labels, None for one that the version does not know, or numbers."""

    columns: Columns
    outputs: Outputs
    truth: NDArray[Any]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.truth)


def newest_labelled(
    predictions: ReadsLists, datasets: ReadsLists, manifest: ModelManifest, history: timedelta, most: int
) -> LabelledRows | None:
    """At most `most` rows, of the last `history` before the newest answer; None if no label is known of any.

    Answers are read twice, so that memory is bounded by `most`: to find which have a label, and to take those.
    """
    units = recent_units(predictions, manifest, history)
    places = _places(predictions, datasets, manifest, units)
    newest = np.sort(places, order=["time", "unit", "row"])[-most:]
    chosen = np.sort(newest, order=["unit", "row"])
    if not len(chosen):
        return None
    parts = list(_taken(predictions, manifest, units, chosen))
    return LabelledRows(
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
        outputs=_joined([part.outputs for part in parts]),
        truth=_told(chosen["truth"], manifest.classes),
    )


def _places(
    predictions: ReadsLists, datasets: ReadsLists, manifest: ModelManifest, units: Sequence[str]
) -> NDArray[Any]:
    """Where the answers with a label are."""
    labels = label_datasets(datasets, manifest.model)
    size = sum(dataset.rows for dataset in labels)
    with TemporaryDirectory(prefix="tidemill-") as folder, Matching(Path(folder), size, _PLACE) as matching:
        add_labels(matching, datasets, labels, manifest.classes)
        for unit, key in enumerate(units):
            for first, answered in _numbered(predictions, manifest, key):
                matching.add_rows(keys_of(answered), _placed(answered, unit, first))
        found = [_known(records, truth) for records, truth, _ in matching.matched()]
    return np.concatenate([np.empty(0, _PLACE), *found])


def _numbered(predictions: ReadsLists, manifest: ModelManifest, unit: str) -> Iterator[tuple[int, Answered]]:
    """The answers of a unit, each block with the number of its first row."""
    first = 0
    for answered in rows_of(predictions, unit, manifest, Span()):
        yield first, answered
        first += len(answered)


def _placed(answered: Answered, unit: int, first: int) -> NDArray[Any]:
    records = np.zeros(len(answered), _PLACE)
    records["time"], records["unit"] = answered.answered_at, unit
    records["row"] = first + np.arange(len(answered))
    return records


def _known(records: NDArray[Any], truth: NDArray[np.float64]) -> NDArray[Any]:
    records["truth"] = truth
    return records[~np.isnan(truth)]


def _taken(
    predictions: ReadsLists, manifest: ModelManifest, units: Sequence[str], places: NDArray[Any]
) -> Iterator[Answered]:
    """The answers at these places, which are in order."""
    for unit in np.unique(places["unit"]).tolist():
        rows = places["row"][places["unit"] == unit]
        for first, answered in _numbered(predictions, manifest, units[unit]):
            here = rows[(rows >= first) & (rows < first + len(answered))] - first
            if len(here):
                wanted = np.zeros(len(answered), bool)
                wanted[here] = True
                yield answered.take(wanted)


def _joined(outputs: Sequence[Outputs]) -> Outputs:
    columns = {name: [getattr(each, name) for each in outputs] for name in ("labels", "probabilities", "prediction")}
    return Outputs(**{name: None if parts[0] is None else np.concatenate(parts) for name, parts in columns.items()})


def _told(truth: NDArray[np.float64], classes: Sequence[str]) -> NDArray[Any]:
    """Numbers, or labels out of their indexes; that of an unknown one is -1."""
    if not classes:
        return truth
    return np.array([*classes, None], dtype=object)[truth.astype(np.intp)]
