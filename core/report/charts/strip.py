"""The effects that the checks of one feature found, a cell each, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..svg import at, element, image
from ..wording import percent

HEIGHT = 18
LEVELS = (0.02, 0.05, 0.1, 0.2)
"""Effects, as shares of rows, from which a cell is drawn one level stronger."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One check: `effect` is None where it did not look at the feature."""

    when: str
    effect: float | None
    drifted: bool = False


def strip(cells: Sequence[Cell], label: str) -> Markup:
    """Darker is a larger effect; a drift is marked by its full height and a dot as well."""
    width = 1 / max(len(cells), 1)
    return image(
        label, *(_cell(cell, number * width, width) for number, cell in enumerate(cells)), height=HEIGHT, class_="strip"
    )


def level(effect: float) -> int:
    """How strongly an effect is drawn, 0 to 4.

    >>> [level(effect) for effect in (0.0, 0.03, 0.5)]
    [0, 1, 4]
    """
    return sum(effect >= least for least in LEVELS)


def _cell(cell: Cell, x: float, width: float) -> Markup:
    if cell.effect is None:
        return element("g", element("title", f"{cell.when}: not checked"))
    top = 1 if cell.drifted else 5
    told = f"{cell.when}: {percent(cell.effect)} of rows changed{', drift' if cell.drifted else ''}"
    wide = at(max(width - 0.006, width * 0.7))
    name = f"level{level(cell.effect)}{' drifted' if cell.drifted else ''}"
    parts = [
        element("title", told),
        element("rect", x=at(x), y=top, width=wide, height=HEIGHT - 2 * top, rx=1.5, class_=name),
    ]
    if cell.drifted:
        parts.append(element("circle", cx=at(x + width / 2), cy=HEIGHT / 2, r=1.8, class_="mark"))
    return element("g", *parts)
