"""obstore against two independent S3 servers, with boto3 as the witness of what was written."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest

from core.adapters.registry import open_store, open_url
from core.errors import BadInput, Permanent
from core.ports import ObjectStore

from .store_contract import ODD_KEYS, StoreContract, keys


class S3Contract(StoreContract):
    """Subclasses give `endpoint`."""

    @pytest.fixture
    def client(self, endpoint: str) -> Any:
        return boto3.client("s3", endpoint_url=endpoint)

    @pytest.fixture(autouse=True)
    def _environment(self, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    @pytest.fixture
    def bucket(self, client: Any) -> str:
        name = f"acme-{uuid.uuid4().hex[:12]}-models"
        client.create_bucket(Bucket=name)
        return name

    @pytest.fixture
    def store(self, bucket: str) -> ObjectStore:
        return open_store(f"s3://{bucket.removesuffix('models')}{{zone}}", "models", {"AWS_ACCESS_KEY_ID": "test"})

    def test_boto3_reads_what_was_written(self, store: ObjectStore, client: Any, bucket: str) -> None:
        for key in ODD_KEYS:
            info = store.create(key, key.encode())
            seen = client.get_object(Bucket=bucket, Key=key)
            assert seen["Body"].read() == key.encode()
            assert seen["ETag"] == f'"{info.version}"'
        page = client.list_objects_v2(Bucket=bucket)
        assert [entry["Key"] for entry in page["Contents"]] == keys(store.list(""))

    def test_what_boto3_wrote_is_read(self, store: ObjectStore, client: Any, bucket: str) -> None:
        for key in ODD_KEYS:
            client.put_object(Bucket=bucket, Key=key, Body=key.encode())
            assert store.get(key).data == key.encode()
        assert keys(store.list("")) == sorted(ODD_KEYS, key=str.encode)

    def test_an_aborted_upload_leaves_no_parts(self, store: ObjectStore, client: Any, bucket: str) -> None:
        self.test_an_aborted_put_stream_leaves_nothing(store, 20)
        assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")

    def test_a_console_folder_is_no_object(self, store: ObjectStore, client: Any, bucket: str) -> None:
        client.put_object(Bucket=bucket, Key="m/rows/", Body=b"")
        store.put("m/rows/a.csv", b"")
        assert keys(store.list("")) == keys(store.list("m/")) == keys(store.list("m/rows/")) == ["m/rows/a.csv"]

    def test_a_key_that_cannot_be_read_is_named(self, store: ObjectStore, client: Any, bucket: str) -> None:
        client.put_object(Bucket=bucket, Key="m//odd", Body=b"x")
        with pytest.raises(BadInput, match="rename or delete"):
            list(store.list("m/"))

    def test_a_prefix_keeps_stores_apart(self, client: Any, bucket: str) -> None:
        store, beside = open_url(f"s3://{bucket}/team/a", {}), open_url(f"s3://{bucket}/team/ab", {})
        store.create("m/k", b"a")
        beside.create("m/k", b"ab")
        assert keys(store.list("")) == keys(store.list("m/")) == ["m/k"]
        assert keys(store.list("m/", "m/k")) == []
        assert client.get_object(Bucket=bucket, Key="team/a/m/k")["Body"].read() == b"a"

    def test_a_bucket_that_is_not_there(self) -> None:
        store = open_url("s3://acme-nowhere", {})
        for verb in (lambda: store.get("k"), lambda: store.put("k", b""), lambda: list(store.list("m/"))):
            with pytest.raises(Permanent, match=r"acme-nowhere.*create it") as caught:
                verb()
            assert caught.type is Permanent  # not NotFound, which would read as "no such model"


class TestMoto(S3Contract):
    @pytest.fixture
    def endpoint(self, moto_url: str) -> str:
        return moto_url


class TestMinistack(S3Contract):
    @pytest.fixture
    def endpoint(self, ministack_url: str) -> str:
        return ministack_url
