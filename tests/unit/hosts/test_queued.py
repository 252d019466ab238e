"""A function that takes its events from a queue: on azurite's, with everything that can become of a message."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.adapters.queue_azure import Message, StorageQueue, open_queue
from core.adapters.store_memory import MemoryStore
from core.declaration import declarations
from core.errors import BadInput, Permanent, TimeUp, Transient
from core.hosts import queued
from core.hosts.queued import ATTEMPTS, PAUSES, QueueHost
from core.hosts.worker import Worker
from core.layout import ZONES
from core.runtime import Runtime
from core.settings import Settings
from tests.clouds.queues import make_queue, seen, waiting

EVENT = json.loads((Path(__file__).parents[2] / "events" / "golden" / "azure_created.json").read_text("utf-8"))
NAMES = itertools.count()


class Bench:
    """`ingest` with a queue of its own; `fails` are what its calls raise, one after the other."""

    def __init__(self, server: str, folder: Path, *fails: Exception | None) -> None:
        self.seen: list[Any] = []
        self.fails = iter(fails)
        number = next(NAMES)
        self.url, self.dead_url = (make_queue(server, f"{name}-{number}") for name in ("ingest", "dead"))
        self.queue = open_queue(self.url, {}, "TIDEMILL_QUEUE")
        settings = Settings.from_env({}, store="az://acme-{zone}", specs=folder)
        runtime = Runtime(settings, stores={zone: MemoryStore() for zone in ZONES})
        self.worker = Worker(declarations()["ingest"], runtime, self.handle)

    def handle(self, event: Any, runtime: Runtime) -> Mapping[str, Any]:
        self.seen.append(event)
        error = next(self.fails, None)
        if error:
            raise error
        return {}

    def put(self, event: Any, times: int = 1) -> None:
        """As Event Grid does."""
        for _ in range(times):
            self.queue.put(base64.b64encode(json.dumps(event).encode()).decode())

    def run(self, elapsed: Callable[[], float] = lambda: 0.0) -> int:
        dead = open_queue(self.dead_url, {}, "TIDEMILL_DEAD_LETTERS")
        return QueueHost(self.worker, self.queue, dead, elapsed).run()

    @property
    def dead(self) -> list[dict[str, str]]:
        return [json.loads(base64.b64decode(each)) for each in seen(self.dead_url)]


@contextmanager
def storage() -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """A stand-in that gives tokens, and has an empty queue; and what it was asked."""
    asked: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            token = self.path.startswith("/token")
            body = b'{"access_token": "T"}' if token else b"\xef\xbb\xbf<?xml version='1.0'?><QueueMessagesList/>"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def make(azurite_queue_url: str, tmp_path: Path) -> Callable[..., Bench]:
    return lambda *fails: Bench(azurite_queue_url, tmp_path, *fails)


def test_what_waits_is_handled_until_nothing_is_left(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.put(EVENT, 3)
    bench.queue.put(json.dumps({"schedule": "drift_check", "model": "m"}))  # not for ingest
    assert bench.run() == 4
    assert [(each.zone, each.version) for each in bench.seen] == [("landing", "0x8D4BCC2E4835CD0")] * 3
    assert (waiting(bench.url), bench.dead) == (0, [])


def test_no_message_is_begun_without_time_for_all_of_it(make: Callable[..., Bench]) -> None:
    bench, timeout = make(), declarations()["ingest"].timeout
    bench.put(EVENT, 3)
    passed = iter([0.0, timeout - 1.0, float(timeout)])
    assert bench.run(lambda: next(passed)) == 2
    assert waiting(bench.url) == 1


def test_what_may_succeed_later_comes_again_and_is_given_up_after_some_attempts(
    make: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make(*[Transient("the store sleeps.")] * ATTEMPTS)
    bench.put(EVENT)
    assert bench.run() == 1
    assert (waiting(bench.url), seen(bench.url)) == (1, [])  # hidden for a while
    monkeypatch.setattr(queued, "PAUSES", (0,) * len(PAUSES))
    other = make(*[Transient("the store sleeps.")] * ATTEMPTS)
    other.put(EVENT)
    assert other.run() == ATTEMPTS
    assert other.dead == [{"function": "ingest", "reason": "the store sleeps.", "message": json.dumps(EVENT)}]
    assert waiting(other.url) == 0


@pytest.mark.parametrize(
    ("event", "fails", "reason"),
    [
        (EVENT, BadInput("the file is no CSV."), "no CSV"),
        ({**EVENT, "subject": "/blobServices/default/containers/theirs/blobs/a"}, None, "no zone of the store"),
        ({"hello": "world"}, None, "tells of no object"),
    ],
    ids=["refused", "theirs", "unknown"],
)
def test_what_cannot_succeed_is_a_dead_letter_at_once(
    make: Callable[..., Bench], event: Any, fails: Exception | None, reason: str
) -> None:
    bench = make(fails)
    bench.put(event)
    bench.put(EVENT)
    assert bench.run() == 2
    (letter,) = bench.dead
    assert reason in letter["reason"]
    assert json.loads(letter["message"]) == event
    assert waiting(bench.url) == 0


@pytest.mark.parametrize("letter", ["a", "é", "\uffff", "\0", '"', "😀"])
def test_a_dead_letter_fits_whatever_was_in_the_message(make: Callable[..., Bench], letter: str) -> None:
    bench = make()
    bench.queue.send({"hello": letter * 7_900})
    assert bench.run() == 1
    (dead,) = bench.dead
    assert dead["message"].startswith('{"hello": "')


def test_what_nobody_foresaw_is_tried_again(make: Callable[..., Bench]) -> None:
    bench = make(ZeroDivisionError("x"))
    bench.put(EVENT)
    assert bench.run() == 1
    assert (waiting(bench.url), bench.dead) == (1, [])


def test_a_successor_goes_on_with_what_is_unfinished(make: Callable[..., Bench]) -> None:
    bench = make(*[TimeUp("half is done.")] * (ATTEMPTS + 2))
    bench.put(EVENT)
    assert bench.run() == ATTEMPTS + 3
    assert (waiting(bench.url), bench.dead) == (0, [])


def test_what_kills_its_function_again_and_again_is_given_up(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.put(EVENT)
    for _ in range(ATTEMPTS):
        message = bench.queue.take(60)  # and the process dies
        assert message is not None
        bench.queue.retry(message, 0)
    assert bench.run() == 1
    assert "never lived to say" in bench.dead[0]["reason"]
    assert bench.seen == []


def test_a_message_that_another_took_meanwhile_is_no_failure(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.put(EVENT)
    message = bench.queue.take(60)
    assert message is not None
    bench.queue.finish(message)
    bench.queue.finish(message)
    assert bench.run() == 0


def test_what_a_message_says_may_be_plain_or_in_base64() -> None:
    told = {body: Message("1", "r", 1, body).text for body in ('{"a": 1}', "eyJhIjogMX0=", "café", "////")}
    assert list(told.values()) == ['{"a": 1}', '{"a": 1}', "café", "////"]


@pytest.mark.parametrize("url", ["", "queue", "sqs://x/q", "https://acme.queue.core.windows.net"])
def test_a_url_that_cannot_be_is_told(url: str) -> None:
    with pytest.raises(BadInput, match=r"TIDEMILL_QUEUE is .*QUEUE\.core|TIDEMILL_QUEUE is .*queue\.core"):
        open_queue(url, {}, "TIDEMILL_QUEUE")


def test_a_signature_is_told_to_nobody(azurite_queue_url: str) -> None:
    secret = "sig=abc"
    queue = open_queue(f"{azurite_queue_url}/devstoreaccount1/nothing?{secret}", {}, "TIDEMILL_QUEUE")
    with pytest.raises(Permanent, match="cannot be asked: Azure said 403") as refused:
        queue.take(1)
    assert secret not in f"{refused.value} {queue!r}"
    assert isinstance(queue, StorageQueue)


def test_an_identity_asks_as_it_is_documented() -> None:
    with storage() as (server, asked):
        given = {"IDENTITY_ENDPOINT": f"{server}/token", "IDENTITY_HEADER": "secret", "AZURE_CLIENT_ID": "me"}
        queue = open_queue(f"{server}/ingest/", given, "TIDEMILL_QUEUE")
        assert queue.take(660) is None
    token, messages = asked
    assert token[0] == "/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=me"
    path, headers = messages
    assert path == "/ingest/messages?visibilitytimeout=660"
    assert headers["authorization"] == "Bearer T"
    assert headers["x-ms-version"] >= "2017-11-09"  # the first that takes tokens
    assert abs(parsedate_to_datetime(headers["x-ms-date"]) - datetime.now(UTC)) < timedelta(minutes=5)


def test_without_an_identity_it_is_said_what_is_missing() -> None:
    with pytest.raises(BadInput, match=r"TIDEMILL_QUEUE is .*IDENTITY_ENDPOINT is not set"):
        open_queue("https://acme.queue.core.windows.net/ingest", {}, "TIDEMILL_QUEUE")


def test_nobody_there_is_transient() -> None:
    with pytest.raises(Transient):
        StorageQueue("http://127.0.0.1:9/q").take(1)


@pytest.mark.parametrize("missing", ["TIDEMILL_FUNCTION", "TIDEMILL_QUEUE", "TIDEMILL_DEAD_LETTERS"])
def test_what_is_not_set_is_one_sentence(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "TIDEMILL_FUNCTION": "ingest",
        "TIDEMILL_QUEUE": "https://a.queue.core.windows.net/q",
        "TIDEMILL_DEAD_LETTERS": "https://a.queue.core.windows.net/d",
        "TIDEMILL_STORE": "az://{zone}",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, "" if name == missing else value)
    assert queued.main() == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(missing)
