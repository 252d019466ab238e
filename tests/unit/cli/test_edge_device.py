"""`tidemill edge install|update|rollback|status`: the same as `python -m edge`, on this machine."""

import json

import pytest
from typer.testing import CliRunner

from core.cli.main import app
from edge.rollout import Stage
from tests.edge.releases import Zone, first_trust, make

FIRST, SECOND = make(1), make(2, 3.0)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command on the device in `tmp_path`; its last line as JSON."""
    monkeypatch.setenv("TIDEMILL_STORE", f"file://{tmp_path}/store/{{zone}}")
    (tmp_path / "trust.json").write_bytes(first_trust().data)
    for name, made in (("first", FIRST), ("second", SECOND)):
        made.write(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, expect=0):
        done = CliRunner().invoke(app, ["edge", *arguments, "--root", "device", "--json"])
        assert done.exit_code == expect, done.output
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_life(run, tmp_path):
    zone = Zone()
    zone.add(SECOND)
    zone.roll_out(Stage(SECOND.id, 0, ("lab",)))
    zone.write(tmp_path / "zone")
    source = f"file://{tmp_path}/zone"

    made = run("install", "first", "--trust", "trust.json", "--device", "pi-7", "--source", source, "--set", "ring=lab")
    assert made == {"did": "installed", "release": FIRST.id, "reason": ""}
    assert run("update")["release"] == SECOND.id
    assert run("rollback", "--reason", "too loud")["release"] == FIRST.id
    assert "too loud" in run("update")["reason"]
    assert run("status")["ring"] == "lab"
    assert run("install", "second", expect=1)["error"].endswith("Say --again to try it once more.")
    assert run("install", "second", "--again")["did"] == "installed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status",), "device.toml"),
        (("update",), "no device's folder yet"),
        (("rollback",), "no device's folder yet"),
        (("install", "first", "--trust", "nowhere.json"), "no trust document"),
        (("install", "nowhere", "--trust", "trust.json"), "lacks manifest.json"),
        (("install", "first", "--trust", "trust.json", "--set", "speed"), "must look like NAME=VALUE"),
        (("install", "first", "--trust", "trust.json", "--set", "speed=3"), "no setting 'speed'"),
    ],
)
def test_mistakes(run, arguments, words):
    assert words in run(*arguments, expect=1)["error"]


def test_shown_to_a_person(run):
    run("install", "first", "--trust", "trust.json", "--device", "pi-7")
    shown = CliRunner().invoke(app, ["edge", "status", "--root", "device"]).stdout
    assert "pi-7" in shown
    assert f"installed {FIRST.id}" in shown
