"""A row and its answer as pydantic models, for the servers whose users write those."""

from __future__ import annotations

from pydantic import BaseModel


class Row(BaseModel):
    carrier: str
    origin: str
    dest: str
    weekday: str
    minute_of_day: int
    day: int
    distance: float
    temp: float | None = None
    dewp: float | None = None
    humid: float | None = None
    wind_speed: float | None = None
    wind_dir: float | None = None
    precip: float | None = None
    visib: float | None = None
    pressure: float | None = None


class Body(BaseModel):
    instances: list[Row]


class Prediction(BaseModel):
    label: str
    probabilities: dict[str, float]


class Answer(BaseModel):
    predictions: list[Prediction]
