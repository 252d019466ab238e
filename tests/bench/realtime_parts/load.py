"""Ask a server over kept connections, as fast as it answers, and tell how long answers took.

`python -m tests.bench.realtime_parts.load URL BODY_FILE CLIENTS SECONDS [REQUESTS]` prints {"p50_ms", "p99_ms",
"per_second", "requests", "failed"}. One thread and plain sockets: less work a request than any server has.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Client:
    """One connection that always has one request under way."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._answer = b""

    def ask(self) -> None:
        self.asked = time.perf_counter()
        self.socket.sendall(self._request)

    def receive(self) -> tuple[float, bool] | None:
        """Seconds since it was asked and whether that was 200, once the answer is whole."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed the connection")
        self._answer += part
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank:
            return None
        length = LENGTH.search(head)
        assert length is not None, head
        if len(body) < int(length[1]):
            return None
        self._answer = b""
        return time.perf_counter() - self.asked, head[9:12] == b"200"


def load(url: str, body: bytes, clients: int, seconds: float, requests: int) -> dict[str, float]:
    """Ask for `seconds`, or until `requests` are answered; one at least is waited for."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    head = f"POST {path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    selector = selectors.DefaultSelector()
    asking = [Client((parts.hostname or "", parts.port or 80), request) for _ in range(clients)]
    for client in asking:
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.ask()
    times: list[float] = []
    failed = 0
    began = time.perf_counter()
    while not times or (time.perf_counter() - began < seconds and len(times) < requests):
        for key, _ in selector.select():
            if answered := key.data.receive():
                times.append(answered[0])
                failed += not answered[1]
                key.data.ask()
    took = time.perf_counter() - began
    times.sort()
    return {
        "p50_ms": round(times[len(times) // 2] * 1e3, 4),
        "p99_ms": round(times[len(times) * 99 // 100] * 1e3, 4),
        "per_second": round(len(times) / took, 1),
        "requests": len(times),
        "failed": failed,
    }


if __name__ == "__main__":
    url, file, clients, seconds, *most = sys.argv[1:]
    result = load(url, Path(file).read_bytes(), int(clients), float(seconds), int(most[0]) if most else sys.maxsize)
    sys.stdout.write(json.dumps(result) + "\n")
