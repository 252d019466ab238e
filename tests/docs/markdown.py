"""The code blocks of a Markdown file, and what it takes to run them.

A `bash` block is run; one marked `server` runs in the background until the document ends. An `output` block is what the
block before prints, `…` standing for anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?P<language>\w*)(?: (?P<mark>\w+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Block:
    """A block to run. `line` is that of its fence, `output` what it should print, or empty."""

    text: str
    line: int
    server: bool = False
    output: str = ""


def blocks(path: Path) -> list[Block]:
    """The blocks to run, in order."""
    text = path.read_text("utf-8")
    found: list[Block] = []
    for fence in FENCE.finditer(text):
        if fence["language"] == "bash":
            line = text.count("\n", 0, fence.start()) + 1
            found.append(Block(runnable(fence["text"]), line, server=fence["mark"] == "server"))
        elif fence["language"] == "output":
            found[-1].output = fence["text"]
    return found


def runnable(text: str) -> str:
    """The commands as they are, but for `make`: the tests run inside of it. What it would do is looked up, not done."""
    text = re.sub(r"^make demo\b", "tidemill demo", text, flags=re.MULTILINE)
    return re.sub(r"^make (\w+)", rf"make -C '{ROOT}' --dry-run \1 > /dev/null", text, flags=re.MULTILINE)


def fits(shown: str, printed: str) -> bool:
    """Whether the printed text holds the shown one; spaces and line breaks do not count, `…` is anything."""
    pieces = ["".join(piece.split()) for piece in shown.split("…")]
    return re.search(".*?".join(map(re.escape, pieces)), "".join(printed.split())) is not None


def sections(path: Path, level: int = 2) -> dict[str, str]:
    """The text under each heading of that level, by heading."""
    parts = re.split(rf"^{'#' * level} (.+)$", path.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in a text, without heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [
        row for at, row in enumerate(cells) if not (is_rule(row) or (at + 1 < len(cells) and is_rule(cells[at + 1])))
    ]


def is_rule(row: list[str]) -> bool:
    """Whether this is the line between a table's head and its body."""
    return all(set(cell) <= set("-: ") for cell in row)
