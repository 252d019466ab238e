"""A value over time with its interval, each beside what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..svg import at, element, image, stretched
from ..wording import decimal
from .band import band
from .scale import Scale

HEIGHT = 220
TOP, BOTTOM = 6, 190
"""Between these the values are; the times stand below."""
MANY = 20
"""Of more windows than this the dots are small."""
INSET = 0.1
"""Air on both sides, as a share of the width, so that no dot is cut."""


@dataclass(frozen=True, slots=True)
class Point:
    """One window: what was found in it, what was expected of it, and what both are compared with.

    Each has value, low and high, or is not known. `when` tells its time, `whose` the version; `alarm` draws it as one.
    """

    when: str
    found: Mapping[str, float] | None
    reference: Mapping[str, float] | None = None
    expected: Mapping[str, float] | None = None
    alarm: bool = False
    whose: str = ""


def timeline(series: Sequence[Point], label: str) -> Markup:
    """The series at equal distances, since windows rarely are; behind each value its reference as a box."""
    seen = [found for point in series for found in (point.found, point.reference, point.expected) if found]
    scale = Scale.of(end for found in seen for end in found.values())
    places = [INSET + (1 - 2 * INSET) * _share(number, len(series)) for number in range(len(series))]
    boxes = [_reference(point.reference, x, scale, len(series)) for point, x in zip(series, places, strict=True)]
    dots = [_dot(point, x, scale, small=len(series) > MANY) for point, x in zip(series, places, strict=True)]
    layers = [*_lines(scale), *boxes, _bands(series, places, scale), *dots, *_names(scale), *_times(series)]
    return image(label, *layers, height=HEIGHT, class_="timeline")


def _share(number: int, total: int) -> float:
    return number / (total - 1) if total > 1 else 0.5


def _y(scale: Scale, value: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * scale.share(value)


def _lines(scale: Scale) -> list[Markup]:
    heights = [_y(scale, tick) for tick in scale.ticks()]
    return [element("line", x1="0%", x2="100%", y1=y, y2=y, class_="axis") for y in heights]


def _names(scale: Scale) -> list[Markup]:
    """Drawn last, on top of what is behind them."""
    return [element("text", name, x="0%", y=_y(scale, tick) - 3, class_="tick") for tick, name in scale.named()]


def _reference(found: Mapping[str, float] | None, x: float, scale: Scale, total: int) -> Markup:
    if found is None:
        return element("g")
    top, bottom, y = (_y(scale, found[end]) for end in ("high", "low", "value"))
    wide = min((1 - 2 * INSET) / max(total - 1, 1) * 0.6, 2 * INSET)
    ends = {"x1": at(x - wide / 2), "x2": at(x + wide / 2)}
    box = element("rect", x=ends["x1"], width=at(wide), y=top, height=max(bottom - top, 1.0), class_="was")
    return element("g", box, element("line", **ends, y1=y, y2=y, class_="reference"))


def _bands(series: Sequence[Point], places: Sequence[float], scale: Scale) -> Markup:
    """The intervals as areas, and the values as lines; what was expected lies behind what was found."""
    expected = band(places, [point.expected for point in series], scale, "expected")
    found = band(places, [point.found for point in series], scale)
    return stretched(*expected, *found, y=TOP, height=BOTTOM - TOP)


def _dot(point: Point, x: float, scale: Scale, *, small: bool) -> Markup:
    """What was found; where nothing was, what is expected. Of many windows the band alone tells the intervals."""
    named = ", ".join(filter(None, [point.when, point.whose]))
    known = point.found or point.expected
    if known is None:
        return element("g", element("title", f"{named}: not known"))
    value, low, high = (decimal(known[end]) for end in ("value", "low", "high"))
    title = element("title", f"{named}: {'' if point.found else 'expected '}{value}, from {low} to {high}")
    radius = (3.0 if small else 4.5) + (2 if point.alarm and not small else 0)
    dot = element("circle", cx=at(x), cy=_y(scale, known["value"]), r=radius, class_="dot")
    whiskers = [] if small else [_whisker(known, x, scale)]
    kind = "alarm" if point.alarm else None if point.found else "open"
    return element("g", title, *whiskers, dot, class_=kind)


def _whisker(known: Mapping[str, float], x: float, scale: Scale) -> Markup:
    top, bottom = (_y(scale, known[end]) for end in ("high", "low"))
    return element("line", x1=at(x), x2=at(x), y1=top, y2=bottom, class_="whisker")


def _times(series: Sequence[Point]) -> list[Markup]:
    """The first and the last; more do not fit on a phone."""
    if len(series) == 1:
        return [element("text", series[0].when, x="50%", y=HEIGHT - 8, text_anchor="middle", class_="tick")]
    ends = (series[0].when, "0%", "start"), (series[-1].when, "100%", "end")
    return [element("text", text, x=x, y=HEIGHT - 8, text_anchor=anchor, class_="tick") for text, x, anchor in ends]
