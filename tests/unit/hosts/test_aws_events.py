"""The host of event functions on AWS Lambda: what fails alone, what comes again, what is given up with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from core.adapters.dead_letters_sqs import SqsDeadLetters
from core.adapters.store_memory import MemoryStore
from core.declaration import declarations
from core.errors import BadInput, Transient
from core.events.aws import ATTEMPTS
from core.hosts.aws_events import EventHost
from core.hosts.worker import Worker
from core.layout import ZONES
from core.runtime import Runtime
from core.settings import Settings

GOLDEN = Path(__file__).parents[2] / "events" / "golden"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


class Letters:
    def __init__(self, error: Exception | None = None) -> None:
        self.kept: list[tuple[str, str, str]] = []
        self.error = error

    def keep(self, body: str, reason: str, function: str) -> None:
        if self.error:
            raise self.error
        self.kept.append((body, reason, function))


def runtime_in(folder: Path) -> Runtime:
    settings = Settings.from_env({}, store="s3://acme-tidemill-{zone}", specs=folder)
    return Runtime(settings, stores={zone: MemoryStore() for zone in ZONES})


class Desk:
    """A host whose function notes what it is called with, and fails on keys that are in `errors`."""

    def __init__(self, folder: Path, letters: Letters | None = None, **errors: Exception) -> None:
        self.seen: list[str] = []
        self.errors = {key.replace("_", "."): error for key, error in errors.items()}
        self.host = EventHost(Worker(declarations()["ingest"], runtime_in(folder), self.handle), letters)

    def handle(self, event: Any, runtime: Runtime) -> dict[str, Any]:
        self.seen.append(event.key)
        error = self.errors.get(event.key.rsplit("/", 1)[-1])
        if error:
            raise error
        return {"rows": 1}


def queue(*keys: str) -> dict[str, Any]:
    (record, _) = golden("sqs_eventbridge")["Records"]
    body = golden("eventbridge_created")
    records = []
    for key in keys:
        body["detail"]["object"]["key"] = key
        records.append({**record, "messageId": key, "body": json.dumps(body)})
    return {"Records": records}


def failed(*keys: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": key} for key in keys]}


def test_each_message_is_handled_and_only_those_that_failed_come_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, b_csv=Transient("later."), c_csv=ValueError("a bug"))
    assert desk.host(queue("m/rows/a.csv", "m/rows/b.csv", "m/rows/c.csv")) == failed("m/rows/b.csv", "m/rows/c.csv")
    assert desk.seen == ["m/rows/a.csv", "m/rows/b.csv", "m/rows/c.csv"]


def test_what_was_not_declared_is_left_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.host(queue("m/score/a.csv", "m/rows/deep/a.csv", "m/rows")) == failed()
    assert desk.seen == ["m/rows/deep/a.csv"]


def test_what_cannot_succeed_goes_to_the_dead_letters_with_its_reason(tmp_path: Path) -> None:
    letters = Letters()
    desk = Desk(tmp_path, letters, b_csv=BadInput("no\nheader."))
    event = queue("m/rows/a.csv", "m/rows/b.csv")
    assert desk.host(event) == failed()
    assert letters.kept == [(event["Records"][1]["body"], "no header.", "ingest")]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Transient("the store\nis away."), "the store is away."), (KeyError("x"), "KeyError: 'x'")],
)
def test_what_failed_for_the_last_time_goes_to_the_dead_letters_with_its_reason(
    tmp_path: Path, error: Exception, reason: str
) -> None:
    letters = Letters()
    desk = Desk(tmp_path, letters, b_csv=error)
    for attempt in range(1, ATTEMPTS + 1):
        event = queue("m/rows/b.csv")
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(attempt)
        assert desk.host(event) == (failed() if attempt == ATTEMPTS else failed("m/rows/b.csv"))
    assert letters.kept == [(event["Records"][0]["body"], reason, "ingest")]


@pytest.mark.parametrize("letters", [None, Letters(Transient("the queue is away."))])
def test_what_cannot_be_kept_comes_again_until_the_queue_gives_up(tmp_path: Path, letters: Letters | None) -> None:
    desk = Desk(tmp_path, letters, b_csv=BadInput("no header."))
    assert desk.host(queue("m/rows/a.csv", "m/rows/b.csv")) == failed("m/rows/b.csv")


def test_a_message_that_is_none_fails_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    letters = Letters()
    desk = Desk(tmp_path, letters)
    assert desk.host(golden("sqs_poison")) == failed()
    assert desk.seen == ["flights-delay/rows/May 2013/100%.csv"]
    assert [reason[:30] for _, reason, _ in letters.kept] == [
        "a message must be a JSON objec",
        "object 'x/rows/a.csv' of bucke",
    ]
    assert [record.exc_info for record in caplog.records if record.levelname == "ERROR"] == [None, None]


def test_without_a_queue_the_first_error_is_raised_after_all_is_done(tmp_path: Path) -> None:
    desk = Desk(tmp_path, a_csv=BadInput("bad."))
    with pytest.raises(BadInput, match=r"bad\."):
        desk.host(golden("s3_many"))
    assert desk.seen == ["m/rows/a.csv", "m/rows/b.parquet", "m/labels/c.csv"]


def test_the_real_function_ingests_what_the_event_tells_of(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "model: m\ntask: binary\ntarget: y\nfeatures: [{name: x, type: number}]\nestimator: logistic-regression\n"
    )
    host = EventHost(Worker(declarations()["ingest"], runtime := runtime_in(tmp_path)))
    runtime.store("landing").put("m/rows/a b.csv", b"x,y\n1,true\n2,false\n")
    assert host(queue("m/rows/a b.csv")) == failed()
    assert [info.key for info in runtime.store("datasets").list("m/") if info.key.endswith("manifest.json")]
    assert host(queue("m/rows/c.csv")) == failed("m/rows/c.csv")


@mock_aws
def test_a_dead_letter_in_sqs_has_its_reason_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="dead")["QueueUrl"]
    SqsDeadLetters(url).keep('{"a": 1}', "no header é.", "ingest")
    (message,) = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == '{"a": 1}'
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {"reason": "no header é.", "function": "ingest"}
    with pytest.raises(Transient, match="cannot be sent"):
        SqsDeadLetters(url + "x").keep("{}", "r", "ingest")
