"""Azure Blob Storage as a managed identity: the environment of a container app is enough."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from core.adapters.registry import open_store


class Azure(BaseHTTPRequestHandler):
    """Gives tokens as a container app's identity endpoint does, and takes blobs from who has one."""

    asked: ClassVar[list[tuple[str, Any]]] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.asked.append((self.headers["x-identity-header"], parse_qs(parts.query)))
        token = {"access_token": "T", "expires_in": "86000", "resource": "r", "token_type": "Bearer"}
        self.answer(200, json.dumps({**token, "expires_on": "4102444800"}).encode())

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        allowed = self.headers["authorization"] == "Bearer T" and self.headers["if-none-match"] == "*"
        self.answer(201 if allowed else 403, b"")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("etag", '"0x1"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_the_identity_of_a_container_app_is_found_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    Azure.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Azure) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        given = {"AZURE_STORAGE_ACCOUNT_NAME": "acme", "AZURE_STORAGE_ENDPOINT": url, "AZURE_CLIENT_ID": "me"}
        for name, value in {**given, "IDENTITY_ENDPOINT": f"{url}/msi/token", "IDENTITY_HEADER": "secret"}.items():
            monkeypatch.setenv(name, value)
        try:
            assert open_store("az://{zone}", "datasets", given).create("a", b"1").version == "0x1"
        finally:
            server.shutdown()
            thread.join()
    ((header, query),) = Azure.asked
    assert header == "secret"
    assert (query["client_id"], query["resource"]) == (["me"], ["https://storage.azure.com"])
