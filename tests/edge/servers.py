"""Real HTTP servers: one that a device can trust to send bytes, and ones that it cannot."""

from __future__ import annotations

import gzip
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, "Asked"], None]


@dataclass
class Asked:
    """A request: method, path without the leading slash, header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def range(self) -> tuple[int, int] | None:
        """First and last byte."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        return None if found is None else (int(found[1]), int(found[2]))


@dataclass
class Log:
    """What a server was asked, and how many bytes it sent."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Log]:
    """A server on a free port that answers by `behaviour`, until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    log = Log(f"http://127.0.0.1:{listening.getsockname()[1]}")
    accepting = threading.Thread(target=_accept, args=(listening, behaviour, log), daemon=True)
    accepting.start()
    try:
        yield log
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(5)


def _accept(listening: socket.socket, behaviour: Behaviour, log: Log) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, behaviour, log), daemon=True).start()


def _serve(client: socket.socket, behaviour: Behaviour, log: Log) -> None:
    with client:
        while (asked := _read(client)) is not None:
            log.asked.append(asked)
            try:
                behaviour(client, asked)
            except OSError:
                return


def _read(client: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            more = client.recv(65536)
        except OSError:
            return None
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += client.recv(65536)
    method, target, _ = first.split(" ")
    return Asked(method, target.lstrip("/"), headers, body)


def send(client: socket.socket, status: str, headers: dict[str, object], body: bytes = b"") -> None:
    """Send an answer whose length is told, unless the headers say otherwise."""
    told = {"content-length": len(body), **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items() if value is not None)]
    client.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def close(client: socket.socket) -> None:
    """Cut the connection."""
    client.shutdown(socket.SHUT_RDWR)
    client.close()


def objects(found: dict[str, bytes], *, cut_after: int | None = None) -> Behaviour:
    """An honest server of these objects with ranges; it may cut the connection after so many bytes of each answer."""

    def answer(client: socket.socket, asked: Asked) -> None:
        data = found.get(asked.path)
        if data is None:
            return send(client, "404 Not Found", {})
        if asked.range is None:
            return send(client, "200 OK", {}, data)
        first, last = asked.range
        part = data[first : last + 1]
        headers = {"content-range": f"bytes {first}-{first + len(part) - 1}/{len(data)}", "content-length": len(part)}
        if cut_after is None or len(part) <= cut_after:
            return send(client, "206 Partial Content", headers, part)
        send(client, "206 Partial Content", headers, part[:cut_after])
        return close(client)

    return answer


def only(path: str, behaviour: Behaviour, found: dict[str, bytes]) -> Behaviour:
    """Honest, but for one object."""
    honest = objects(found)

    def answer(client: socket.socket, asked: Asked) -> None:
        (behaviour if asked.path.endswith(path) else honest)(client, asked)

    return answer


def endless(client: socket.socket, _asked: Asked) -> None:
    """A body without an end, in chunks, until the client has had enough or 200 MB are sent."""
    send(client, "200 OK", {"content-length": None, "transfer-encoding": "chunked"})
    for _ in range(200):
        client.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")


def endless_headers(client: socket.socket, _asked: Asked) -> None:
    """Headers without an end."""
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        client.sendall(f"x-{number}: {'y' * 1000}\r\n".encode())


def promises_more(client: socket.socket, asked: Asked) -> None:
    """A content-length that is larger than the body."""
    first, last = asked.range or (0, 99)
    headers = {"content-range": f"bytes {first}-{last}/{last + 1}", "content-length": last - first + 1}
    send(client, "206 Partial Content", headers, b"x" * 10)
    close(client)


def promises_less(client: socket.socket, asked: Asked) -> None:
    """A content-length that is smaller than the range."""
    first, last = asked.range or (0, 99)
    headers = {"content-range": f"bytes {first}-{last}/{last + 1}", "content-length": 10}
    send(client, "206 Partial Content", headers, b"x" * (last - first + 1))
    close(client)


def no_length(client: socket.socket, _asked: Asked) -> None:
    """A content-length that is no number."""
    send(client, "206 Partial Content", {"content-length": "many", "content-range": "bytes 0-9/10"}, b"x" * 10)
    close(client)


def elsewhere(url: str) -> Behaviour:
    """A redirect."""
    return lambda client, _asked: send(client, "302 Found", {"location": url})


def another_range(client: socket.socket, asked: Asked) -> None:
    """A range that nobody asked for."""
    first, last = asked.range or (0, 99)
    headers = {"content-range": f"bytes {first + 1}-{last + 1}/{last + 2}"}
    send(client, "206 Partial Content", headers, b"x" * (last - first + 1))


def larger_range(client: socket.socket, asked: Asked) -> None:
    """More than was asked for."""
    first, _ = asked.range or (0, 99)
    send(
        client, "206 Partial Content", {"content-range": f"bytes {first}-{first + 4_999_999}/5000000"}, b"x" * 5_000_000
    )


def no_range(client: socket.socket, _asked: Asked) -> None:
    """206 without saying of what."""
    send(client, "206 Partial Content", {}, b"x" * 100)


def zipped(client: socket.socket, _asked: Asked) -> None:
    """A gigabyte of zeros, as a megabyte."""
    send(client, "200 OK", {"content-encoding": "gzip"}, gzip.compress(bytes(10**6)) * 100)


def nonsense(client: socket.socket, _asked: Asked) -> None:
    """No HTTP."""
    client.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    close(client)


def drips(clock: Callable[[float], None]) -> Behaviour:
    """A byte now and then; `clock` is told how long it took."""

    def answer(client: socket.socket, asked: Asked) -> None:
        first, last = asked.range or (0, 99)
        headers = {"content-range": f"bytes {first}-{last}/{last + 1}", "content-length": last - first + 1}
        send(client, "206 Partial Content", headers)
        for _ in range(first, last + 1):
            clock(10.0)
            client.sendall(b"x")
            time.sleep(0.002)

    return answer


def silent(client: socket.socket, _asked: Asked) -> None:
    """Nothing, for as long as the client waits."""
    client.recv(1)
