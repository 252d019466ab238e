"""The other runtimes that a release runs on, each asked to answer rows: Node.js, a browser, and a program in C."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self

import onnxruntime

from tests.servers.process import CannotStart
from tests.servers.programs import NODE, installed
from tests.web.browsing import BROWSER, chromium

Row = dict[str, Any]
Answer = dict[str, Any]

EDGE = Path(__file__).parents[3] / "edge"
PAGE = Path(__file__).parent / "page.mjs"
PATIENCE = 240


def lines(rows: Sequence[Row]) -> str:
    """JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def run(command: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    """What a program prints that is given this text."""
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=PATIENCE)


def node(release: Path, trust: Path, rows: Sequence[Row]) -> subprocess.CompletedProcess[str]:
    """What `score.mjs` prints."""
    installed(EDGE / "node", "onnxruntime-node/dist/index.js")
    command = [str(NODE), str(EDGE / "node" / "score.mjs"), str(release), "--trust", str(trust)]
    return run(command, lines(rows))


def pack(release: Path, trust: Path, site: Path) -> Path:
    """The folder that a static server serves."""
    installed(EDGE / "web", "onnxruntime-web/package.json")
    command = [str(NODE), str(EDGE / "web" / "pack.mjs"), "--release", str(release), "--trust", str(trust)]
    done = run([*command, "--output", str(site)])
    if done.returncode:
        raise CannotStart(f"pack.mjs: {done.stderr}")
    return site


def build_c(folder: Path) -> Path:
    """The program in C, on the library of this environment's onnxruntime; every warning of the compiler is an error."""
    if shutil.which("cc") is None or shutil.which("make") is None:
        raise CannotStart("there is no C compiler: install it, such as by `apt-get install gcc make libc6-dev`.")
    (library,) = Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so.*")
    done = run(["make", "-C", str(EDGE / "c"), f"BUILD={folder}", f"ORT_LIBRARY={library}"])
    if done.returncode:
        raise CannotStart(f"the program in C: {done.stderr}")
    return folder / "score"


def c(program: Path, release: Path, rows: Sequence[Row]) -> subprocess.CompletedProcess[str]:
    """What `score` prints."""
    return run([str(program), str(release)], table(rows))


def table(rows: Sequence[Row]) -> str:
    """CSV with a head."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@contextmanager
def serving(site: Path, port: int = 0) -> Iterator[str]:
    """A static server, as plain as there is one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(site)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class Browser:
    """A browser with a page in it, told what to do a step at a time."""

    def __init__(self) -> None:
        installed(BROWSER, "playwright-core/index.js")
        job = json.dumps({"browser": chromium(), "modules": str(BROWSER / "package.json")})
        self._process = subprocess.Popen(
            [str(NODE), str(PAGE), job], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE)
        self._process.stdout.close()

    def do(self, step: str, *given: object) -> Any:
        """What a step of `page.mjs` sees."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([step, *given]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise CannotStart("the browser ended; its last words are above.")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{step}: {answer['error']}")
        return answer["seen"]
