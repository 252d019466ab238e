"""The bench's promise, at a size that a test run can bear: memory does not grow with the file."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ._common import ROOT


def bench(mb: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.ingest_memory", "--json", "--mb", str(mb)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file():
    small, large = bench(48), bench(240)
    assert large["rows"] > 4 * small["rows"]
    assert large["rejected"] > 0
    assert large["peak_mb"] < 350
    assert large["peak_mb"] - small["peak_mb"] < 80
