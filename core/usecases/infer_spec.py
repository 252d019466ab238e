"""Guess a model's spec by looking at a file with the readers that will ingest it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..domain.prediction import PROBABILITY_PREFIX, RESERVED
from ..domain.schema import FeatureType, Task
from ..errors import BadInput
from ..ports import ObjectInfo, Reads
from ..tables.survey import Column, Survey, survey
from .spec_text import Guess, GuessedFeature, spec_text

MOST_CLASSES = 20
"""Whole numbers of more distinct values than this are a quantity, not classes."""
MOST_CLASS_NAMES = 1_000
ROWS_A_CLASS = 10
"""So many rows must a class have on average, if its name is a number."""
MOST_VARIETY = 0.5
"""Of a text with more distinct values a row than this nothing can be learned."""
FEW_VALUES = 20
LONGEST_ID = 64
LONGEST_NAME = 200
SHOWN = 5

_ID_NAME = re.compile(r"(?i)(.*[^a-z])?(id|uuid|guid|key)|.*[a-z](Id|ID)|(unnamed: ?0|index|rowid|rownames)")


def infer_spec(source: Reads, info: ObjectInfo, *, model: str, target: str) -> str:
    """YAML text of a spec for `model`, which predicts the column `target` of the file `info`.

    The text has no mistakes, and no row of the file that has a target is rejected by it. Raises BadInput if the file
    cannot be read, has no such column, or has nothing to learn from.
    """
    found = survey(source, info)
    _check_names(found, info.key)
    if target not in found.columns:
        raise BadInput(f"{info.key!r} has no column {target!r} to predict; it has {_listed(list(found.columns))}.")
    return spec_text(_guess(found, info.key, model, found.columns[target]))


def _check_names(found: Survey, key: str) -> None:
    for name in found.columns:
        if not 0 < len(name) <= LONGEST_NAME:
            raise BadInput(f"{key!r} has a column name of {len(name):,} characters; rename it to 1 to {LONGEST_NAME}.")


def _guess(found: Survey, key: str, model: str, target: Column) -> Guess:
    task = _task(key, target)
    others = [column for column in found.columns.values() if column is not target]
    identity = next(_ids(found, others), None)
    time = next((column for column in others if column is not identity and _is_time(found, column)), None)
    kept = [column for column in others if column not in (identity, time)]
    reasons = {column.name: why for column in kept if (why := _why_not(found, column)) is not None}
    features = [_feature(found, column) for column in kept if column.name not in reasons]
    if not features:
        raise BadInput(f"{key!r} has no column to learn from beside {target.name!r}; add some, or another target.")
    return Guess(
        model=model,
        source=key,
        rows=target.values,
        unusable=found.rows - target.values,
        task=task,
        target=target.name,
        target_seen=_seen(target, "number" if task == "regression" else "category"),
        id=identity.name if identity else None,
        time=time.name if time else None,
        features=features,
        drop=list(reasons.items()),
    )


def _task(key: str, target: Column) -> Task:
    classes = len(target.distinct)
    if classes < 2:  # noqa: PLR2004 - two make a difference
        seen = f"is {target.distinct[0]!r} in every row" if classes else "has no value"
        raise BadInput(f"the target {target.name!r} of {key!r} {seen}: there is nothing to learn.")
    if classes == 2 and "text" in target.fits:  # noqa: PLR2004 - that is binary
        return "binary"
    if "number" in target.fits:
        names = all(re.fullmatch(r"-?[0-9]+", label) for label in target.distinct[: MOST_CLASSES + 1])
        few = classes <= MOST_CLASSES and classes * ROWS_A_CLASS <= target.values
        return "multiclass" if names and few else "regression"
    if "text" not in target.fits or target.variety > MOST_VARIETY or classes > MOST_CLASS_NAMES:
        raise BadInput(
            f"the target {target.name!r} of {key!r} is neither a number nor a class: {classes:,} distinct values in "
            f"{target.values:,} rows, such as {target.distinct[0][:80]!r}."
        )
    return "multiclass"


def _ids(found: Survey, columns: Sequence[Column]) -> Iterator[Column]:
    """Columns that may be a row's key, the likeliest first."""
    unique = [column for column in columns if _is_key(found, column)]
    yield from (column for column in unique if _ID_NAME.fullmatch(column.name))
    yield from (column for column in unique if not column.fits & {"number", "time"} and not column.nearly_number)


def _is_key(found: Survey, column: Column) -> bool:
    keylike = "text" in column.fits and ("integer" in column.fits or "number" not in column.fits)
    always = column.values == found.rows - found.broken
    return keylike and always and column.longest <= LONGEST_ID and not _reserved(column.name) and column.unique


def _is_time(found: Survey, column: Column) -> bool:
    return "time" in column.fits and column.values == found.rows - found.broken and not _reserved(column.name)


def _reserved(name: str) -> bool:
    return name in RESERVED or name.startswith(PROBABILITY_PREFIX)


def _why_not(found: Survey, column: Column) -> str | None:
    """Why a column is no input, if it is none."""
    return next((why for applies, why in _objections(found, column) if applies), None)


def _objections(found: Survey, column: Column) -> Iterator[tuple[bool, str]]:
    """In this order: each is told of what the ones before do not apply to."""
    yield not column.fits, "no single values: lists, objects, or text beyond 4,096 bytes"
    yield not column.values, "no value in any row"
    yield _reserved(column.name), "a name that predictions use; rename the column to learn from it"
    constant = len(column.distinct) == 1 and column.values == found.rows - found.broken
    yield constant, f"{column.distinct[0][:40]!r} in every row"
    time = column.fits == {"time", "text"} or "text" not in column.fits
    yield time, "a time, which is no input; make numbers of it, such as the hour or days since"
    free = column.fits == {"text"} and len(column.distinct) > FEW_VALUES and column.variety > MOST_VARIETY
    yield free, f"text, nearly all different{_nearly(column)}"


def _feature(found: Survey, column: Column) -> GuessedFeature:
    kind: FeatureType = "category"
    if "boolean" in column.fits:
        kind = "boolean"
    elif "integer" in column.fits:
        kind = "integer"
    elif "number" in column.fits:
        kind = "number"
    rows = found.rows - found.broken
    nulls = f"; {(rows - column.values) / rows:.1%} null" if column.values < rows else ""
    return GuessedFeature(column.name, kind, column.values < rows, f"{_seen(column, kind)}{nulls}")


def _seen(column: Column, kind: FeatureType) -> str:
    if kind in {"integer", "number"}:
        return f"{column.low:g} to {column.high:g}"
    return f"{len(column.distinct):,} values: {_some(column.distinct)}{_nearly(column)}"


def _nearly(column: Column) -> str:
    """A hint for numbers that are text because of a few cells."""
    if not column.nearly_number:
        return ""
    return f"; numbers but for some such as {str(column.no_number)[:40]!r}: leave those cells empty if they mean null"


def _some(values: Sequence[str]) -> str:
    shown = ", ".join(value[:40] for value in values[:SHOWN])
    return shown if len(values) <= SHOWN else f"{shown}, …"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"  # noqa: PLR2004 - enough to see
