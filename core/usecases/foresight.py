"""What the deciding metric of answers is expected to be, while their truth is not known."""

from __future__ import annotations

from ..domain.metrics import Estimate
from ..domain.model import ModelManifest
from ..domain.performance.judged import kept
from ..domain.performance.measuring import Yardstick
from ..domain.performance.reference import Reference
from ..spec import ModelSpec
from ..tables.predictions import Answered
from .answer_records import Sample, foreseeable, records_of


class Foresight:
    """Add answers, then ask."""

    def __init__(self, reference: Reference | None, manifest: ModelManifest, spec: ModelSpec) -> None:
        self._yard = Yardstick(spec.task, spec.metric, spec.seed, spec.performance.min_rows, reference)
        self._manifest = manifest
        self._sample = Sample(kept(len(manifest.classes), 0), spec.seed)

    def add(self, answered: Answered) -> None:
        """Add rows that the version answered."""
        if not foreseeable(answered, self._manifest):
            return
        self._sample.add(records_of(answered, self._manifest, self._yard.reference))

    def estimate(self) -> Estimate | None:
        """The metric with its interval; None of too few rows, or where it cannot be foreseen."""
        metric = self._yard.metric
        return self._yard.expected(self._sample.judged(), (metric,)).get(metric)
