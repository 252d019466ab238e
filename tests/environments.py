"""Environments of their own, for programs that ask for what the tests cannot have: made once, kept in the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[1] / "requirements"


def environment(config: pytest.Config, group: str) -> Path:
    """The interpreter of an environment with what `requirements/<group>.txt` pins, and nothing else.

    Of two workers that make it, one finds it made and drops its own.
    """
    requirements = REQUIREMENTS / f"{group}.txt"
    kept = config.cache.mkdir(group)  # type: ignore[union-attr]  # pytest's own plugin
    home = kept / hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    if not home.exists():
        made = Path(tempfile.mkdtemp(dir=kept))
        _install(made, requirements)
        try:
            made.rename(home)
        except OSError:
            shutil.rmtree(made)
    return interpreter(home)


def interpreter(folder: Path) -> Path:
    """The Python of an environment. What else is in its `bin` knows the folder's first name only: use `-m`."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _install(folder: Path, requirements: Path) -> None:
    venv.create(folder, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", str(interpreter(folder)), "install", "--quiet"]
    options = ["--require-hashes", "--only-binary", ":all:", "-r", str(requirements)]
    subprocess.run([*command, *options], check=True, timeout=600)
