"""Where a batch run writes: in the predictions zone, or in any folder of any store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import layout
from ..ports import ReadsCreates
from .patient import Patient


@dataclass(frozen=True, slots=True)
class Place:
    """The keys of a run, whose answers go below `folder` of `output`, and whose rejected rows into `rejects`.

    A part has a name, such as 00007: `done` and `rejected` give the keys of its record and of its n-th piece of
    rejected rows. `recorded` runs are read back by drift checks and lineage.
    """

    output: ReadsCreates
    folder: str
    start: str
    success: str
    refused: str
    done: Callable[[str], str]
    rejects: ReadsCreates
    rejected: Callable[[str, int], str]
    report: str
    recorded: bool

    def part(self, name: str, folder: str = "") -> str:
        """The key of a part's answers; `folder` is that of the value that they are divided by."""
        return f"{self.folder}{folder}part-{name}.parquet"


def zone_place(predictions: ReadsCreates, quarantine: ReadsCreates, model: str, run: str, source: str) -> Place:
    """The place of a run of one landing file, whose id is `source`."""
    return Place(
        output=Patient(predictions),
        folder=layout.batch(model, run),
        start=layout.batch_start(model, run),
        success=layout.batch_success(model, run),
        refused=layout.batch_refused(model, run),
        done=lambda name: layout.batch_done(model, run, int(name)),
        rejects=Patient(quarantine),
        rejected=lambda name, piece: layout.quarantine_part(model, source, int(name), piece),
        report=layout.quarantine_report(model, source),
        recorded=True,
    )


def folder_place(output: ReadsCreates, prefix: str) -> Place:
    """A folder that holds the answers; all else in it begins with `_`, which readers of such folders pass over."""
    folder, patient = f"{prefix.rstrip('/')}/" if prefix else "", Patient(output)
    return Place(
        output=patient,
        folder=folder,
        start=f"{folder}_start.json",
        success=f"{folder}_SUCCESS",
        refused=f"{folder}_REFUSED",
        done=lambda name: f"{folder}_done/{name}.json",
        rejects=patient,
        rejected=lambda name, piece: f"{folder}_rejected/rows-{name}-{piece:03d}.jsonl",
        report=f"{folder}_rejected/report.json",
        recorded=False,
    )
