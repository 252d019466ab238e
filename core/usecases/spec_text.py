"""Write a guessed spec as YAML for a person: one field a line, each guess with what it was made from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from ..domain.schema import FeatureType, Task
from ..spec import DEFAULT_METRIC

_PLAIN = re.compile(r"\w(?:[\w ./()%-]*[\w.)%])?")


@dataclass(frozen=True, slots=True)
class GuessedFeature:
    """A column that is thought to be an input, and what was seen in it."""

    name: str
    type: FeatureType
    nullable: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Guess:
    """What a file looks like. `drop` are names, each with why; `rows` are those that have a target."""

    model: str
    source: str
    rows: int
    unusable: int
    task: Task
    target: str
    target_seen: str
    id: str | None
    time: str | None
    features: Sequence[GuessedFeature]
    drop: Sequence[tuple[str, str]]


def spec_text(guess: Guess) -> str:
    """The whole file."""
    return "\n".join(_lines(guess)) + "\n"


def quoted(text: str) -> str:
    """A YAML scalar that is read back as this very text, in any place; bare where that is the same.

    >>> quoted("sepal length (cm)"), quoted("no"), quoted("a: b")
    ('sepal length (cm)', '"no"', '"a: b"')
    """
    if _PLAIN.fullmatch(text) and yaml.safe_load(f"{{? {text} : 0}}") == {text: 0}:
        return text
    whole = yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True)
    return str(whole).strip()


def _lines(guess: Guess) -> Iterator[str]:
    yield f"# Written by `tidemill init` from {_said(guess.source)}: {guess.rows:,} rows."
    yield "# Every type, null and role below is a guess from that file: look it over. docs/spec.md tells every field."
    if guess.unusable:
        yield f"# {guess.unusable:,} other rows have no target or cannot be read: they would go to quarantine."
    yield f"model: {quoted(guess.model)}"
    yield _with(f"task: {guess.task}", guess.target_seen)
    yield f"target: {quoted(guess.target)}"
    yield from _keys(guess)
    yield "features:"
    yield from _features(guess.features)
    yield "# sensitive: []   # columns kept for fairness by group, never inputs unless they are features too"
    if guess.drop:
        yield "drop:   # removed before anything is written; list personal data here as well"
        yield from _aligned([(f"  - {quoted(name)}", why) for name, why in guess.drop])
    yield from _learning(guess)


def _keys(guess: Guess) -> Iterator[str]:
    if guess.id is not None:
        yield _with(f"id: {quoted(guess.id)}", "no two rows share one: labels that come later find their row by it")
    else:
        yield "# id: …   # no column looked like a row's key; name one, so that labels that come later find their row"
    if guess.time is not None:
        yield f"time: {quoted(guess.time)}"


def _features(features: Sequence[GuessedFeature]) -> Iterator[str]:
    lines = []
    for feature in features:
        nullable = ", nullable: true" if feature.nullable else ""
        lines.append((f"  - {{name: {quoted(feature.name)}, type: {feature.type}{nullable}}}", feature.seen))
    yield from _aligned(lines)
    yield "  # a category may have `values: [a, b]`, a number `min:` and `max:`: rows with anything else are rejected"


def _learning(guess: Guess) -> Iterator[str]:
    yield "estimator: hist-gradient-boosting"
    yield "seed: 7"
    by = "time" if guess.time is not None else "random"
    yield _with(f"split: {{by: {by}, holdout: 0.2}}", "how the rows to be judged on are taken")
    bound = "max" if DEFAULT_METRIC[guess.task] in {"log_loss", "rmse"} else "min"
    gates = f"gates: {{metric: {DEFAULT_METRIC[guess.task]}, max_regression: 0.005}}"
    yield _with(gates, f"add `{bound}:` once you know what is good enough to serve")
    when = f"train_when: {{rows: {min(1000, guess.rows)}, drift: true, performance: true, cooldown: 1h}}"
    yield _with(when, "new rows that start a training")
    yield f"drift: {{every: 1h, min_rows: {min(500, max(100, guess.rows // 2))}}}"


def _aligned(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = min(60, max((len(line) for line, _ in lines), default=0))
    yield from (_with(line.ljust(width), comment) for line, comment in lines)


def _with(line: str, comment: str) -> str:
    return f"{line}   # {_said(comment)}"


def _said(text: str) -> str:
    """What can stand in a comment: one line of what YAML takes for printable."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
