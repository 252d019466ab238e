"""An account of Azure Storage on azurite."""

from __future__ import annotations

from azure.storage.blob import BlobServiceClient

from core.layout import ZONES
from tests.contracts.test_azure import ACCOUNT, KEY


class Account:
    """The one that azurite has, at the URL of its blob service."""

    def __init__(self, server: str) -> None:
        self._url = f"{server}/{ACCOUNT}"
        self.environ = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": KEY}
        self.environ |= {"AZURE_STORAGE_ENDPOINT": self._url}

    def client(self) -> BlobServiceClient:
        """Azure's own, to be closed."""
        connection = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self._url};"
        return BlobServiceClient.from_connection_string(connection)

    def make_containers(self, prefix: str) -> None:
        """One for each zone, `<prefix>-<zone>`."""
        with self.client() as client:
            for zone in ZONES:
                client.create_container(f"{prefix}-{zone}")

    def drop(self, prefix: str, key: str, data: bytes) -> None:
        """Write into the landing zone, as whoever has Azure's client does."""
        with self.client() as client:
            client.get_container_client(f"{prefix}-landing").upload_blob(key, data)
