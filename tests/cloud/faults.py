"""Files that cannot be read, a store that fails for a while, functions that run out of time."""

from __future__ import annotations

import json
import time
from typing import Any

from core.events.aws import ATTEMPTS
from localstack.cloud import Cloud
from localstack.demo import MODEL
from localstack.watch import body, content, drop, keys, until

from .arrivals import flights
from .faltering import faltering
from .stack import DEAD, PREFIX, attributes, dead, failures_come_again_soon, letters, queue_url, redrive, settle

BAD = b"this is,no file\nof flights,at all\n"
SHORT = 20
"""Seconds that a function may take which shall run out of time; it starts in two or three."""


def a_poison_file_becomes_a_dead_letter_with_its_reason_and_the_others_pass(cloud: Cloud) -> None:
    """At once, since trying again cannot help; the letter is the event as it came."""
    header, rows = flights("04")
    files = {f"{MODEL}/rows/april {number}+é.csv": header + rows[number] for number in range(3)}
    drop(cloud, {**files, f"{MODEL}/rows/poison.csv": BAD})
    (letter,) = until(lambda: letters(cloud, "ingest"))
    _is_letter_of(letter, f"{MODEL}/rows/poison.csv", reason="poison.csv")
    until(lambda: all(receipt(cloud, key) for key in files))
    settle(cloud)
    assert dead(cloud) == {"ingest": 1}
    cloud.client("sqs").purge_queue(QueueUrl=queue_url(cloud, f"ingest{DEAD}"))


def _is_letter_of(letter: dict[str, Any], key: str, *, reason: str) -> None:
    assert attributes(letter)["function"] == "ingest"
    assert reason in attributes(letter)["reason"]
    assert json.loads(letter["Body"])["detail"]["object"]["key"] == key


def receipt(cloud: Cloud, key: str) -> dict[str, Any] | None:
    """What the receipt of a dropped file says; None while there is none."""
    name = key.rpartition("/")[2].replace(" ", "-").replace("+é", "-")
    found = [each for each in keys(cloud, "reports", f"{MODEL}/ingest/") if each.rpartition("/")[2].startswith(name)]
    return content(cloud, "reports", found[0]) if found else None


def what_fails_for_a_while_is_tried_again_then_kept_with_its_reason_and_passes_once_mended(cloud: Cloud) -> None:
    """The datasets cannot be written: after its attempts the file is a dead letter, and a redrive ingests it."""
    header, rows = flights("04")
    key = f"{MODEL}/rows/refused.csv"
    with failures_come_again_soon(cloud), faltering(cloud, "ingest") as faults:
        faults.refused = lambda method, path: method == "PUT" and cloud.bucket("datasets") in path
        drop(cloud, {key: b"".join([header, *rows[10:15]])})
        (letter,) = until(lambda: letters(cloud, "ingest"))
        begun = [path for method, path in faults.asked if method == "HEAD" and path.endswith("/refused.csv")]
    _is_letter_of(letter, key, reason="the store did not answer as it should just now (503)")
    assert len(begun) == ATTEMPTS
    assert receipt(cloud, key) is None
    redrive(cloud, "ingest")
    until(lambda: receipt(cloud, key))
    settle(cloud)
    assert dead(cloud) == {}


def a_function_that_runs_out_of_time_midway_is_retried_to_the_same_end_state(cloud: Cloud) -> None:
    """It is killed when the rows are written and their manifest is not; undisturbed, every byte is the same."""
    header, rows = flights("04")
    key = f"{MODEL}/rows/slow.csv"
    with failures_come_again_soon(cloud), faltering(cloud, "ingest", Timeout=SHORT) as faults:
        faults.held = lambda method, path: method == "PUT" and path.endswith("/manifest.json")
        drop(cloud, {key: b"".join([header, *rows[20:25]])})
        until(lambda: [path for method, path in faults.asked if faults.held(method, path)])
        until(lambda: _timeouts(cloud, "ingest"))
        (part,) = [path for method, path in faults.asked if method == "PUT" and path.endswith(".parquet")]
        assert receipt(cloud, key) is None
        faults.end()
        dataset = until(lambda: (receipt(cloud, key) or {}).get("dataset", ""))
    assert dataset in part
    settle(cloud)
    retried = _state(cloud, dataset)
    assert len(retried) == 4, "rows, manifest, receipt, verdict"
    undisturbed = _again(cloud, key, retried)
    assert undisturbed == retried
    assert dead(cloud) == {}


def _timeouts(cloud: Cloud, function: str) -> list[str]:
    events = cloud.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{PREFIX}{function}", filterPattern='"Task timed out"'
    )["events"]
    return [event["message"] for event in events]


def _state(cloud: Cloud, dataset: str) -> dict[tuple[str, str], bytes]:
    """Everything that is stored of a dataset."""
    found = [("datasets", key) for key in keys(cloud, "datasets", f"{MODEL}/{dataset}/")]
    found += [("reports", f"{MODEL}/validation/{dataset}.json")]
    receipts = keys(cloud, "reports", f"{MODEL}/ingest/")
    found += [("reports", key) for key in receipts if content(cloud, "reports", key)["dataset"] == dataset]
    return {(zone, key): body(cloud, zone, key) for zone, key in found}


def _again(cloud: Cloud, key: str, stored: dict[tuple[str, str], bytes]) -> dict[tuple[str, str], bytes]:
    """What is stored when all of it is taken away, and the file's event comes once more."""
    client = cloud.client("s3")
    for zone, name in stored:
        client.delete_object(Bucket=cloud.bucket(zone), Key=name)
    data = body(cloud, "landing", key)
    drop(cloud, {key: data})
    until(lambda: set(stored) <= {(zone, name) for zone in ("datasets", "reports") for name in keys(cloud, zone)})
    time.sleep(1)
    return {(zone, name): body(cloud, zone, name) for zone, name in stored}
