"""Clients of others, unmodified, against the endpoint on a real port: their answers are those of the pure function.

They live in an environment of their own, made once from `requirements/clients.txt` and kept in pytest's cache: what
they ask for does not agree with what the tests ask for.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.hosts.asgi import App, Server
from tests.environments import environment
from tests.penguins import MODEL, Desk, content, rows

ROOT = Path(__file__).parents[2]
FIRST = "0000000000000001"
GIVEN = [row for row in rows(60) if None not in row.values()]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def python(pytestconfig: pytest.Config) -> Path:
    """The interpreter of the clients' environment."""
    return environment(pytestconfig, "clients")


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(default_models=[MODEL])


@pytest.fixture(scope="module")
def server(desk: Desk) -> Iterator[Server]:
    with Server(App(desk.service)) as server:
        yield server


def told(python: Path, client: str, *arguments: str) -> Any:
    """What a client got."""
    script = ROOT / "tests" / "clients" / f"{client}.py"
    asked = subprocess.run(
        [python, script, *arguments], input=json.dumps(GIVEN), capture_output=True, text=True, timeout=120, check=False
    )
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout.splitlines()[-1])


def check_answers(answers: dict[str, dict[str, Any]], desk: Desk) -> None:
    expected = content(desk.predict(*GIVEN))["predictions"]
    for way, answer in answers.items():
        assert answer["label"] == [each["label"] for each in expected], way
        assert answer["probabilities"] == [[*each["probabilities"].values()] for each in expected], way
        assert answer["ids"] == len(GIVEN), way


def test_tritonclient_gets_our_own_answers(python: Path, server: Server, desk: Desk) -> None:
    found = told(python, "ask_triton", f"{server.host}:{server.port}", MODEL)
    assert len(found["answers"]) == 8
    check_answers(found["answers"], desk)
    assert {answer["version"] for answer in found["answers"].values()} == {FIRST}
    assert found["answers"]["json"]["id"] == "mine"
    assert (found["live"], found["ready"], found["model_ready"]) == (True, True, [True, True, False])
    assert found["server"]["extensions"] == ["binary_tensor_data"]
    assert [each["name"] for each in found["metadata"]["inputs"]] == list(GIVEN[0])
    assert found["refused"]["status"] == "400"
    assert found["refused"]["message"].startswith("field 'island' of row 0 is 'Elba', which is not one of")


def test_kserve_gets_our_own_answers(python: Path, server: Server, desk: Desk) -> None:
    found = told(python, "ask_kserve", server.url, MODEL)
    check_answers(found["answers"], desk)
    assert found["v1"] == content(desk.predict(*GIVEN))["predictions"]
    assert found["answers"]["json"]["id"] == "mine"
    assert (found["live"], found["ready"], found["model_ready"]) == (True, True, [True, True])
    assert found["refused"]["status"] == 400
    assert "field 'island' of row 0 is 'Elba'" in found["refused"]["message"]
