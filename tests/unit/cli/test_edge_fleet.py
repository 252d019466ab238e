"""The command `tidemill edge fleet`."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core import layout
from core.adapters.registry import open_store
from core.cli.main import app
from tests.telemetry import HEALTH, RELEASE, name_of, segment


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def send(device: str, group: str, **more: Any) -> None:
    edge = open_store(f"file://{Path.cwd()}/.tidemill/{{zone}}", "edge", {})
    data = segment([], device=device, group=group, **more)
    edge.create(layout.edge_telemetry("m", group, device, name_of(1)), data)


def run(*arguments: str, expect: int = 0) -> str:
    result = CliRunner().invoke(app, ["edge", "fleet", *arguments])
    assert result.exit_code == expect, result.output
    return result.stdout


def test_it_tells_which_device_runs_what() -> None:
    send("pi-1", "north", health=HEALTH)
    send("pi-2", "south", health={**HEALTH, "errors": 60})
    told = json.loads(run("m", "--json").splitlines()[-1])
    assert (told["model"], told["releases"], told["groups"]) == ("m", {RELEASE: 2}, {"north": 1, "south": 1})
    assert [(each["device"], each["healthy"], each["ring"]) for each in told["devices"]] == [
        ("pi-1", True, "canary"),
        ("pi-2", False, "canary"),
    ]
    shown = run("m")
    assert "60 of 120" in shown
    assert f"2 run {RELEASE}; 1 unhealthy." in shown


def test_one_group_is_told_alone() -> None:
    send("pi-1", "north")
    send("pi-2", "south")
    told = json.loads(run("m", "--group", "south", "--json").splitlines()[-1])
    assert ([each["device"] for each in told["devices"]], told["groups"]) == (["pi-2"], {"south": 1})


def test_of_a_model_that_no_device_runs_that_is_told() -> None:
    assert "No device of m has sent anything back." in run("m")
    assert json.loads(run("m", "--json").splitlines()[-1])["devices"] == []


def test_a_name_that_no_model_has_is_refused() -> None:
    run("No Model", expect=1)
