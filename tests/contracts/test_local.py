from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.adapters.registry import open_url
from core.adapters.store_local import LocalStore
from core.ports import ObjectStore

from .store_contract import StoreContract

WRITER = """
import sys
from pathlib import Path
from core.adapters.store_local import LocalStore
from tests.contracts.store_contract import increment
increment(LocalStore(Path(sys.argv[1])), "counter", 25)
"""


class TestLocal(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return open_url(f"file://{tmp_path}/zone", {})

    def test_eight_processes_increment_200_times(self, tmp_path: Path) -> None:
        store = LocalStore(tmp_path / "zone")
        store.create("counter", b"0")
        writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "zone")]) for _ in range(8)]
        assert [writer.wait(timeout=120) for writer in writers] == [0] * 8
        assert store.get("counter").data == b"200"
