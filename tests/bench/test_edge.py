"""The bench's promises, where a test run can bear them: the agent's memory. Times are for a machine that is quiet."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ._common import ROOT


@pytest.mark.slow
def test_the_agent_takes_little_more_memory_than_a_bare_script() -> None:
    command = [sys.executable, "-m", "tests.bench.edge", "--json", "--rounds", "2"]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    assert found["start_ratio"] > 0
    assert found["extra_mb"] <= 15
