"""Files that come in a crowd, events that come twice, and files to score."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.error import HTTPError

import pytest

from core.declaration import declarations
from core.layout import ZONES, Zone
from localstack.__main__ import flight
from localstack.cloud import ROOT, Cloud, ask
from localstack.demo import MODEL
from localstack.watch import drop, keys, until

from .stack import contents, dead, queue_url, settle, writes

CROWD = 200
ROWS = 4
"""Of each file: together fewer than the 1,000 new rows that call for training."""

WATCHED: tuple[Zone, ...] = ("landing", "datasets", "reports", "models")
"""The zones whose objects start functions."""


def flights(month: str) -> tuple[bytes, list[bytes]]:
    """Header and rows of a bundled month, CSV."""
    header, *rows = gzip.decompress((ROOT / "examples" / "flights" / f"2013-{month}.csv.gz").read_bytes()).splitlines(
        keepends=True
    )
    return header, rows


def crowd() -> dict[str, bytes]:
    """Rows of September, spread over many small files."""
    header, rows = flights("09")
    files = (b"".join([header, *rows[number :: len(rows) // ROWS][:ROWS]]) for number in range(CROWD))
    return {f"{MODEL}/rows/september {number:03}.csv": file for number, file in enumerate(files)}


def many_files_dropped_at_once_are_all_processed_exactly_once(cloud: Cloud) -> None:
    """Each file one receipt, one dataset of its rows and one verdict; nothing rejected, nothing given up."""
    files, before = crowd(), writes(cloud, ZONES)
    drop(cloud, files)
    until(lambda: len(_of(_new(cloud, before, "reports"), "validation")) >= CROWD)
    settle(cloud)
    written = _new(cloud, before, "reports")
    receipts = contents(cloud, "reports", _of(written, "ingest"))
    assert sorted(receipt["key"] for receipt in receipts) == sorted(files)
    assert [receipt["rows"] for receipt in receipts] == [ROWS] * CROWD
    manifests = [key for key in _new(cloud, before, "datasets") if key.endswith("/manifest.json")]
    assert sorted(manifest["source"]["key"] for manifest in contents(cloud, "datasets", manifests)) == sorted(files)
    assert len(_new(cloud, before, "datasets")) == 2 * CROWD, "a part and a manifest for each"
    verdicts = contents(cloud, "reports", _of(written, "validation"))
    assert [verdict["valid"] for verdict in verdicts] == [True] * CROWD
    assert not _new(cloud, before, "quarantine")
    assert dead(cloud) == {}


def _new(cloud: Cloud, before: set[tuple[str, str, str]], zone: str) -> list[str]:
    """Keys of every write since then: a key that was written twice is there twice."""
    return sorted(key for _, key, _ in writes(cloud, [zone]) - before)


def _of(written: Iterable[str], kind: str) -> list[str]:
    return [key for key in written if key.startswith(f"{MODEL}/{kind}/")]


def every_event_delivered_twice_changes_nothing(cloud: Cloud) -> None:
    """All events that ever were, the newest first: not one object is written."""
    settle(cloud)
    before = writes(cloud, ZONES)
    events = [event for zone in WATCHED for event in _events(cloud, zone)]
    assert len(events) > 4 * CROWD
    for function, event in reversed(events):
        cloud.client("sqs").send_message(QueueUrl=queue_url(cloud, function), MessageBody=json.dumps(event))
    settle(cloud)
    written = {key for zone, key, _ in writes(cloud, ZONES) - before}
    assert written == set()
    assert dead(cloud) == {}


def _events(cloud: Cloud, zone: Zone) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a zone's objects, each for every function that it starts, as EventBridge sent them."""
    golden = json.loads((ROOT / "tests" / "events" / "golden" / "eventbridge_created.json").read_text("utf-8"))
    for number, key in enumerate(keys(cloud, zone)):
        thing = {**golden["detail"]["object"], "key": key}
        detail = {**golden["detail"], "bucket": {"name": cloud.bucket(zone)}, "object": thing}
        event = {**golden, "id": f"{golden['id'][:-4]}{number:04}", "detail": detail}
        for declared in declarations().values():
            if any(trigger.fits(zone, key) for trigger in declared.triggers):
                yield declared.name.replace("_", "-"), event


def a_file_to_score_is_answered(cloud: Cloud) -> None:
    """Row for row, with the serving version."""
    header, rows = flights("08")
    drop(cloud, {f"{MODEL}/score/august.csv": b"".join([header, *rows])})
    (success,) = until(lambda: _ended(cloud))
    assert contents(cloud, "predictions", [success])[0]["rows"] == len(rows)
    assert "batch-inference" not in dead(cloud)


def _ended(cloud: Cloud) -> list[str]:
    return [key for key in keys(cloud, "predictions", f"{MODEL}/batch/") if key.endswith("/_SUCCESS")]


def bad_input_is_refused_over_http_in_a_sentence(cloud: Cloud) -> None:
    """With 400 and the name of what is wrong."""
    with pytest.raises(HTTPError, match="400") as caught:
        ask(cloud, MODEL, [{**flight(), "distance": "far"}])
    with caught.value as answer:
        assert "distance" in json.load(answer)["error"]
