"""The realtime function in a clean environment that holds its own dependency group, and nothing else."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import boto3
import pytest

from core.adapters.registry import open_store
from core.domain.prediction import place_of
from core.ports import ObjectStore
from tests import penguins
from tests.penguins import MODEL, ROW

ROOT = Path(__file__).parents[2]
UNWANTED = ["pandas", "sklearn", "scipy", "pydantic", "boto3", "yaml", "pyarrow", "core.spec", "core.tables"]

ANSWER = """
import json, sys
from core.inference.http import Request
from core.runtime import Runtime
from core.settings import Settings
from functions.realtime_inference.handler import handle

request = Request("POST", sys.argv[1], body=sys.argv[2].encode())
answer = handle(request, Runtime(Settings.from_env()))
print(json.dumps({"status": answer.status, "body": json.loads(answer.body), "modules": sorted(sys.modules)}))
"""

SERVE = """
import json, sys, urllib.request
from core.hosts.asgi import Server
from functions.realtime_inference.container import app

with Server(app()) as server:
    asked = urllib.request.Request(server.url + sys.argv[1], sys.argv[2].encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        body = json.load(answer)
print(json.dumps({"status": answer.status, "body": body, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the function's requirements alone."""
    folder = tmp_path_factory.mktemp("cold")
    venv.create(folder, with_pip=False)
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    requirements = ROOT / "requirements" / "realtime_inference.txt"
    install = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet", "--require-hashes"]
    subprocess.run([*install, "--only-binary", ":all:", "-r", str(requirements)], check=True, timeout=300)
    return interpreter


def seed(models: ObjectStore) -> None:
    penguins.classifier().store(models)
    penguins.route(models, penguins.classifier())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a store in a folder."""
    url = f"file://{tmp_path_factory.mktemp('store')}/{{zone}}"
    seed(open_store(url, "models"))
    return {"TIDEMILL_STORE": url}


@pytest.fixture
def s3(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a store in S3."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    environ = {**keys, "AWS_ENDPOINT_URL": moto_url, "TIDEMILL_STORE": "s3://cold-{zone}"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    for zone in ("models", "predictions"):
        client.create_bucket(Bucket=f"cold-{zone}")
    seed(open_store(environ["TIDEMILL_STORE"], "models"))
    return environ


def run(python: Path, script: str, environ: dict[str, str]) -> dict[str, Any]:
    """Run a script in the clean environment; what it told of its answer and of its modules."""
    arguments = [f"/v1/models/{MODEL}:predict", json.dumps({"instances": [ROW]})]
    environ = {**environ, "PATH": os.defpath, "TIDEMILL_PREDICTION_LOG": "sync", "TIDEMILL_ACCESS": "none"}
    command = [python, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["status"] == 200
    assert told["body"]["predictions"][0]["label"] == "Adelie"
    return told


@pytest.mark.slow
def test_the_function_answers_with_its_own_dependencies_from_a_folder(python: Path, folder: dict[str, str]) -> None:
    told = run(python, ANSWER, folder)
    assert not {*UNWANTED, "uvicorn", "obstore"} & set(told["modules"])


@pytest.mark.slow
def test_the_function_answers_with_its_own_dependencies_from_s3(python: Path, s3: dict[str, str]) -> None:
    told = run(python, ANSWER, s3)
    assert not {*UNWANTED, "uvicorn"} & set(told["modules"])
    assert "obstore" in told["modules"]
    (prediction_id,) = told["body"]["prediction_ids"]
    stored = open_store(s3["TIDEMILL_STORE"], "predictions").get(place_of(prediction_id).key)
    assert json.loads(stored.data)["prediction_id"] == prediction_id


@pytest.mark.slow
def test_the_server_answers_with_its_own_dependencies(python: Path, folder: dict[str, str]) -> None:
    told = run(python, SERVE, folder)
    assert not set(UNWANTED) & set(told["modules"])
