"""The deployable archive of a function: its locked dependencies, the code and the specs, the same bytes each time.

Dependencies are installed once for each lock file and Python; what they hold is compiled, since a function that has to
compile as it starts takes three times as long.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.declaration import Declaration
from core.errors import NotFound, Refused, Unsupported
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
    """Pack one function into `output`. Raises NotFound, Unsupported or Refused when its dependencies cannot be had."""
    progress(f"{declared.name}: installing the dependencies of group {declared.group}")
    libraries = _installed(declared.group)
    progress(f"{declared.name}: packing")
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{declared.name}.zip"
    with workspace() as ours:
        _stage(declared, specs, ours)
        files = {**_files(libraries), **_files(ours)}
        write_zip(path, files)
        unzipped = sum(file.stat().st_size for file in files.values())
    return Archive(declared.name, str(path), sha256_of(path), path.stat().st_size, unzipped, LIMIT)


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def _installed(group: str) -> Path:
    """A folder with what is needed of a group's locked dependencies, compiled; made once for each lock and Python."""
    lock = ROOT / "requirements" / f"{group}.txt"
    if not lock.is_file():
        raise NotFound(f"group {group} has no locked requirements {lock}; run `make lock`.")
    made_of = [lock.read_bytes(), Path(slim.__file__).read_bytes(), sys.version.encode(), *map(str.encode, PLATFORMS)]
    done = BUILD / "libraries" / f"{group}-{hashlib.sha256(b'|'.join(made_of)).hexdigest()[:12]}"
    if not done.is_dir():
        with workspace() as unfinished:
            _pip_install(lock, unfinished)
            _check_names(unfinished)
            _keep_only(unfinished, slim.needed(unfinished))
            _compile(unfinished)
            _settle(unfinished, done)
    return done


def _settle(unfinished: Path, done: Path) -> None:
    """Give the folder its name, unless another process was faster with the same."""
    done.parent.mkdir(parents=True, exist_ok=True)
    try:
        unfinished.rename(done)
    except OSError:
        if not done.is_dir():
            raise


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


def _stage(declared: Declaration, specs: Path, folder: Path) -> None:
    """Put the code of `core` and of one function into a folder, compiled, and the specs."""
    for name, path in sources(declared, specs):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    _compile(folder)


def sources(declared: Declaration, specs: Path) -> Iterator[tuple[str, Path]]:
    """The code of `core` and of one function, and the specs: the name in the archive, and the file."""
    functions = ROOT / "functions"
    own = [*(functions / declared.name).glob("*.py"), functions / declared.name / "function.toml"]
    templates = (ROOT / "core" / "report" / "templates").iterdir()
    code = [*(ROOT / "core").rglob("*.py"), *templates, functions / "__init__.py", *own]
    yield from ((path.relative_to(ROOT).as_posix(), path) for path in code)
    users = [*spec_files(specs), *sorted(specs.rglob("*.py"))]  # specs, and what users wrote for their expectations
    yield from ((f"models/{path.relative_to(specs).as_posix()}", path) for path in users)


def _compile(folder: Path) -> None:
    """Compile in a fresh process, one file after the other: bytecode depends on what a process has seen before."""
    command = [sys.executable, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(folder), str(folder)], check=True)  # noqa: S603 - a fixed command


@contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder inside of the `with`, on the file system of what is built."""
    BUILD.mkdir(exist_ok=True, parents=True)
    folder = Path(tempfile.mkdtemp(prefix="part-", dir=BUILD))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
