"""Each function that events start imports nothing that its own lock does not bring."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from core.declaration import declarations

ROOT = Path(__file__).parents[2]
OF_THE_RUNTIME = {"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3", "six"}
"""What AWS Lambda has beside the archive."""

IMPORT = """
import sys
missing = {missing!r}

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"{{name}} is in no archive of {function}")

sys.meta_path.insert(0, Missing())
import core.hosts.aws_events
import functions.{function}.handler
"""


def locked(group: str) -> set[str]:
    text = (ROOT / "requirements" / f"{group}.txt").read_text("utf-8")
    return {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def missing(group: str) -> list[str]:
    """Top-level names of everything that is installed here and is not in the group's lock."""
    there = locked(group) | OF_THE_RUNTIME
    return sorted(
        name
        for name, owners in packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & (there | {"tidemill", "pip", "setuptools"})
    )


@pytest.mark.parametrize("name", [each.name for each in declarations().values() if each.kind == "event"])
def test_it_is_imported_with_what_its_lock_brings_alone(name: str) -> None:
    code = IMPORT.format(missing=missing(declarations()[name].group), function=name)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]
