"""The unit is one that systemd understands, and lets the agent do little else than answer."""

import shutil
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from edge.__main__ import ROOT, main

UNIT = Path(__file__).parents[3] / "edge" / "carriers" / "systemd" / "tidemill-edge.service"
PYTHON = "/opt/tidemill/bin/python"
EXPOSED = 15
"""Tenths of systemd's measure of what a service may still do, 0 to 100; below 20 it calls that OK."""
ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture
def service():
    unit = RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(UNIT.read_text())
    return unit["Service"]


def test_it_starts_the_agent_as_the_agent_wants(service, capsys):
    python, *arguments = service["ExecStart"].split()
    assert (python, arguments[:2]) == (PYTHON, ["-m", "edge"])
    assert arguments[arguments.index("--root") + 1] == str(ROOT)
    with pytest.raises(SystemExit) as ended:
        main([*arguments[2:], "--help"])
    assert ended.value.code == 0
    assert "run" in capsys.readouterr().out


def test_its_folder_is_all_that_it_writes(service):
    assert service["ProtectSystem"] == "strict"
    assert Path("/var/lib") / service["StateDirectory"] == ROOT
    assert "ReadWritePaths" not in service


def test_it_is_started_again_for_ever_and_waits_for_no_network(service):
    assert service["Restart"] == "always"
    text = UNIT.read_text()
    assert "StartLimitIntervalSec=0" in text
    assert "network-online" not in text


@pytest.mark.skipif(ANALYZE is None, reason="there is no systemd here")
def test_systemd_understands_it_and_finds_little_exposed(tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PYTHON, sys.executable))
    assert analyse("verify", "--man=no", str(unit)).stderr == ""
    judged = analyse("security", "--offline=yes", "--no-pager", f"--threshold={EXPOSED}", str(unit))
    assert judged.returncode == 0, judged.stdout


def analyse(*arguments):
    return subprocess.run([str(ANALYZE), *arguments], capture_output=True, text=True, check=False, timeout=60)
