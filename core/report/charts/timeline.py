"""A value over time with its interval, each beside what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..svg import at, element, image, points, stretched
from ..wording import decimal
from .scale import Scale

HEIGHT = 220
TOP, BOTTOM = 6, 190
"""Between these the values are; the times stand below."""
INSET = 0.1
"""Air on both sides, as a share of the width, so that no dot is cut."""


@dataclass(frozen=True, slots=True)
class Point:
    """One window. `found` and `reference` have value, low and high; `when` tells its time; `alarm` draws it as one."""

    when: str
    found: Mapping[str, float]
    reference: Mapping[str, float] | None = None
    alarm: bool = False


def timeline(series: Sequence[Point], label: str) -> Markup:
    """The series at equal distances, since windows rarely are; behind each value its reference as a box."""
    seen = [found for point in series for found in (point.found, point.reference) if found]
    scale = Scale.of(end for found in seen for end in found.values())
    places = [INSET + (1 - 2 * INSET) * _share(number, len(series)) for number in range(len(series))]
    boxes = [_reference(point.reference, x, scale, len(series)) for point, x in zip(series, places, strict=True)]
    dots = [_dot(point, x, scale) for point, x in zip(series, places, strict=True)]
    layers = [*_lines(scale), *boxes, _band(series, places, scale), *dots, *_names(scale), *_times(series)]
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


def _band(series: Sequence[Point], places: Sequence[float], scale: Scale) -> Markup:
    """The intervals as an area, and the values as a line."""
    height = BOTTOM - TOP

    def place(x: float, value: float) -> tuple[float, float]:
        return 100 * x, 100 * (_y(scale, value) - TOP) / height

    upper = [place(x, point.found["high"]) for x, point in zip(places, series, strict=True)]
    lower = [place(x, point.found["low"]) for x, point in zip(places, series, strict=True)]
    values = [place(x, point.found["value"]) for x, point in zip(places, series, strict=True)]
    area = element("polygon", points=points([*upper, *reversed(lower)]), class_="band")
    return stretched(area, element("polyline", points=points(values), class_="now"), y=TOP, height=height)


def _dot(point: Point, x: float, scale: Scale) -> Markup:
    found, y = point.found, _y(scale, point.found["value"])
    told = f"{point.when}: {decimal(found['value'])}, from {decimal(found['low'])} to {decimal(found['high'])}"
    whisker = element(
        "line", x1=at(x), x2=at(x), y1=_y(scale, found["low"]), y2=_y(scale, found["high"]), class_="whisker"
    )
    dot = element("circle", cx=at(x), cy=y, r=6.5 if point.alarm else 4.5, class_="dot")
    return element("g", element("title", told), whisker, dot, class_="alarm" if point.alarm else None)


def _times(series: Sequence[Point]) -> list[Markup]:
    """The first and the last; more do not fit on a phone."""
    if len(series) == 1:
        return [element("text", series[0].when, x="50%", y=HEIGHT - 8, text_anchor="middle", class_="tick")]
    ends = (series[0].when, "0%", "start"), (series[-1].when, "100%", "end")
    return [element("text", text, x=x, y=HEIGHT - 8, text_anchor=anchor, class_="tick") for text, x, anchor in ends]
