"""The spec: what a user declares of one model, in `models/<model>.yaml`. `core.specfile` reads and checks the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from .domain.canonical import canonical_json, content_version
from .domain.checks.check import Severity
from .domain.prediction import PROBABILITY_PREFIX, RESERVED
from .domain.schema import Feature, FeatureType, Schema, Task
from .domain.training import Budget, parse_budget
from .layout import MODEL_NAME
from .spec_base import Duration, Interval, Name
from .spec_base import Strict as _Strict
from .spec_drift import Drift, drift_problems
from .spec_performance import Kpi, Performance, kpi_problems, slice_problems

PRESET_TASKS: dict[str, tuple[Task, ...]] = {
    "logistic-regression": ("binary", "multiclass"),
    "linear-regression": ("regression",),
    "random-forest": ("binary", "multiclass", "regression"),
    "gradient-boosting": ("binary", "multiclass", "regression"),
    "hist-gradient-boosting": ("binary", "multiclass", "regression"),
}
CLASSIFICATION_METRICS = (
    *("accuracy", "f1", "precision", "recall"),
    *("roc_auc", "average_precision", "log_loss", "brier", "ece"),
)
REGRESSION_METRICS = ("mae", "rmse", "r2")
DEFAULT_METRIC: dict[Task, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}

NOT_LEARNED = frozenset(
    {
        "freshness",
        "checks",
        "expectations",
        "gates",
        "train_when",
        "rollback_when",
        "alerts",
        "drift",
        "batch",
        "traffic",
        "slices",
        "kpi",
        "performance",
    }
)
"""Fields that decide when and whether a model serves, and no part of what it is."""

ROLES = "roles"
"""The type of the error that holds every mistake between fields, as a list of problems."""

Trainings = Annotated[Budget, BeforeValidator(parse_budget), PlainSerializer(str)]
FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    try:
        canonical_json(values)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("must hold text, finite numbers, true, false, null, lists and mappings alone") from None
    return values


Values = Annotated[dict[str, Any], AfterValidator(_plain)]


class FeatureSpec(_Strict):
    """One model input."""

    name: Name
    type: FeatureType
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _bounds_fit_type(self) -> FeatureSpec:
        if self.values is not None and self.type != "category":
            raise PydanticCustomError("values", "only a category has values; remove them or make it a category")
        if self.type in {"category", "boolean"} and (self.min is not None or self.max is not None):
            raise PydanticCustomError("bounds", "only a number or an integer has min and max; remove them")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise PydanticCustomError("bounds", "min is above max; swap them")
        return self


class Split(_Strict):
    """How the holdout is taken: the last rows by time, or rows by a stable hash of what they are."""

    by: Literal["time", "random"] = "random"
    holdout: float = Field(default=0.2, gt=0, lt=1)


class Gates(_Strict):
    """What a candidate must pass to serve. `min` bounds the metric; for losses and errors use `max`."""

    metric: str | None = None
    min: float | None = None
    max: float | None = None
    max_regression: float = Field(default=0.005, ge=0)


class TrainWhen(_Strict):
    """What starts a training by itself."""

    rows: int | None = Field(default=1000, ge=1)
    drift: bool = True
    performance: bool = True
    every: Interval | None = None
    cooldown: Duration = timedelta(hours=1)
    budget: Trainings | None = None


class RollbackWhen(_Strict):
    """What makes an earlier version serve again by itself."""

    performance: bool = False
    cooldown: Duration = timedelta(days=7)


class Alerts(_Strict):
    """How often an alert that nobody acknowledged is told again; None means once."""

    repeat: Interval | None = timedelta(days=1)


class RowCheck(_Strict):
    """What must hold between columns of a row: `rule` is a condition in SQL over `columns`."""

    columns: tuple[Name, ...] = Field(min_length=1)
    rule: str = Field(min_length=1, max_length=10_000)
    severity: Severity = "error"


class Expectation(_Strict):
    """What a user expects of a dataset: `sql` or `python` finds what is not as it should be."""

    name: Name
    sql: str | None = Field(default=None, min_length=1, max_length=10_000)
    python: str | None = None
    severity: Severity = "error"

    @model_validator(mode="after")
    def _is_one(self) -> Expectation:
        if (self.sql is None) == (self.python is None):
            raise PydanticCustomError("expectation", "needs either sql or python; write one of the two")
        if self.python is not None and not FUNCTION.fullmatch(self.python):
            raise PydanticCustomError("expectation", "python must be package.module:function; write it like that")
        return self


class Batch(_Strict):
    """When everything new in `score` is scored by schedule; None means by event alone.

    `keep` are columns of those files that are passed through to the answers, beside what is recorded anyway.
    """

    every: Interval | None = None
    keep: tuple[Name, ...] = ()


class Traffic(_Strict):
    """How a newly promoted version takes over."""

    mode: Literal["direct", "canary", "shadow", "ab"] = "direct"
    share: float = Field(default=0.1, gt=0, lt=1)
    automatic: bool = False
    promote_after: Duration = timedelta(days=1)
    min_rows: int = Field(default=200, ge=50)
    max_regression: float | None = Field(default=None, ge=0)
    max_errors: float = Field(default=0.01, ge=0, lt=1)
    max_slowdown: float = Field(default=1.5, ge=1)


class ModelSpec(_Strict):
    """One model, as declared; `docs/spec.md` tells every field."""

    model: str = Field(pattern=f"^{MODEL_NAME.pattern}$")
    task: Task
    target: Name
    id: Name | None = None
    time: Name | None = None
    features: tuple[FeatureSpec, ...] = Field(min_length=1)
    sensitive: tuple[Name, ...] = ()
    drop: tuple[Name, ...] = ()
    undeclared: Literal["refuse", "drop"] = "refuse"
    estimator: str = "hist-gradient-boosting"
    params: Values = Field(default_factory=dict)
    search: Values | None = None
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    split: Split = Split()
    gates: Gates = Gates()
    freshness: Interval | None = None
    checks: tuple[RowCheck, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    train_when: TrainWhen = TrainWhen()
    rollback_when: RollbackWhen = RollbackWhen()
    alerts: Alerts = Alerts()
    drift: Drift = Drift()
    batch: Batch = Batch()
    traffic: Traffic = Traffic()
    slices: tuple[Name, ...] = ()
    kpi: Kpi | None = None
    performance: Performance = Performance()

    @property
    def columns(self) -> Schema:
        """The columns, as the domain sees them."""
        return Schema(
            model=self.model,
            task=self.task,
            target=self.target,
            features=tuple(Feature(**feature.model_dump()) for feature in self.features),
            id=self.id,
            time=self.time,
            sensitive=self.sensitive,
            drop=self.drop,
            undeclared=self.undeclared,
        )

    @property
    def metric(self) -> str:
        """The metric that decides: as declared, or the task's usual one."""
        return self.gates.metric or DEFAULT_METRIC[self.task]

    def learning(self) -> dict[str, Any]:
        """The part that a trained model depends on, as plain JSON: checks, schedules, gates and traffic left out."""
        return self.model_dump(mode="json", exclude={*NOT_LEARNED})

    @property
    def version(self) -> str:
        """Hash of the whole spec."""
        return content_version(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _roles_fit(self) -> ModelSpec:
        problems = [problem for check in CHECKS for problem in check(self)]
        if problems:
            raise PydanticCustomError(ROLES, "{problems}", {"problems": problems})
        return self


Where: TypeAlias = tuple[str | int, ...]
"""A place in a spec: a path of keys and indexes."""

Problem: TypeAlias = tuple[Where, str]
"""Where it is, and what is wrong and how to mend it."""


def _declared(spec: ModelSpec) -> list[tuple[Where, str]]:
    """Every column that is kept, with the place that declares it, the most telling first."""
    roles: list[tuple[Where, str]] = [(("features", at, "name"), item.name) for at, item in enumerate(spec.features)]
    roles += [((field,), name) for field in ("target", "id", "time") if (name := getattr(spec, field)) is not None]
    features = {name for _, name in roles[: len(spec.features)]}
    return roles + [(("sensitive", at), name) for at, name in enumerate(spec.sensitive) if name not in features]


def _duplicates(spec: ModelSpec) -> list[Problem]:
    seen: dict[str, Where] = {}
    problems: list[Problem] = []
    for where, name in [*_declared(spec), *((("drop", at), name) for at, name in enumerate(spec.drop))]:
        if name in seen:
            problems.append((where, f"{name!r} is declared already as {_role(seen[name])}; remove one"))
        seen.setdefault(name, where)
    return problems


def _role(where: Where) -> str:
    return {"features": "a feature", "sensitive": "sensitive", "drop": "dropped"}.get(str(where[0]), f"the {where[0]}")


def _reserved(spec: ModelSpec) -> list[Problem]:
    """The target may be called `label`: what is recorded of an answer holds no target."""
    return [
        (where, f"{name!r} is a name that predictions use; rename the column")
        for where, name in _declared(spec)
        if where != ("target",) and (name in RESERVED or name.startswith(PROBABILITY_PREFIX))
    ]


def _wrong_split(spec: ModelSpec) -> list[Problem]:
    if spec.split.by == "time" and spec.time is None:
        return [(("split", "by"), "needs a time column; declare `time:` or split by random")]
    return []


def _wrong_estimator(spec: ModelSpec) -> list[Problem]:
    if spec.estimator in PRESET_TASKS:
        if spec.task not in PRESET_TASKS[spec.estimator]:
            usable = [name for name, tasks in PRESET_TASKS.items() if spec.task in tasks]
            return [(("estimator",), f"{spec.estimator} does not do {spec.task}; use one of {', '.join(usable)}")]
    elif not FUNCTION.fullmatch(spec.estimator):
        return [(("estimator",), f"must be one of {', '.join(PRESET_TASKS)}, or package.module:factory")]
    return []


def _wrong_search(spec: ModelSpec) -> list[Problem]:
    if spec.search and spec.params:
        return [(("search",), "cannot stand beside params; put fixed values into the space as lists of one")]
    return []


def _wrong_metric(spec: ModelSpec) -> list[Problem]:
    known = REGRESSION_METRICS if spec.task == "regression" else CLASSIFICATION_METRICS
    if spec.metric not in known:
        return [(("gates", "metric"), f"must be one of {', '.join(known)} for {spec.task}")]
    return []


def _wrong_checks(spec: ModelSpec) -> list[Problem]:
    """Columns that are not kept cannot be looked at: what is dropped is gone before anything is checked."""
    kept = {name for _, name in _declared(spec)}
    unknown: list[Problem] = [
        (("checks", at, "columns", place), f"{name!r} is no column that is kept; name one of {', '.join(sorted(kept))}")
        for at, check in enumerate(spec.checks)
        for place, name in enumerate(check.columns)
        if name not in kept
    ]
    names = [expectation.name for expectation in spec.expectations]
    repeated: list[Problem] = [
        (("expectations", at, "name"), f"{name!r} is another expectation's name; give each its own")
        for at, name in enumerate(names)
        if name in names[:at]
    ]
    return unknown + repeated


def _wrong_freshness(spec: ModelSpec) -> list[Problem]:
    if spec.freshness is not None and spec.time is None:
        return [(("freshness",), "needs a time column; declare `time:` or remove it")]
    return []


def _wrong_performance(spec: ModelSpec) -> list[Problem]:
    types = {feature.name: feature.type for feature in spec.features}
    return [*slice_problems(spec.slices, types), *kpi_problems(spec.kpi, spec.task)]


def _wrong_drift(spec: ModelSpec) -> list[Problem]:
    types = {feature.name: feature.type for feature in spec.features}
    return list(drift_problems(spec.drift, types, timed=spec.time is not None))


def _wrong_keep(spec: ModelSpec) -> list[Problem]:
    """Answers have columns of their own, and what is personal is in none of them."""
    problems: list[Problem] = []
    for at, name in enumerate(spec.batch.keep):
        if name in spec.drop:
            problems.append((("batch", "keep", at), f"{name!r} is dropped as personal data; remove one"))
        elif name in RESERVED or name.startswith(PROBABILITY_PREFIX):
            problems.append((("batch", "keep", at), f"{name!r} is a name that predictions use; rename the column"))
    return problems


CHECKS: tuple[Callable[[ModelSpec], list[Problem]], ...] = (
    *(_duplicates, _reserved, _wrong_split),
    *(_wrong_estimator, _wrong_search, _wrong_metric),
    *(_wrong_checks, _wrong_freshness, _wrong_performance, _wrong_drift, _wrong_keep),
)
"""What is looked for once every field is right by itself."""
