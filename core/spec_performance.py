"""The `performance` and `kpi` sections of a spec, and `slices`: how answers are compared with the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from math import isfinite
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field

from .domain.performance.kpi import OUTCOMES
from .domain.performance.windows import WindowUnit
from .domain.schema import FeatureType, Task
from .spec_base import Interval, Name, Strict

Place: TypeAlias = tuple[str | int, ...]


def _worth(value: Any) -> Any:  # noqa: ANN401 - what YAML holds
    numbers = [*value.values()] if isinstance(value, dict) else [value]
    if isinstance(value, dict) and not all(isinstance(name, str) for name in value):
        raise ValueError("must name classes by text; put them in quotes")
    if any(isinstance(each, bool) or not isinstance(each, int | float) or not isfinite(each) for each in numbers):
        raise ValueError("must be a number, or for multiclass a number for each answered class; write it like 40")
    return value


Worth = Annotated[Any, AfterValidator(_worth)]


class Performance(Strict):
    """How answers are compared with the truth that comes later; `window` None chooses by the span of the answers."""

    window: WindowUnit | None = None
    min_rows: int = Field(default=50, ge=10)
    history: Interval = timedelta(days=90)


class Kpi(Strict):
    """What answers are worth: a value of each outcome, in `unit`."""

    name: Name
    unit: Name | None = None
    values: dict[str, Worth] = Field(min_length=1)


def slice_problems(slices: Sequence[str], types: Mapping[str, FeatureType]) -> Iterator[tuple[Place, str]]:
    """Slices that are no groups: where, and what and how to mend it. Sensitive columns are sliced by anyway."""
    told = {"number": "a number", "integer": "an integer", None: "no feature"}
    for at, name in enumerate(slices):
        if types.get(name) in told:
            mend = "name a feature that is a category or a boolean"
            yield ("slices", at), f"{name!r} is {told[types.get(name)]}; {mend}"


def kpi_problems(kpi: Kpi | None, task: Task) -> Iterator[tuple[Place, str]]:
    """Outcomes that the task does not have: where, and what and how to mend it."""
    known, many = OUTCOMES[task], task == "multiclass"
    mend = "write true class: {answered class: value}" if many else f"name some of {', '.join(known)}, a number each"
    for name, value in ({} if kpi is None else kpi.values).items():
        if isinstance(value, dict) != many or (known and name not in known):
            yield ("kpi", "values", name), f"is no outcome of {task}; {mend}"
