"""Looking around in the registry."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.canonical import canonical_json
from core.domain.model import ModelManifest
from core.domain.schema import Feature, Schema
from core.errors import NotFound
from core.usecases.browse import compare_versions, find_model_of, folders, list_models, show_model
from core.usecases.promote import promote

SCHEMA = Schema("m", "binary", "y", (Feature("x", "number"),))


class Clock:
    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC)


def add(store, model, version, auc, *, passed=True, datasets=("d",)):
    manifest = ModelManifest(model, version, SCHEMA, ("a", "b"), {"datasets": datasets}, {}, 80, 20)
    metrics = {"metric": "roc_auc", "metrics": {"roc_auc": {"value": auc, "low": auc - 0.1, "high": auc + 0.1}}}
    result = {"version": version, "gates": [{"passed": True}, {"passed": passed}]}
    store.create(layout.training_result(model, f"t-{version}"), json.dumps(result).encode())
    store.create(layout.model_file(model, version, "metrics.json"), json.dumps(metrics).encode())
    store.create(layout.model_manifest(model, version), canonical_json(manifest.to_json()))


@pytest.fixture
def store():
    store = MemoryStore()
    add(store, "m", "v1", 0.7)
    add(store, "m", "v2", 0.8, passed=False, datasets=("d", "e"))
    add(store, "m-2", "w1", 0.6)
    promote(store, Clock(), "m", "v1", decision="d", evidence={}, code="c")
    return store


parts = st.text(st.sampled_from("ab-0.é~ !"), min_size=1, max_size=4).filter(lambda part: part not in {".", ".."})


@given(st.sets(st.lists(parts, min_size=1, max_size=3).map("/".join), max_size=30))
def test_folders_are_found_without_listing_what_is_inside(keys):
    store = MemoryStore()
    for key in keys:
        store.put(key, b"")
    assert sorted(folders(store)) == sorted({key.split("/")[0] for key in keys if "/" in key})


def test_models_are_listed_with_who_serves(store):
    assert list_models(store) == [{"model": "m-2", "champion": None}, {"model": "m", "champion": "v1"}]


def test_a_model_is_shown_with_its_route_and_versions(store):
    shown = show_model(store, "m")
    assert shown["route"]["champion"] == "v1"
    assert [(version["version"], version["passed"]) for version in shown["versions"]] == [("v1", True), ("v2", False)]
    assert shown["versions"][0]["dataset"] == "d"
    assert shown["versions"][1]["datasets"] == ["d", "e"]


def test_a_version_that_is_being_written_does_not_exist_yet(store):
    store.create(layout.model_file("m", "v3", "model.onnx"), b"half")
    assert [version["version"] for version in show_model(store, "m")["versions"]] == ["v1", "v2"]


def test_versions_are_compared_by_the_metrics_they_share(store):
    assert compare_versions(store, "m", "v1", "v2")["difference"]["roc_auc"] == pytest.approx(0.1)


def test_what_is_not_there_is_said_in_a_sentence(store):
    with pytest.raises(NotFound, match="model nothing has no version yet"):
        show_model(store, "nothing")
    with pytest.raises(NotFound, match="no model has a version 'v9'"):
        find_model_of(store, "v9")
    assert find_model_of(store, "w1") == "m-2"
