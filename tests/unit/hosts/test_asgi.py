"""The ASGI host through a real server on a real port."""

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import httpx
import pytest

from core import layout
from core.domain.prediction import place_of
from core.errors import BadInput, Unsupported
from core.hosts.asgi import SMALL, App, Server
from core.inference.cache import ModelCache
from core.inference.predictor import load_predictor
from core.inference.service import Service
from core.usecases.log_predictions import PredictionLog
from tests import penguins
from tests.penguins import MODEL, ROW, Clock, Desk

PREDICT = f"/v1/models/{MODEL}:predict"
LIMIT = 100_000


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(default_models=[MODEL], max_body=LIMIT)


@pytest.fixture(scope="module")
def server(desk: Desk) -> Iterator[Server]:
    with Server(App(desk.service)) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def test_the_model_is_loaded_before_the_first_request(server: Server, desk: Desk) -> None:
    assert server.port != 0
    assert desk.cache.models == (MODEL,)


def test_of_many_clients_each_gets_its_own_answer(server: Server, desk: Desk) -> None:
    rows = penguins.rows(200)
    wanted = json.loads(desk.predict(*rows).body)["predictions"]
    shares = [range(first, len(rows), 8) for first in range(8)]

    def ask(share: range) -> list[Any]:
        with httpx.Client(base_url=server.url) as client:
            answers = [client.post(PREDICT, json={"instances": [rows[number]]}).json() for number in share]
        return [answer["predictions"][0] for answer in answers]

    with ThreadPoolExecutor(8) as pool:
        for share, answers in zip(shares, pool.map(ask, shares), strict=True):
            for number, answer in zip(share, answers, strict=True):
                assert answer["probabilities"] == pytest.approx(wanted[number]["probabilities"], abs=1e-6)


def test_a_mistake_beside_the_features_is_told(client: httpx.Client) -> None:
    answer = client.post(PREDICT, json={"instances": [{**ROW, "seen": "yesterday"}]})
    assert answer.status_code == 400
    assert "seen" in answer.json()["error"]


def test_the_answer_is_the_one_of_the_pure_function(client: httpx.Client, desk: Desk) -> None:
    answer = client.post(PREDICT, json={"instances": penguins.rows(5)}, headers={"X-Request-Id": "r-1"})
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == "r-1"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["predictions"] == json.loads(desk.predict(*penguins.rows(5)).body)["predictions"]


def test_gzip_head_and_keep_alive(client: httpx.Client) -> None:
    body = gzip.compress(json.dumps({"instances": [ROW]}).encode())
    assert client.post(PREDICT, content=body, headers={"content-encoding": "gzip"}).status_code == 200
    head = client.head("/openapi.json")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == client.get("/openapi.json").headers["content-length"]


def test_paths_are_decoded_and_odd_ones_are_404(client: httpx.Client) -> None:
    assert client.get("/v2/models/%70enguins").status_code == 200
    assert client.get("/v2/models/%2e%2e%2fx").status_code == 404


def chunks(count: int, size: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * size


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 3])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_413_and_the_server_goes_on(client: httpx.Client, size: int, chunked: bool) -> None:
    content = chunks(size // 1000 + 1, 1000) if chunked else b" " * size
    answer = client.post(PREDICT, content=content)
    assert answer.status_code == 413
    assert answer.json()["error"].startswith(f"the body is larger than {LIMIT} bytes")
    assert client.get("/ping").status_code == 200


def raw(server: Server, data: bytes, *, more: bytes = b"") -> bytes:
    """Send bytes, and more of the same kind until the server closes; what it answered."""
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(data)
        answer = b""
        try:
            for _ in range(1000 if more else 0):
                connection.sendall(more)
            while part := connection.recv(65536):
                answer += part
        except ConnectionError:
            assert more, "only what is cut off may be reset"
        return answer


def test_a_huge_body_is_refused_by_what_it_says_before_it_is_read(server: Server) -> None:
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n".encode()
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(head)
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer


def test_a_body_without_end_is_cut_off(server: Server, client: httpx.Client) -> None:
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    answer = raw(server, head, more=chunk)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413")
    assert client.get("/ping").status_code == 200


def test_a_client_that_goes_away_does_no_harm(server: Server, client: httpx.Client) -> None:
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc".encode()
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(head)
    assert client.get("/ping").status_code == 200


def test_what_is_no_http_is_refused(server: Server, client: httpx.Client) -> None:
    for data in (b"\x16\x03\x01 hello\r\n\r\n", b"GET /\xff HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"):
        assert raw(server, data).startswith(b"HTTP/1.1 4")
    assert client.get("/ping").status_code == 200


def test_stopping_writes_the_log_and_frees_the_port() -> None:
    desk = Desk()
    with Server(App(desk.service)) as server:
        ids = httpx.post(server.url + PREDICT, json={"instances": [ROW]}).json()["prediction_ids"]
        port = server.port
    assert place_of(ids[0]).key in {info.key for info in desk.predictions.list("")}
    with Server(App(Desk().service), port=port) as again:
        assert httpx.get(again.url + "/v2/health/live").status_code == 200


def test_answers_do_not_wait_for_acknowledgements(client: httpx.Client) -> None:
    times = [client.post(PREDICT, json={"instances": [ROW]}).elapsed.total_seconds() for _ in range(20)]
    assert sorted(times)[10] < 0.03, "TCP_NODELAY is not set"


def test_large_requests_and_small_ones_are_answered_alike(client: httpx.Client) -> None:
    one = client.post(PREDICT, json={"instances": [ROW]}).json()["predictions"]
    many = client.post(PREDICT, json={"instances": [ROW] * 800})
    assert int(many.request.headers["content-length"]) > SMALL
    labels = {each["label"] for each in many.json()["predictions"]}
    assert (len(many.json()["predictions"]), labels) == (800, {one[0]["label"]})


def test_a_taken_port_is_told() -> None:
    with Server(App(Desk().service)) as server, pytest.raises(BadInput, match=f"port {server.port} of 127.0.0.1"):
        Server(App(Desk().service), port=server.port)


def test_a_start_that_fails_is_told_and_frees_the_port() -> None:
    desk = Desk()
    server = Server(App(desk.service))
    desk.service.start = broken  # type: ignore[method-assign]
    with pytest.raises(Unsupported, match="did not start"):
        server.start()
    with Server(App(Desk().service), port=server.port):
        pass


def broken() -> None:
    raise ZeroDivisionError


def test_ticking_writes_pages_that_are_due() -> None:
    desk = Desk()
    with Server(App(desk.service, tick=0.01)) as server:
        httpx.post(server.url + PREDICT, json={"instances": [ROW]})
        desk.clock.advance(10)
        for _ in range(500):
            if list(desk.predictions.list("")):
                break
            threading.Event().wait(0.01)
    assert len(list(desk.predictions.list(""))) == 1


def test_a_tick_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    failed = threading.Event()

    def tick() -> None:
        failed.set()
        raise ZeroDivisionError

    desk.service.tick = tick  # type: ignore[method-assign]
    with Server(App(desk.service, tick=0.01)) as server:
        assert failed.wait(10)
        assert httpx.get(server.url + "/ping").status_code == 503
    assert "could not be looked after" in caplog.text


def test_other_protocols_are_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    asyncio.run(App(Desk().service)({"type": "websocket"}, receive, send))
    assert sent == [{"type": "websocket.close"}]


def test_promotions_under_load_lose_no_answer_and_mix_no_versions() -> None:
    desk = Desk()
    cache = ModelCache(desk.models, load_predictor, route_ttl=0.01)
    log = PredictionLog(desk.predictions, Clock(), writer="load", max_rows=50)
    rows = penguins.rows(20)
    expected = {}
    for variant in (1, 2):
        version = penguins.classifier(variant).version
        answer = desk.ask("POST", f"/v1/models/{MODEL}/versions/{version}:predict", {"instances": rows})
        expected[version] = json.loads(answer.body)["predictions"]
    over = threading.Event()

    def ask(url: str) -> list[tuple[int, str, Any, list[str]]]:
        answers = []
        with httpx.Client(base_url=url) as client:
            while not over.is_set():
                answer = client.post(PREDICT, json={"instances": rows})
                body = answer.json()
                version = answer.headers["x-tidemill-model-version"]
                answers.append((answer.status_code, version, body["predictions"], body["prediction_ids"]))
        return answers

    with Server(App(Service(cache, log, [MODEL]), tick=0.02)) as server, ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, server.url) for _ in range(4)]
        for _, variant in zip(range(40), cycle((2, 1)), strict=False):
            penguins.route(desk.models, penguins.classifier(variant))
            threading.Event().wait(0.05)
        over.set()
        answers = [answer for future in asking for answer in future.result()]
    assert {status for status, *_ in answers} == {200}
    assert {version for _, version, *_ in answers} == set(expected)
    assert all(predictions == expected[version] for _, version, predictions, _ in answers)
    check_records(desk, answers)


def check_records(desk: Desk, answers: list[tuple[int, str, Any, list[str]]]) -> None:
    """Every answer is recorded once, where its id says, under the version that gave it."""
    pages = {info.key: desk.predictions.get(info.key).data.splitlines() for info in desk.predictions.list("")}
    assert sum(map(len, pages.values())) == sum(len(ids) for *_, ids in answers)
    for _, version, predictions, ids in answers:
        for prediction, prediction_id in zip(predictions, ids, strict=True):
            place = place_of(prediction_id)
            record = json.loads(pages[place.key][place.row])
            assert record["prediction_id"] == prediction_id
            assert (record["model_version"], record["label"]) == (version, prediction["label"])
    assert all(key.startswith(layout.realtime_log(MODEL, "2026-11-24", "").removesuffix(".jsonl")) for key in pages)
