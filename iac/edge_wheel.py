"""The agent as a wheel of its own: what runs on a device, and of `core` what that needs, the same bytes each time.

Format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.code import __version__
from core.inference.routing import modules_of_endpoints

from .archive import sha256_of, write_zip
from .closure import closure
from .package import ROOT, workspace

NAME = "tidemill_edge"
GROUP = "edge"
"""The dependency group of pyproject.toml that a device installs."""
SEEDS = ("edge.__main__", "edge.runtime.model", *modules_of_endpoints())
"""What is started, what is imported by programs on a device, and what is imported by name when it is asked for."""
PACKAGES = ("core", "edge")
COMMAND = "tidemill-edge"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that was made; sizes are in bytes."""

    name: str
    archive: str
    sha256: str
    zipped: int
    unzipped: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def build(output: Path) -> Wheel:
    """Make the wheel in `output`."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{NAME}-{__version__}-py3-none-any.whl"
    with workspace() as staged:
        files = {**sources(), **_written(staged, dict(_metadata()))}
        record = _written(staged, {_info("RECORD"): _record(files)})
        files |= record
        write_zip(path, files)
        unzipped = sum(file.stat().st_size for file in files.values())
    return Wheel(GROUP, str(path), sha256_of(path), path.stat().st_size, unzipped)


def sources() -> dict[str, Path]:
    """The modules that a device needs: name in the wheel -> file."""
    return closure(ROOT, SEEDS, PACKAGES)


def _info(name: str) -> str:
    return f"{NAME}-{__version__}.dist-info/{name}"


def _metadata() -> Iterator[tuple[str, bytes]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {NAME.replace('_', '-')}",
        f"Version: {__version__}",
        "Summary: Tidemill's agent for devices: signed models, installed, answered with, and looked after.",
        f"License-Expression: {project['project']['license']}",
        *(f"Classifier: {each}" for each in project["project"]["classifiers"]),
        f"Requires-Python: {project['project']['requires-python']}",
        *(f"Requires-Dist: {each}" for each in project["dependency-groups"][GROUP]),
    ]
    tags = ["Wheel-Version: 1.0", f"Generator: tidemill {__version__}", "Root-Is-Purelib: true", "Tag: py3-none-any"]
    for name, lines in (
        ("METADATA", metadata),
        ("WHEEL", tags),
        ("entry_points.txt", ["[console_scripts]", f"{COMMAND} = edge.__main__:main"]),
        ("top_level.txt", PACKAGES),
    ):
        yield _info(name), "".join(f"{line}\n" for line in lines).encode()


def _record(files: Mapping[str, Path]) -> bytes:
    """Every file with its hash and its size; of the record itself neither."""
    lines = [f"{name},{_digest(path.read_bytes())},{path.stat().st_size}\n" for name, path in sorted(files.items())]
    return "".join([*lines, f"{_info('RECORD')},,\n"]).encode()


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _written(folder: Path, contents: Mapping[str, bytes]) -> dict[str, Path]:
    """These contents as files below `folder`."""
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return {name: folder / name for name in contents}
