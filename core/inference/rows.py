"""Rows of a request -> the columns that a model takes, checked against the model's schema.

A missing optional (nullable) feature is null. A missing required feature, a wrong type, an unknown field, a number out
of its range and a category outside its closed set are each a BadInput that names the field and the row, counted from 0.
The id, the time and the sensitive columns of the schema may stand beside the features: they are recorded, and are no
inputs of the model. Personal columns that the schema drops are accepted, and thrown away here, before anything is
recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET
from msgspec.structs import astuple, replace
from numpy.typing import NDArray

from ..domain.columns import Columns
from ..domain.schema import NULL_CATEGORY, Feature, Schema
from ..errors import BadInput
from .row_errors import check_columns, check_count, check_rows, kind_of, shown
from .row_types import Fields, Values, columns_type, features_type, instances_type

_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""How decoding fails where the body is not of the type that is wanted."""


class Rows(msgspec.Struct, frozen=True, gc=False):
    """n checked rows: as a model takes them (`columns`, [n, 1] each), and as they are recorded (JSON values).

    `features` are structs, one a row, with a field a feature. There are no columns where only the rest is wanted.
    """

    count: int
    columns: Columns
    features: Sequence[msgspec.Struct]
    ids: Values | None = None
    times: Values | None = None
    sensitive: Mapping[str, Values] | None = None

    def as_recorded(self) -> Rows:
        """The same rows without the arrays that the model took."""
        return self if not self.columns else Rows(self.count, {}, self.features, self.ids, self.times, self.sensitive)


class RowReader:
    """Reads the rows of requests to one model; made once a model."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._fields = Fields.of(schema)
        self._columns = columns_type(schema)
        self._features = features_type(schema)
        self._are_features = not (self._fields.recorded or self._fields.dropped)
        self._instances = instances_type(schema)
        self._decoder = msgspec.json.Decoder(self._instances)
        self._arrays = _Arrays(schema.features)

    def instances(self, body: bytes) -> Rows | None:
        """Read `{"instances": [{field: value}]}` in one pass; None for a body of any other form, or with a mistake."""
        rows = self.recorded(body)
        return None if rows is None else self._with_columns(rows)

    def recorded(self, body: bytes) -> Rows | None:
        """The same without the columns."""
        try:
            rows = self._decoder.decode(body).instances
            return self._recorded_rows(rows) if rows else None
        except (*_REFUSED, BadInput):
            return None

    def arrays(self, features: Sequence[msgspec.Struct]) -> Columns:
        """The columns of rows that were read here, of one request or of several."""
        return self._arrays.of(list(zip(*map(astuple, features), strict=True)), len(features))

    def rows(self, rows: Values) -> Rows:
        """Read rows given as `{field: value}`; raises BadInput."""
        try:
            typed = msgspec.convert({"instances": rows}, self._instances).instances
        except _REFUSED as error:
            check_rows(self.schema, rows)
            raise BadInput(f"the rows cannot be read: {error}.") from error
        check_count(len(typed))
        return self._with_columns(self._recorded_rows(typed))

    def columns(self, columns: Mapping[str, Values]) -> Rows:
        """Read rows given as one list of values a field, all of one length; raises BadInput."""
        try:
            typed = astuple(msgspec.convert(columns, self._columns))
        except _REFUSED as error:
            check_columns(self.schema, columns)
            raise BadInput(f"the columns cannot be read: {error}.") from error
        count = max((len(values) for values in typed if values is not UNSET), default=0)
        if not count or any(values is not UNSET and len(values) != count for values in typed):
            check_columns(self.schema, columns)
        features = len(self._fields.features)
        absent = [[None] * count] * features + [[UNSET] * count] * (len(typed) - features)
        given = [lack if values is UNSET else values for values, lack in zip(typed, absent, strict=True)]
        return self._with_columns(self._recorded_columns(given, count))

    def _with_columns(self, rows: Rows) -> Rows:
        return replace(rows, columns=self.arrays(rows.features))

    def _recorded_rows(self, rows: list[msgspec.Struct]) -> Rows:
        if self._are_features:
            return Rows(len(rows), {}, rows)
        return self._recorded_columns(list(zip(*map(astuple, rows), strict=True)), len(rows))

    def _recorded_columns(self, columns: list[Values], count: int) -> Rows:
        """`columns` are in the order of `Fields`."""
        features = list(map(self._features, *columns[: len(self._fields.features)]))
        if not self._fields.recorded:
            return Rows(count, {}, features)
        schema, beside = self.schema, self._beside(columns)
        sensitive = {name: beside[name] for name in schema.sensitive if name in beside} or None
        return Rows(count, {}, features, beside.get(schema.id or ""), beside.get(schema.time or ""), sensitive)

    def _beside(self, columns: Sequence[Values]) -> dict[str, Values]:
        """What is recorded beside the features, as far as it is there."""
        beside = zip(self._fields.recorded, columns[len(self._fields.features) :], strict=False)
        found = {name: _texts(name, values) for name, values in beside if any(value is not UNSET for value in values)}
        if self.schema.time in found:
            found[self.schema.time] = _times(self.schema.time, found[self.schema.time])
        return found


class _Arrays:
    """How values become what the model takes: one conversion for all numbers, one for all texts, since each costs."""

    def __init__(self, features: Sequence[Feature]) -> None:
        texts = [(place, feature) for place, feature in enumerate(features) if feature.type == "category"]
        numbers = [(place, feature) for place, feature in enumerate(features) if feature.type != "category"]
        self._number_names = [feature.name for _, feature in numbers]
        self._text_names = [feature.name for _, feature in texts]
        self._numbers = _picking([place for place, _ in numbers])
        self._texts = _picking([place for place, _ in texts])
        self._may_lack = [place for place, feature in texts if feature.nullable]

    def of(self, columns: list[Values], count: int) -> Columns:
        """One array [count, 1] a feature, of the `columns` that begin with the features; those may be changed."""
        for place in self._may_lack:
            columns[place] = [NULL_CATEGORY if value is None else value for value in columns[place]]
        numbers, texts = self._numbers(columns), self._texts(columns)
        arrays = dict(zip(self._number_names, _stacked(numbers, np.float32, count), strict=True))
        arrays.update(zip(self._text_names, _stacked(texts, object, count), strict=True))
        return arrays


def _picking(places: Sequence[int]) -> Callable[[Sequence[Values]], Sequence[Values]]:
    """What picks the columns at `places`."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda columns: [columns[place] for place in places]


def _stacked(columns: Sequence[Values], dtype: type, count: int) -> NDArray[Any]:
    """An array [columns, count, 1]; numpy takes three times as long for lists in a list."""
    return np.array(list(chain.from_iterable(columns)), dtype).reshape(-1, count, 1)


def _texts(name: str, values: Values) -> Values:
    """Recorded columns are strings: a number or a boolean is written as JSON writes it."""
    return [_text(name, row, value) for row, value in enumerate(values)]


def _text(name: str, row: int, value: object) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case msgspec.UNSET:
            return None
        case _:
            raise BadInput(f"field {name!r} of row {row} must be a string, not {kind_of(value)}.")


def _times(name: str, values: Values) -> Values:
    """Times are recorded in UTC; one without an offset is in UTC, as in files."""
    return [None if value is None else _time(name, row, value) for row, value in enumerate(values)]


def _time(name: str, row: int, value: str) -> str:
    try:
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise BadInput(f"field {name!r} of row {row} must be an RFC 3339 time or date, not {shown(value)}.") from error
