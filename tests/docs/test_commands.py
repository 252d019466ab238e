"""Every command that the documentation shows is run, in order, in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from .markdown import ROOT, Block, blocks, fits

BIN = Path(sys.executable).parent
WINTER = [f"tidemill put flights-delay examples/flights/2013-{month}.csv.gz" for month in ("01", "02", "03")]
TRAINED = Block("\n".join([*WINTER, "tidemill drain"]), 0)
DOCUMENTS = {
    "README.md": [],
    "CONTRIBUTING.md": [],
    "docs/getting-started.md": [],
    "docs/http.md": [TRAINED],
    "docs/edge.md": [TRAINED],
}
PORT = "8080"


def test_every_document_with_commands_is_run():
    found = {
        path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if blocks(path)
    }
    assert found == set(DOCUMENTS)


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document_work(document, tmp_path):
    folder = workspace(tmp_path)
    port = str(free_port())
    with background(folder, port) as start:
        for block in [*DOCUMENTS[document], *blocks(ROOT / document)]:
            text = block.text.replace(PORT, port)
            if block.server:
                start(text)
            else:
                run(folder, text, block, document)


def workspace(tmp_path):
    """A folder as a reader has it after cloning: examples and specs are there."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shutil.copytree(ROOT / "models", tmp_path / "models")
    tools = tmp_path / ".tools"
    tools.mkdir()
    if shutil.which("curl") is None:
        curl = tools / "curl"
        curl.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).parent / "curl.py"}" "$@"\n')
        curl.chmod(0o755)
    return tmp_path


def environment(folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEMILL_")}
    return kept | {"PATH": f"{BIN}:{folder / '.tools'}:{os.environ['PATH']}", "no_proxy": "*"}


def run(folder, text, block, document):
    done = subprocess.run(
        ["bash", "-eu", "-c", text],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    told = f"{document}:{block.line}:\n{text}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, told
    assert fits(block.output, done.stdout), f"{told}\ndoes not show\n{block.output}"


@contextmanager
def background(folder, port):
    """Starts servers, each in a process group of its own, and stops them at the end."""
    running = []

    def start(text):
        log = (folder / "server.log").open("w")
        server = subprocess.Popen(
            ["bash", "-eu", "-c", f"exec {text}"], cwd=folder, env=environment(folder), stdout=log, stderr=log
        )
        running.append((server, log))
        wait_until_it_answers(f"http://127.0.0.1:{port}/v2/health/live", server, folder / "server.log")

    try:
        yield start
    finally:
        for server, log in running:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
            log.close()


def wait_until_it_answers(url, server, log):
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail(f"{url} did not answer:\n{log.read_text()}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
