"""Fixtures that start the servers, once a session each, and a report of how many tests ran against which.

A server that cannot start fails the tests that want it: nothing is skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from . import programs

SERVERS = {
    "moto_url": "moto (Amazon S3)",
    "ministack_url": "ministack (Amazon S3)",
    "fake_gcs_url": "fake-gcs-server (Google Cloud Storage)",
    "azurite_url": "azurite (Azure Blob Storage)",
    "azurite_queue_url": "azurite (Azure Queue Storage)",
}
PROPERTY = "real server"


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    with programs.moto() as url:
        yield url


@pytest.fixture(scope="session")
def ministack_url() -> Iterator[str]:
    with programs.ministack() as url:
        yield url


@pytest.fixture(scope="session")
def fake_gcs_url() -> Iterator[str]:
    with programs.fake_gcs() as url:
        yield url


@pytest.fixture(scope="session")
def azurite_url() -> Iterator[str]:
    with programs.azurite() as url:
        yield url


@pytest.fixture(scope="session")
def azurite_queue_url() -> Iterator[str]:
    with programs.azurite_queues() as url:
        yield url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = SERVERS.keys() & set(getattr(item, "fixturenames", ()))
        item.user_properties.extend((PROPERTY, SERVERS[name]) for name in sorted(names))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Runs where the reports of all workers come together; properties travel with them."""
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            servers = [value for name, value in getattr(report, "user_properties", ()) if name == PROPERTY]
            counts.update((server, outcome) for server in servers)
    if counts:
        terminalreporter.section("real servers")
    for server in sorted({server for server, _ in counts}):
        told = ", ".join(f"{counts[server, outcome]} {outcome}" for outcome in ("passed", "failed", "error", "skipped"))
        terminalreporter.write_line(f"{server}: {told}")
