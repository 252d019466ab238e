"""Loading a version: what is wrong with it is told, and it is not loaded."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.model import GOLDEN, ONNX
from core.errors import Corrupt, NotFound
from core.inference.predictor import load_predictor
from core.usecases.load_model import load_version, prove
from tests import penguins
from tests.penguins import MODEL

VERSION = "0000000000000001"


@pytest.fixture
def models() -> MemoryStore:
    store = MemoryStore()
    penguins.classifier().store(store)
    return store


def change(models: MemoryStore, name: str, edit: Callable[[Any], bytes]) -> None:
    key = layout.model_file(MODEL, VERSION, name)
    models.put(key, edit(models.get(key).data))


def test_a_version_is_loaded_and_proves_itself(models: MemoryStore) -> None:
    loaded = load_version(models, MODEL, VERSION, load_predictor)
    prove(models, loaded)
    assert (loaded.version, loaded.manifest.classes) == (VERSION, ("Adelie", "Chinstrap", "Gentoo"))


def test_an_unknown_version_is_not_found(models: MemoryStore) -> None:
    with pytest.raises(NotFound, match=f"model {MODEL} has no version 9: `tidemill models show {MODEL}` lists them"):
        load_version(models, MODEL, "9", load_predictor)


def test_a_model_that_is_not_the_one_in_the_manifest_is_corrupt(models: MemoryStore) -> None:
    change(models, ONNX, lambda data: data + b"\0")
    with pytest.raises(Corrupt, match="does not match the hash in the manifest"):
        load_version(models, MODEL, VERSION, load_predictor)


@pytest.mark.parametrize("name", [ONNX, GOLDEN])
def test_a_missing_file_is_corrupt(models: MemoryStore, name: str) -> None:
    models.delete(layout.model_file(MODEL, VERSION, name))
    with pytest.raises(Corrupt, match=f"file {name} of version {VERSION} of model {MODEL} is missing"):
        prove(models, load_version(models, MODEL, VERSION, load_predictor))


def test_a_manifest_of_another_version_is_corrupt(models: MemoryStore) -> None:
    change(models, layout.MANIFEST, lambda data: json.dumps({**json.loads(data), "version": "2"}).encode())
    with pytest.raises(Corrupt, match="is that of version 2"):
        load_version(models, MODEL, VERSION, load_predictor)


def test_a_newer_manifest_is_corrupt_and_says_so(models: MemoryStore) -> None:
    change(models, layout.MANIFEST, lambda data: json.dumps({**json.loads(data), "format": 99}).encode())
    with pytest.raises(Corrupt, match="update Tidemill"):
        load_version(models, MODEL, VERSION, load_predictor)


def test_golden_rows_that_were_changed_are_corrupt(models: MemoryStore) -> None:
    change(models, GOLDEN, lambda data: data.replace(b"Adelie", b"Gentoo"))
    with pytest.raises(Corrupt, match="does not match the hash"):
        prove(models, load_version(models, MODEL, VERSION, load_predictor))
