"""What `gcloud functions deploy --source` takes: the code of a function, and a requirements.txt of hashes.

Google's buildpack installs the requirements, so nothing is compiled or installed here; the same bytes each time.
Reference: https://cloud.google.com/functions/docs/writing#directory-structure
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.declaration import Declaration
from core.errors import BadInput, NotFound

from ..archive import sha256_of, write_zip
from ..package import ROOT, sources

GROUP = "google"
"""The dependencies of every function that events start; a source says its own, so the group is one for all."""


@dataclass(frozen=True, slots=True)
class Source:
    """One function's source; `zipped` is in bytes."""

    name: str
    archive: str
    sha256: str
    zipped: int


def package(declared: Declaration, specs: Path, output: Path) -> Source:
    """Pack one function into `output`; raises BadInput unless events start it, NotFound without a lock."""
    if declared.kind != "event":
        raise BadInput(
            f"function {declared.name} is a {declared.kind}: it runs in a container; see docs/google-cloud.md."
        )
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{declared.name}-source.zip"
    write_zip(path, dict(_files(declared, specs)))
    return Source(declared.name, str(path), sha256_of(path), path.stat().st_size)


def _files(declared: Declaration, specs: Path) -> Iterator[tuple[str, Path]]:
    lock = ROOT / "requirements" / f"{GROUP}.txt"
    if not lock.is_file():
        raise NotFound(f"group {GROUP} has no locked requirements {lock}; run `make lock`.")
    yield "requirements.txt", lock
    yield "main.py", Path(__file__).with_name("main.py")
    yield from sources(declared, specs)
