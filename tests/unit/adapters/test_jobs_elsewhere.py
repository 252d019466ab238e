"""Job runners that are no cloud's of Amazon: child processes, and the APIs of others as they are documented."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import jsonschema
import kubernetes_validate
import pytest
import requests

from core.adapters.azure_identity import Identity
from core.adapters.jobs import open_jobs
from core.adapters.jobs_cloud_run import CloudRunJobs, open_cloud_run
from core.adapters.jobs_container_apps import ContainerAppsJobs, open_container_apps
from core.adapters.jobs_kubernetes import KubernetesJobs, job_name
from core.adapters.jobs_process import ProcessJobs
from core.errors import BadInput, Permanent, Transient, Unsupported
from tests.clouds.provider_schema import discovery, json_schema

JOB = "projects/acme/locations/europe-west1/jobs/train"


@pytest.mark.parametrize(
    ("url", "module", "hint"),
    [
        ("lambda://f", "jobs_lambda", "pip install boto3"),
        ("cloudrun://p/r/j", "jobs_cloud_run", "pip install google-auth requests"),
    ],
)
def test_what_a_runner_needs_is_told_by_its_scheme(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, hint: str
) -> None:
    monkeypatch.setitem(sys.modules, f"core.adapters.{module}", None)
    with pytest.raises(Unsupported, match=hint):
        open_jobs(url, {})


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


@pytest.mark.slow
def test_cloud_run_documents_what_it_is_asked(cloud_run: CloudRunJobs) -> None:
    cloud_run.start("train", "m-t-1", {"model": "m"})
    ((path, body),) = Stub.asked
    methods = discovery("run.v2")["resources"]["projects"]["resources"]["locations"]["resources"]["jobs"]["methods"]
    run = methods["run"]
    assert run["httpMethod"] == "POST"
    assert path == f"/{run['path'].replace('{+name}', JOB)}"
    schema = json_schema("run.v2", run["request"]["$ref"])
    jsonschema.validate(body, schema)
    for wrong in ({"override": {}}, {"overrides": {"containerOverrides": [{"args": "-m"}]}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


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


class ApiServer(BaseHTTPRequestHandler):
    """Knows one CronJob, and takes each Job once."""

    jobs: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        assert self.headers["authorization"] == "Bearer secret"
        container = {"name": "train", "image": "tidemill", "command": ["python"]}
        job = {"spec": {"backoffLimit": 1, "template": {"spec": {"containers": [container]}}}}
        known = self.path == "/apis/batch/v1/namespaces/ml/cronjobs/tidemill-train"
        self.answer(200 if known else 404, {"spec": {"jobTemplate": job}} if known else {"message": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = body["metadata"]["name"]
        status = 409 if name in self.jobs else 201
        self.jobs.setdefault(name, body)
        self.answer(status, {})

    def answer(self, status: int, document: Any) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *arguments: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def api_server() -> Iterator[str]:
    ApiServer.jobs = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), ApiServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_kubernetes_starts_a_name_once(api_server: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    jobs = KubernetesJobs(api_server, "ml", "tidemill-train", tmp_path)
    (tmp_path / "namespace").write_text("ml\n")
    for each in (jobs, jobs, KubernetesJobs(api_server, "", "tidemill-train", tmp_path)):
        each.start("train", "m-t-1", {"model": "m", "training": "t"})
    ((name, made),) = ApiServer.jobs.items()
    assert name == job_name("train", "m-t-1")
    assert made["spec"]["template"]["spec"]["containers"][0]["args"] == ["-m", "functions.train", "m", "t"]
    made |= {
        "spec": {**made["spec"], "template": {"spec": {"restartPolicy": "Never", **made["spec"]["template"]["spec"]}}}
    }
    kubernetes_validate.validate(made, "1.34", strict=True)


def test_what_kubernetes_refuses_is_told(api_server: str, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="is this a pod"):
        KubernetesJobs(api_server, "ml", "tidemill-train", tmp_path / "none").start("train", "m-t-1", {})
    (tmp_path / "token").write_text("secret")
    with pytest.raises(Permanent, match="404"):
        KubernetesJobs(api_server, "ml", "other", tmp_path).start("train", "m-t-1", {})
    with pytest.raises(Transient):
        KubernetesJobs("http://127.0.0.1:9", "ml", "tidemill-train", tmp_path).start("train", "m-t-1", {})


@pytest.mark.parametrize("url", ["kubernetes://ml", "kubernetes:///", "kubernetes:///a/b", "kubernetes://ml/train"])
def test_the_url_of_kubernetes_must_be_whole_and_in_a_pod(url: str) -> None:
    with pytest.raises(BadInput, match=r"NAMESPACE/CRONJOB|KUBERNETES_SERVICE_HOST"):
        open_jobs(url, {})


AZURE_JOB = "/subscriptions/0f/resourceGroups/acme/providers/Microsoft.App/jobs/acme-train"


class Azure(BaseHTTPRequestHandler):
    """Gives tokens to whoever has the identity's header, and knows one job of Container Apps."""

    started: ClassVar[list[Any]] = []
    refused: ClassVar[int] = 0

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: value for name, (value,) in parse_qs(parts.query).items()}
        if parts.path == "/token":
            assert asked == {
                "api-version": "2019-08-01",
                "resource": "https://management.azure.com/",
                "client_id": "me",
            }
            known = self.headers["x-identity-header"] == "secret"
            self.answer(200 if known else 403, {"access_token": "T", "expires_on": "1", "token_type": "Bearer"})
        else:
            self.answer(*self.job(parts.path))

    def job(self, path: str) -> tuple[int, Any]:
        assert self.headers["authorization"] == "Bearer T"
        if path != AZURE_JOB:
            return 404, {"error": {"code": "ResourceNotFound"}}
        resources = {"cpu": 2.0, "memory": "4Gi", "ephemeralStorage": "8Gi"}
        container = {"name": "job", "image": "acme.azurecr.io/t@sha256:0", "command": ["python"], "args": ["-m", "x"]}
        container |= {"env": [{"name": "TIDEMILL_STORE", "value": "az://{zone}"}], "resources": resources, "probes": []}
        return 200, {"properties": {"template": {"containers": [container], "initContainers": None}}}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.path == f"{AZURE_JOB}/start?api-version=2024-03-01"
        assert self.headers["authorization"] == "Bearer T"
        self.started.append(body)
        self.answer(self.refused or 202, {"name": "acme-train-0a1b2c3", "id": "..."})

    def answer(self, status: int, document: Any) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *arguments: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def azure() -> Iterator[str]:
    Azure.started, Azure.refused = [], 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Azure)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_container_apps_run_the_job_as_it_is_with_other_arguments(azure: str) -> None:
    ContainerAppsJobs(Identity(f"{azure}/token", "secret", "me"), AZURE_JOB, azure).start(
        "train", "m-t-1", {"model": "m", "training": "t"}
    )
    assert Azure.started == [
        {
            "containers": [
                {
                    "name": "job",
                    "image": "acme.azurecr.io/t@sha256:0",
                    "command": ["python"],
                    "args": ["-m", "functions.train", "m", "t"],
                    "env": [{"name": "TIDEMILL_STORE", "value": "az://{zone}"}],
                    "resources": {"cpu": 2.0, "memory": "4Gi"},
                }
            ]
        }
    ]


@pytest.mark.parametrize(("status", "kind"), [(403, Permanent), (409, Permanent), (429, Transient), (503, Transient)])
def test_a_refusal_of_container_apps_is_ours(azure: str, status: int, kind: type[Exception]) -> None:
    Azure.refused = status
    with pytest.raises(kind, match=f"train cannot be started: Azure said {status}"):
        ContainerAppsJobs(Identity(f"{azure}/token", "secret", "me"), AZURE_JOB, azure).start("train", "m-t-1", {})


def test_a_missing_job_or_identity_of_azure_is_told(azure: str) -> None:
    identity = Identity(f"{azure}/token", "secret", "me")
    with pytest.raises(Permanent, match="404"):
        ContainerAppsJobs(identity, f"{AZURE_JOB}s", azure).start("train", "m-t-1", {})
    with pytest.raises(Permanent, match="managed identity said 403"):
        ContainerAppsJobs(Identity(f"{azure}/token", "no", "me"), AZURE_JOB, azure).start("train", "m-t-1", {})
    with pytest.raises(Transient):
        ContainerAppsJobs(Identity("http://127.0.0.1:9", "", ""), AZURE_JOB, azure).start("train", "m-t-1", {})
    assert Azure.started == []


def test_the_url_of_azure_must_be_whole_and_in_azure() -> None:
    here = {"IDENTITY_ENDPOINT": "http://localhost:42356/msi/token", "IDENTITY_HEADER": "secret"}
    jobs = open_jobs("azurejobs://0f/acme/acme-train", here)
    assert jobs == ContainerAppsJobs(Identity(here["IDENTITY_ENDPOINT"], "secret"), AZURE_JOB)
    for wrong in ("azurejobs://0f/acme", "azurejobs:///acme/train", "azurejobs://0f/acme/a/b"):
        with pytest.raises(BadInput, match="SUBSCRIPTION/RESOURCE_GROUP/JOB"):
            open_container_apps(urlsplit(wrong), here)
    with pytest.raises(BadInput, match="IDENTITY_ENDPOINT"):
        open_jobs("azurejobs://0f/acme/acme-train", {})


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
