"""A large object is uploaded in bounded memory, and from a folder read in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

MEGABYTES = 384
UPLOAD = """
import sys
from core.adapters.registry import open_url
from tests.memory import peak_mb
store = open_url(sys.argv[1], {"AWS_ACCESS_KEY_ID": "x"})
before = peak_mb()
info = store.put_stream("big", (bytes(1 << 20) for _ in range(int(sys.argv[2]))))
assert info.size == int(sys.argv[2]) << 20
if sys.argv[1].startswith("file"):
    assert sum(map(len, store.stream("big"))) == info.size
print(peak_mb() - before)
"""


class Discarding(BaseHTTPRequestHandler):
    """As much of S3's multipart upload as an upload needs; keeps nothing."""

    def do_POST(self) -> None:
        self._discard()
        if "uploads" in self.path.partition("?")[2].split("=")[0]:
            self._send(b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
        else:
            self._send(b"<CompleteMultipartUploadResult><ETag>&quot;1&quot;</ETag></CompleteMultipartUploadResult>")

    def do_PUT(self) -> None:
        self._discard()
        self._send(b"")

    def _discard(self) -> None:
        left = int(self.headers["content-length"] or 0)
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("etag", '"1"')
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _megabytes_grown(url: str, **environ: str) -> int:
    command = [sys.executable, "-c", UPLOAD, url, str(MEGABYTES)]
    return int(subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout)


def test_to_s3() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Discarding) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            endpoint = f"http://127.0.0.1:{server.server_port}"
            keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
            grown = _megabytes_grown("s3://acme", AWS_ENDPOINT_URL=endpoint, **keys)
        finally:
            server.shutdown()
            thread.join()
    assert grown < 128


def test_to_a_folder_and_from_it(tmp_path: Path) -> None:
    assert _megabytes_grown(f"file://{tmp_path}/zone") < 32
