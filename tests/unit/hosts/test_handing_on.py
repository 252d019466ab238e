"""A function whose time is up hands the rest to a successor, on every host."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from core.adapters.store_memory import MemoryStore
from core.adapters.successors_sqs import SqsSuccessors
from core.declaration import declarations
from core.errors import TimeUp, Transient
from core.hosts.aws_events import EventHost
from core.hosts.local.host import LocalHost, Tally
from core.hosts.local.queue import Queue, Work
from core.hosts.worker import Worker
from core.layout import ZONES
from core.runtime import Runtime
from core.settings import Settings

GOLDEN = Path(__file__).parents[2] / "events" / "golden"
NAME = "batch_inference"


class Successors:
    """Notes what is handed on, and fails on demand."""

    def __init__(self, *, fails: bool = False) -> None:
        self.bodies: list[str] = []
        self.fails = fails

    def hand_on(self, body: str) -> None:
        if self.fails:
            raise Transient("the queue is away.")
        self.bodies.append(body)


class Letters:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def keep(self, body: str, reason: str, function: str) -> None:
        self.reasons.append(reason)


def runtime_in(folder: Path) -> Runtime:
    settings = Settings.from_env({}, store="s3://acme-tidemill-{zone}", specs=folder)
    return Runtime(settings, stores={zone: MemoryStore() for zone in ZONES})


def message(key: str, attempts: int = 1) -> dict[str, Any]:
    body = json.loads((GOLDEN / "eventbridge_created.json").read_text())
    body["detail"]["object"]["key"] = key
    record = json.loads((GOLDEN / "sqs_eventbridge.json").read_text())["Records"][0]
    attributes = {**record.get("attributes", {}), "ApproximateReceiveCount": str(attempts)}
    return {"Records": [{**record, "messageId": key, "body": json.dumps(body), "attributes": attributes}]}


def host(folder: Path, successors: Successors | None, left: list[float], letters: Letters | None = None) -> EventHost:
    def handle(event: Any, runtime: Runtime) -> dict[str, Any]:
        left.append(runtime.seconds_left())
        raise TimeUp("time is up: 5 rows are scored, the rest goes on.")

    return EventHost(Worker(declarations()[NAME], runtime_in(folder), handle), letters, successors)


def test_lambda_sends_the_message_anew_and_lets_go_of_it(tmp_path: Path) -> None:
    successors, left, event = Successors(), list[float](), message("m/score/a.csv")
    assert host(tmp_path, successors, left)(event, lambda: 12.5) == {"batchItemFailures": []}
    assert successors.bodies == [event["Records"][0]["body"]]
    assert left == [12.5]


def test_it_is_not_a_dead_letter_however_often_it_came(tmp_path: Path) -> None:
    successors, letters = Successors(), Letters()
    assert host(tmp_path, successors, [], letters)(message("m/score/a.csv", attempts=9), lambda: 1.0) == {
        "batchItemFailures": []
    }
    assert letters.reasons == []
    assert len(successors.bodies) == 1


@pytest.mark.parametrize("successors", [None, Successors(fails=True)])
def test_where_it_cannot_be_sent_the_queue_delivers_it_again(tmp_path: Path, successors: Successors | None) -> None:
    told = host(tmp_path, successors, [])(message("m/score/a.csv"), lambda: 1.0)
    assert told == {"batchItemFailures": [{"itemIdentifier": "m/score/a.csv"}]}


def test_a_host_that_does_not_say_gives_what_is_declared(tmp_path: Path) -> None:
    left: list[float] = []
    host(tmp_path, Successors(), left)(message("m/score/a.csv"))
    assert 0.9 * declarations()[NAME].timeout < left[0] <= declarations()[NAME].timeout


def test_sqs_gets_the_message_as_it_came(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="successors")["QueueUrl"]
    SqsSuccessors(url).hand_on('{"a": 1}')
    (received,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert received["Body"] == '{"a": 1}'
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(Transient, match="cannot be handed on"):
        SqsSuccessors(url).hand_on("{}")


def test_the_local_host_goes_on_at_once_and_counts_no_attempt(tmp_path: Path) -> None:
    """More often than a failure would be tried."""
    (tmp_path / "models").mkdir()
    settings = Settings.from_env({}, store=f"{tmp_path}/{{zone}}", specs=tmp_path / "models")
    runtime = Runtime(settings, stores={zone: MemoryStore() for zone in ZONES})
    queue, calls = Queue(settings.host), 0
    work = Work("one", NAME, "landing/m/score/a.csv", {"zone": "landing", "key": "m/score/a.csv", "version": "1"})
    queue.add([replace(work, due=datetime(2026, 1, 1, tzinfo=UTC).timestamp())])

    def call(*_: object) -> dict[str, object]:
        nonlocal calls
        calls += 1
        if calls < 12:
            raise TimeUp("time is up")
        return {"files": 1}

    tally = Tally()
    LocalHost(runtime, queue, call=call).run_due([NAME], tally)
    queue.close()
    assert (calls, tally.handled, tally.failed) == (12, 1, [])
