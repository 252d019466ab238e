"""Two file systems of fsspec: one in memory, as an object store would be, and one with real folders, as SFTP has."""

from __future__ import annotations

import uuid
from pathlib import Path

import fsspec
import pytest

from core.adapters.registry import open_url
from core.adapters.store_fsspec import FsspecStore
from core.errors import Unsupported
from core.ports import ObjectStore

from .store_contract import SourceContract, keys


class TestFsspecMemory(SourceContract):
    @pytest.fixture
    def store(self) -> ObjectStore:
        root = f"/{uuid.uuid4().hex}/zone"
        return FsspecStore(fsspec.filesystem("memory"), root, f"memory:/{root}")


class TestFsspecLocal(SourceContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return open_url(f"local://{tmp_path}/zone", {})

    def test_an_object_is_never_put_into_a_folder_of_its_name(self, store: ObjectStore) -> None:
        store.put("a/b", b"below")
        with pytest.raises(Unsupported, match="folder"):
            store.put("a", b"x")
        with pytest.raises(Unsupported, match="folder"):
            store.put("a/b/c", b"x")
        assert keys(store.list("")) == ["a/b"]
