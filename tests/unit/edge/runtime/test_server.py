from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from core.errors import BadInput, Refused
from core.hosts import asgi
from core.inference.http import Request, Response, json_response
from edge.runtime.server import Server
from edge.runtime.serving import Serving
from tests import penguins

from .devices import Bench

PREDICT = f"/v1/models/{penguins.MODEL}:predict"
INFER = f"/v2/models/{penguins.MODEL}/infer"
ROWS = {"instances": penguins.rows(6)}
TENSORS = {
    "inputs": [
        {"name": "island", "shape": [1], "datatype": "BYTES", "data": ["Dream"]},
        {"name": "sex", "shape": [1], "datatype": "BYTES", "data": ["female"]},
        {"name": "bill_length", "shape": [1], "datatype": "FP64", "data": [39.5]},
        {"name": "flipper_length", "shape": [1], "datatype": "INT64", "data": [186]},
        {"name": "heavy", "shape": [1], "datatype": "BOOL", "data": [False]},
    ]
}
REQUESTS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/v2", None),
    ("GET", "/v2/health/live", None),
    ("GET", "/v2/health/ready", None),
    ("GET", f"/v2/models/{penguins.MODEL}", None),
    ("GET", f"/v2/models/{penguins.MODEL}/versions/{1:016x}/ready", None),
    ("POST", INFER, TENSORS),
    ("GET", f"/v1/models/{penguins.MODEL}", None),
    ("POST", PREDICT, ROWS),
    ("POST", f"/v1/models/{penguins.MODEL}/versions/{1:016x}:predict", ROWS),
    ("GET", "/ping", None),
    ("POST", "/invocations", ROWS),
    ("POST", PREDICT, {"instances": [{**penguins.ROW, "bill_length": "long"}]}),
    ("POST", PREDICT, {"instances": [{**penguins.ROW, "species": "Adelie"}]}),
    ("POST", "/v1/models/nobody:predict", ROWS),
    ("GET", PREDICT, None),
    ("GET", "/nowhere", None),
)
ID = re.compile(rb"penguins\.r\.[0-9-]+\.[0-9a-z]+-\d+\.")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    bench = Bench(tmp_path_factory.mktemp("device"))
    bench.install(penguins.classifier(1))
    with Server(Serving(bench.root, bench.device)) as serving:
        yield serving


@pytest.fixture(scope="module")
def cloud() -> Iterator[asgi.Server]:
    with asgi.Server(asgi.App(penguins.Desk(default_models=(penguins.MODEL,)).service)) as serving:
        yield serving


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send a request: `body` as it is if bytes, else as JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, {"content-type": "application/json", **names})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def raw(port: int, data: bytes, *, more: bytes = b"", then: float = 0.0) -> bytes:
    """Send bytes as they are; all that comes back until the other end closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(data)
        if more:
            time.sleep(then)
            client.sendall(more)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while piece := client.recv(65536):
            received += piece
        return received


@pytest.mark.parametrize(
    ("method", "path", "body"), REQUESTS, ids=[f"{each[0]}-{n}" for n, each in enumerate(REQUESTS)]
)
def test_it_answers_to_the_byte_as_the_cloud_does(
    server: Server, cloud: asgi.Server, method: str, path: str, body: Any
) -> None:
    ours, theirs = (ask(each.port, method, path, body, x_request_id="r-1") for each in (server, cloud))
    assert ours[0] == theirs[0]
    assert ID.sub(b"", ours[2]) == ID.sub(b"", theirs[2])
    kept = {"content-type", "x-request-id", "x-tidemill-model-version", "allow", "content-length"}
    assert {name: ours[1][name] for name in ours[1] if name in kept - {"content-length"}} == {
        name: theirs[1][name] for name in theirs[1] if name in kept - {"content-length"}
    }
    assert int(ours[1]["content-length"]) == len(ours[2])


def test_the_document_lists_the_same_paths(server: Server, cloud: asgi.Server) -> None:
    ours, theirs = (json.loads(ask(each.port, "GET", "/openapi.json")[2]) for each in (server, cloud))
    assert set(ours["paths"]) == set(theirs["paths"])


def test_a_connection_is_kept_and_head_has_no_body(server: Server) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
        sockets = set()
        for method, path, data in (("POST", PREDICT, json.dumps(ROWS)), ("HEAD", "/v2", None), ("GET", "/v2", None)):
            connection.request(method, path, data)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200
            assert (body == b"") == (method == "HEAD")
            assert connection.sock is not None
            sockets.add(connection.sock.fileno())
        assert len(sockets) == 1


def test_requests_behind_each_other_are_answered_in_order(server: Server) -> None:
    head = b"GET /v2/health/%s HTTP/1.1\r\nhost: localhost\r\n%s\r\n"
    answers = raw(server.port, head % (b"live", b"") + b"\r\n" + head % (b"ready", b"connection: close\r\n"))
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.index(b'"live"') < answers.index(b'"ready"')


def test_a_body_may_come_in_chunks_and_zipped(server: Server) -> None:
    data = json.dumps(ROWS).encode()
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: [::1]\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    chunks = b"%x;why=not\r\n%b\r\n%x\r\n%b\r\n0\r\ntrailer: yes\r\n\r\n" % (7, data[:7], len(data) - 7, data[7:])
    assert b"200 OK" in raw(server.port, head + chunks)
    status, _, body = ask(server.port, "POST", PREDICT, gzip.compress(data), content_encoding="gzip")
    assert (status, len(json.loads(body)["predictions"])) == (200, 6)


def test_a_client_that_asks_first_is_told_to_go_on(server: Server) -> None:
    data = json.dumps(ROWS).encode()
    head = (
        f"POST {PREDICT} HTTP/1.1\r\nhost: 127.0.0.1:1\r\nexpect: 100-continue\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    answer = raw(server.port, head.encode(), more=data, then=0.05)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_a_name_may_be_escaped_and_a_target_whole(server: Server) -> None:
    assert ask(server.port, "GET", "/v2/models/%70enguins")[0] == 200
    whole = b"GET http://localhost/v2/health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    assert b"200 OK" in raw(server.port, whole)


MALFORMED = (
    b"GET /v2 HTTP/2\r\n\r\n",
    b"GET  /v2 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"G@T /v2 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET v2 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET /v2 HTTP/1.1\r\n\r\n",
    b"GET /v2 HTTP/1.1\r\nhost: localhost\r\n folded\r\n\r\n",
    b"GET /v2 HTTP/1.1\r\nhost : localhost\r\n\r\n",
    b"GET /v2 HTTP/1.1\r\nhost: localhost\r\nhost: elsewhere\r\n\r\n",
    b"POST /v2 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    b"POST /v2 HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
    b"POST /v2 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    b"POST /v2 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip\r\n\r\n",
    b"POST /v2 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nhello\r\n",
    b"POST /v2 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
    b"GET /" + b"x" * 70_000,
)


@pytest.mark.parametrize("data", MALFORMED, ids=[str(n) for n in range(len(MALFORMED))])
def test_what_is_no_request_is_refused_and_the_connection_closed(server: Server, data: bytes) -> None:
    answer = raw(server.port, data)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"connection: close\r\n" in answer
    assert set(json.loads(answer.partition(b"\r\n\r\n")[2])) == {"error"}


@pytest.mark.parametrize(
    "data", [b"", b"GET /v2", b"\r\n\r\n", b"POST /v2 HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nab"]
)
def test_who_leaves_in_the_midst_of_it_gets_no_answer(server: Server, data: bytes) -> None:
    assert raw(server.port, data) == b""


def test_a_body_beyond_the_limit_is_refused_whether_it_is_read_or_not(server: Server) -> None:
    status, _, body = ask(server.port, "POST", PREDICT, b"x" * (7 * 1024 * 1024))
    assert (status, set(json.loads(body))) == (413, {"error"})
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {10**9}\r\n\r\n".encode()
    answer = raw(server.port, head)
    assert b"413" in answer.splitlines()[0]
    assert b"connection: close" in answer


def test_pages_of_strangers_are_refused(server: Server) -> None:
    for host in ("tidemill.example", "127.0.0.1.example:80", "192.168.0.7"):
        status, _, body = ask(server.port, "GET", "/v2", host=host)
        assert status == 421
        assert host in json.loads(body)["error"]


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.0.7", "::"])
def test_it_binds_no_address_but_loopback(host: str) -> None:
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        Server(Slow(), host)


def test_a_port_that_is_taken_is_told_of(server: Server) -> None:
    with pytest.raises(BadInput, match="choose another"):
        Server(Slow(), port=server.port)


class Slow:
    """Answers when it is let go."""

    max_body = 1000

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.closed = False

    def start(self) -> None: ...

    def tick(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def handle(self, request: Request) -> Response:
        time.sleep(self.seconds)
        answer = json_response({"path": request.path})
        return Response(200, {**answer.headers, "content-length": str(len(answer.body))}, answer.body)


def test_who_dawdles_is_cut_off_and_who_is_idle_too() -> None:
    with Server(Slow(), patience=0.2, idle=0.2) as server:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow:
            slow.sendall(b"GET / HT")
            assert slow.recv(100) == b""
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as idle:
            assert idle.recv(100) == b""
        assert time.monotonic() - began > 0.3


def test_one_client_too_many_is_told_to_come_again() -> None:
    with Server(Slow(), connections=1) as server, socket.create_connection(("127.0.0.1", server.port)) as first:
        first.sendall(b"GET /1 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert b"200 OK" in first.recv(1000)
        assert b"503" in raw(server.port, b"")


def test_stopping_answers_what_was_asked_and_lets_go_of_who_is_idle() -> None:
    answers = Slow(0.3)
    server = Server(answers)
    server.start()
    with (
        socket.create_connection(("127.0.0.1", server.port)) as idle,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as asking,
    ):
        asking.sendall(b"GET /last HTTP/1.1\r\nhost: localhost\r\n\r\n")
        time.sleep(0.1)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5
        assert b'{"path":"/last"}' in asking.recv(1000)
        assert idle.recv(10) == b""
    assert answers.closed
