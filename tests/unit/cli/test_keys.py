"""Commands of API keys and of trials: what they print, what they keep, what they refuse."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from core.cli.main import app
from core.domain.access import KeyRing
from core.runtime import Runtime
from core.settings import Settings
from core.usecases.promote import challenge, promote
from tests.unit.usecases.site import SPEC, Site


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TIDEMILL_STORE", f"file://{tmp_path}/{{zone}}")
    monkeypatch.setenv("TIDEMILL_KEYS", str(tmp_path / "keys.json"))
    monkeypatch.setenv("TIDEMILL_SPECS", str(tmp_path / "specs"))

    def invoke(*arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout.splitlines()[-1])

    return invoke


def test_a_key_is_made_listed_and_taken_back(run: Any, tmp_path: Path) -> None:
    path, now = tmp_path / "keys.json", datetime.now(UTC)
    first = run("keys", "add", "shop", "--model", "churn", "--model", "flights", "--expires", "90d")
    second = run("keys", "add", "shop")
    ring = KeyRing.decode(path.read_text("utf-8"))
    assert [ring.find(made["key"], now).id for made in (first, second)] == [first["id"], second["id"]]  # type: ignore[union-attr]
    assert ring.find(first["key"], now + timedelta(days=91)) is None
    assert first["key"] not in path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    listed = run("keys", "list")["keys"]
    assert [(key["id"], key["models"]) for key in listed] == [(first["id"], ["churn", "flights"]), (second["id"], None)]
    assert all("hash" not in key and "key" not in key for key in listed)
    assert run("keys", "revoke", first["id"]) == {"revoked": first["id"]}
    assert [key["id"] for key in run("keys", "list")["keys"]] == [second["id"]]
    assert [each.name for each in tmp_path.glob("keys.json*")] == ["keys.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["keys", "revoke", "none"], 1, "there is no API key 'none'"),
        (["keys", "add", "shop", "--model", "Bad Name"], 1, "model name 'Bad Name' must be"),
        (["keys", "list", "--file", "."], 1, "cannot be read"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(run: Any, arguments: list[str], code: int, sentence: str) -> None:
    assert sentence in run(*arguments, code=code)["error"]


def test_a_duration_that_is_none_is_wrong_usage(run: Any) -> None:
    done = CliRunner().invoke(app, ["keys", "add", "shop", "--expires", "soon"])
    assert done.exit_code == 2


def test_keys_need_a_file(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDEMILL_KEYS")
    assert "say with --file" in run("keys", "list", code=1)["error"]


def test_a_trial_is_told_and_nothing_is_decided(run: Any, tmp_path: Path) -> None:
    runtime = Runtime(Settings.from_env())
    site = Site(zones={zone: runtime.store(zone) for zone in ("models", "predictions", "datasets")})
    (tmp_path / "specs").mkdir()
    declared = SPEC.model_dump(mode="json", exclude_none=True)
    (tmp_path / "specs" / "m.yaml").write_text(yaml.safe_dump(declared), "utf-8")
    for version in ("v1", "v2"):
        site.publish(version, serves=False)
    why: dict[str, Any] = {"evidence": {}, "code": "c"}
    promote(runtime.store("models"), runtime.clock, "m", "v1", decision="1", **why)
    assert "no version challenges the champion of model m" in run("models", "experiment", "m", code=1)["error"]
    challenge(runtime.store("models"), runtime.clock, "m", "v2", "canary", 0.2, decision="2", **why)
    found = run("models", "experiment", "m")
    assert (found["champion"], found["challenger"], found["verdict"], found["decided"]) == (
        "v1",
        "v2",
        "cannot tell",
        None,
    )
    assert [each["what"] for each in found["differences"]] == ["roc_auc", "errors", "log latency"]
    shown = CliRunner().invoke(app, ["models", "experiment", "m"])
    assert "cannot tell" in shown.stdout
