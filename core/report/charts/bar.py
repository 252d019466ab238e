"""A share as the length of a bar, beside the number that a table tells."""

from __future__ import annotations

from markupsafe import Markup

from ..svg import at, element

HEIGHT = 12


def bar(share: float) -> Markup:
    """`share` is 0 to 1. It repeats what stands beside it, so a screen reader is spared it."""
    drawn = element("rect", x=0, y=0, width=at(share), height=HEIGHT, rx=1.5, class_="now")
    return element("svg", drawn, aria_hidden="true", width="100%", height=HEIGHT, class_="bar")
