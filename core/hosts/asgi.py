"""The realtime endpoint on any ASGI server, and on a port of this machine.

Source of the messages: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias, cast

from ..errors import BadInput, Unsupported
from ..inference.http import Encoded, Received, Request, Response
from .slow_clients import PATIENCE, Connection, SlowClients
from .turns import SMALL, Turns

if TYPE_CHECKING:
    import uvicorn

    from ..inference.short_way import ShortWay

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

TICK = 1.0
"""Seconds between two looks at the routes and at the prediction log."""
DRAINED = 4
"""How many times the limit of a body is read and thrown away, so that its sender gets to read the answer."""
GRACE = 10
"""Seconds that requests under way get to end when the server stops."""
KEEP_ALIVE = 75
"""Seconds that a connection may be idle: longer than load balancers keep theirs (60), so that they close first."""

log = logging.getLogger(__name__)


class Answers(Protocol):
    """What an application is made of: `core.inference.service.Service`, or several of them as one."""

    max_body: int

    def start(self) -> None:
        """Called once, before the first request."""
        ...

    def tick(self) -> None:
        """Called once a second."""
        ...

    def close(self) -> None:
        """Called once, after the last request."""
        ...

    def may_wait(self, request: Request) -> bool:
        """Whether answering may take so long that others should not have to wait for it."""
        ...

    @property
    def short(self) -> ShortWay | None:
        """What answers requests of the commonest kind sooner, and waits for nothing."""
        ...

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        ...


class App:
    """The ASGI application around a service: loads its models at startup, writes its log at shutdown."""

    def __init__(self, service: Answers, *, tick: float = TICK) -> None:
        self._service = service
        self._tick = tick
        self._turns = Turns(service.short)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, or the application's life."""
        if scope["type"] != "http":
            await self._otherwise(scope["type"], receive, send)
            return
        headers, limit = dict(scope["headers"]), self._service.max_body
        message = None if _is_hopeless(headers, limit) else await receive()
        if message is not None and _is_whole(message, limit):
            body, rest = message["body"], "read"
        else:
            body, rest = await _gathered(message, receive, limit)
        if rest == "gone":
            return
        asked = Received(scope["method"], scope["path"], scope["query_string"], headers, body, time.perf_counter())
        here = self._turns.enter(asked)
        if here is not None and self._turns.is_worth_waiting(here, asked):
            await asyncio.sleep(0)
        answer = None if here is None else self._turns.answer(here, asked)
        if answer is None:
            answer = Encoded.of(await self._handled(asked.decoded()))
        if rest == "unread":  # the connection would otherwise go on reading what is not wanted
            answer.headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _otherwise(self, kind: str, receive: Receive, send: Send) -> None:
        if kind == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.to_thread(self._service.start)
        ticking = asyncio.create_task(self._keep_ticking())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        await asyncio.to_thread(self._service.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _keep_ticking(self) -> None:
        while True:
            await asyncio.sleep(self._tick)
            try:
                await asyncio.to_thread(self._service.tick)
            except Exception:  # the next tick may do better; requests are answered meanwhile
                log.exception("routes and prediction log could not be looked after")

    async def _handled(self, request: Request) -> Response:
        """A thread costs more than a small answer does: one is used where the others would have to wait long."""
        small = len(request.body) <= SMALL and "content-encoding" not in request.headers
        if small and not self._service.may_wait(request):
            return self._service.handle(request)
        return await asyncio.to_thread(self._service.handle, request)


def _is_hopeless(headers: Mapping[bytes, bytes], limit: int) -> bool:
    """Whether the body says to be far beyond the limit."""
    declared = headers.get(b"content-length", b"")
    return declared.isdigit() and int(declared) > limit * DRAINED


def _is_whole(message: Message, limit: int) -> bool:
    """Whether a message holds a whole body within the limit, as nearly all do."""
    body = message.get("body")
    return body is not None and len(body) <= limit and not message.get("more_body")


async def _gathered(
    message: Message | None, receive: Receive, limit: int
) -> tuple[bytes, Literal["read", "unread", "gone"]]:
    """The body that begins with `message`, and whether the rest was read, is to come, or will not: the client is gone.

    Of a body beyond the limit no more than one byte too many is kept, or none without a message: the service refuses
    both.
    """
    body, read = bytearray(), 0
    while message is not None and message["type"] != "http.disconnect":
        chunk = message.get("body", b"")
        read += len(chunk)
        body += chunk[: limit + 1 - len(body)]
        if not message.get("more_body"):
            return bytes(body), "read"
        if read > limit * DRAINED:
            return bytes(body), "unread"
        message = await receive()
    return b"", "unread" if message is None else "gone"


class Server:
    """An application on a port of this machine, served by a thread of its own; use it in a `with` block.

    `port` is the one that is bound, also when 0 was asked for.
    """

    def __init__(self, app: Application, host: str = "127.0.0.1", port: int = 0, *, patience: float = PATIENCE) -> None:
        """Bind the port; raises BadInput if it is taken. A request must be there whole in `patience` seconds."""
        self._socket = _bound(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server = _uvicorn(app, SlowClients(patience))
        self._thread = threading.Thread(target=self._run, name="tidemill-http", daemon=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Returns once it answers; raises Unsupported if it cannot start."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                self._socket.close()
                raise self._not_started()
            time.sleep(0.005)

    def run(self) -> None:
        """Serve in this thread, which must be the main one, until SIGINT or SIGTERM; then stop as `stop` does.

        Raises Unsupported if it cannot start.
        """
        with _ending_well():
            self._run()
        self._socket.close()
        if not self._server.started:
            raise self._not_started()

    def _not_started(self) -> Unsupported:
        return Unsupported(f"the endpoint on {self.url} did not start: the log tells why.")

    def _run(self) -> None:
        with suppress(SystemExit, KeyboardInterrupt):  # what uvicorn raises when it cannot start, and after SIGINT
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Answer what has been asked, write the log, and return."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


@contextmanager
def _ending_well() -> Iterator[None]:
    """Once uvicorn has stopped as SIGTERM asked, it raises that again: who is told to end, and does, has not failed."""
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio sets TCP_NODELAY, without which each answer waits 40 ms, only where the protocol is named
        listening = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name == "posix"))
            listening.bind(address)
            listening.listen()
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise BadInput(f"port {port} of {host} cannot be used: {error.strerror or error}; choose another.") from error
    return listening


def _uvicorn(app: Application, slow: SlowClients) -> uvicorn.Server:
    import uvicorn  # noqa: PLC0415 - a host that brings its own server needs none

    class Attentive(uvicorn.Server):
        """Looks at its connections once a second; uvicorn ticks ten times in one."""

        async def on_tick(self, counter: int) -> bool:
            if counter % 10 == 0:
                slow.cut_off(cast("set[Connection]", self.server_state.connections))
            return await super().on_tick(counter)

    config = uvicorn.Config(
        app,
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=KEEP_ALIVE,
    )
    return Attentive(config)
