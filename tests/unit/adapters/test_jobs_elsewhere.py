"""Job runners that are no cloud's of Amazon: child processes, and Cloud Run's API as it is documented."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import requests

from core.adapters.jobs import open_jobs
from core.adapters.jobs_cloud_run import CloudRunJobs, open_cloud_run
from core.adapters.jobs_process import ProcessJobs
from core.errors import BadInput, Permanent, Transient

JOB = "projects/acme/locations/europe-west1/jobs/train"


class Stub(BaseHTTPRequestHandler):
    """Answers `status`, and keeps what was asked."""

    status: ClassVar[int] = 200
    asked: ClassVar[list[tuple[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.asked.append((self.path, json.loads(body)))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b'{"error": "no"}')

    def log_message(self, *arguments: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def cloud_run() -> Iterator[CloudRunJobs]:
    Stub.status, Stub.asked = 200, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with requests.Session() as session:
        yield CloudRunJobs(session, JOB, f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


def test_cloud_run_is_told_what_to_do(cloud_run: CloudRunJobs) -> None:
    cloud_run.start("train", "m-t-1", {"model": "m", "training": "t"})
    arguments = ["-m", "functions.train", "m", "t"]
    assert Stub.asked == [(f"/v2/{JOB}:run", {"overrides": {"containerOverrides": [{"args": arguments}]}})]


@pytest.mark.parametrize(("status", "kind"), [(403, Permanent), (404, Permanent), (429, Transient), (503, Transient)])
def test_a_refusal_of_cloud_run_is_ours(cloud_run: CloudRunJobs, status: int, kind: type[Exception]) -> None:
    Stub.status = status
    with pytest.raises(kind, match=str(status)):
        cloud_run.start("train", "m-t-1", {})


def test_nobody_there_is_transient() -> None:
    with requests.Session() as session, pytest.raises(Transient):
        CloudRunJobs(session, JOB, "http://127.0.0.1:9").start("train", "m-t-1", {})


def test_the_url_must_be_whole() -> None:
    with pytest.raises(BadInput, match="cloudrun://PROJECT/REGION/JOB"):
        open_cloud_run(urlsplit("cloudrun://acme/europe-west1"), {})


def test_a_process_runs_once_by_name_and_again_only_if_it_failed(caplog: pytest.LogCaptureFixture) -> None:
    jobs = open_jobs("process://", {})
    assert isinstance(jobs, ProcessJobs)
    jobs.start("nothing", "n-1", {})  # there is no functions.nothing: it ends with an error
    deadline = time.monotonic() + 60
    while "ended with code" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    caplog.clear()
    jobs.start("nothing", "n-1", {})
    while "ended with code" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
