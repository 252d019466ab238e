"""What `gcloud functions deploy --source` takes, unpacked: functions-framework serves it with nothing else at hand."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from core.declaration import declarations
from core.errors import BadInput
from core.layout import ZONES
from iac.gcp.source import package
from tests.functions.loop import MODEL, birds, csv_of
from tests.servers.process import free_port
from tests.servers.programs import fake_gcs

from .hosts import ROOT, process
from .scenario import ROWS, write_spec

STORE = "gs://acme-{zone}"
FRAMEWORK = [sys.executable, "-m", "functions_framework", "--target", "event", "--signature-type", "cloudevent"]
FRAMEWORK += ["--source", "main.py", "--host", "127.0.0.1"]
GOLDEN = ROOT / "tests" / "events" / "golden" / "gcs_finalized.json"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    made = [package(declarations()["ingest"], write_spec(tmp_path), tmp_path / str(time)) for time in range(2)]
    assert made[0].sha256 == made[1].sha256
    with zipfile.ZipFile(made[0].archive) as source:
        names = set(source.namelist())
        requirements = source.read("requirements.txt").decode()
    assert {"main.py", "functions/ingest/handler.py", f"models/{MODEL}.yaml"} <= names
    assert not any(name.startswith("functions/validate/") for name in names)
    assert "functions-framework==" in requirements
    assert "google-cloud-storage==" in requirements
    pinned = [line for line in requirements.splitlines() if line and line[0] not in " #-"]
    assert requirements.count("--hash=sha256:") >= len(pinned)


@pytest.mark.parametrize("name", ["train", "realtime_inference"])
def test_what_events_do_not_start_has_no_source(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="it runs in a container"):
        package(declarations()[name], tmp_path, tmp_path)


@pytest.mark.slow
def test_functions_framework_serves_the_unpacked_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = package(declarations()["ingest"], write_spec(tmp_path), tmp_path)
    source = tmp_path / "source"
    with zipfile.ZipFile(made.archive) as archive:
        archive.extractall(source)
    event = json.loads(GOLDEN.read_text("utf-8").replace("flights-delay", MODEL))
    with fake_gcs() as gcs:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs)
        client = storage.Client("acme", AnonymousCredentials())
        for zone in ZONES:
            client.create_bucket(f"acme-{zone}")
        blob = client.bucket("acme-landing").blob(event["data"]["name"])
        blob.upload_from_string(csv_of(birds()[:20], ROWS))
        event["data"]["generation"] = str(blob.generation)
        environ = {"STORAGE_EMULATOR_HOST": gcs, "GOOGLE_CLOUD_PROJECT": "acme", "PYTHONPATH": "."}
        environ |= {"TIDEMILL_FUNCTION": "ingest", "TIDEMILL_STORE": STORE, "TIDEMILL_SPECS": "models"}
        port = free_port()
        with process([*FRAMEWORK, "--port", str(port)], port, environ, cwd=source) as url:
            headers = {"content-type": "application/cloudevents+json"}
            urllib.request.urlopen(urllib.request.Request(url, json.dumps(event).encode(), headers), timeout=60).close()
        (manifest,) = [each.name for each in client.list_blobs("acme-datasets") if each.name.endswith("manifest.json")]
    assert manifest.startswith(f"{MODEL}/")
    code = "import core, functions; print(core.__file__, *functions.__path__)"
    told = subprocess.check_output([sys.executable, "-c", code], cwd=source, env={"PYTHONPATH": "."}, text=True)
    assert told.split() == [str(source / "core" / "__init__.py"), str(source / "functions")]
