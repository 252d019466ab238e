"""A release in a folder of the user's choice."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from core.errors import Refused
from core.layout import MANIFEST

from ..release import FILES, SIGNATURE

NAMES = {MANIFEST, SIGNATURE, *FILES}
_FRESH = ".tidemill-"


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a release into `folder`, in the place of the one that may be there; without a manifest until it is whole.

    Raises Refused if other files are in it.
    """
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    for left in folder.glob(f"{_FRESH}*"):
        left.unlink()
    for name in sorted(files, key=lambda name: name == MANIFEST):
        _write(folder / name, files[name])


def check_folder(folder: Path) -> None:
    """Raises Refused if a release cannot be written there: it is a file, or something else is in it."""
    if folder.exists() and not folder.is_dir():
        raise Refused(f"{folder} is no folder: name one for the release, which need not be there yet.")
    there = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    strange = [name for name in there if name not in NAMES and not name.startswith(_FRESH)]
    if strange:
        raise Refused(f"folder {folder} has {strange[0]!r} in it, which is no part of a release: name an empty one.")


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all. A link that has the file's name gives way to the file."""
    fresh = path.with_name(f"{_FRESH}{secrets.token_hex(4)}")
    with fresh.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
