"""The answers in a segment that a device sent back, as `predictions` has those of the cloud's own log.

What a device says is not believed: a record that is not as this version's would be is left out and counted, and a
segment that cannot be read has none. A feature that no record of a segment has was not measured there, and has no
column in what is read: a device sends those columns alone that its release lets it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from ..domain.model import ModelManifest
from ..domain.prediction import ANSWERED_AT, ERROR, LABEL, MODEL_VERSION, PREDICTION, PREDICTION_ID
from ..domain.schema import FeatureType
from ..domain.telemetry import unzipped
from ..errors import Corrupt, TooLarge
from ..ports import Reads
from .predictions import Answered, from_records

Record: TypeAlias = Mapping[str, Any]

LARGEST_NUMBER = 3.4e38
FIRST_YEAR, LAST_YEAR = 1970, 2199

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class SegmentRows:
    """The rows of a segment that one version answered, None without any, and how many records could not be used."""

    answered: Answered | None
    unusable: int = 0


def read_segment(store: Reads, key: str, manifest: ModelManifest) -> SegmentRows:
    """The rows of the segment at `key` that the version of `manifest` answered."""
    try:
        lines = unzipped(store.get(key).data).splitlines()[1:]
    except (Corrupt, TooLarge) as error:
        log.warning("telemetry is left out: %s", error, extra={"facts": {"key": key}})
        return SegmentRows(None, 1)
    records = [_record(line) for line in lines]
    ours = [record for record in records if record is None or record.get(MODEL_VERSION) == manifest.version]
    answers = [record for record in ours if record is None or ERROR not in record]
    usable = [record for record in answers if record is not None and is_usable(record, manifest)]
    if len(usable) < len(answers):
        log.warning("%d records are left out", len(answers) - len(usable), extra={"facts": {"key": key}})
    return SegmentRows(_answered(usable, manifest) if usable else None, len(answers) - len(usable))


def is_usable(record: Record, manifest: ModelManifest) -> bool:
    """Whether everything that is read of a record is what this version's records have."""
    features, beside, schema = record.get("features"), record.get("sensitive", {}), manifest.schema
    return (
        isinstance(features, dict)
        and isinstance(beside, dict)
        and _is_text(record.get(PREDICTION_ID))
        and _is_time(record.get(ANSWERED_AT))
        and _none_or(_is_text, record.get("id"))
        and _none_or(_is_time, record.get("time"))
        and all(_none_or(_FITS[feature.type], features.get(feature.name)) for feature in schema.features)
        and all(_none_or(_is_text, beside.get(name)) for name in schema.sensitive)
        and _has_answer(record, manifest.classes)
    )


def _none_or(fits: Callable[[object], bool], value: object) -> bool:
    return value is None or fits(value)


def _answered(records: list[Record], manifest: ModelManifest) -> Answered:
    names = manifest.schema.feature_names
    measured = frozenset[str]().union(*(record["features"] for record in records))
    whole = [{**record, "features": {**dict.fromkeys(names), **record["features"]}} for record in records]
    found = from_records(whole, manifest)
    return replace(found, columns={name: found.columns[name] for name in names if name in measured})


def _record(line: bytes) -> Record | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _has_answer(record: Record, classes: tuple[str, ...]) -> bool:
    if not classes:
        return _is_number(record.get(PREDICTION))
    shares = record.get("probabilities")
    known = isinstance(shares, dict) and all(_is_number(shares.get(name)) for name in classes)
    return known and record.get(LABEL) in classes


def _is_number(value: object) -> bool:
    """Whether it is a number that float32 has."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _is_time(value: object) -> bool:
    """Whether it is a time of a year that a calendar may show: the clocks of devices may be wrong by much."""
    try:
        return isinstance(value, str) and FIRST_YEAR <= datetime.fromisoformat(value).year <= LAST_YEAR
    except ValueError:
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_FITS: Mapping[FeatureType, Callable[[object], bool]] = {
    "number": _is_number,
    "integer": _is_number,
    "category": _is_text,
    "boolean": lambda value: isinstance(value, bool),
}
