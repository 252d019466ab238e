"""SIGTERM to a container under load: what is under way is answered, what was answered is recorded, and it ends well."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.adapters.registry import open_store
from tests import penguins
from tests.penguins import MODEL, ROW
from tests.servers.process import free_port

ROOT = Path(__file__).parents[2]
ANSWERS = 150
"""Answers that are waited for before the process is told to stop, while others are under way."""
PATIENCE = 60.0


class Container:
    """The container's own program in a process, and the ids of everything that it answered."""

    def __init__(self, folder: Path) -> None:
        self.url = f"file://{folder}/{{zone}}"
        models = open_store(self.url, "models")
        penguins.classifier().store(models)
        penguins.route(models, penguins.classifier())
        self.port = free_port()
        environ = {"TIDEMILL_STORE": self.url, "TIDEMILL_SERVE": MODEL, "TIDEMILL_PORT": str(self.port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "functions.realtime_inference.container"],
            cwd=ROOT,
            env={**os.environ, **environ, "TIDEMILL_ACCESS": "none"},
        )
        self.answered: list[str] = []
        self.enough = threading.Event()
        self._clients = [threading.Thread(target=self._ask_until_it_is_gone) for _ in range(4)]

    def listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
        except OSError:
            return False
        return True

    def start_load(self) -> None:
        wait_until(self.listens)
        for client in self._clients:
            client.start()
        assert self.enough.wait(PATIENCE)

    def end_load(self) -> None:
        for client in self._clients:
            client.join()

    def _ask_until_it_is_gone(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            while True:
                connection.request("POST", f"/v1/models/{MODEL}:predict", json.dumps({"instances": [ROW]}))
                self.note(connection.getresponse())
        except (OSError, http.client.HTTPException):
            connection.close()

    def note(self, answer: http.client.HTTPResponse) -> None:
        """Every answer that has begun must be whole, and a good one."""
        assert answer.status == 200
        self.answered += json.loads(answer.read())["prediction_ids"]
        if len(self.answered) >= ANSWERS:
            self.enough.set()

    def recorded(self) -> list[str]:
        store = open_store(self.url, "predictions")
        lines = [line for info in store.list("") for line in store.get(info.key).data.splitlines()]
        return [json.loads(line)["prediction_id"] for line in lines]


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    container = Container(tmp_path)
    yield container
    container.process.kill()
    container.process.wait()


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def half_asked(container: Container) -> tuple[http.client.HTTPConnection, bytes]:
    """A request of which half was sent and seen, and the other half."""
    body = json.dumps({"instances": [ROW] * 50}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", container.port, timeout=PATIENCE)
    connection.putrequest("POST", f"/v1/models/{MODEL}:predict")
    connection.putheader("content-length", str(len(body)))
    connection.putheader("expect", "100-continue")  # the endpoint tells by it that it waits for the body
    connection.endheaders()
    told = connection.sock.recv(1 << 16)
    assert told.startswith(b"HTTP/1.1 100 ")
    connection.send(body[: len(body) // 2])
    return connection, body[len(body) // 2 :]


@pytest.mark.slow
def test_a_stopped_container_answers_what_is_under_way_and_loses_nothing(container: Container) -> None:
    container.start_load()
    under_way, rest = half_asked(container)
    container.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not container.listens())
    under_way.send(rest)
    answer = under_way.getresponse()
    assert answer.headers["connection"] == "close"
    container.note(answer)
    under_way.close()
    container.end_load()
    assert container.process.wait(PATIENCE) == 0
    assert len(container.answered) == len(set(container.answered)) >= ANSWERS + 50
    assert set(container.answered) <= set(container.recorded())
    assert len(container.recorded()) == len(set(container.recorded()))
