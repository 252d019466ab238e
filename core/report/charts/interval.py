"""A value with its interval on an axis that the rows of a table share."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from ..svg import at, element, image
from ..wording import decimal
from .scale import Scale

HEIGHT = 20
MIDDLE = HEIGHT / 2


def interval(found: Mapping[str, float], scale: Scale, *, label: str, strong: bool = False) -> Markup:
    """A dot for the value and a line from low to high; `strong` is what the reader looks for."""
    low, value, high = (at(scale.share(found[end])) for end in ("low", "value", "high"))
    told = f"{label}: {decimal(found['value'])}, from {decimal(found['low'])} to {decimal(found['high'])}"
    whisker = element("line", x1=low, x2=high, y1=MIDDLE, y2=MIDDLE, class_="whisker")
    dot = element("circle", cx=value, cy=MIDDLE, r=4, class_="dot")
    axis = element("line", x1="0%", x2="100%", y1=MIDDLE, y2=MIDDLE, class_="axis")
    return image(told, axis, whisker, dot, height=HEIGHT, class_="interval strong" if strong else "interval")
