"""Intervals of a share, of the difference of two shares and of their ratio, good for few rows and shares near 0 and 1.

All from the score interval: the difference by Newcombe's hybrid (1998, "Interval estimation for the difference between
independent proportions", method 10), the ratio by the same recovery of variances (Donner and Zou 2012, "Closed-form
confidence intervals for functions of the normal mean and standard deviation").
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from .bootstrap import Estimate


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `rows`, rows > 0."""

    hits: int
    rows: int

    @property
    def value(self) -> float:
        """The share itself, 0 to 1."""
        return self.hits / self.rows


def interval(share: Share, z: float) -> Estimate:
    """Wilson's score interval (1927), with ends `z` standard deviations away.

    >>> found = interval(Share(81, 263), 1.959964)
    >>> round(found.low, 4), round(found.high, 4)
    (0.2553, 0.3662)
    """
    rows, value = share.rows, share.value
    centre = (value + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * sqrt(value * (1 - value) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)
    return Estimate(value, max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half)))


def difference(first: Share, second: Share, z: float) -> Estimate:
    """First less second.

    >>> found = difference(Share(56, 70), Share(48, 80), 1.959964)
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    """
    one, two = interval(first, z), interval(second, z)
    value = one.value - two.value
    low = sqrt((one.value - one.low) ** 2 + (two.high - two.value) ** 2)
    high = sqrt((one.high - one.value) ** 2 + (two.value - two.low) ** 2)
    return Estimate(value, value - low, value + high)


def ratio(first: Share, second: Share, z: float) -> Estimate | None:
    """First over second, from 0 up; None if second is 0."""
    if not second.hits:
        return None
    one, two = interval(first, z), interval(second, z)
    product = one.value * two.value
    least = one.low * (2 * one.value - one.low)
    most = one.high * (2 * one.value - one.high)
    root = sqrt(max(0.0, product**2 - least * two.high * (2 * two.value - two.high)))
    low = least / (product + root) if least > 0 else 0.0
    under = two.low * (2 * two.value - two.low)
    high = (product + sqrt(max(0.0, product**2 - most * under))) / under
    return Estimate(one.value / two.value, low, high)
