"""AWS Lambda's Runtime API, as far as a runtime uses it: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

`process` starts a real awslambdaric, the runtime client that Lambda's own Python runtimes and images have in them.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
INVOCATIONS = "/2018-06-01/runtime/invocation/"
INIT_ERROR = "/2018-06-01/runtime/init/error"
PATIENCE = 60.0


class RuntimeApi(ThreadingHTTPServer):
    """Hands out events and takes their answers, one at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any, float]] = queue.Queue()
        self.ready = threading.Event()

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API is to be."""
        return f"127.0.0.1:{self.server_address[1]}"

    def invoke(self, event: object) -> Any:
        """What the function answers; raises AssertionError if it fails."""
        self.events.put(event)
        kind, answer, _ = self.answers.get(timeout=PATIENCE)
        assert kind == "response", answer
        return answer

    def handle_error(self, request: object, client_address: object) -> None:
        """A runtime that is killed breaks its connection; anything else is a mistake of this server."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        """Wait for the next event."""
        assert self.path == INVOCATIONS + "next"
        self.server.ready.set()
        event = json.dumps(self.server.events.get()).encode()
        deadline = str(int((time.time() + 29) * 1000))
        arn = "arn:aws:lambda:us-east-1:123456789012:function:realtime"
        for_function = {"Deadline-Ms": deadline, "Invoked-Function-Arn": arn, "Trace-Id": "Root=1-5e1b4151-0"}
        self._send(200, event, {"Aws-Request-Id": f"request-{time.monotonic_ns()}", **for_function})

    def do_POST(self) -> None:
        """Take an answer, or an error."""
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        arrived = time.perf_counter()
        kind = "init" if self.path == INIT_ERROR else self.path.rsplit("/", 1)[-1]
        self.server.answers.put((kind, json.loads(body), arrived))
        self._send(202, b"{}", {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(f"Lambda-Runtime-{name}", value)
        self.send_header("content-type", "application/json")  # without it awslambdaric 4.2 ends by a segmentation fault
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


@contextmanager
def runtime_api() -> Iterator[RuntimeApi]:
    """The API on a free port."""
    with RuntimeApi() as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield api
        finally:
            api.shutdown()
            thread.join()


@contextmanager
def process(api: RuntimeApi, handler: str, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """awslambdaric in a process of its own, with this interpreter and nothing of this process's environment."""
    needed = {"PATH": os.defpath, "AWS_LAMBDA_RUNTIME_API": api.address, "PYTHONPATH": str(ROOT), **environ}
    command = [sys.executable, "-m", "awslambdaric", handler]
    running = subprocess.Popen(command, cwd=ROOT, env=needed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()
