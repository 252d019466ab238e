"""The bundled flights, in the forms in which the demo drops and asks about them."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..domain.schema import Feature, Schema

FOLDER = Path(__file__).parent.parent.parent / "examples" / "flights"


def month_file(month: str) -> Path:
    """One month as it is bundled, what happened included."""
    return FOLDER / f"2013-{month}.csv.gz"


def without_outcome(month: str, schema: Schema) -> bytes:
    """A month as it is known before departure, CSV."""
    return _csv([name for name in next(_rows(month)) if name != schema.target], month)


def outcomes(month: str, schema: Schema) -> bytes:
    """What became of a month's flights, CSV: id and target."""
    return _csv([str(schema.id), schema.target], month)


def questions(month: str, count: int, schema: Schema) -> list[dict[str, Any]]:
    """The first flights of a month as a client asks about them: features alone, nulls left out."""
    return [
        {feature.name: _value(feature, row[feature.name]) for feature in schema.features if row[feature.name]}
        for row in itertools.islice(_rows(month), count)
    ]


def _rows(month: str) -> Iterator[dict[str, str]]:
    with gzip.open(month_file(month), "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _csv(names: Sequence[str], month: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(_rows(month))
    return text.getvalue().encode()


def _value(feature: Feature, text: str) -> object:
    return text if feature.type == "category" else float(text)
