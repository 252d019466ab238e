"""The container's process: it listens where the platform says, answers as it asks, and stops when told to."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.adapters.registry import open_store
from tests import penguins
from tests.penguins import MODEL, ROW

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "functions.realtime_inference.container"]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMILL_", "AIP_"))}
    return kept | more


@contextmanager
def container(url: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process, once it is healthy at `url`; killed at the end unless it has stopped."""
    process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment(**environ), stderr=subprocess.PIPE)
    try:
        for _ in range(300):
            assert process.poll() is None, process.communicate()[1]
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_vertex_ai_starts_asks_and_stops_it(tmp_path: Path) -> None:
    models, port = f"file://{tmp_path}/copied", free_port()
    store = open_store(f"file://{tmp_path}/{{zone}}", "models")
    penguins.classifier().store(store)
    penguins.route(store, penguins.classifier())
    (tmp_path / "models").rename(tmp_path / "copied")
    vertex = {
        "AIP_HTTP_PORT": str(port),
        "AIP_STORAGE_URI": models,
        "AIP_PREDICT_ROUTE": "/ask",
        "AIP_HEALTH_ROUTE": "/well",
    }
    ours = {"TIDEMILL_STORE": f"file://{tmp_path}/{{zone}}", "TIDEMILL_ACCESS": "iam", "TIDEMILL_SERVE": MODEL}
    with container(f"http://127.0.0.1:{port}/well", **vertex, **ours) as process:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/ask",
            json.dumps({"instances": [ROW], "parameters": None}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            body = json.load(answer)
        assert body["predictions"][0]["label"] == "Adelie"
        assert body["metadata"]["model"] == MODEL
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in {0, -signal.SIGTERM}
    stored = open_store(ours["TIDEMILL_STORE"], "predictions")
    assert len([info for info in stored.list("") if "realtime" in info.key]) == 1


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"TIDEMILL_ACCESS": "none", "AIP_HTTP_PORT": "http"}, "AIP_HTTP_PORT is 'http'; it must be a port"),
        ({}, "a container can be reached from elsewhere, and nothing says who may ask"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, environ: dict[str, str], sentence: str) -> None:
    settings = environment(TIDEMILL_STORE=f"file://{tmp_path}/{{zone}}", **environ)
    done = subprocess.run(COMMAND, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr
