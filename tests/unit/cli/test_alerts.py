"""The commands about alerts, and `check` on what a spec expects of data."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from core.adapters.registry import open_store
from core.cli.main import app
from core.domain.alert import Observation, unraised
from core.layout import alert as alert_key

SPEC = """
model: m
task: binary
target: y
time: at
features:
  - {name: x, type: number}
  - {name: z, type: number}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)

    def call(*arguments, expect=0):
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == expect, result.output
        return json.loads(result.stdout.splitlines()[-1])

    return call


@pytest.fixture
def alert(tmp_path):
    seen = Observation(
        "drift", "v1", wrong=True, level="warning", summary="has drifted", evidence="r", at=datetime.now(UTC)
    )
    state = next(unraised("m", seen).follow([seen], datetime(2026, 5, 1, tzinfo=UTC), None))
    store = open_store(f"file://{tmp_path}/.tidemill/{{zone}}", "reports")
    store.create(alert_key("m", state.fingerprint, 1), state.encode())
    return state


def test_alerts_are_listed_acknowledged_and_resolved(run, alert):
    (listed,) = run("alerts", "list", "m")["alerts"]
    assert (listed["fingerprint"], listed["state"], listed["severity"]) == (alert.fingerprint, "open", "warning")
    known = run("alerts", "ack", "m", alert.fingerprint[:6])
    assert known["state"] == "acknowledged"
    assert known["by"]
    assert run("alerts", "list")["alerts"][0]["state"] == "acknowledged"
    assert run("alerts", "resolve", "m", alert.fingerprint)["state"] == "resolved"
    assert run("alerts", "list", "m")["alerts"] == []
    assert run("alerts", "list", "m", "--all")["alerts"][0]["state"] == "resolved"


def test_an_alert_that_is_not_there_is_a_failure(run):
    assert "tidemill alerts list m" in run("alerts", "ack", "m", "0123", expect=1)["error"]


@pytest.mark.parametrize(
    ("lines", "line", "field", "problem"),
    [
        ('checks:\n  - {columns: [x], rule: "x >="}', 10, "checks[0].rule", "syntax error"),
        ('checks:\n  - {columns: [x], rule: "x < z"}', 10, "checks[0].rule", '"z" not found'),
        ('checks:\n  - {columns: [w], rule: "w > 0"}', 10, "checks[0].columns[0]", "'w' is no column that is kept"),
        ("checks:\n  - {columns: [], rule: x}", 10, "checks[0].columns", "must not be empty"),
        ('checks:\n  - {columns: [x], rule: "x > 0", severity: bad}', 10, "checks[0].severity", "must be"),
        ("expectations:\n  - name: a\n    sql: select q from rows", 11, "expectations[0].sql", '"q" not found'),
        ("expectations:\n  - {name: a}", 10, "expectations[0]", "needs either sql or python"),
        ("expectations:\n  - {name: a, sql: x, python: 'a:b'}", 10, "expectations[0]", "needs either sql or python"),
        ("expectations:\n  - {name: a, python: nonsense}", 10, "expectations[0]", "package.module:function"),
        (
            "expectations:\n  - {name: a, python: 'a:b'}\n  - {name: a, python: 'a:b'}",
            *(11, "expectations[1].name", "another expectation's name"),
        ),
        (
            "expectations:\n  - {name: a, python: 'nowhere_at_all:b'}",
            10,
            "expectations[0].python",
            "cannot be imported",
        ),
        ("train_when: {budget: 4}", 9, "train_when.budget", "number of trainings per duration"),
        ("train_when: {budget: 0 per 7d}", 9, "train_when.budget", "number of trainings per duration"),
        ("train_when: {budget: 1 per 0s}", 9, "train_when.budget", "longer than 0s"),
        ("rollback_when: {drift: true}", 9, "rollback_when.drift", "is not a field"),
        ("freshness: 0s", 9, "freshness", "longer than 0s"),
        ("alerts: {repeat: 0s}", 9, "alerts.repeat", "longer than 0s"),
    ],
)
def test_mistakes_in_what_is_expected_are_told_with_their_line(run, tmp_path, lines, line, field, problem):
    (tmp_path / "models" / "m.yaml").write_text(SPEC.lstrip() + "\n" + lines + "\n")
    (found,) = run("check", expect=1)["errors"]
    assert (found["line"], found["field"]) == (line, field)
    assert problem in found["problem"]
    assert found["mend"]


def test_freshness_needs_a_time(run, tmp_path):
    (tmp_path / "models" / "m.yaml").write_text(SPEC.replace("time: at\n", "") + "freshness: 2d\n")
    (found,) = run("check", expect=1)["errors"]
    assert (found["field"], found["problem"]) == ("freshness", "needs a time column")


def test_what_is_right_is_right(run, tmp_path):
    more = """
freshness: 2d
checks: [{columns: [x, z], rule: "x >= z", severity: warning}]
expectations: [{name: some, sql: "select count(*) from rows having count(*) < 10"}]
train_when: {budget: 4 per 7d}
rollback_when: {performance: true, cooldown: 3d}
alerts: {repeat: 12h}
"""
    (tmp_path / "models" / "m.yaml").write_text(SPEC + more)
    assert run("check") == {"ok": True, "errors": []}
