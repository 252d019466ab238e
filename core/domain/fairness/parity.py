"""Are groups treated alike: what share of each is answered with the positive class, rightly and wrongly.

The measures of Hardt, Price and Srebro (2016, "Equality of Opportunity in Supervised Learning") and Chouldechova (2017,
"Fair prediction with disparate impact"), as fairlearn computes them: of each the difference between the highest and the
lowest group, and the ratio of the lowest to the highest.

| measure             | of the rows                 | share                                             |
| ------------------- | --------------------------- | ------------------------------------------------- |
| demographic_parity  | all that were answered      | answered positive (`selection_rate`)              |
| equal_opportunity   | whose truth is positive     | answered positive (`true_positive_rate`)          |
| equalized_odds      | of either truth             | the worse of `true_` and `false_positive_rate`    |
| predictive_parity   | answered positive           | whose truth is positive (`precision`)             |

A rate is given for a group of rows enough alone. The two groups of a difference are chosen for being far apart among
many, so its interval is as wide as that of all pairs together (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..metrics import Estimate
from ..metrics.bootstrap import CONFIDENCE
from ..metrics.proportions import Share, difference, interval, ratio

UNLABELLED = -1
RATES: Mapping[str, str] = {
    "selection_rate": "answered",
    "true_positive_rate": "positive",
    "false_positive_rate": "negative",
    "precision": "answered_positive",
}
"""Each rate, and the rows that it is a share of."""
MEASURES: Mapping[str, tuple[str, ...]] = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
    "predictive_parity": ("precision",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """n rows: the number of each one's group, whether it was answered positive, and its truth.

    `truth` is 1 where it is positive, 0 where it is not, UNLABELLED where it is not known.
    """

    group: NDArray[np.intp]
    positive: NDArray[np.bool_]
    truth: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Gap:
    """How far apart the groups with the lowest and the highest rate are.

    Of a measure of two rates, `difference` and `ratio` are each of the rate where it is worse; `rate` and the groups
    are those of the difference. `ratio` is None where the highest rate is 0.
    """

    rate: str
    lowest: int
    highest: int
    difference: Estimate
    ratio: Estimate | None


@dataclass(frozen=True, slots=True)
class Parity:
    """Of each group its shares by rate; of each measure its gap, or None with fewer than two groups of rows enough."""

    shares: tuple[Mapping[str, Share], ...]
    gaps: Mapping[str, Gap | None]
    fewest: int

    def rates(self, group: int) -> dict[str, Estimate]:
        """The rates of a group that rows enough support, with 95 % intervals."""
        z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
        return {name: interval(share, z) for name, share in self.shares[group].items() if share.rows >= self.fewest}

    def too_small(self, group: int) -> dict[str, int]:
        """How many rows there are of each rate that too few support."""
        return {name: share.rows for name, share in self.shares[group].items() if share.rows < self.fewest}


def parity(verdicts: Verdicts, groups: int, *, fewest: int) -> Parity:
    """How alike groups 0 to `groups` - 1 are treated; `fewest` rows make a rate."""
    shares = tuple(_shares(verdicts, groups))
    return Parity(shares, {name: _gap(shares, rates, fewest) for name, rates in MEASURES.items()}, fewest)


def _shares(verdicts: Verdicts, groups: int) -> Sequence[Mapping[str, Share]]:
    answered, yes, no = verdicts.positive, verdicts.truth == 1, verdicts.truth == 0
    parts = {
        "selection_rate": (answered, np.ones_like(answered)),
        "true_positive_rate": (answered & yes, yes),
        "false_positive_rate": (answered & no, no),
        "precision": (answered & yes, answered & (yes | no)),
    }
    counted = {
        name: [np.bincount(verdicts.group[rows], minlength=groups).tolist() for rows in part]
        for name, part in parts.items()
    }
    return [{name: Share(hits[at], rows[at]) for name, (hits, rows) in counted.items()} for at in range(groups)]


def _gap(shares: Sequence[Mapping[str, Share]], rates: Sequence[str], fewest: int) -> Gap | None:
    """The worst of the gaps of `rates`; all of them must be known, or the worst is not."""
    eligible = {name: [at for at, share in enumerate(shares) if share[name].rows >= fewest] for name in rates}
    if min(map(len, eligible.values())) < 2:  # noqa: PLR2004 - it takes two to differ
        return None
    pairs = sum(len(groups) * (len(groups) - 1) // 2 for groups in eligible.values())
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / pairs)
    gaps = [_of_rate(shares, name, groups, z) for name, groups in eligible.items()]
    ratios = [gap.ratio for gap in gaps if gap.ratio is not None]
    widest = max(gaps, key=lambda gap: gap.difference.value)
    return replace(widest, ratio=min(ratios, key=lambda ratio: ratio.value, default=None))


def _of_rate(shares: Sequence[Mapping[str, Share]], name: str, groups: Sequence[int], z: float) -> Gap:
    low = min(groups, key=lambda at: shares[at][name].value)
    high = max(groups, key=lambda at: shares[at][name].value)
    ends = shares[low][name], shares[high][name]
    return Gap(name, low, high, difference(ends[1], ends[0], z), ratio(ends[0], ends[1], z))
