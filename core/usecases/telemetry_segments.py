"""Whether a telemetry segment that comes may be kept: of bounded size, as its name says, and with no column too many.

What records say is looked at by who reads them; what must not be stored is refused here.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ..domain.telemetry import LARGEST, Heading, unzipped
from ..errors import BadInput, Corrupt, Refused, TooLarge


class Sendable(NamedTuple):
    """What devices that run a release may send: records of its model and version, with these columns at most."""

    model: str
    version: str
    columns: frozenset[str]


_NOT_LOOKED_AT = msgspec.Raw()


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    """A record of the prediction log, as far as a segment is looked at when it comes."""

    prediction_id: str
    answered_at: str
    model_version: str
    features: dict[str, msgspec.Raw]
    sensitive: dict[str, msgspec.Raw] = {}
    request_id: msgspec.Raw = _NOT_LOOKED_AT
    role: msgspec.Raw = _NOT_LOOKED_AT
    latency_ms: msgspec.Raw = _NOT_LOOKED_AT
    label: msgspec.Raw = _NOT_LOOKED_AT
    probabilities: msgspec.Raw = _NOT_LOOKED_AT
    prediction: msgspec.Raw = _NOT_LOOKED_AT
    id: msgspec.Raw = _NOT_LOOKED_AT
    time: msgspec.Raw = _NOT_LOOKED_AT
    revision: msgspec.Raw = _NOT_LOOKED_AT
    shadow_of: msgspec.Raw = _NOT_LOOKED_AT
    error: msgspec.Raw = _NOT_LOOKED_AT


_RECORDS = msgspec.json.Decoder(_Record)


def read_heading(data: bytes, group: str, device: str, segment: str) -> tuple[Heading, bytes]:
    """The first line of a segment, and the records behind it.

    Raises TooLarge beyond the limits, BadInput if it is no segment or not the one that the names say.
    """
    if len(data) > LARGEST:
        raise TooLarge(f"the segment has {len(data)} bytes, more than {LARGEST}: send fewer records in one.")
    try:
        first, _, rest = unzipped(data).partition(b"\n")
        heading = Heading.decode(first)
    except Corrupt as error:
        raise BadInput(str(error)) from error
    if (heading.group, heading.device) != (group, device) or not segment.startswith(heading.prefix):
        told = f"{heading.group}/{heading.device}/{heading.prefix}"
        raise BadInput(f"the first line tells of {told}, and the path of another segment.")
    return heading, rest


def check_records(heading: Heading, lines: bytes, allowed: Sendable) -> None:
    """Raises BadInput if the records are not those that the heading tells of, Refused if one has a column too many."""
    if heading.version != allowed.version:
        raise BadInput(f"release {heading.release} is of version {allowed.version}, not {heading.version}.")
    records = lines.splitlines()
    if len(records) != heading.rows:
        raise BadInput(f"the first line tells of {heading.rows} records, {len(records)} follow.")
    for number, record in enumerate(records, start=1):
        _check_record(record, number, allowed)


def _check_record(line: bytes, number: int, allowed: Sendable) -> None:
    try:
        record = _RECORDS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"record {number} is not as expected: {error}.") from error
    if record.model_version != allowed.version or not record.prediction_id.startswith(f"{allowed.model}."):
        raise BadInput(f"record {number} is of another model or version than its segment.")
    beyond = (record.features.keys() | record.sensitive.keys()) - allowed.columns
    if beyond:
        raise Refused(f"record {number} has {min(beyond)[:80]!r}, which this release lets no device send.")
