"""obstore against Azurite, with azure-storage-blob as the witness of what was written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from core.adapters.registry import open_store, open_url
from core.errors import BadInput, Permanent
from core.ports import ObjectStore

from .store_contract import ODD_KEYS, StoreContract, keys

# The account that every Azurite has: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class TestAzurite(StoreContract):
    @pytest.fixture(autouse=True)
    def _environment(self, azurite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"{azurite_url}/{ACCOUNT}")

    @pytest.fixture
    def connection(self, azurite_url: str) -> str:
        return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={azurite_url}/{ACCOUNT};"

    @pytest.fixture
    def container(self, connection: str) -> Iterator[ContainerClient]:
        with BlobServiceClient.from_connection_string(connection) as service:
            yield service.create_container(f"acme-{uuid.uuid4().hex[:12]}-models")

    @pytest.fixture
    def store(self, container: ContainerClient) -> ObjectStore:
        return open_store(f"az://{container.container_name.removesuffix('models')}{{zone}}", "models")

    def test_azure_storage_blob_reads_what_was_written(self, store: ObjectStore, container: ContainerClient) -> None:
        for key in ODD_KEYS:
            info = store.create(key, key.encode())
            assert container.download_blob(key).readall() == key.encode()
            assert container.get_blob_client(key).get_blob_properties().etag == f'"{info.version}"'
        assert list(container.list_blob_names()) == keys(store.list(""))

    def test_what_azure_storage_blob_wrote_is_read(self, store: ObjectStore, container: ContainerClient) -> None:
        for key in ODD_KEYS:
            container.upload_blob(key, key.encode())
            assert store.get(key).data == key.encode()

    def test_a_connection_string(
        self, container: ContainerClient, connection: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ENDPOINT"):
            monkeypatch.delenv(name)
        url = f"az://{container.container_name}"
        with pytest.raises(BadInput, match="AZURE_STORAGE_ACCOUNT_NAME"):
            open_url(url, {})
        open_url(url, {"AZURE_STORAGE_CONNECTION_STRING": connection}).create("k", b"x")
        assert container.download_blob("k").readall() == b"x"

    def test_a_prefix_keeps_stores_apart(self, container: ContainerClient) -> None:
        url = f"az://{container.container_name}/team"
        store, beside = open_url(f"{url}/a", {}), open_url(f"{url}/ab", {})
        store.create("m/k", b"a")
        beside.create("m/k", b"ab")
        assert keys(store.list("")) == keys(store.list("m/")) == ["m/k"]
        assert keys(store.list("m/", "m/k")) == []

    def test_a_container_that_is_not_there(self) -> None:
        store = open_url("az://acme-nowhere", {})
        for verb in (lambda: store.get("k"), lambda: store.put("k", b""), lambda: list(store.list("m/"))):
            with pytest.raises(Permanent, match=r"acme-nowhere.*create it") as caught:
                verb()
            assert caught.type is Permanent
