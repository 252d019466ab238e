"""What there is: models, their versions, and how two versions compare."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from .. import layout
from ..domain.canonical import content_version
from ..domain.model import METRICS
from ..errors import NotFound
from ..ports import Lists, Reads
from .load_model import read_manifest
from .promote import current_route


class ReadableRegistry(Reads, Lists, Protocol):
    """What looking around needs."""


def folders(store: Lists, prefix: str = "") -> Iterator[str]:
    """The first part of every key below `prefix` that has more than one, each once, without listing what is inside."""
    after = ""
    while (info := next(iter(store.list(prefix, after)), None)) is not None:
        name, slash, _ = info.key.removeprefix(prefix).partition("/")
        if slash:
            yield name
        after = f"{prefix}{name}0" if slash else info.key  # "0" sorts right behind "/"


def list_models(models: ReadableRegistry) -> list[dict[str, Any]]:
    """Every model that anything is known of, with its champion."""
    routes = ((name, current_route(models, name)) for name in folders(models))
    return [{"model": name, "champion": route and route.champion} for name, route in routes]


def show_model(models: ReadableRegistry, model: str) -> dict[str, Any]:
    """A model's route and all of its versions, the oldest first; raises NotFound if there is no version."""
    judged = _judged(models, model)
    found = ({**version, "passed": judged.get(version["version"], False)} for version in _versions(models, model))
    versions = sorted(found, key=lambda version: (version["created"], version["version"]))
    if not versions:
        raise NotFound(f"model {model} has no version yet; drop rows and let it train.")
    route = current_route(models, model)
    shown = asdict(route) if route else dict.fromkeys(("champion", "challenger", "mode", "share"))
    return {"model": model, "route": shown, "versions": versions}


def compare_versions(models: ReadableRegistry, model: str, one: str, other: str) -> dict[str, Any]:
    """The metrics of two versions, each on its own holdout, and the difference; raises NotFound."""
    first, second = (_version(models, model, version) for version in (one, other))
    shared = [name for name in first["metrics"] if name in second["metrics"]]
    return {
        "model": model,
        "versions": [first, second],
        "difference": {name: second["metrics"][name]["value"] - first["metrics"][name]["value"] for name in shared},
    }


def find_model_of(models: ReadableRegistry, version: str) -> str:
    """The model that has this version; raises NotFound."""
    for model in folders(models):
        try:
            models.head(layout.model_manifest(model, version))
        except NotFound:
            continue
        return model
    raise NotFound(f"no model has a version {version[:80]!r}.")


def _versions(models: ReadableRegistry, model: str) -> Iterator[dict[str, Any]]:
    for version in folders(models, layout.versions(model)):
        try:
            yield _version(models, model, version)
        except NotFound:  # a training is writing it right now, or died: without a manifest it does not exist
            continue


def _version(models: Reads, model: str, version: str) -> dict[str, Any]:
    datasets = list(read_manifest(models, model, version).inputs["datasets"])
    manifest = models.head(layout.model_manifest(model, version))
    found: Mapping[str, Any] = json.loads(models.get(layout.model_file(model, version, METRICS)).data)
    return {
        "version": version,
        "created": manifest.modified.isoformat(timespec="seconds"),
        "dataset": datasets[0] if len(datasets) == 1 else content_version(datasets),
        "datasets": datasets,
        "metric": found["metric"],
        "metrics": found["metrics"],
    }


def _judged(models: ReadableRegistry, model: str) -> dict[str, bool]:
    """Whether each version passed its gates, by the results of the trainings that made it."""
    results = [info.key for info in models.list(layout.claims(model)) if layout.is_training_result(info.key)]
    ended = [json.loads(models.get(key).data) for key in results]
    passed = ((end["version"], all(gate["passed"] for gate in end["gates"])) for end in ended if "version" in end)
    return dict(passed)
