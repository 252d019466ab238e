"""What the versions were made from, as a graph and as a list."""

from __future__ import annotations

from typing import Any

from ..charts.graph import GraphNode, graph
from ..facts import ModelFacts, VersionFacts
from ..wording import brief, decimal, metric_name, plural
from .versions import state

VERSIONS = 6
DATASETS = 24
"""How many the graph holds: the version that serves and the newest ones, and their datasets."""


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of lineage shows."""
    versions = _shown(facts)
    names = list(dict.fromkeys(name for version in versions for name in version.datasets))
    kept = sorted(names[:DATASETS], key=lambda name: _source(facts, name))
    return {
        "finding": finding(facts),
        "graph": _graph(facts, versions, kept) if versions else None,
        "hidden": [
            plural(number, what)
            for number, what in (
                (facts.versions_known - len(versions), "earlier version"),
                (len(names) - len(kept), "dataset"),
            )
            if number > 0
        ],
        "versions": [_listed(facts, version) for version in versions],
    }


def finding(facts: ModelFacts) -> str:
    """What the serving version came from; a sentence."""
    champion = facts.champion
    if champion is None:
        return "Nothing has been learned yet" if not facts.versions else "No version serves yet"
    datasets, rows = len(champion.datasets), champion.training_rows + champion.holdout_rows
    return f"{brief(champion.version)} came from {plural(datasets, 'dataset')} with {plural(rows, 'row')}"


def _shown(facts: ModelFacts) -> list[VersionFacts]:
    champion = facts.champion
    others = [version for version in facts.versions if version is not champion]
    return [*([champion] if champion else []), *others][:VERSIONS]


def _graph(facts: ModelFacts, versions: list[VersionFacts], names: list[str]) -> str:
    champion = facts.champion
    serving = set(champion.datasets) if champion else set()
    datasets = [_dataset(facts, name, strong=name in serving) for name in names]
    files = [_file(facts, name, strong=name in serving) for name in names if name in facts.datasets]
    models = [_version(version, strong=version is champion) for version in versions]
    return graph([("Files", files), ("Datasets", datasets), ("Versions", models)], finding(facts))


def _source(facts: ModelFacts, name: str) -> tuple[str, str]:
    """The file of a dataset, by which the eye finds it."""
    return (facts.datasets[name].source.key if name in facts.datasets else "", name)


def _file(facts: ModelFacts, name: str, *, strong: bool) -> GraphNode:
    source = facts.datasets[name].source
    return GraphNode(f"file {name}", source.key.rpartition("/")[2], f"sha256 {source.sha256[:16]}", strong=strong)


def _dataset(facts: ModelFacts, name: str, *, strong: bool) -> GraphNode:
    manifest = facts.datasets.get(name)
    rejected = f", {manifest.rejected:,} rejected" if manifest and manifest.rejected else ""
    detail = f"{plural(manifest.rows, 'row')}{rejected}" if manifest else "not kept any more"
    return GraphNode(name, name, detail, (f"file {name}",), strong=strong)


def _version(version: VersionFacts, *, strong: bool) -> GraphNode:
    found = version.deciding
    told = [f"{metric_name(version.metric)} {decimal(found['value'])}"] if found else []
    detail = ", ".join([*told, *(["serves"] if strong else [])])
    return GraphNode(f"version {version.version}", version.version, detail, version.datasets, strong)


def _listed(facts: ModelFacts, version: VersionFacts) -> dict[str, Any]:
    names = sorted(version.datasets[:DATASETS], key=lambda name: _source(facts, name))
    made = [(name, facts.datasets.get(name)) for name in names]
    datasets = [
        {"version": name, "key": manifest.source.key if manifest else "", "rows": manifest.rows if manifest else None}
        for name, manifest in made
    ]
    return {
        "version": version.version,
        "state": state(facts, version)[0],
        "datasets": datasets,
        "more": len(version.datasets) - len(datasets),
    }
