"""The bench's promise, at a size that a test run can bear: memory does not grow with the file."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ._common import ROOT


def bench(rows: int) -> dict[str, float]:
    options = ["--json", "--rounds", "1", "--no-remote", "--rows", str(rows)]
    command = [sys.executable, "-m", "tests.bench.batch", *options]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file():
    small, large = bench(300_000), bench(1_500_000)
    assert large["rows"] == 5 * small["rows"]
    assert large["floor_ratio"] > 0
    assert large["peak_mb"] < 300
    assert large["peak_mb"] - small["peak_mb"] < 60
