"""Elements of SVG as escaped text. Whatever is drawn goes through here, so no name can become markup."""

from __future__ import annotations

from markupsafe import Markup, escape

Value = str | float | int | None


def element(tag: str, *children: str | Markup, **attributes: Value) -> Markup:
    """One element; an attribute's `_` is written as `-`, and one that is None is left out.

    >>> print(element("text", "<b>", x=1.50001, text_anchor="end", class_=None))
    <text x="1.5" text-anchor="end">&lt;b&gt;</text>
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = Markup().join(children)
    return Markup(f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>")  # noqa: S704 - parts are escaped


def image(label: str, *children: Markup, height: float, class_: str, **attributes: Value) -> Markup:
    """A drawing as wide as its place and `height` pixels high, told to a screen reader by `label` alone."""
    facts: dict[str, Value] = {"role": "img", "aria_label": label, "width": "100%", "height": height, "class_": class_}
    return element("svg", *children, **{**facts, **attributes})


def stretched(*children: Markup, y: float = 0, height: float | str = "100%") -> Markup:
    """A layer whose x goes from 0 to 100 and whose y from 0 (top) to 100, however wide the drawing is."""
    box: dict[str, Value] = {"x": 0, "y": y, "width": "100%", "height": height}
    return element("svg", *children, viewBox="0 0 100 100", preserveAspectRatio="none", **box)


def at(share: float) -> str:
    """A place across the drawing, 0 to 1."""
    return f"{_value(100 * share)}%"


def points(places: list[tuple[float, float]]) -> str:
    """Coordinates for a polygon or a polyline."""
    return " ".join(f"{_value(x)},{_value(y)}" for x, y in places)


def _value(value: Value) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(escape(value))
