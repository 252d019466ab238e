"""A graph of what was made from what, in columns from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..svg import element

WIDTH, HEIGHT = 200, 44
ACROSS, DOWN = 96, 14
TOP = 30
"""Of a node, between nodes, and above the first of a column where its heading stands; pixels."""
LONGEST = 27


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A box with two lines of text. `parents` are ids in the column before. `strong` is what the reader looks for."""

    id: str
    title: str
    detail: str
    parents: tuple[str, ...] = ()
    strong: bool = False


def graph(columns: Sequence[tuple[str, Sequence[GraphNode]]], label: str) -> Markup:
    """Columns of (heading, nodes). An edge of a strong node is strong. Nodes are centred within their column."""
    tallest = max((len(nodes) for _, nodes in columns), default=0)
    height = TOP + max(tallest, 1) * (HEIGHT + DOWN)
    width = len(columns) * WIDTH + (len(columns) - 1) * ACROSS
    places = {
        node.id: place for number, (_, nodes) in enumerate(columns) for node, place in _placed(nodes, number, tallest)
    }
    every = [node for _, nodes in columns for node in nodes]
    edges = [
        _edge(node, parent, places)
        for node in sorted(every, key=lambda node: node.strong)  # what is strong is drawn on top
        for parent in node.parents
        if parent in places
    ]
    headings = [
        element("text", text, x=number * (WIDTH + ACROSS), y=14, class_="heading")
        for number, (text, _) in enumerate(columns)
    ]
    boxes = [_box(node, *places[node.id]) for node in every]
    size = {"width": width, "height": height}
    return element("svg", *headings, *edges, *boxes, role="img", aria_label=label, class_="graph", **size)


def _placed(nodes: Sequence[GraphNode], column: int, tallest: int) -> list[tuple[GraphNode, tuple[float, float]]]:
    offset = TOP + (tallest - len(nodes)) * (HEIGHT + DOWN) / 2
    x = column * (WIDTH + ACROSS)
    return [(node, (x, offset + number * (HEIGHT + DOWN))) for number, node in enumerate(nodes)]


def _edge(node: GraphNode, parent: str, places: Mapping[str, tuple[float, float]]) -> Markup:
    (x1, y1), (x2, y2) = places[parent], places[node.id]
    x1, y1, y2 = x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2
    middle = (x1 + x2) / 2
    path = f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    return element("path", d=path, class_="edge strong" if node.strong else "edge")


def _box(node: GraphNode, x: float, y: float) -> Markup:
    return element(
        "g",
        element("title", f"{node.title}, {node.detail}" if node.detail else node.title),
        element("rect", x=x + 0.5, y=y + 0.5, width=WIDTH - 1, height=HEIGHT - 1, rx=4),
        element("text", _cut(node.title), x=x + 10, y=y + 18, class_="title"),
        element("text", _cut(node.detail), x=x + 10, y=y + 34, class_="detail"),
        class_="node strong" if node.strong else "node",
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
