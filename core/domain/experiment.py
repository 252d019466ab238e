"""Champion against challenger: how much worse the challenger may be, looked at as often as one likes.

Each difference has an interval that holds at every look at once, with 95 % confidence for all of them together: an
asymptotic confidence sequence with Robbins' normal mixture (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024,
"Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52, theorem 2.2; in A/B
tests: Johari, Koomen, Pekelis and Walsh 2022, "Always valid inference", Operations Research 70). So a trial that is
judged every hour ends by mistake no more often than one that is judged once. The price is an interval about half as
wide again as that of one look at a number of rows fixed beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from .metrics import Answers, gain_sign, resamples, statistic, value
from .metrics.bootstrap import sample

ALPHA = 0.05
"""Chance that any of the intervals ever misses."""
TUNED = 500.0
"""The number of rows at which the intervals are the narrowest that they can be."""
FEWEST = 50
"""Requests of each that errors and latency are judged by: fewer have no normal mean."""

Verdict = Literal["holds", "worse", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A mean-like `value` over n independent rows or requests, with its standard error."""

    n: int
    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus champion in the units of `what`, with the ends of an interval that holds at every look.

    `allowed` is how much worse it may be. Without an interval there is too little to tell from.
    """

    what: str
    champion: float | None
    challenger: float | None
    rows: tuple[int, int]
    allowed: float
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict = "cannot tell"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is known of a trial. `verdict` is "worse" if any difference is, "holds" if every one does."""

    model: str
    champion: str
    challenger: str
    mode: str
    share: float
    revision: int
    began: str | None
    differences: tuple[Difference, ...]
    decided: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Of all differences together."""
        verdicts = {difference.verdict for difference in self.differences}
        if "worse" in verdicts:
            return "worse"
        return "holds" if verdicts == {"holds"} else "cannot tell"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "verdict": self.verdict}


def boundary(rows: float, alpha: float) -> float:
    """How many standard errors on each side of an estimate from `rows` an interval has that holds at every look.

    >>> round(boundary(500, 0.05), 2), round(boundary(50_000, 0.05), 2)
    (3.04, 3.58)
    """
    spread = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / TUNED * rows
    return math.sqrt((spread + 1) / spread * math.log((spread + 1) / alpha**2))


def compare(
    what: str,
    champion: Sample | None,
    challenger: Sample | None,
    *,
    allowed: float,
    lower_is_better: bool = True,
    fewest: int = FEWEST,
    alpha: float = ALPHA / 3,
) -> Difference:
    """The difference of two independent samples, and what it says; None is a sample that nothing can be said from."""
    rows = (champion.n if champion else 0, challenger.n if challenger else 0)
    if champion is None or challenger is None or min(rows) < fewest:
        few = f"{what}: {rows[0]:,} and {rows[1]:,} are known of the two, {fewest:,} of each are needed."
        ours, theirs = (None if each is None else each.value for each in (champion, challenger))
        return Difference(what, ours, theirs, rows, allowed, reason=few)
    difference = challenger.value - champion.value
    together = rows[0] * rows[1] / (rows[0] + rows[1])
    width = boundary(together, alpha) * math.hypot(champion.error, challenger.error)
    low, high = difference - width, difference + width
    harm_low, harm_high = (low, high) if lower_is_better else (-high, -low)
    verdict, how = _judge(harm_low, harm_high, allowed)
    reason = f"{what}: {difference:+.4g} [{low:+.4g}, {high:+.4g}] {how} {allowed:g}."
    return Difference(what, champion.value, challenger.value, rows, allowed, difference, low, high, verdict, reason)


def _judge(harm_low: float, harm_high: float, allowed: float) -> tuple[Verdict, str]:
    if harm_low > allowed:
        return "worse", "is worse than by the allowed"
    if harm_high <= allowed:
        return "holds", "is no worse than by the allowed"
    return "cannot tell", "cannot be told yet from the allowed"


def of_metric(metric: str, answers: Answers | None, *, seed: int) -> Sample | None:
    """A metric with the standard error of its bootstrap; None if the rows do not determine it."""
    if answers is None or np.isnan(found := value(metric, answers)):
        return None
    part = answers.take(sample(len(answers), seed))
    of = statistic(metric, part)
    drawn = np.concatenate([of(weights) for weights in resamples(len(part), seed)])
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return None
    return Sample(len(answers), found, float(drawn.std()) * math.sqrt(len(part) / len(answers)))


def of_errors(failed: Sequence[bool]) -> Sample | None:
    """The share of requests that failed; its error is that of two more of each kind (Agresti and Caffo 2000)."""
    if not failed:
        return None
    n, smoothed = len(failed), (sum(failed) + 1) / (len(failed) + 2)
    return Sample(n, sum(failed) / n, math.sqrt(smoothed * (1 - smoothed) / (n + 2)))


def of_latency(milliseconds: Sequence[float]) -> Sample | None:
    """The mean logarithm of latencies: a difference of these is the logarithm of a ratio, and outliers weigh little."""
    if len(milliseconds) < 2:  # noqa: PLR2004 - one has no spread
        return None
    logs = np.log(np.maximum(milliseconds, 1e-3))
    return Sample(len(logs), float(logs.mean()), float(logs.std(ddof=1)) / math.sqrt(len(logs)))


def compare_metric(
    metric: str, champion: Answers | None, challenger: Answers | None, *, allowed: float, fewest: int, seed: int
) -> Difference:
    """How the labelled answers of the two differ."""
    samples = (of_metric(metric, champion, seed=seed), of_metric(metric, challenger, seed=seed + 1))
    lower = gain_sign(metric) < 0
    return compare(metric, *samples, allowed=allowed, lower_is_better=lower, fewest=fewest)
