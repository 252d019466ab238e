"""What a column was when the model learned and what it is now, on one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..svg import at, element, image, points, stretched
from ..wording import percent, short

HEIGHT = 96
PLOT = HEIGHT - 16
BAR = 20


def distribution(found: Mapping[str, Any], label: str) -> Markup:
    """The picture of a drift report's `distribution`; `label` tells what the picture shows."""
    return _categories(found, label) if found["names"] else _numbers(found, label)


def shares(rows: Sequence[int]) -> list[float]:
    """Of all rows, how much each bar has.

    >>> shares([1, 3]), shares([0, 0])
    ([0.25, 0.75], [0.0, 0.0])
    """
    total = sum(rows) or 1
    return [number / total for number in rows]


def _numbers(found: Mapping[str, Any], label: str) -> Markup:
    was, now = shares(found["reference"]), shares(found["current"])
    highest = max([*was, *now]) or 1.0
    area = element("polygon", points=points([(0.0, 100.0), *_steps(was, highest), (100.0, 100.0)]), class_="was")
    line = element("polyline", points=points(_steps(now, highest)), class_="now")
    ends = found["ends"]
    texts = [
        element("text", short(end), x=x, y=HEIGHT - 2, text_anchor=anchor, class_="tick")
        for end, x, anchor in zip(ends, ("0%", "100%"), ("start", "end"), strict=True)
    ]
    floor = element("line", x1="0%", x2="100%", y1=PLOT, y2=PLOT, class_="axis")
    return image(label, stretched(area, line, height=PLOT), floor, *texts, height=HEIGHT, class_="distribution")


def _steps(heights: Sequence[float], highest: float) -> list[tuple[float, float]]:
    """The outline of bars that stand side by side."""
    width = 100 / len(heights)
    return [
        (width * (number + side), 100 - 96 * height / highest)
        for number, height in enumerate(heights)
        for side in (0, 1)
    ]


def _categories(found: Mapping[str, Any], label: str) -> Markup:
    rest = found["rest"] or (0, 0)
    was, now = shares([*found["reference"], rest[0]]), shares([*found["current"], rest[1]])
    highest = max([*was[:-1], *now[:-1]], default=0.0) or 1.0
    rows = [
        _row(number, name, before, after, highest)
        for number, (name, before, after) in enumerate(zip(found["names"], was, now, strict=False))
    ]
    rows += [_others(len(rows), was[-1], now[-1])] if any(rest) else []
    return image(label, *rows, height=BAR * len(rows), class_="distribution")


def _others(number: int, was: float, now: float) -> Markup:
    """All the rest, in words: as a bar it would dwarf the others."""
    told = f"others: {percent(was)} before"
    y = BAR * number + 14
    return element(
        "g",
        element("text", told, x="0%", y=y, class_="tick"),
        element("text", percent(now), x="100%", y=y, text_anchor="end", class_="tick"),
    )


def _row(number: int, name: str, was: float, now: float, highest: float) -> Markup:
    """The name over the first third; the reference as a bar, the window as a mark on it, its share at the end."""
    y, left, wide = BAR * number, 0.34, 0.48
    shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return element(
        "g",
        element("title", f"{name}: {percent(was)} before, {percent(now)} now"),
        element("text", shown, x="0%", y=y + 14, class_="name"),
        element("rect", x=at(left), y=y + 3, width=at(wide * was / highest), height=BAR - 6, class_="was"),
        element("line", x1=at(left), x2=at(left + wide * now / highest), y1=y + 10, y2=y + 10, class_="now"),
        element("text", percent(now), x="100%", y=y + 14, text_anchor="end", class_="tick"),
    )


LONGEST = 14
"""Characters of a category's name that fit beside its bar."""
