"""What validation said of a model's datasets, in the order in which they arrived."""

from __future__ import annotations

from dataclasses import dataclass

from .. import layout
from ..domain.validation import ValidationReport
from ..ports import ReadsLists
from .read_once import read_once


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The `valid` datasets, the oldest verdict first; how many are `invalid`, and of the last of those why and where.

    `key` is the key of its report, and like `problem` empty while none is invalid.
    """

    valid: tuple[str, ...]
    invalid: int = 0
    problem: str = ""
    key: str = ""

    def complaint(self) -> str:
        """The invalid datasets as the end of a sentence."""
        found = f"{self.invalid:,} datasets were found invalid, the last"
        if self.invalid == 1:
            found = "1 dataset was found invalid"
        return f"{found} because {self.problem} (see reports/{self.key})"


def read_verdicts(reports: ReadsLists, model: str) -> Verdicts:
    """Every verdict on the model's datasets; of equal age they are in the order of the datasets' versions."""
    infos = sorted(reports.list(layout.validation_reports(model)), key=lambda info: (info.modified, info.key))
    valid: list[str] = []
    invalid: list[tuple[str, str]] = []
    for info in infos:
        report = ValidationReport.decode(read_once(reports, info.key))
        if report.valid:
            valid.append(report.dataset)
        else:
            invalid.append((report.problems[0], info.key))
    problem, key = invalid[-1] if invalid else ("", "")
    return Verdicts(tuple(valid), len(invalid), problem, key)
