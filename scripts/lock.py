"""Pin every dependency group of pyproject.toml by hash: `make lock`, or `python scripts/lock.py --upgrade`.

`dev` is resolved before the others and they within it, so that a function runs on the versions that its tests ran on;
what lives in an environment of its own is resolved by itself. One file serves every platform and every Python from 3.11
on, and names no index: it comes from the installer's settings.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import uv

ROOT = Path(__file__).parent.parent
APART = ("lock", "clients", "checkov", "providers")
WIDEST = "dev"
GROUPS = (
    *("ingest", "validate", "train_trigger", "train", "batch_inference", "realtime_inference", "drift_check"),
    *("report", "tokens", "edge", "engine", "container", "google"),
    "laptop",
)


def compile_group(group: str, options: Sequence[str]) -> None:
    """Write `requirements/<group>.txt`; what it pins already stays, unless `--upgrade` is among the options."""
    command = [uv.find_uv_bin(), "pip", "compile", "pyproject.toml", "--quiet", "--group", group]
    command += ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--generate-hashes"]
    command += ["--no-annotate", "--no-header", "--output-file", f"requirements/{group}.txt", *options]
    subprocess.run(command, cwd=ROOT, check=True)


def main(options: Sequence[str]) -> None:
    """Lock them all."""
    for group in APART:
        compile_group(group, options)
    compile_group(WIDEST, options)
    for group in GROUPS:
        compile_group(group, [*options, "--constraints", f"requirements/{WIDEST}.txt"])


if __name__ == "__main__":
    main(sys.argv[1:])
