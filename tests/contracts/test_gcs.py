"""google-cloud-storage against fake-gcs-server, with its HTTP interface as the witness of what was written."""

from __future__ import annotations

import uuid
from urllib.parse import quote

import httpx
import pytest

from core.adapters.registry import open_store, open_url
from core.errors import Permanent
from core.ports import ObjectStore

from .store_contract import ODD_KEYS, StoreContract, keys


class TestFakeGcs(StoreContract):
    @pytest.fixture(autouse=True)
    def _environment(self, fake_gcs_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs_url)

    @pytest.fixture
    def bucket(self, fake_gcs_url: str) -> str:
        name = f"acme-{uuid.uuid4().hex[:12]}-models"
        httpx.post(f"{fake_gcs_url}/storage/v1/b", json={"name": name}).raise_for_status()
        return name

    @pytest.fixture
    def store(self, bucket: str) -> ObjectStore:
        return open_store(f"gs://{bucket.removesuffix('models')}{{zone}}", "models")

    def test_http_reads_what_was_written(self, store: ObjectStore, fake_gcs_url: str, bucket: str) -> None:
        objects = f"{fake_gcs_url}/storage/v1/b/{bucket}/o"
        for key in ODD_KEYS:
            info = store.create(key, key.encode())
            url = f"{objects}/{quote(key, safe='')}"
            assert httpx.get(url, params={"alt": "media"}).content == key.encode()
            assert str(httpx.get(url).json()["generation"]) == info.version
        assert [entry["name"] for entry in httpx.get(objects).json()["items"]] == keys(store.list(""))

    def test_what_http_wrote_is_read(self, store: ObjectStore, fake_gcs_url: str, bucket: str) -> None:
        upload = f"{fake_gcs_url}/upload/storage/v1/b/{bucket}/o"
        for key in ODD_KEYS:
            httpx.post(upload, params={"uploadType": "media", "name": key}, content=key.encode()).raise_for_status()
            assert store.get(key).data == key.encode()

    def test_a_prefix_keeps_stores_apart(self, bucket: str) -> None:
        store, beside = open_url(f"gs://{bucket}/team/a", {}), open_url(f"gs://{bucket}/team/ab", {})
        store.create("m/k", b"a")
        beside.create("m/k", b"ab")
        assert keys(store.list("")) == keys(store.list("m/")) == ["m/k"]
        assert keys(store.list("m/", "m/k")) == []

    def test_a_bucket_that_is_not_there(self) -> None:
        store = open_url("gs://acme-nowhere", {})
        for verb in (lambda: store.put("k", b""), lambda: store.create("k", b""), lambda: list(store.list("m/"))):
            with pytest.raises(Permanent, match=r"acme-nowhere.*create it") as caught:
                verb()
            assert caught.type is Permanent
