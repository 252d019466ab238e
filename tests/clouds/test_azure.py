"""Azure's shape on this machine: azurite's blobs, Event Grid's CloudEvents, and the one container."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from core.adapters.registry import open_store
from core.layout import ZONES
from tests.contracts.test_azure import ACCOUNT, KEY
from tests.servers.process import free_port

from .event_grid import event_grid
from .hosts import container
from .scenario import play, reference, write_spec

STORE = "az://acme-{zone}"


@pytest.mark.slow
def test_rows_dropped_into_azure_become_predictions(
    tmp_path: Path, azurite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": KEY}
    azure |= {"AZURE_STORAGE_ENDPOINT": f"{azurite_url}/{ACCOUNT}"}
    for name, value in azure.items():
        monkeypatch.setenv(name, value)
    connection = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={azurite_url}/{ACCOUNT};"
    with BlobServiceClient.from_connection_string(f"DefaultEndpointsProtocol=http;{connection}") as client:
        for zone in ZONES:
            client.create_container(f"acme-{zone}")
        ours = {"TIDEMILL_STORE": STORE, "TIDEMILL_SPECS": str(write_spec(tmp_path)), "TIDEMILL_JOBS": "process://"}
        ours |= {"TIDEMILL_ACCESS": "none", "TIDEMILL_ROUTE_TTL": "0.5"}
        stores = {zone: open_store(STORE, zone, azure) for zone in ZONES}
        landing = client.get_container_client("acme-landing")
        with (
            container(free_port(), {**azure, **ours}) as endpoint,
            event_grid(f"{endpoint}/events", {f"acme-{zone}": store for zone, store in stores.items()}) as grid,
        ):
            told = play(landing.upload_blob, stores, endpoint)
        assert grid.dead == []
        assert told == reference(tmp_path / "reference")
