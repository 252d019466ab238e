"""How well a version does on its holdout, row by row of each kind, stored beside it as `reference.json`.

With it performance is estimated before labels come, and concept drift is told from data drift when they have come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..artefact import read_artefact
from ..canonical import canonical_json
from ..columns import Columns
from ..metrics import Answers, Estimate, LabelAnswers
from .concept import Strata
from .isotonic import Isotonic, fit
from .loss_tree import LossTree, grow

FORMAT = 1
BINARY = 2
MOST_CLASSES = 20
"""Of a model with more classes than this the probabilities are taken as they are."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Learned from `rows` holdout rows. `metrics` are the holdout's own.

    Classifiers: `curves` calibrate the probability of the positive class, or of each of up to twenty, and `strata` are
    its bins. Regression: `tree` tells the errors.
    """

    rows: int
    metrics: Mapping[str, Estimate] = field(hash=False)
    curves: tuple[Isotonic, ...] = ()
    strata: tuple[Strata, ...] = ()
    tree: LossTree | None = None

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json({"format": FORMAT, **asdict(self)})

    @classmethod
    def decode(cls, data: bytes) -> Reference:
        """Read a stored reference; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "performance reference", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Reference:
        tree = fields["tree"]
        return cls(
            rows=fields["rows"],
            metrics={name: Estimate(**found) for name, found in fields["metrics"].items()},
            curves=tuple(map(Isotonic.from_json, fields["curves"])),
            strata=tuple(map(Strata.from_json, fields["strata"])),
            tree=None if tree is None else LossTree.from_json(tree),
        )


def learn(columns: Columns, answers: Answers, metrics: Mapping[str, Estimate], *, seed: int) -> Reference:
    """From the holdout: its features, what was answered and true, and its metrics. Deterministic by `seed`."""
    if not isinstance(answers, LabelAnswers):
        tree = grow(columns, answers.prediction, answers.truth, seed=seed)
        return Reference(len(answers), dict(metrics), tree=tree)
    classes = answers.probabilities.shape[1]
    judged = [] if classes > MOST_CLASSES else range(1, 2) if classes == BINARY else range(classes)
    shares = [answers.probabilities[:, index] for index in judged]
    curves = [
        fit(share, (answers.truth == index).astype(np.float64)) for share, index in zip(shares, judged, strict=True)
    ]
    return Reference(len(answers), dict(metrics), tuple(curves), tuple(map(Strata.of, shares)))
