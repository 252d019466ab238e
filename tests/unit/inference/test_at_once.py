"""The short way of the commonest request: what it answers, counts and records is what the long way does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.columns import Columns, Outputs
from core.inference.access import Access, Limits
from core.inference.http import Request, Response
from core.inference.web import Web
from tests.penguins import MODEL, ROW, Desk, classifier, route, rows

PREDICT = f"/v1/models/{MODEL}:predict"
VERSIONED = f"/v1/models/{MODEL}/versions/0000000000000001:predict"
ALIASED = "/v1/models/weights:predict"
INFER = f"/v2/models/{MODEL}/infer"
BODY = json.dumps({"instances": [ROW]}).encode()
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Pair:
    """Two services of the same models, of which one is asked the short way first."""

    def __init__(self) -> None:
        web = Web(frozenset({"https://shop.example"}), {ALIASED: PREDICT})
        self.short, self.long = (Desk(web=web, max_body=20_000) for _ in range(2))
        for desk in (self.short, self.long):
            desk.ask("POST", PREDICT, {"instances": [ROW]}, x_request_id="first")

    def ask(self, request: Request) -> tuple[Response, Response, bool]:
        """Both answers, and whether the first was given at once."""
        at_once = self.short.service.at_once(request)
        return at_once or self.short.service.handle(request), self.long.service.handle(request), at_once is not None


PAIR = Pair()


def facts(desk: Desk) -> Any:
    """What was recorded and counted, but for how long it took."""
    page = desk.service.handle(Request("GET", "/metrics")).body.decode()
    counted = [line for line in page.splitlines() if line.startswith("tidemill_requests_total")]
    records = [{**each, "latency_ms": 0} for page in desk.records().values() for each in page]
    return records, counted


row = st.sampled_from([ROW, *rows(6), {**ROW, "sex": None}, {**ROW, "tag": "p1", "seen": "2026-11-24", "colony": "N"}])
odd = st.sampled_from([{**ROW, "wings": 2}, {}, {**ROW, "bill_length": 1e9}, {**ROW, "observer": "Ida"}, 7])
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
    @given(requests)
    def answers_alike(request: Request) -> None:
        short, long, _ = pair.ask(request)
        assert short == long

    answers_alike()
    assert facts(pair.short) == facts(pair.long)


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
    plain, desk, recording = Request("POST", PREDICT, body=BODY), Desk(), Desk(mode="sync")
    assert desk.service.at_once(plain) is None
    for each in (desk, recording):
        each.predict(ROW)
    assert desk.service.at_once(plain) is not None
    assert recording.service.at_once(plain) is None
    desk.clock.advance(5)
    assert desk.service.at_once(plain) is None


def test_nobody_is_answered_at_once_who_may_be_refused() -> None:
    desk = Desk(access=Access(limits=Limits(1, 1, lambda: 0.0)))
    desk.predict(ROW)
    assert desk.service.at_once(Request("POST", PREDICT, body=BODY)) is None


def test_during_a_trial_nothing_is_answered_at_once() -> None:
    desk = Desk()
    on_trial = replace(route(desk.models, classifier(1)), challenger="0000000000000002", mode="canary", share=0.5)
    desk.models.put(f"{MODEL}/route.json", on_trial.encode())
    desk.predict(ROW)
    assert desk.cache.champion(MODEL).trial is not None
    assert desk.service.at_once(Request("POST", PREDICT, body=BODY)) is None


class Broken:
    def predict(self, columns: Columns) -> Outputs:
        raise ZeroDivisionError("secret detail")


def test_a_model_that_breaks_is_told_alike() -> None:
    pair = Pair()
    for desk in (pair.short, pair.long):
        msgspec.structs.force_setattr(desk.cache._slots[MODEL].served.loaded, "predictor", Broken())
    short, long, at_once = pair.ask(Request("POST", PREDICT, "", {"x-request-id": "mine"}, BODY))
    assert at_once
    assert short == long
    assert short.status == 500
    assert facts(pair.short) == facts(pair.long)
