"""A store that falters: between a function and the local AWS, some requests are refused for a while, or wait."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from localstack.cloud import Cloud

from .stack import PREFIX

Test = Callable[[str, str], bool]
"""Whether a request is meant, by method and path."""


def _none(method: str, path: str) -> bool:
    return False


@dataclass
class Faults:
    """What is refused with 503, what never gets an answer, and what was asked for."""

    refused: Test = _none
    held: Test = _none
    asked: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def end(self) -> None:
        """From now on all is well; what was held is dropped."""
        self.refused = self.held = _none
        self.over.set()


@contextmanager
def faltering(cloud: Cloud, function: str, **settings: Any) -> Iterator[Faults]:
    """Inside of the `with`, a function reaches AWS through `Faults`, and has other settings besides."""
    faults = Faults()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cloud, faults))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name, client = f"{PREFIX}{function}", cloud.client("lambda")
    before = client.get_function_configuration(FunctionName=name)
    variables = {**before["Environment"]["Variables"], "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
    try:
        _configure(client, name, Environment={"Variables": variables}, **settings)
        yield faults
    finally:
        faults.end()
        _configure(client, name, Environment=before["Environment"], **{key: before[key] for key in settings})
        server.shutdown()
        server.server_close()


def _configure(client: Any, name: str, **settings: Any) -> None:
    client.update_function_configuration(FunctionName=name, **settings)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


def _handler(cloud: Cloud, faults: Faults) -> type[BaseHTTPRequestHandler]:
    host = urlsplit(cloud.url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            faults.asked.append((self.command, self.path))
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            if faults.held(self.command, self.path):
                faults.over.wait()
                self.close_connection = True
            elif faults.refused(self.command, self.path):
                self.send_response(503)
                self.send_header("content-length", "0")
                self.end_headers()
            else:
                self._pass_on(sent)

        def _pass_on(self, sent: bytes) -> None:
            """As it came: the signature holds the name of the host."""
            inner = http.client.HTTPConnection(host, timeout=60)
            inner.request(self.command, self.path, sent, dict(self.headers.items()))
            answer = inner.getresponse()
            data = answer.read()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "connection"}:
                    self.send_header(name, value)
            if answer.getheader("content-length") is None:
                self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            inner.close()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
            """Nothing: the local AWS logs what it is asked."""

    for verb in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        setattr(Handler, f"do_{verb}", Handler._answer)
    return Handler
