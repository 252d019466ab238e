"""CloudEvents 1.0 over HTTP: binary, structured and batched messages -> events with their attributes.

Pure functions. Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md,
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from ..errors import BadInput
from .fields import Document, optional, parsed, text

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
VERSION = "1.0"
MOST_EVENTS = 1000
"""Of one batch; no cloud sends as many."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event. `data` is an empty object if it has none; `time` is RFC 3339, as it came."""

    id: str
    source: str
    type: str
    subject: str = ""
    time: str = ""
    data: Document = field(default_factory=dict, hash=False)


def is_cloud_event(headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers (names in lower case) carries CloudEvents."""
    return "ce-specversion" in headers or _media_type(headers) in {STRUCTURED, BATCH}


def decode(headers: Mapping[str, str], body: bytes) -> list[CloudEvent]:
    """The events of a request that `is_cloud_event`; raises BadInput for one that is not as specified."""
    kind = _media_type(headers)
    if kind == BATCH:
        return [structured(item) for item in _batch(body)]
    if kind == STRUCTURED:
        return [structured(parsed(_utf8(body)))]
    return [_binary(headers, body)]


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").split(";", 1)[0].strip().lower()


def _batch(body: bytes) -> list[Document]:
    try:
        events = json.loads(_utf8(body))
    except (ValueError, RecursionError):
        events = None
    if not isinstance(events, list) or not all(isinstance(event, Mapping) for event in events):
        raise BadInput("a batch of CloudEvents must be a JSON array of objects.")
    if len(events) > MOST_EVENTS:
        raise BadInput(f"a batch of {len(events):,} CloudEvents is more than the {MOST_EVENTS:,} that are taken.")
    return events


def structured(event: Document) -> CloudEvent:
    """The event of a JSON document; raises BadInput if it is none."""
    data = event.get("data")
    if "data_base64" in event:
        data = parsed(_utf8(_unpacked(event["data_base64"])))
    return _event(event, {} if data is None else data)


def _binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """Attributes are headers, percent-encoded where they are not printable ASCII."""
    attributes = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    return _event(attributes, parsed(_utf8(body)) if body else {})


def _event(attributes: Document, data: object) -> CloudEvent:
    if attributes.get("specversion") != VERSION:
        raise BadInput(
            f"a CloudEvent must be of specversion {VERSION}, not {str(attributes.get('specversion'))[:40]!r}."
        )
    if not isinstance(data, Mapping):
        raise BadInput("the data of a CloudEvent must be a JSON object here.")
    id_, source, type_ = (text(attributes, name) for name in ("id", "source", "type"))
    subject, time = (optional(attributes, name) or "" for name in ("subject", "time"))
    return CloudEvent(id_, source, type_, subject, time, data)


def _unpacked(packed: object) -> bytes:
    try:
        return base64.b64decode(str(packed), validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("data_base64 of a CloudEvent is not base64.") from None


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"the body is not UTF-8 at byte {error.start}.") from None
