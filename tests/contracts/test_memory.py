from __future__ import annotations

import pytest

from core.adapters.store_memory import MemoryStore

from .store_contract import StoreContract


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
