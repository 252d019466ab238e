"""What the tests ask the deployed stack, with boto3 alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from localstack.cloud import CONNECTIONS, Cloud
from localstack.watch import PATIENCE, content

PREFIX = "tidemill-local-"
DEAD = "-dead-letters"
HIDDEN = "VisibilityTimeout"
SOON = 30
"""Seconds after which a message that failed comes again; on AWS it is six times the function's timeout."""


def writes(cloud: Cloud, zones: Iterable[str]) -> set[tuple[str, str, str]]:
    """(zone, key, version) of every write that was ever made to the zones: their buckets keep them all."""
    found = set()
    for zone in zones:
        for page in cloud.client("s3").get_paginator("list_object_versions").paginate(Bucket=cloud.bucket(zone)):
            found |= {(zone, entry["Key"], entry["VersionId"]) for entry in page.get("Versions", ())}
    return found


def contents(cloud: Cloud, zone: str, wanted: Iterable[str]) -> list[Any]:
    """Many objects' JSON."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(lambda key: content(cloud, zone, key), wanted))


def queue_url(cloud: Cloud, function: str) -> str:
    """The URL of a function's queue."""
    url: str = cloud.client("sqs").get_queue_url(QueueName=f"{PREFIX}{function}")["QueueUrl"]
    return url


def queues(cloud: Cloud) -> list[str]:
    """The URLs of every queue of the stack."""
    return list(cloud.client("sqs").list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", ()))


def letters(cloud: Cloud, function: str) -> list[dict[str, Any]]:
    """A function's dead letters, which stay where they are."""
    url = queue_url(cloud, f"{function}{DEAD}")
    asked = {"MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    found: list[dict[str, Any]] = cloud.client("sqs").receive_message(QueueUrl=url, **asked).get("Messages", [])
    return found


def attributes(letter: Mapping[str, Any]) -> dict[str, str]:
    """What stands beside a dead letter."""
    return {name: value["StringValue"] for name, value in letter.get("MessageAttributes", {}).items()}


def dead(cloud: Cloud) -> dict[str, int]:
    """Queue -> how many dead letters it holds, of those that hold any."""
    counts = {url.rpartition("/")[2]: _count(cloud, url) for url in queues(cloud) if url.endswith(DEAD)}
    return {name.removeprefix(PREFIX).removesuffix(DEAD): count for name, count in counts.items() if count}


def redrive(cloud: Cloud, function: str) -> None:
    """Move a function's dead letters back into its queue: what StartMessageMoveTask does on AWS."""
    client, source = cloud.client("sqs"), queue_url(cloud, f"{function}{DEAD}")
    for letter in letters(cloud, function):
        client.send_message(QueueUrl=queue_url(cloud, function), MessageBody=letter["Body"])
        client.delete_message(QueueUrl=source, ReceiptHandle=letter["ReceiptHandle"])


@contextmanager
def failures_come_again_soon(cloud: Cloud) -> Iterator[None]:
    """Inside of the `with`, a message stays hidden for less long while it is handled, or after its call died."""
    client = cloud.client("sqs")
    alive = [url for url in queues(cloud) if not url.endswith(DEAD)]
    before = {url: client.get_queue_attributes(QueueUrl=url, AttributeNames=[HIDDEN])["Attributes"] for url in alive}
    try:
        for url in alive:
            client.set_queue_attributes(QueueUrl=url, Attributes={HIDDEN: str(SOON)})
        yield
    finally:
        for url in alive:
            client.set_queue_attributes(QueueUrl=url, Attributes=before[url])


def settle(cloud: Cloud, patience: float = PATIENCE) -> None:
    """Wait until nothing waits in any queue, nor is being handled, and stays so."""
    quiet = 0
    deadline = time.monotonic() + patience
    while quiet < 3:
        assert time.monotonic() < deadline, "the queues did not come to rest in time"
        quiet = 0 if any(_count(cloud, url) for url in queues(cloud) if not url.endswith(DEAD)) else quiet + 1
        time.sleep(0.5)


def _count(cloud: Cloud, url: str) -> int:
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    return sum(int(told[count]) for count in counts)
