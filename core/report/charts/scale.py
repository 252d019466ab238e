"""Where a value lies on an axis, and which round values to name there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1, 2, 2.5, 5, 10)
MARGIN = 0.08


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`, which differ."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Scale:
        """An axis that holds all of them with some air; of no finite value from 0 to 1.

        >>> Scale.of([1.0, 2.0])
        Scale(low=0.92, high=2.08)
        """
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return cls(0.0, 1.0)
        low, high = min(finite), max(finite)
        air = (high - low) * MARGIN or abs(low) * MARGIN or 1.0
        return cls(low - air, high + air)

    def share(self, value: float) -> float:
        """Where it lies, from 0 to 1; what lies outside is at the end."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def ticks(self, most: int = 4) -> list[float]:
        """Round values within, at most so many.

        >>> Scale(0.0, 1.0).ticks()
        [0.0, 0.5, 1.0]
        """
        rough = (self.high - self.low) / most
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in STEPS if unit * factor >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        if last - first + 1 > most:
            step *= 2
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def named(self) -> list[tuple[float, str]]:
        """The ticks with their names, all to the same decimal.

        >>> Scale(0.0, 1.0).named()
        [(0.0, '0.0'), (0.5, '0.5'), (1.0, '1.0')]
        """
        ticks = self.ticks()
        digits = max((len(f"{tick:.6g}".partition(".")[2]) for tick in ticks), default=0)
        plain = all(1e-4 <= abs(tick) < 1e6 or not tick for tick in ticks)  # noqa: PLR2004
        return [(tick, (f"{tick:,.{digits}f}" if plain else f"{tick:.3g}").replace("-", "−")) for tick in ticks]
