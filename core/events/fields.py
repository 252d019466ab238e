"""Fields of documents that came from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from ..errors import BadInput

Document: TypeAlias = Mapping[str, Any]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LEAP_SECOND = re.compile(r"(?<=:\d\d):60(?=[.Zz+-])")


def within(document: Document, name: str) -> Document:
    """The object in field `name`; raises BadInput if there is none."""
    value = document.get(name)
    if not isinstance(value, Mapping):
        raise BadInput(f"an event must hold an object in {name!r}; its fields are {_names(document)}.")
    return value


def items(document: Document, name: str) -> list[Document]:
    """The objects in the list in field `name`; raises BadInput if it is no such list."""
    value = document.get(name)
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BadInput(f"an event must hold a list of objects in {name!r}; its fields are {_names(document)}.")
    return value


def text(document: Document, name: str) -> str:
    """The text in field `name`; raises BadInput if there is none."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(f"an event must hold a text in {name!r}; its fields are {_names(document)}.")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a pair, which JSON can write and nothing can store
        raise BadInput(f"{name!r} of an event is no Unicode text.") from None
    return value


def optional(document: Document, name: str) -> str | None:
    """The text in field `name`, None if there is none; raises BadInput for anything else."""
    return text(document, name) if document.get(name) not in (None, "") else None


def number(document: Document, name: str) -> str | None:
    """The whole number in field `name`, which may come as text, None if there is none; raises BadInput."""
    value = document.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return optional(document, name)


def moment(document: Document, name: str) -> datetime:
    """The RFC 3339 time in field `name`, in UTC; raises BadInput if it is none."""
    value = text(document, name)
    found = _instant(value) if _RFC3339.fullmatch(value) else None
    if found is None:
        raise BadInput(f"{name!r} of an event is {value[:80]!r}; it must be a time such as 2026-05-01T12:00:00Z.")
    return found


def _instant(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(_LEAP_SECOND.sub(":59", value)).astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of February, or a year before the first
        return None


def parsed(body: str) -> Document:
    """The JSON object in `body`; raises BadInput if it is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput(f"a message must be a JSON object; this one begins with {body[:80]!r}.") from None
    if not isinstance(document, Mapping):
        raise BadInput(f"a message must be a JSON object; this one begins with {body[:80]!r}.")
    return document


def _names(document: Document) -> str:
    return ", ".join(sorted(str(name)[:40] for name in document)[:20]) or "none"
