"""Azure's shape on this machine: azurite's blobs and queues, Event Grid's CloudEvents, and the one image."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from core.adapters.registry import open_store
from core.declaration import declarations
from core.layout import ZONES, Zone
from core.ports import ObjectStore
from tests.servers.process import free_port

from .azurite import Account
from .container_apps import container_apps
from .event_grid import Queues, event_grid, webhook
from .hosts import container, process
from .queues import make_queue, seen
from .scenario import play, reference, write_spec


@pytest.fixture
def account(azurite_url: str, monkeypatch: pytest.MonkeyPatch) -> Account:
    found = Account(azurite_url)
    for name, value in found.environ.items():
        monkeypatch.setenv(name, value)
    return found


def opened(account: Account, prefix: str) -> dict[Zone, ObjectStore]:
    """The zones of a new store at az://<prefix>-{zone}."""
    account.make_containers(prefix)
    return {zone: open_store(f"az://{prefix}-{{zone}}", zone, account.environ) for zone in ZONES}


def by_container(prefix: str, stores: Mapping[Zone, ObjectStore]) -> dict[str, ObjectStore]:
    return {f"{prefix}-{zone}": store for zone, store in stores.items()}


@pytest.mark.slow
def test_rows_dropped_into_azure_become_predictions(tmp_path: Path, account: Account) -> None:
    """Event Grid posts to the host of CloudEvents."""
    ours = {"TIDEMILL_SPECS": str(write_spec(tmp_path)), "TIDEMILL_JOBS": "process://"}
    ours |= {"TIDEMILL_ACCESS": "none", "TIDEMILL_ROUTE_TTL": "0.5", "TIDEMILL_STORE": "az://posted-{zone}"}
    stores = opened(account, "posted")
    with (
        container(free_port(), {**account.environ, **ours}) as endpoint,
        webhook(f"{endpoint}/events", by_container("posted", stores)) as hook,
    ):
        told = play(partial(account.drop, "posted"), stores, endpoint)
    assert hook.dead == []
    assert told == reference(tmp_path / "reference")


@pytest.mark.slow
def test_what_event_grid_puts_into_queues_starts_jobs(tmp_path: Path, account: Account, azurite_queue_url: str) -> None:
    """As iac/azure declares it: a queue and a job for each function that events start."""
    events = {name: each for name, each in declarations().items() if each.kind == "event"}
    queues = {name: make_queue(azurite_queue_url, name.replace("_", "-")) for name in events}
    dead = {name: make_queue(azurite_queue_url, f"{name.replace('_', '-')}-dead-letters") for name in events}
    ours = {"TIDEMILL_SPECS": str(write_spec(tmp_path)), "TIDEMILL_ACCESS": "none", "TIDEMILL_ROUTE_TTL": "0.5"}
    ours |= {"TIDEMILL_STORE": "az://queued-{zone}"}
    environ = {**account.environ, **ours}
    jobs = {
        name: {
            **environ,
            "TIDEMILL_FUNCTION": name,
            "TIDEMILL_QUEUE": queues[name],
            "TIDEMILL_DEAD_LETTERS": dead[name],
        }
        for name in events
    }
    for name, each in events.items():
        if each.starts:
            jobs[name]["TIDEMILL_JOBS"] = "process://"
    wanted = {
        f"queued-{zone}": [
            queues[name] for name, each in events.items() if any(trigger.zone == zone for trigger in each.triggers)
        ]
        for zone in ZONES
    }
    stores = opened(account, "queued")
    command = [sys.executable, "-m", "uvicorn", "--factory", "functions.realtime_inference.container:app"]
    port = free_port()
    with (
        process([*command, "--host", "127.0.0.1", "--port", str(port)], port, environ, "/v2/health/live") as endpoint,
        event_grid(Queues(wanted).deliver, by_container("queued", stores)),
        container_apps(jobs, tmp_path / "jobs.log") as apps,
    ):
        told = play(partial(account.drop, "queued"), stores, endpoint)
    assert apps.failed == []
    assert {name: seen(url) for name, url in dead.items() if seen(url)} == {}
    assert told == reference(tmp_path / "reference")
