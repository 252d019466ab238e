"""What goes on in the local cloud, seen with boto3 alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from .cloud import CONNECTIONS, Cloud

T = TypeVar("T")

PATIENCE = 900.0
PAUSE = 0.5
"""Seconds."""

OFTEN = "rate(1 minute)"
"""The shortest that EventBridge knows."""


def until(found: Callable[[], T], patience: float = PATIENCE) -> T:
    """What `found` returns, once that is something; raises TimeoutError."""
    deadline = time.monotonic() + patience
    while not (value := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not happen within {patience:.0f} seconds.")
        time.sleep(PAUSE)
    return value


def keys(cloud: Cloud, zone: str, prefix: str = "") -> list[str]:
    """Keys of a zone's objects."""
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=cloud.bucket(zone), Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def body(cloud: Cloud, zone: str, key: str) -> bytes:
    """An object's bytes."""
    found: bytes = cloud.client("s3").get_object(Bucket=cloud.bucket(zone), Key=key)["Body"].read()
    return found


def content(cloud: Cloud, zone: str, key: str) -> Any:  # noqa: ANN401 - JSON
    """An object's JSON."""
    return json.loads(body(cloud, zone, key))


def drop(cloud: Cloud, files: Mapping[str, bytes]) -> None:
    """Put files into the landing bucket, many at a time."""
    client, bucket = cloud.client("s3"), cloud.bucket("landing")
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=bucket, Key=key, Body=files[key]), files))


@contextmanager
def clock_strikes_often(cloud: Cloud, schedule: str) -> Iterator[None]:
    """Inside of the `with` a schedule strikes each minute; only its rule's rate changes."""
    client = cloud.client("events")
    (rule,) = [
        rule
        for rule in client.list_rules()["Rules"]
        if rule.get("ScheduleExpression") and schedule in str(client.list_targets_by_rule(Rule=rule["Name"])["Targets"])
    ]
    client.put_rule(Name=rule["Name"], ScheduleExpression=OFTEN)
    try:
        yield
    finally:
        client.put_rule(Name=rule["Name"], ScheduleExpression=rule["ScheduleExpression"])
