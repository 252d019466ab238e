"""How the newest rows of a release stand against its profile.

Distances are those of the cloud's own check, over the newest rows alone. Certainty comes from inequalities that hold
for samples of any size, and that need no tables of distributions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from msgspec.structs import astuple

from core.domain.columns import Outputs
from core.domain.profile import Profile, answer_columns
from core.inference.answers import Answers, Classified

from .distances import ColumnWindow, Figure
from .watch import Figures, Part

NEWEST = 5000
"""Figures are of the newest rows: so many at least, once there were as many, and twice as many at most."""


class Counted:
    """The newest rows, in two halves of which the older one is forgotten in the end."""

    def __init__(self, profile: Profile) -> None:
        self._classes = profile.classes
        self._features = {name: ColumnWindow(summary) for name, summary in profile.features.items()}
        self._outputs = {name: ColumnWindow(summary) for name, summary in profile.outputs.items()}
        self._rows = 0

    def add(self, part: Part) -> None:
        """Count some rows."""
        answered = {name: values for name, _, values in answer_columns(_outputs(part.answers), self._classes)}
        for known, values in ((self._features, part.columns), (self._outputs, answered)):
            for name, window in known.items():
                window.add(values[name].reshape(-1))
        self._rows += len(part.answers)
        if self._rows >= NEWEST:
            self._rows = 0
            for window in (*self._features.values(), *self._outputs.values()):
                window.turn()

    def figures(self) -> Figures:
        """Of each column that was counted."""
        features, outputs = dict(_found(self._features)), dict(_found(self._outputs))
        tests = len(features) + len(outputs)
        drifted = tuple(name for name, figure in {**features, **outputs}.items() if figure.drifted(tests))
        shares = [{name: round(figure.share, 4) for name, figure in each.items()} for each in (features, outputs)]
        return Figures(shares[0], shares[1], drifted)


def _found(windows: Mapping[str, ColumnWindow]) -> Iterator[tuple[str, Figure]]:
    for name, window in windows.items():
        figure = window.figure()
        if figure is not None:
            yield name, figure


def _outputs(answers: Answers) -> Outputs:
    """Answers as arrays again."""
    labels = [each.label for each in answers if isinstance(each, Classified)]
    if labels:
        shares = [astuple(each.probabilities) for each in answers if isinstance(each, Classified)]
        return Outputs(np.array(labels, dtype=object), np.array(shares, dtype=np.float32))
    values = [each.prediction for each in answers if not isinstance(each, Classified)]
    return Outputs(prediction=np.array(values, dtype=np.float32))
