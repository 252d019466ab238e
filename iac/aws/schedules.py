"""The clocks of every model: one rule for each schedule that a function declares and a spec times."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta

from core.declaration import Declaration
from core.spec import ModelSpec

from ..clocks import interval
from .names import Json, logical
from .queues import target

SHORTEST = timedelta(minutes=1)
UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def schedules(functions: Iterable[Declaration], specs: Iterable[ModelSpec]) -> Json:
    """The rules of all functions for all models."""
    models = list(specs)
    rules: Json = {}
    for declared in functions:
        for spec in models:
            every = interval(declared, spec)
            if every is not None:
                rules[f"{logical(declared.name)}Schedule{_id(spec.model)}"] = _rule(declared, spec.model, every)
    return rules


def rate(every: timedelta) -> str:
    """As EventBridge writes it, in the largest unit that fits; a minute at least.

    >>> rate(timedelta(hours=36))
    'rate(36 hours)'
    """
    every = max(every, SHORTEST)
    unit, length = next((unit, length) for unit, length in UNITS if not every % length or length == SHORTEST)
    count = every // length
    return f"rate({count} {unit}{'' if count == 1 else 's'})"


def _rule(declared: Declaration, model: str, every: timedelta) -> Json:
    message = {"schedule": declared.name, "model": model, "at": "<at>"}
    transformer = {"InputPathsMap": {"at": "$.time"}, "InputTemplate": json.dumps(message)}
    properties = {
        "ScheduleExpression": rate(every),
        "Targets": [{**target(declared), "InputTransformer": transformer}],
    }
    return {"Type": "AWS::Events::Rule", "Properties": properties}


def _id(model: str) -> str:
    """A model's name as a part of a logical id, where `-` is not allowed: `a-b` and `ab` stay apart."""
    return model.replace("-", "X2D")
