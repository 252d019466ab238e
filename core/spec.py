"""The spec: what a user declares of one model, in `models/<model>.yaml`. `core.specfile` reads and checks the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from .domain.canonical import canonical_json, content_version
from .domain.duration import format_duration, parse_duration
from .domain.prediction import PROBABILITY_PREFIX, RESERVED
from .domain.schema import Feature, FeatureType, Schema, Task
from .layout import MODEL_NAME

PRESET_TASKS: dict[str, tuple[Task, ...]] = {
    "logistic-regression": ("binary", "multiclass"),
    "linear-regression": ("regression",),
    "random-forest": ("binary", "multiclass", "regression"),
    "gradient-boosting": ("binary", "multiclass", "regression"),
    "hist-gradient-boosting": ("binary", "multiclass", "regression"),
}
CLASSIFICATION_METRICS = ("accuracy", "f1", "precision", "recall", "roc_auc", "average_precision", "log_loss", "brier")
REGRESSION_METRICS = ("mae", "rmse", "r2")
DEFAULT_METRIC: dict[Task, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}

ROLES = "roles"
"""The type of the error that holds every mistake between fields, as a list of problems."""

Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]


def _some_time(duration: timedelta) -> timedelta:
    if not duration:
        raise ValueError("must be longer than 0s; write a duration such as 15m, 1h or 7d")
    return duration


Interval = Annotated[Duration, AfterValidator(_some_time)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    try:
        canonical_json(values)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("must hold text, finite numbers, true, false, null, lists and mappings alone") from None
    return values


Values = Annotated[dict[str, Any], AfterValidator(_plain)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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


class Drift(_Strict):
    """When predictions are compared with what the model learned from."""

    every: Interval = timedelta(hours=1)
    min_rows: int = Field(default=500, ge=1)


class Batch(_Strict):
    """When everything new in `score` is scored by schedule; None means by event alone."""

    every: Interval | None = None


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
    train_when: TrainWhen = TrainWhen()
    drift: Drift = Drift()
    batch: Batch = Batch()
    traffic: Traffic = Traffic()

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
        """The part that a trained model depends on, as plain JSON: schedules, gates and traffic left out."""
        return self.model_dump(mode="json", exclude={"gates", "train_when", "drift", "batch", "traffic"})

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
    elif not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", spec.estimator):
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


CHECKS: tuple[Callable[[ModelSpec], list[Problem]], ...] = (
    *(_duplicates, _reserved, _wrong_split),
    *(_wrong_estimator, _wrong_search, _wrong_metric),
)
"""What is looked for once every field is right by itself."""
