"""A path or a URL on the command line -> the store it is in, and its key there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ..adapters.registry import open_url
from ..adapters.store_memory import MemoryStore
from ..errors import BadInput
from ..ports import ObjectInfo, ObjectStore, Reads
from .command import Session


def open_file(session: Session, text: str) -> tuple[ObjectStore, str]:
    """The store of the file's folder, and the file's name in it."""
    folder, name = folder_and_name(text)
    return open_url(folder, session.settings.environ), name


def folder_and_name(text: str) -> tuple[str, str]:
    """The URL of the file's folder, and the file's name in it; raises BadInput if that is no file."""
    folder, _, name = absolute(text).rpartition("/")
    if not name or folder.endswith(":/"):
        raise BadInput(f"{text!r} must name a file, such as rows.csv or s3://bucket/folder/rows.csv.")
    return folder, name


def open_folder(session: Session, text: str) -> ObjectStore:
    """The store of a folder."""
    return open_url(absolute(text).rstrip("/"), session.settings.environ)


def absolute(text: str) -> str:
    """A path or a URL as a URL; a slash at its end stays."""
    if "://" in text:
        return text
    return f"file://{Path(text).absolute()}{'/' if text.endswith('/') else ''}"


def rows_at_hand(file: Path | None) -> tuple[Reads, ObjectInfo]:
    """The rows of a file, or of stdin if it is None, as an object in memory; raises BadInput."""
    if file is not None and not file.is_file():
        raise BadInput(f"there is no file {file}.")
    name, data = (file.name, file.read_bytes()) if file else _named(sys.stdin.buffer.read())
    store = MemoryStore()
    return store, store.put(name, data)


def _named(data: bytes) -> tuple[str, bytes]:
    """What comes without a name is JSON if it begins like it, in any of the ways that rows are sent; else CSV."""
    if data.lstrip()[:1] not in {b"{", b"["}:
        return "stdin.csv", data
    try:
        document = json.loads(data)
    except ValueError:  # more than one document: JSON Lines
        return "stdin.jsonl", data
    rows = document.get("instances", [document]) if isinstance(document, dict) else document
    return "stdin.jsonl", b"".join(_line(row) for row in rows)


def _line(row: Any) -> bytes:  # noqa: ANN401 - what is no row is refused by its reader, in a sentence
    return json.dumps(row).encode() + b"\n"
