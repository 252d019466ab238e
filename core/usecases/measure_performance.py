"""Everything that the performance and the fairness report of a version tell of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..domain.fairness.report import Column, FairnessReport, Section, sections
from ..domain.metrics import LabelAnswers
from ..domain.performance.judged import Judged
from ..domain.performance.kpi import Worth
from ..domain.performance.measuring import Change, Yardstick
from ..domain.performance.reliability import Bin, reliability
from ..domain.performance.report import Figures, PerformanceReport, Window, joined_span, span
from ..spec import ModelSpec
from .judged_rows import JudgedRows


@dataclass(frozen=True, slots=True)
class PerformanceOf:
    """The rows of a version, and how the spec wants them measured; `group` is that of the devices that answered."""

    spec: ModelSpec
    rows: JudgedRows
    code: str
    group: str | None = None

    def report(self) -> PerformanceReport:
        """The performance report; there must be rows."""
        spec, yard = self.spec, self._yardstick()
        newest = self.rows.newest(spec.drift.min_rows)
        judged = self.rows.read(newest).labelled() if newest else None
        windows = tuple(self._window(yard, start) for start in self.rows.windows())
        current = None if judged is None else self._current(yard, newest, judged)
        assert self.rows.unit is not None
        return PerformanceReport(
            model=spec.model,
            version=self.rows.manifest.version,
            metric=spec.metric,
            unit=self.rows.unit,
            by=self.rows.by,
            fewest=spec.performance.min_rows,
            enough=spec.drift.min_rows,
            max_regression=spec.gates.max_regression,
            reference={} if yard.reference is None else yard.reference.metrics,
            current=current,
            change=None if judged is None or current is None else _change(yard, judged, current),
            calibration=_calibration(judged, spec.performance.min_rows),
            windows=windows,
            kpi=None if spec.kpi is None else {"name": spec.kpi.name, "unit": spec.kpi.unit},
            code=self.code,
            group=self.group,
        )

    def _yardstick(self) -> Yardstick:
        spec, classes = self.spec, self.rows.manifest.classes
        worth = None if spec.kpi is None else Worth.of(spec.kpi.values, classes)
        fewest, foreseeable = spec.performance.min_rows, self.rows.foreseeable
        return Yardstick(spec.task, spec.metric, spec.seed, fewest, self.rows.reference, worth, foreseeable)

    def _window(self, yard: Yardstick, start: np.datetime64) -> Window:
        """Every metric of all rows of a window, and the deciding one of its slices."""
        assert self.rows.unit is not None
        rows = self.rows.read([start])
        slices = tuple(_figures(yard, part, (yard.metric,), group) for group, part in self._slices(rows))
        return Window(*joined_span([start], self.rows.unit), _figures(yard, rows, yard.names), slices)

    def _current(self, yard: Yardstick, starts: Sequence[np.datetime64], rows: Judged) -> Window:
        """Every metric of the newest labelled rows, and of their slices."""
        assert self.rows.unit is not None
        slices = tuple(_figures(yard, part, yard.names, group) for group, part in self._slices(rows))
        return Window(*joined_span(starts, self.rows.unit), _figures(yard, rows, yard.names), slices)

    def _slices(self, rows: Judged) -> list[tuple[tuple[str, str], Judged]]:
        slicing = self.rows.slicing
        return [
            ((column, group), rows.take(inside))
            for place, column in enumerate(slicing.columns)
            for number, group in enumerate(slicing.groups(place))
            if (inside := rows.records["slices"][:, place] == number).any()
        ]

    def fairness(self, report: PerformanceReport) -> FairnessReport:
        """The fairness report on the windows of `report`."""
        newest = self.rows.newest(self.spec.drift.min_rows)
        current = report.current
        return FairnessReport(
            model=self.spec.model,
            version=self.rows.manifest.version,
            fewest=report.fewest,
            current=None if current is None else (span(current.since, current.until), self._sections(newest)),
            windows=tuple(
                (span(window.since, window.until), self._sections([start]))
                for start, window in zip(self.rows.windows(), report.windows, strict=True)
            ),
            code=self.code,
        )

    def _sections(self, starts: Sequence[np.datetime64]) -> tuple[Section, ...]:
        slicing = self.rows.slicing
        columns = [
            Column(name, place, slicing.groups(place))
            for place, name in enumerate(slicing.columns)
            if name in self.spec.sensitive
        ]
        rows = self.rows.read(starts)
        return sections(rows, columns, self.rows.manifest.classes, fewest=self.spec.performance.min_rows)


def _figures(yard: Yardstick, rows: Judged, names: tuple[str, ...], group: tuple[str, str] | None = None) -> Figures:
    labelled = rows.labelled()
    expected = yard.expected(rows, names)
    realised = yard.realised(labelled, names)
    known = expected if labelled is rows else yard.expected(labelled, (yard.metric,))
    foreseen = known.get(yard.metric) if yard.metric in realised else None
    return Figures(rows.whole, rows.whole_labelled, realised, expected, group, foreseen)


def _change(yard: Yardstick, rows: Judged, current: Window) -> Change | None:
    return yard.change(rows, current.whole.realised, current.whole.expected)


def _calibration(rows: Judged | None, fewest: int) -> tuple[Bin, ...]:
    if rows is None or len(rows) < fewest:
        return ()
    answers = rows.answers()
    return tuple(reliability(answers)) if isinstance(answers, LabelAnswers) else ()
