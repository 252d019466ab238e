"""How a value went, small enough to stand beside many others: what was found, what was expected, and alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..svg import at, element, image, stretched
from ..wording import decimal
from .band import band
from .scale import Scale

HEIGHT, FOOT = 64, 16
"""Of the plot, and of the times below it."""
LEFT = 0.12
"""Where the first step is: the names of values stand before it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One time; `found` and `expected` have value, low and high, or are not known. An alarm is told by its time."""

    found: Mapping[str, float] | None
    expected: Mapping[str, float] | None = None
    alarm: bool = False
    when: str = ""


def of_value(value: float | None) -> Mapping[str, float] | None:
    """A value that has no interval."""
    return None if value is None else {"value": value, "low": value, "high": value}


def scale_of(steps: Sequence[Step], *others: float) -> Scale:
    """An axis that holds all of them."""
    seen = [found for step in steps for found in (step.found, step.expected) if found]
    return Scale.of([*others, *(found[end] for found in seen for end in ("value", "low", "high"))])


def told(steps: Sequence[Step]) -> str:
    """The newest value that is known, in words."""
    known = [step.found for step in steps if step.found]
    return f"{decimal(known[-1]['value'])} at last" if known else "not known"


def trend(
    steps: Sequence[Step],
    label: str,
    scale: Scale,
    *,
    reference: float | None = None,
    times: tuple[str, str] | None = None,
) -> Markup:
    """The steps at equal distances from left to right; `reference` is a value to compare with."""
    last = max(len(steps) - 1, 1)
    places = [LEFT + (0.99 - LEFT) * number / last for number in range(len(steps))]
    expected = band(places, [step.expected for step in steps], scale, "expected")
    found = band(places, [step.found for step in steps], scale)
    layers = [*_frame(scale, reference), stretched(*expected, *found, height=HEIGHT)]
    layers += [_alarm(step, x, scale) for step, x in zip(steps, places, strict=True) if step.alarm and step.found]
    layers += [*_ends(scale), *(_times(times) if times else [])]
    return image(label, *layers, height=HEIGHT + (FOOT if times else 0), class_="trend")


def _y(scale: Scale, value: float) -> float:
    return HEIGHT * (1 - scale.share(value))


def _frame(scale: Scale, reference: float | None) -> list[Markup]:
    floor = element("line", x1="0%", x2="100%", y1=HEIGHT, y2=HEIGHT, class_="axis")
    if reference is None:
        return [floor]
    y = _y(scale, reference)
    return [floor, element("line", x1="0%", x2="100%", y1=y, y2=y, class_="reference")]


def _ends(scale: Scale) -> list[Markup]:
    """The lowest and the highest round value."""
    named = scale.named()
    chosen = [named[0], named[-1]] if len(named) > 1 else named
    heights = [min(max(_y(scale, tick) + 4, 10.0), HEIGHT - 3.0) for tick, _ in chosen]
    return [element("text", name, x="0%", y=y, class_="tick") for (_, name), y in zip(chosen, heights, strict=True)]


def _alarm(step: Step, x: float, scale: Scale) -> Markup:
    assert step.found is not None
    title = element("title", f"{step.when}: {decimal(step.found['value'])}")
    return element("circle", title, cx=at(x), cy=_y(scale, step.found["value"]), r=3.5, class_="alarm")


def _times(times: tuple[str, str]) -> list[Markup]:
    y = HEIGHT + FOOT - 3
    first = element("text", times[0], x="0%", y=y, class_="tick")
    if times[0] == times[1]:
        return [first]
    return [first, element("text", times[1], x="100%", y=y, text_anchor="end", class_="tick")]
