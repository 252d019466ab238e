"""What every part of a spec is made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from .domain.duration import format_duration, parse_duration


def _some_time(duration: timedelta) -> timedelta:
    if not duration:
        raise ValueError("must be longer than 0s; write a duration such as 15m, 1h or 7d")
    return duration


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
Interval = Annotated[Duration, AfterValidator(_some_time)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Strict(BaseModel):
    """A part of a spec: it takes no field that it does not know, and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
