"""The rows that a version was judged on, made again out of its datasets: by them each variant is measured."""

from __future__ import annotations

import json

from core.domain.learning import Rows
from core.domain.model import METRICS, ModelManifest
from core.errors import Corrupt, NotFound, Refused
from core.ports import Reads
from core.usecases.load_model import read_file
from core.usecases.training_rows import read_material


def read_holdout(datasets: Reads, manifest: ModelManifest) -> Rows:
    """The holdout of a version, split as its training did.

    Raises Refused if a dataset is there no more, Corrupt if what is there is not what was learned from.
    """
    split, versions = manifest.inputs["spec"]["split"], tuple(manifest.inputs["datasets"])
    try:
        material = read_material(datasets, manifest.model, versions, manifest.schema)
    except NotFound as error:
        raise Refused(
            f"version {manifest.version} cannot be measured: a dataset that it learned from is gone ({error})"
        ) from error
    _, holdout = material.split(split["by"], split["holdout"])
    if len(holdout) != manifest.holdout_rows:
        raise Corrupt(
            f"the datasets of version {manifest.version} give a holdout of {len(holdout):,} rows, not the "
            f"{manifest.holdout_rows:,} that it was judged on: train it again."
        )
    return holdout


def deciding_metric(models: Reads, manifest: ModelManifest) -> str:
    """The metric that decided of the version."""
    return str(json.loads(read_file(models, manifest, METRICS))["metric"])
