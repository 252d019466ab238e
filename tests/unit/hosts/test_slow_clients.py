"""Clients that take too long to ask are cut off, through a real server; those that are answered or idle are not."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from core.hosts.asgi import App, Server
from tests.penguins import MODEL, ROW, Desk

PATIENCE = 0.5
HEAD = f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n"
SLOW = {
    "silence": b"",
    "half a head": HEAD.encode(),
    "no body": f"{HEAD}\r\n".encode(),
    "half": f"{HEAD}\r\n{{".encode(),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(App(Desk(default_models=[MODEL]).service), patience=PATIENCE) as server:
        yield server


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_a_request_that_is_not_there_in_time_is_cut_off(server: Server, sent: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1000) == b""


def test_trickling_helps_nobody(server: Server) -> None:
    address = server.host, server.port
    with socket.create_connection(address, timeout=10) as connection, pytest.raises(ConnectionError):
        trickle(connection)


def trickle(connection: socket.socket) -> None:
    for _ in range(500):
        connection.sendall(b"a")
        time.sleep(0.02)


def test_an_idle_connection_is_kept(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        client.get("/ping")
        time.sleep(PATIENCE + 2)
        client.get("/ping")
        with socket.create_connection((server.host, server.port)):
            pass
        assert len(client._transport._pool.connections) == 1  # type: ignore[attr-defined]


def test_a_request_that_is_answered_slowly_is_answered() -> None:
    desk = Desk(default_models=[MODEL])
    asked, answer = threading.Event(), desk.service.handle

    def slowly(request: object) -> object:
        asked.set()
        time.sleep(PATIENCE + 1.5)
        return answer(request)  # type: ignore[arg-type]

    desk.service.handle = slowly  # type: ignore[assignment, method-assign]
    desk.service.short = None
    desk.service.may_wait = lambda _request: True  # type: ignore[method-assign]
    found: list[int] = []
    with Server(App(desk.service), patience=PATIENCE) as server:
        url = f"{server.url}/v1/models/{MODEL}:predict"
        client = threading.Thread(
            target=lambda: found.append(httpx.post(url, json={"instances": [ROW]}, timeout=20).status_code)
        )
        client.start()
        assert asked.wait(10)
    client.join()
    assert found == [200], "it was asked before the server was told to stop"
