"""The short way of the commonest request: what it answers, counts and records is what the long way does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.columns import Columns, Outputs
from core.inference.access import Access, Limits
from core.inference.http import Encoded, Received, Request, Response
from core.inference.routing import RowsAt
from core.inference.web import Web
from core.ports import Predictor
from tests.penguins import MODEL, ROW, Desk, classifier, route, rows

PREDICT = f"/v1/models/{MODEL}:predict"
VERSIONED = f"/v1/models/{MODEL}/versions/0000000000000001:predict"
ALIASED = "/v1/models/weights:predict"
INFER = f"/v2/models/{MODEL}/infer"
BODY = json.dumps({"instances": [ROW]}).encode()
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def replace_predictor(desk: Desk, by: Callable[[Predictor], Predictor]) -> None:
    """Let another answer for the champion, who is given to it."""
    loaded = desk.cache._slots[MODEL].served.loaded
    msgspec.structs.force_setattr(loaded, "predictor", by(loaded.predictor))


class RowByRow:
    """The answers of a model to each row alone: in one run, the last digit may depend on how many rows it has."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, columns: Columns) -> Outputs:
        count = len(columns["sex"])
        alone = [
            self._predictor.predict({name: values[row : row + 1] for name, values in columns.items()})
            for row in range(count)
        ]
        return Outputs(
            np.concatenate([each.labels for each in alone]), np.concatenate([each.probabilities for each in alone])
        )


class Pair:
    """Two services of the same models, of which one is asked the short way first."""

    def __init__(self) -> None:
        web = Web(frozenset({"https://shop.example"}), {ALIASED: PREDICT})
        self.short, self.long = (Desk(web=web, max_body=20_000) for _ in range(2))
        for desk in (self.short, self.long):
            desk.ask("POST", PREDICT, {"instances": [ROW]}, x_request_id="first")
            replace_predictor(desk, RowByRow)

    def ask(self, request: Request) -> tuple[Response, Response, bool]:
        """Both answers, and whether the first was given at once."""
        return self.ask_together([request])[0]

    def ask_together(self, requests: Sequence[Request]) -> list[tuple[Response, Response, bool]]:
        """The same of requests that come in one turn; those that are answered at once are answered first."""
        at_once = at_once_of(self.short, *map(received, requests))
        asked = sorted(zip(requests, at_once, strict=True), key=lambda each: each[1] is None)
        return [
            (
                self.short.service.handle(request) if answer is None else decoded(answer),
                self.long.service.handle(request),
                answer is not None,
            )
            for request, answer in asked
        ]


def received(request: Request) -> Received:
    """The request as it comes over the wire."""
    headers = {name.encode(): value.encode() for name, value in request.headers.items()}
    return Received(request.method, request.path, request.query.encode(), headers, request.body)


def decoded(answer: Encoded) -> Response:
    """The answer as its client reads it."""
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    assert len(headers) == len(answer.headers)
    return Response(answer.status, headers, answer.body)


def at_once_of(desk: Desk, *requests: Received) -> Sequence[Encoded | None]:
    """What requests that come in one turn are answered the short way; None for those that have to take the long one."""
    short = desk.service.short
    if short is None:
        return [None] * len(requests)
    together: dict[RowsAt, list[Received]] = {}
    for each in requests:
        here = short.leads_to(each)
        if here is not None:
            together.setdefault(here, []).append(each)
    for here, asked in together.items():
        short.answer(here, asked)
    return [each.answer for each in requests]


PAIR = Pair()


def plain() -> Received:
    """A request of the commonest kind."""
    return received(Request("POST", PREDICT, body=BODY))


def facts(desk: Desk) -> Any:
    """What was recorded and counted, but for how long it took."""
    page = desk.service.handle(Request("GET", "/metrics")).body.decode()
    counted = [line for line in page.splitlines() if line.startswith("tidemill_requests_total")]
    records = [{**each, "latency_ms": 0} for page in desk.records().values() for each in page]
    return records, counted


row = st.sampled_from([ROW, *rows(6), {**ROW, "sex": None}, {**ROW, "tag": "p1", "seen": "2026-11-24", "colony": "N"}])
odd = st.sampled_from(
    [{**ROW, "wings": 2}, {**ROW, "seen": "yesterday"}, {}, {**ROW, "bill_length": 1e9}, {**ROW, "observer": "Ida"}, 7]
)
instances = st.lists(row, max_size=12) | st.lists(row | odd, max_size=3)
bodies = (
    instances.map(lambda given: json.dumps({"instances": given}).encode())
    | st.just(json.dumps({"inputs": {name: [value] for name, value in ROW.items()}}).encode())
    | st.sampled_from([b"", b"{", b" " * 20_001, b'{"instances": [NaN]}'])
)
wishes = st.fixed_dictionaries(
    {"x-request-id": st.sampled_from(["mine", "of-a-caller/7"])},
    optional={
        "content-type": st.sampled_from(["application/json", "application/json; charset=utf-8", "text/csv", ""]),
        "accept-encoding": st.sampled_from(["gzip", "br", "*"]),
        "content-encoding": st.sampled_from(["gzip", "identity"]),
        "origin": st.sampled_from(["https://shop.example", "https://elsewhere.example"]),
        "traceparent": st.sampled_from([TRACE, "none"]),
        "x-tidemill-version": st.sampled_from(["0000000000000002", "../x"]),
        "x-tidemill-key": st.just("customer-7"),
        "authorization": st.just("Bearer unneeded"),
    },
)
requests = st.builds(
    Request,
    st.sampled_from(["POST", "POST", "POST", "GET", "HEAD"]),
    st.sampled_from([PREDICT, PREDICT, f"{PREDICT}/", VERSIONED, ALIASED, INFER, "/v1/models/none:predict", "/", "/x"]),
    st.sampled_from(["", "", "", "explain=1", "pretty=1"]),
    wishes,
    bodies,
)


def test_the_short_way_answers_records_and_counts_as_the_long_way_does() -> None:
    pair = Pair()

    @settings(max_examples=400, deadline=None)
    @given(st.lists(requests, min_size=1, max_size=4))
    def answers_alike(requests: list[Request]) -> None:
        for short, long, _ in pair.ask_together(requests):
            assert short == long

    answers_alike()
    assert facts(pair.short) == facts(pair.long)


def test_requests_that_come_together_take_one_run_of_the_model() -> None:
    desk = Desk()
    desk.predict(ROW)
    replace_predictor(desk, Watched)
    requests = [received(Request("POST", PREDICT, body=asking(*rows(count)))) for count in (1, 3, 2)]
    answers = [json.loads(decoded(answer).body) for answer in at_once_of(desk, *requests) if answer is not None]
    assert desk.cache._slots[MODEL].served.loaded.predictor.runs == [6]  # type: ignore[attr-defined]
    assert [len(answer["predictions"]) for answer in answers] == [1, 3, 2]
    (page,) = desk.records().values()
    told = [each for answer in answers for each in answer["prediction_ids"]]
    assert [each["prediction_id"] for each in page[1:]] == told


def test_a_mistake_of_one_request_is_no_other_s() -> None:
    desk = Desk()
    desk.predict(ROW)
    wrong, right = received(Request("POST", PREDICT, body=asking({**ROW, "seen": "yesterday"}))), plain()
    assert [answer is None for answer in at_once_of(desk, wrong, right, plain())] == [True, False, False]


def asking(*instances: object) -> bytes:
    """The body of a request."""
    return json.dumps({"instances": instances}).encode()


class Watched:
    """Remembers how many rows each run had."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self.runs = predictor, list[int]()

    def predict(self, columns: Columns) -> Outputs:
        self.runs.append(len(columns["sex"]))
        return self._predictor.predict(columns)


@pytest.mark.parametrize(
    ("changes", "at_once"),
    [
        ({}, True),
        ({"headers": {"content-type": "application/json", "accept-encoding": "gzip"}}, True),
        ({"method": "GET"}, False),
        ({"path": VERSIONED}, False),
        ({"path": ALIASED}, False),
        ({"path": INFER}, False),
        ({"query": "explain=1"}, False),
        ({"body": b""}, False),
        ({"body": b'{"instances": [{}]}'}, False),
        ({"body": BODY + b" " * 20_000}, False),
        ({"headers": {"x-tidemill-version": "0000000000000001"}}, False),
        ({"headers": {"content-encoding": "gzip"}}, False),
        ({"headers": {"origin": "https://shop.example"}}, False),
        ({"headers": {"traceparent": TRACE}}, False),
        ({"headers": {"content-type": "text/csv"}}, False),
    ],
    ids=lambda each: str(each) if isinstance(each, bool) else "-".join(each) or "plain",
)
def test_only_plain_requests_go_the_short_way(changes: dict[str, Any], at_once: bool) -> None:
    assert PAIR.ask(Request(**{"method": "POST", "path": PREDICT, "body": BODY, **changes}))[2] is at_once


def test_nothing_is_answered_at_once_that_may_wait_for_the_store() -> None:
    desk, recording = Desk(), Desk(mode="sync")
    assert at_once_of(desk, plain()) == [None]
    for each in (desk, recording):
        each.predict(ROW)
    assert at_once_of(desk, plain()) != [None]
    assert at_once_of(recording, plain()) == [None]
    desk.clock.advance(5)
    assert at_once_of(desk, plain()) == [None]


def test_nobody_is_answered_at_once_who_may_be_refused() -> None:
    desk = Desk(access=Access(limits=Limits(1, 1, lambda: 0.0)))
    desk.predict(ROW)
    assert at_once_of(desk, plain()) == [None]


def test_during_a_trial_nothing_is_answered_at_once() -> None:
    desk = Desk()
    on_trial = replace(route(desk.models, classifier(1)), challenger="0000000000000002", mode="canary", share=0.5)
    desk.models.put(f"{MODEL}/route.json", on_trial.encode())
    desk.predict(ROW)
    assert desk.cache.champion(MODEL).trial is not None
    assert at_once_of(desk, plain()) == [None]


FATAL = {**ROW, "flipper_length": 299}


class Broken:
    """Breaks at one row."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, columns: Columns) -> Outputs:
        if FATAL["flipper_length"] in columns["flipper_length"]:
            raise ZeroDivisionError("secret detail")
        return self._predictor.predict(columns)


def test_a_model_that_breaks_is_told_alike_and_breaks_no_other_request() -> None:
    pair = Pair()
    for desk in (pair.short, pair.long):
        replace_predictor(desk, Broken)
    asked = [
        Request("POST", PREDICT, "", {"x-request-id": f"r-{number}"}, asking(each))
        for number, each in enumerate((ROW, FATAL, ROW))
    ]
    answers = pair.ask_together(asked)
    assert [short.status for short, _, _ in answers] == [200, 500, 200]
    for short, long, at_once in answers:
        assert not at_once
        assert short == long
    assert facts(pair.short) == facts(pair.long)
