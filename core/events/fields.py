"""Fields of documents that came from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from ..errors import BadInput

Document: TypeAlias = Mapping[str, Any]


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
    return value


def moment(document: Document, name: str) -> datetime:
    """The RFC 3339 time in field `name`, in UTC; raises BadInput if it is none."""
    value = text(document, name)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise BadInput(
            f"{name!r} of an event is {value[:80]!r}; it must be a time such as 2026-05-01T12:00:00Z."
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


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
