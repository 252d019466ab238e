"""The device's endpoint on a port of its own: a thread a connection, for programs on the same machine alone."""

from __future__ import annotations

import logging
import socket
import threading
import time
from http import HTTPStatus
from types import TracebackType
from typing import Protocol, Self

from core.errors import BadInput, Refused
from core.inference.http import Request, Response, problem

from .wire import Connection, Gone, Malformed

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that are this machine and nothing else."""
TICK = 1.0
"""Seconds between two looks at the device's state and at the prediction log."""
PATIENCE = 30.0
"""Seconds in which a request must be there whole, and in which its answer must be taken."""
IDLE = 75.0
"""Seconds that a connection may be idle."""
CONNECTIONS = 64
"""Clients at once; another one is told to come again."""
GRACE = 10.0
"""Seconds that requests under way get to end when the server stops."""

log = logging.getLogger(__name__)


class Answers(Protocol):
    """What a server is made of; see `core.hosts.asgi.Answers`."""

    @property
    def max_body(self) -> int:
        """Bytes of a request's body that are read."""
        ...

    def start(self) -> None:
        """Called once, before the first request."""
        ...

    def tick(self) -> None:
        """Called once a second."""
        ...

    def close(self) -> None:
        """Called once, after the last request."""
        ...

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        ...


class Server:
    """Serves on `port` of the loopback address `host`, in threads of its own; use it in a `with` block.

    `port` is the one that is bound, also when 0 was asked for. Requests whose host header names another machine are
    refused: pages of strangers, in a browser on this device, would send such (DNS rebinding, CWE-350).
    """

    def __init__(
        self,
        answers: Answers,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        patience: float = PATIENCE,
        idle: float = IDLE,
        connections: int = CONNECTIONS,
    ) -> None:
        """Bind the port; raises Refused if `host` is not of this machine alone, BadInput if the port is taken."""
        self._listening = _bound(host, port)
        self.host = host
        self.port: int = self._listening.getsockname()[1]
        self._answers = answers
        self._patience, self._idle, self._most = patience, idle, connections
        self._guard = threading.Lock()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._accept, name="tidemill-accept", daemon=True),
            threading.Thread(target=self._tick, name="tidemill-tick", daemon=True),
        ]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def start(self) -> None:
        """Load the model and begin to answer."""
        self._answers.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Answer what has been asked, write the log, and return."""
        self._stopping.set()
        _shut(self._listening, socket.SHUT_RDWR)
        with self._guard:
            clients = dict(self._clients)
        for client in clients:
            _shut(client, socket.SHUT_RD)  # who waits for a request learns that none comes
        ends = time.monotonic() + GRACE
        for thread in (*self._threads, *clients.values()):
            if thread.is_alive():
                thread.join(max(ends - time.monotonic(), 0))
        self._listening.close()
        self._answers.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _tick(self) -> None:
        while not self._stopping.wait(TICK):
            try:
                self._answers.tick()
            except Exception:  # the next tick may do better; requests are answered meanwhile
                log.exception("the device could not be looked after")

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError as error:
                if not self._stopping.wait(0.05):  # such as too many open files: they may be fewer soon
                    log.debug("nobody was let in: %s", error)
                continue
            self._begin(client)

    def _begin(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=self._serve, args=(client,), name="tidemill-client", daemon=True)
        with self._guard:
            full = len(self._clients) >= self._most
            if not full:
                self._clients[client] = thread
        if full:
            client.settimeout(1.0)
            _last(Connection(client, 1.0, 1.0), HTTPStatus.SERVICE_UNAVAILABLE, "too many clients ask at once.")
            client.close()
        else:
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        connection = Connection(client, self._patience, self._idle)
        try:
            while self._answered(connection) and not self._stopping.is_set():
                pass
        except Malformed as error:
            _last(connection, HTTPStatus.BAD_REQUEST, str(error))
        except Gone:
            pass
        finally:
            with self._guard:
                self._clients.pop(client, None)
            client.close()

    def _answered(self, connection: Connection) -> bool:
        """Whether another request may come."""
        asked = connection.read(self._answers.max_body)
        if asked is None:
            return False
        host = asked.request.headers.get("host", "")
        if host and _name_of(host).lower() not in LOOPBACK:
            sentence = f"this endpoint is of this device alone: {host[:80]!r} is another name."
            answer = _refusal(HTTPStatus.MISDIRECTED_REQUEST, sentence)
        else:
            answer = self._answers.handle(asked.request)
        keep = asked.keep and not self._stopping.is_set()
        connection.write(answer, keep=keep)
        return keep


def _name_of(host: str) -> str:
    """A host header without its port."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _bound(host: str, port: int) -> socket.socket:
    if host not in LOOPBACK:
        raise Refused(f"{host or 'every address'} can be reached from elsewhere: use 127.0.0.1.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise BadInput(f"port {port} of {host} cannot be used: {error}; choose another.") from error


def _refusal(status: HTTPStatus, sentence: str) -> Response:
    answer = problem(status, sentence)
    return Response(answer.status, {**answer.headers, "content-length": str(len(answer.body))}, answer.body)


def _last(connection: Connection, status: HTTPStatus, sentence: str) -> None:
    """Say why, before the connection is closed."""
    try:
        connection.write(_refusal(status, sentence), keep=False)
    except Gone:
        return


def _shut(connected: socket.socket, how: int) -> None:
    try:
        connected.shutdown(how)
    except OSError:
        return
