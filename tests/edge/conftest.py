"""What tests of devices share."""

import os

import pytest


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """Nobody cuts the power here, and a disk that others write to takes long to sync: see `test_power_cut` for that."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
