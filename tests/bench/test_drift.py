"""The benches' promises, at a size that a test run can bear: no false alarms, and memory that does not grow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ._common import ROOT


def bench(name: str, *arguments: str) -> dict:
    command = [sys.executable, "-m", f"tests.bench.{name}", "--json", *arguments]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_windows_like_the_reference_raise_no_alarm_and_others_do():
    found = bench("drift_quality", "--share", "0.02")
    assert found["false_alarm_rate"] == 0
    assert found["power"]["number moved by 0.5 sd"]["2000"] == 1
    assert found["power"]["0.8 correlation lost"]["2000"] == 1
    assert found["seasonal"]["week"] < found["seasonal"]["none"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_window():
    small, large = (
        bench("drift_speed", "--rows", "5000", "--rounds", "2", "--large", rows) for rows in ("200000", "1000000")
    )
    assert small["floor_ratio"] > 0
    assert large["figures"]["large"]["rows"] == 1_000_000
    assert large["peak_mb"] - small["peak_mb"] < 30
