"""A release comes to the device: its manifest and signature first, then the files that it lists, piece by piece."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from core.errors import Corrupt, Permanent, Refused
from core.layout import MANIFEST

from ..release import FILES, SIGNATURE, FileFact, Release
from ..stored import MOST
from . import files
from .room import make_room
from .transport import PIECE, Fetch, read_whole

DOWNLOADS = "downloads"
Check = Callable[[bytes, bytes], Release]
"""What a manifest and a signature say; raises what is Permanent if they are not to be followed here."""

_KNOWN = frozenset({MANIFEST, SIGNATURE, *FILES})


def folder_of(root: Path, release: str) -> Path:
    """Where a release is put together."""
    return root / DOWNLOADS / release


def forget_others(root: Path, release: str | None) -> None:
    """Remove what was begun of other releases."""
    downloads = root / DOWNLOADS
    if downloads.is_dir():
        for other in sorted(downloads.iterdir()):
            if other.name != release:
                files.remove(other)


def download(root: Path, release: str, fetch: Fetch, check: Check) -> Path:
    """Fetch what is missing of a release; the folder in which it is whole. `check` is asked before more is fetched.

    Raises what `fetch` and `check` raise; Refused, TooLarge or Corrupt if the release is not to be believed, NoRoom if
    there is no room for it. What came is kept where it is good.
    """
    folder = folder_of(root, release)
    files.make_folder(folder)
    for strange in [path for path in folder.iterdir() if path.name not in _KNOWN or path.is_symlink()]:
        files.remove(strange)
    found = _manifest(folder, release, fetch, check)
    make_room(root, found.manifest.size - _there(folder))
    for name, fact in found.manifest.files.items():
        _file(folder / name, fact, fetch)
    return folder


def _manifest(folder: Path, release: str, fetch: Fetch, check: Check) -> Release:
    """The manifest, which decides what else is fetched; one that is not believed is not kept."""
    manifest, signature = (_small(folder / name, fetch) for name in (MANIFEST, SIGNATURE))
    try:
        found = check(manifest, signature)
        if found.id != release:
            raise Refused(f"what was sent as release {release} is release {found.id}.")
    except Permanent:
        for name in (MANIFEST, SIGNATURE):
            files.remove(folder / name)
        raise
    return found


def _small(path: Path, fetch: Fetch) -> bytes:
    if path.is_file():
        return files.read(path, MOST)
    data = read_whole(fetch, path.name, MOST)
    files.replace(path, data)
    return data


def _there(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in FILES if (folder / name).is_file())


def _file(path: Path, fact: FileFact, fetch: Fetch) -> None:
    """Fetch the rest of a file. What was there before a power cut may be damaged: then all of it comes anew."""
    resumed = _fetch_rest(path, fact, fetch)
    if _hash(path) == fact.sha256:
        return
    files.remove(path)
    if resumed:
        _file(path, fact, fetch)
        return
    raise Corrupt(f"{path.name} as it was sent is not what the release manifest says: its SHA-256 is another.")


def _fetch_rest(path: Path, fact: FileFact, fetch: Fetch) -> bool:
    """Whether something was there before."""
    have = path.stat().st_size if path.is_file() else None
    if have is not None and have > fact.size:
        files.remove(path)
        have = None
    if have == fact.size:
        return True
    try:
        files.append(path, fetch(path.name, have or 0, fact.size - (have or 0)))
    except Permanent:
        files.remove(path)
        raise
    _check_end(path, fact)
    return bool(have)


def _check_end(path: Path, fact: FileFact) -> None:
    size = path.stat().st_size
    if size < fact.size:
        files.remove(path)
        raise Corrupt(f"{path.name} ends after {size:,} bytes, and the release manifest says {fact.size:,}.")


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with files.reading(path) as descriptor:
        while piece := os.read(descriptor, PIECE):
            digest.update(piece)
    return digest.hexdigest()
