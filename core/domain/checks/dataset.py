"""What a dataset as a whole must be: enough rows, unique ids, something to learn, like what was learned from before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..profile import Profile
from ..schema import Feature, Schema
from ..sketch import CategoryCounts, NumberSketch
from .check import MIN_ROWS, Check

MAX_REJECTED = 0.2
"""When a larger share of a file's rows is rejected, the file is thought to be broken, not its rows."""
MAX_UNSEEN = 0.9
"""Of rows whose category the serving version never saw."""
MAX_OUTSIDE = 0.95
"""Of rows outside of the range that the serving version saw, widened by its width on both sides."""
MUCH_MORE_NULL = 0.2
SOME_UNSEEN = 0.1
SOME_OUTSIDE = 0.05


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is known of one feature's column; `rows` include nulls.

    `values` counts each category (or true and false); `low`, `high` and `quantiles` [101] are of a number's values.
    """

    rows: int
    nulls: int
    values: Mapping[str, int] = field(default_factory=dict)
    quantiles: tuple[float, ...] = ()

    @property
    def null_share(self) -> float:
        """Share of the rows that are null; 0 of no rows."""
        return self.nulls / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What is known of a dataset. `violations` counts rows by the problem that makes them unfit for the spec.

    `targets` counts distinct targets, up to 2.
    """

    rows: int
    rejected: int
    repeated_ids: int
    repeated_id: str | None
    targets: int
    violations: Mapping[tuple[str | None, str], int]
    columns: Mapping[str, ColumnFacts]


def judge(facts: DatasetFacts, schema: Schema, profile: Profile | None) -> Iterator[Check]:
    """Every check, passed or not. `profile` is of the version that serves, None while none does.

    Few rows, or rows of one target, are warnings: a training learns from all valid datasets together.
    """
    yield _enough(facts)
    yield _rejected(facts)
    if schema.id is not None:
        yield _unique(facts, schema.id)
    yield _learnable(facts, schema)
    yield from _row_checks(facts)
    for feature in schema.features:
        column = facts.columns[feature.name]
        yield _not_empty(feature, column)
        if profile is not None and feature.name in profile.features:
            yield from _like_reference(feature, column, profile.features[feature.name])


def _enough(facts: DatasetFacts) -> Check:
    """Few rows are as good as many in more files; a file without any row is broken."""
    detail = f"{facts.rows:,} rows, at least {MIN_ROWS} are needed"
    return Check("rows", None, "warning" if facts.rows else "error", facts.rows >= MIN_ROWS, detail)


def _rejected(facts: DatasetFacts) -> Check:
    share = facts.rejected / (facts.rows + facts.rejected) if facts.rejected else 0.0
    detail = f"{facts.rejected:,} rows of the file were rejected ({share:.1%}), at most {MAX_REJECTED:.0%} may be"
    return Check("rejected rows", None, "error", share <= MAX_REJECTED, detail)


def _unique(facts: DatasetFacts, name: str) -> Check:
    if not facts.repeated_ids:
        return Check("unique id", name, "error", passed=True, detail="every id occurs once")
    detail = f"{facts.repeated_ids:,} rows have an id that occurs before, such as {facts.repeated_id!r}"
    return Check("unique id", name, "error", passed=False, detail=detail)


def _learnable(facts: DatasetFacts, schema: Schema) -> Check:
    detail = "the target varies" if facts.targets > 1 else "every row has the same target: there is nothing to learn"
    return Check("target varies", schema.target, "warning", facts.targets > 1, detail)


def _row_checks(facts: DatasetFacts) -> Iterator[Check]:
    if not facts.violations:
        yield Check("values", None, "error", passed=True, detail="every value is as the spec says")
    for (column, problem), rows in facts.violations.items():
        yield Check("values", column, "error", passed=False, detail=f"{column} {problem} in {rows:,} rows")


def _not_empty(feature: Feature, column: ColumnFacts) -> Check:
    detail = f"{column.null_share:.1%} of {feature.name} is null"
    return Check("has values", feature.name, "warning", column.nulls < column.rows, detail)


def _like_reference(feature: Feature, column: ColumnFacts, reference: NumberSketch | CategoryCounts) -> Iterator[Check]:
    was, now = reference.null_share, column.null_share
    detail = f"{now:.1%} of {feature.name} is null, {was:.1%} was when the serving version learned"
    if now == 1 and was < MUCH_MORE_NULL:
        yield Check("nulls as before", feature.name, "error", passed=False, detail=detail)
        return
    yield Check("nulls as before", feature.name, "warning", now - was <= MUCH_MORE_NULL, detail)
    if isinstance(reference, CategoryCounts):
        yield _categories_seen(feature, column, reference)
    elif column.quantiles and reference.minimum is not None and reference.maximum is not None:
        yield _range_seen(feature, column, reference.minimum, reference.maximum)


def _categories_seen(feature: Feature, column: ColumnFacts, reference: CategoryCounts) -> Check:
    present = sum(column.values.values())
    unseen = sum(rows for value, rows in column.values.items() if value not in reference.counts)
    share = unseen / present if present and not reference.other else 0.0
    detail = f"{share:.1%} of {feature.name} was never seen by the serving version"
    if share > MAX_UNSEEN:
        return Check("categories seen", feature.name, "error", passed=False, detail=detail)
    return Check("categories seen", feature.name, "warning", share <= SOME_UNSEEN, detail)


def _range_seen(feature: Feature, column: ColumnFacts, low: float, high: float) -> Check:
    """Beyond the widened range is another unit or another column; a little outside of the range is the world."""
    width = max(high - low, abs(high), 1.0)
    far = _share_outside(column.quantiles, low - width, high + width)
    outside = _share_outside(column.quantiles, low, high)
    seen = f"the range {low:g} to {high:g} that the serving version saw"
    if far > MAX_OUTSIDE:
        detail = f"{far:.0%} of {feature.name} is far outside {seen}"
        return Check("range seen", feature.name, "error", passed=False, detail=detail)
    detail = f"{outside:.0%} of {feature.name} is outside {seen}"
    return Check("range seen", feature.name, "warning", outside <= SOME_OUTSIDE, detail)


def _share_outside(quantiles: tuple[float, ...], low: float, high: float) -> float:
    return sum(not low <= value <= high for value in quantiles) / len(quantiles)
