"""Intervals over time as an area and their values as a line, broken where nothing is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from markupsafe import Markup

from ..svg import element, points
from .scale import Scale

ALONE = 0.8
"""Half the width of a value without neighbours, in percent of the drawing: a line of no length would not be seen."""

Interval = Mapping[str, float]


def band(places: Sequence[float], found: Sequence[Interval | None], scale: Scale, line: str = "now") -> list[Markup]:
    """Shapes for a layer of 100 x 100 (`svg.stretched`); `places` are 0 to 1, `line` is the class of the line."""
    return [shape for run in runs(found) for shape in _run(run, places, found, scale, line)]


def runs(found: Sequence[Interval | None]) -> Iterator[list[int]]:
    """The numbers of neighbours that are known.

    >>> list(runs([None, {"value": 1.0}, {"value": 2.0}, None, {"value": 3.0}]))
    [[1, 2], [4]]
    """
    for known, numbers in groupby(range(len(found)), key=lambda number: found[number] is not None):
        if known:
            yield list(numbers)


def _run(
    run: Sequence[int], places: Sequence[float], found: Sequence[Interval | None], scale: Scale, line: str
) -> Iterator[Markup]:
    known = [(100 * places[number], interval) for number in run if (interval := found[number]) is not None]
    if len(known) == 1:
        ((x, only),) = known
        known = [(x - ALONE, only), (x + ALONE, only)]
    ends = {end: [(x, 100 - 100 * scale.share(each[end])) for x, each in known] for end in ("low", "value", "high")}
    if ends["low"] != ends["high"]:
        area = [*ends["high"], *reversed(ends["low"])]
        yield element("polygon", points=points(area), class_="band" if line == "now" else f"band {line}")
    yield element("polyline", points=points(ends["value"]), class_=line)
