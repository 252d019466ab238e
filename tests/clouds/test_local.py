"""One laptop: `tidemill up` on local folders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.adapters.registry import open_store
from core.layout import ZONES
from tests.servers.process import free_port

from .hosts import process
from .scenario import play, reference, write_spec


@pytest.mark.slow
def test_rows_dropped_into_a_folder_become_predictions(tmp_path: Path) -> None:
    store, port = f"file://{tmp_path}/{{zone}}", free_port()
    ours = {"TIDEMILL_STORE": store, "TIDEMILL_SPECS": str(write_spec(tmp_path)), "TIDEMILL_ROUTE_TTL": "0.5"}

    def drop(key: str, data: bytes) -> None:
        path = tmp_path / "landing" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    command = [sys.executable, "-m", "core.cli", "up", "--port", str(port)]
    with process(command, port, ours, "/v2/health/live") as endpoint:
        told = play(drop, {zone: open_store(store, zone) for zone in ZONES}, endpoint)
    assert told == reference(tmp_path / "reference")
