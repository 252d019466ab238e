"""How one schema differs from the one before, each difference compatible or breaking.

Compatible: every row that was accepted before is accepted still, and whoever asks as before is answered as before.
Anything else is breaking. Renaming is dropping and adding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from .schema import Feature, Schema

WIDER: Mapping[str, frozenset[str]] = {"integer": frozenset({"number"}), "boolean": frozenset({"category"})}
"""Types whose every value is one of another type too."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One difference. `column` is None when it is of the schema as a whole."""

    column: str | None
    change: str
    compatible: bool


@dataclass(frozen=True, slots=True)
class Evolution:
    """Every difference to the schema of `since`, the version of the valid dataset before."""

    since: str
    changes: tuple[SchemaChange, ...]

    @property
    def compatible(self) -> bool:
        """Whether nothing breaks."""
        return all(change.compatible for change in self.changes)

    def sentence(self) -> str:
        """All of it, what breaks first."""
        ordered = sorted(self.changes, key=lambda change: change.compatible)
        return "; ".join(f"{change.column or 'schema'} {change.change}" for change in ordered)


def evolution(since: str, before: Schema, now: Schema) -> Evolution | None:
    """The differences of `now` to `before`; None if there is none.

    >>> before = Schema("m", "binary", "y", (Feature("x", "integer"),))
    >>> now = Schema("m", "binary", "y", (Feature("x", "number"), Feature("z", "number")))
    >>> [(change.change, change.compatible) for change in evolution("d1", before, now).changes]
    [('was added and is required', False), ('is a number now, was integer', True)]
    """
    changes = tuple(_changes(before, now))
    return Evolution(since, changes) if changes else None


def _changes(before: Schema, now: Schema) -> Iterator[SchemaChange]:
    yield from _roles(before, now)
    old = {feature.name: feature for feature in before.features}
    new = {feature.name: feature for feature in now.features}
    for name in old.keys() - new.keys():
        yield SchemaChange(name, "is no feature any more", compatible=False)
    for name, feature in new.items():
        if name not in old:
            how = "may be null" if feature.nullable else "is required"
            yield SchemaChange(name, f"was added and {how}", feature.nullable)
    shared = [name for name in new if name in old]
    for name in shared:
        yield from _feature(old[name], new[name])
    if shared != [name for name in old if name in new]:
        yield SchemaChange(None, "has its features in another order", compatible=True)


def _roles(before: Schema, now: Schema) -> Iterator[SchemaChange]:
    for role in ("task", "target", "id", "time"):
        was, is_now = getattr(before, role), getattr(now, role)
        if was != is_now:
            told = f"has the {role} {is_now or 'none'} now, was {was or 'none'}"
            yield SchemaChange(None, told, compatible=is_now is None and role in {"id", "time"})
    for role in ("sensitive", "drop"):
        was, is_now = set(getattr(before, role)), set(getattr(now, role))
        yield from (SchemaChange(name, f"is {role} now", compatible=True) for name in sorted(is_now - was))
        yield from (SchemaChange(name, f"is not {role} any more", compatible=False) for name in sorted(was - is_now))
    if before.undeclared != now.undeclared:
        told = f"has undeclared: {now.undeclared} now, was {before.undeclared}"
        yield SchemaChange(None, told, compatible=now.undeclared == "drop")


def _feature(was: Feature, now: Feature) -> Iterator[SchemaChange]:
    name = now.name
    if was.type != now.type:
        compatible = now.type in WIDER.get(was.type, ())
        yield SchemaChange(name, f"is a {now.type} now, was {was.type}", compatible)
    if was.nullable != now.nullable:
        yield SchemaChange(name, "may be null now" if now.nullable else "must not be null any more", now.nullable)
    yield from _bound(name, "minimum", was.min, now.min, wider=_or(now.min, -inf) < _or(was.min, -inf))
    yield from _bound(name, "maximum", was.max, now.max, wider=_or(now.max, inf) > _or(was.max, inf))
    yield from _values(name, was.values, now.values)


def _bound(name: str, which: str, was: float | None, now: float | None, *, wider: bool) -> Iterator[SchemaChange]:
    if was != now:
        yield SchemaChange(name, f"allows a {which} of {_told(now)}, was {_told(was)}", wider)


def _values(name: str, was: tuple[str, ...] | None, now: tuple[str, ...] | None) -> Iterator[SchemaChange]:
    if was is not None and now is None:
        yield SchemaChange(name, "takes any value now", compatible=True)
    elif was is None and now is not None:
        yield SchemaChange(name, "takes a closed set of values now", compatible=False)
    elif was is not None and now is not None:
        yield from (SchemaChange(name, f"takes {value!r} too", compatible=True) for value in now if value not in was)
        yield from (
            SchemaChange(name, f"does not take {value!r} any more", compatible=False)
            for value in was
            if value not in now
        )


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _told(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:.15g}"
