"""kill -9 of an endpoint under load: what was answered, and what of it is in the prediction log."""

import http.client
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.adapters.registry import open_store
from core.domain.prediction import place_of
from tests import penguins
from tests.penguins import MODEL, ROW

ROOT = Path(__file__).parents[2]
SERVE = """
import sys, threading
from core.hosts.asgi import Server
from functions.realtime_inference.container import app

with Server(app()) as server:
    print(server.port, flush=True)
    threading.Event().wait()
"""
ANSWERS = 150
"""Answers that are waited for before the process is killed, while others are under way."""


class Endpoint:
    """An endpoint in a process of its own, and everything that it answered."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.url = f"file://{folder}/{{zone}}"
        models = open_store(self.url, "models")
        penguins.classifier().store(models)
        penguins.route(models, penguins.classifier())
        environ = {"TIDEMILL_STORE": self.url, "TIDEMILL_PREDICTION_LOG": mode, "TIDEMILL_ACCESS": "none"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.answered: list[str] = []
        self.enough = threading.Event()

    def load(self) -> None:
        """Ask until the endpoint is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = json.dumps({"instances": [ROW]})
        try:
            while True:
                connection.request("POST", f"/v1/models/{MODEL}:predict", body)
                self.answered += json.loads(connection.getresponse().read())["prediction_ids"]
                if len(self.answered) >= ANSWERS:
                    self.enough.set()
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()

    def kill_under_load(self) -> None:
        clients = [threading.Thread(target=self.load) for _ in range(4)]
        for client in clients:
            client.start()
        assert self.enough.wait(30)
        self.process.kill()
        for client in clients:
            client.join()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def recorded(self) -> set[str]:
        """Ids of every whole record; a record that is not whole is a failure here."""
        store = open_store(self.url, "predictions")
        lines = [line for info in store.list("") for line in store.get(info.key).data.splitlines()]
        return {json.loads(line)["prediction_id"] for line in lines}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["sync", "buffered", "off"])
def test_a_killed_endpoint_loses_what_its_mode_says_and_no_more(tmp_path: Path, mode: str) -> None:
    endpoint = Endpoint(tmp_path, mode)
    endpoint.kill_under_load()
    answered, recorded = set(endpoint.answered), endpoint.recorded()
    assert len(answered) == len(endpoint.answered) >= ANSWERS
    if mode == "sync":
        assert answered <= recorded
    elif mode == "buffered":
        pages = {place_of(each).key for each in answered - recorded}
        assert len(pages) <= 2
    else:
        assert recorded == set()
