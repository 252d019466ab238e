"""What was counted: every request once, in a form that Prometheus, CloudWatch and Google Cloud read."""

import json
import logging
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.inference.metrics import BUCKETS, MOST_VALUES, Metrics
from core.telemetry import METRICS_LOGGER, JsonFormatter, configure
from tests.penguins import MODEL, ROW, Desk

FIRST = "0000000000000001"
PREDICT = f"/v1/models/{MODEL}:predict"
LINE = re.compile(r'(\w+)(?:\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')


def scraped(page: bytes) -> dict[tuple[str, str], float]:
    lines = [line for line in page.decode().splitlines() if not line.startswith("#")]
    found = {}
    for line in lines:
        match = LINE.fullmatch(line)
        assert match, line
        found[match[1], match[2] or ""] = float(match[3])
    assert len(found) == len(lines)
    return found


def test_requests_are_counted_by_version_and_status() -> None:
    desk = Desk()
    for row in (ROW, ROW, {}):
        desk.predict(row)
    desk.ask("GET", "/nowhere")
    page = desk.ask("GET", "/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = scraped(page.body)
    labels = f'model="{MODEL}",version="{FIRST}"'
    assert found["tidemill_requests_total", f'{labels},status="200"'] == 2
    assert found["tidemill_requests_total", f'{labels},status="400"'] == 1
    assert found["tidemill_requests_total", 'model="",version="",status="404"'] == 1
    assert found["tidemill_request_seconds_count", labels] == 3
    assert found["tidemill_request_seconds_bucket", f'{labels},le="+Inf"'] == 3
    assert found["tidemill_models_loaded", ""] == 1
    assert found["tidemill_model_bytes", ""] == desk.cache.size


@given(st.lists(st.floats(0, 100)))
def test_buckets_add_up(latencies: list[float]) -> None:
    metrics = Metrics()
    for seconds in latencies:
        metrics.count("m", "v", 200, seconds)
    found = scraped(metrics.exposition({}))
    for end in BUCKETS if latencies else ():
        at_most = sum(seconds <= end for seconds in latencies)
        assert found["tidemill_request_seconds_bucket", f'model="m",version="v",le="{end!r}"'] == at_most


def test_a_stranger_cannot_make_labels() -> None:
    desk = Desk()
    for number in range(50):
        desk.ask("POST", f"/v1/models/made-up-{number}:predict", {"instances": [ROW]})
    assert b"made-up" not in desk.ask("GET", "/metrics").body


def test_labels_are_escaped() -> None:
    metrics = Metrics()
    metrics.count('a"b\\c\nd', "v", 200, 0.1)
    assert ("tidemill_requests_total", r'model="a\"b\\c\nd",version="v",status="200"') in scraped(
        metrics.exposition({})
    )


def test_a_line_of_the_log_is_embedded_metrics() -> None:
    metrics = Metrics()
    for number in range(250):
        metrics.count("m", "v", 500 if number < 3 else 200, number / 1000)
    (facts,) = metrics.take(1_700_000_000.5)
    record = logging.LogRecord("l", logging.INFO, "p", 1, "served", (), None)
    record.facts = facts
    line = json.loads(JsonFormatter().format(record))
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Tidemill", [["model", "version"]])
    assert line["_aws"]["Timestamp"] == 1_700_000_000_500
    assert {"model", "version", *(metric["Name"] for metric in directive["Metrics"])} <= set(line)
    assert (line["requests"], line["errors"], line["cold_starts"]) == (250, 3, 1)
    assert line["latency_ms"] == [float(number) for number in range(150, 250)]
    assert len(line["latency_ms"]) == MOST_VALUES
    assert (line["latency_ms_p50"], line["latency_ms_p99"]) == (199.0, 248.0)


def test_each_line_tells_what_is_new_and_one_process_starts_cold_once() -> None:
    metrics = Metrics()
    metrics.count("", "", 404, 0.1)
    metrics.count("m", "v", 200, 0.1)
    metrics.count("m", "w", 200, 0.1)
    assert [facts["cold_starts"] for facts in metrics.take(0)] == [0, 1, 0]
    assert metrics.take(0) == []
    metrics.count("m", "v", 200, 0.1)
    (facts,) = metrics.take(0)
    assert (facts["requests"], facts["cold_starts"]) == (1, 0)


def test_the_service_logs_what_it_counted(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(metrics_every=0)
    desk.predict(ROW)
    with caplog.at_level(logging.INFO, METRICS_LOGGER):
        desk.service.tick()
        desk.service.tick()
        desk.predict(ROW)
        desk.service.close()
    lines = [record.__dict__["facts"] for record in caplog.records if record.name == METRICS_LOGGER]
    assert [(line["model"], line["version"], line["requests"]) for line in lines] == [(MODEL, FIRST, 1)] * 2


def test_metrics_are_for_machines_alone() -> None:
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    level = root.level
    try:
        for json_lines in (True, False):
            configure(json_lines=json_lines)
            assert logging.getLogger(METRICS_LOGGER).isEnabledFor(logging.INFO) is json_lines
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.getLogger(METRICS_LOGGER).setLevel(logging.NOTSET)


# traces -----------------------------------------------------------------------------------------------------

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_the_caller_s_trace_is_passed_on() -> None:
    answer = Desk().ask("GET", "/v2", traceparent=PARENT, tracestate="vendor=value")
    assert (answer.headers["traceparent"], answer.headers["tracestate"]) == (PARENT, "vendor=value")


@pytest.mark.parametrize(
    "parent",
    [
        *("", "00", PARENT.upper(), "ff" + PARENT[2:], PARENT[:-1], "x" + PARENT),
        PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        PARENT.replace("00f067aa0ba902b7", "0" * 16),
        PARENT + "\r\nx-evil: 1",
    ],
)
def test_what_is_no_trace_is_not(parent: str) -> None:
    headers = Desk().ask("GET", "/v2", traceparent=parent, tracestate="a=b").headers
    assert "tracestate" not in headers
    assert "traceparent" not in headers
    assert not any("\n" in value for value in headers.values())


def test_a_failure_is_logged_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    msgspec.structs.force_setattr(desk.cache.champion(MODEL).loaded, "predictor", None)
    assert desk.ask("POST", PREDICT, {"instances": [ROW]}, traceparent=PARENT).status == 500
    facts = caplog.records[-1].__dict__["facts"]
    assert facts["trace"] == facts["logging.googleapis.com/trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert facts["logging.googleapis.com/spanId"] == "00f067aa0ba902b7"
    assert facts["httpRequest"] == {"requestMethod": "POST", "requestUrl": PREDICT, "status": 500}
