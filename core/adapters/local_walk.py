"""Listing a folder's files in the order of their keys, without reading folders that cannot hold a wanted one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadInput


def walk(folder: Path, above: str, prefix: str, after: str) -> Iterator[str]:
    """Keys of the files below `folder`, whose own key is `above`, under `prefix` and behind `after`, in order."""
    for name in _names(folder):
        key = above + name
        if not name.endswith("/"):
            if key.startswith(prefix) and key > after:
                yield key
        elif _may_hold(key, prefix, after):
            yield from walk(folder / name, key, prefix, after)


def _may_hold(folder: str, prefix: str, after: str) -> bool:
    """Whether a key below `folder` can be under `prefix` and behind `after`."""
    return (folder.startswith(prefix) or prefix.startswith(folder)) and (folder > after or after.startswith(folder))


def _names(folder: Path) -> list[str]:
    """Names in a folder, those of folders ending in '/', in the order that their keys sort."""
    try:
        with os.scandir(folder) as entries:
            names = [_name(entry) for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if name)


def _name(entry: os.DirEntry[str]) -> str:
    try:
        entry.name.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"the name of file {entry.path!r} is not UTF-8; rename it.") from error
    if entry.is_dir(follow_symlinks=False):
        return f"{entry.name}/"
    return entry.name if entry.is_file() else ""
