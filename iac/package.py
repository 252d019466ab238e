"""The deployable archive of a function: its locked dependencies, the code and the specs, the same bytes each time.

Dependencies are installed once for each lock file and Python; what they hold is compiled, since a function that has to
compile as it starts takes three times as long.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.declaration import Declaration
from core.errors import Refused, Unsupported
from core.specfile import spec_files

from . import slim
from .archive import sha256_of, write_zip

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
LIMIT = 250 * 1024 * 1024
"""Bytes of an unzipped deployment: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""What Amazon Linux 2023 can run; its glibc is 2.34."""

OURS = ("core", "functions", "edge", "iac")


@dataclass(frozen=True, slots=True)
class Archive:
    """One packed function. Sizes are in bytes."""

    name: str
    archive: str
    sha256: str
    zipped: int
    unzipped: int
    limit: int

    @property
    def fits(self) -> bool:
        """Whether Lambda takes it as a zip; else it goes as a container image."""
        return self.unzipped <= self.limit

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "fits": self.fits}


def package(declared: Declaration, specs: Path, output: Path, progress: Callable[[str], None]) -> Archive:
    """Pack one function into `output`. Raises Unsupported without pip, Refused if a dependency owns one of our names."""
    progress(f"{declared.name}: installing the dependencies of group {declared.group}")
    libraries = _installed(declared.group)
    progress(f"{declared.name}: packing")
    ours = _staged(declared, specs)
    files = {**_files(libraries), **_files(ours)}
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{declared.name}.zip"
    write_zip(path, files)
    unzipped = sum(file.stat().st_size for file in files.values())
    return Archive(declared.name, str(path), sha256_of(path), path.stat().st_size, unzipped, LIMIT)


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def _installed(group: str) -> Path:
    """A folder with what is needed of a group's locked dependencies, compiled; made once for each lock and Python."""
    lock = ROOT / "requirements" / f"{group}.txt"
    made_of = [lock.read_bytes(), Path(slim.__file__).read_bytes(), sys.version.encode(), *map(str.encode, PLATFORMS)]
    done = BUILD / "libraries" / f"{group}-{hashlib.sha256(b'|'.join(made_of)).hexdigest()[:12]}"
    if not done.is_dir():
        unfinished = _emptied(done.with_suffix(".part"))
        _pip_install(lock, unfinished)
        _check_names(unfinished)
        _keep_only(unfinished, slim.needed(unfinished))
        _compile(unfinished)
        unfinished.rename(done)
    return done


def _pip_install(lock: Path, target: Path) -> None:
    if find_spec("pip") is None:
        raise Unsupported("packaging needs pip beside tidemill; run `python -m ensurepip`.")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes", "--only-binary", ":all:", "--target", str(target), "--requirement", str(lock)]
    command += ["--implementation", "cp", "--python-version", "{}.{}".format(*sys.version_info)]
    command += [option for platform in PLATFORMS for option in ("--platform", platform)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    if done.returncode:
        raise Unsupported(f"the dependencies of {lock.name} cannot be installed: {done.stderr.strip()[-500:]}")


def _check_names(folder: Path) -> None:
    owned = [name for name in OURS if (folder / name).exists() or (folder / f"{name}.py").exists()]
    if owned:
        raise Refused(f"a dependency owns the import name {owned[0]!r}, which is Tidemill's own; leave it out.")


def _keep_only(folder: Path, kept: Mapping[str, Path]) -> None:
    for name, path in _files(folder).items():
        if name not in kept:
            path.unlink()


def _staged(declared: Declaration, specs: Path) -> Path:
    """A folder with the code of `core` and of one function, compiled, and the specs."""
    folder = _emptied(BUILD / "staged" / declared.name)
    for name, path in _sources(declared, specs):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    _compile(folder)
    return folder


def _sources(declared: Declaration, specs: Path) -> Iterator[tuple[str, Path]]:
    own = ROOT / "functions" / declared.name
    code = [
        *(ROOT / "core").rglob("*.py"),
        ROOT / "functions" / "__init__.py",
        *own.glob("*.py"),
        own / "function.toml",
    ]
    yield from ((path.relative_to(ROOT).as_posix(), path) for path in code)
    yield from ((f"models/{path.name}", path) for path in spec_files(specs))


def _compile(folder: Path) -> None:
    """Compile in a fresh process, one file after the other: bytecode depends on what a process has seen before."""
    command = [sys.executable, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(folder), str(folder)], check=True)  # noqa: S603 - a fixed command


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
