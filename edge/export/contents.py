"""What is in a release: the files of a variant, and the manifest that lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.domain.canonical import canonical_json, sha256
from core.domain.columns import Outputs
from core.domain.model import ModelManifest
from core.domain.profile import Profile, answer_columns
from core.domain.sketch import summarise
from core.inference.golden import Golden

from ..release import (
    GOLDEN,
    MODEL_JSON,
    MODEL_ONNX,
    OPERATORS,
    PROFILE,
    FileFact,
    ReleaseManifest,
    Requirements,
    Variant,
)
from . import graphs, operators

SERVED = (MODEL_ONNX, GOLDEN, PROFILE)
"""Files that `model.json` lists: those that answering needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The version that a release is made of: its manifest, and files of it."""

    manifest: ModelManifest
    golden: Golden
    profile: Profile


def files_of(source: Source, onnx: bytes, golden: Outputs, holdout: Outputs) -> dict[str, bytes]:
    """Name -> bytes, all but the manifest and its signature.

    `golden` and `holdout` are what the variant answers to the golden rows and to the holdout.
    """
    served = {
        MODEL_ONNX: onnx,
        GOLDEN: Golden(source.golden.columns, golden).encode(),
        PROFILE: _profile(source, holdout).encode(),
    }
    manifest = replace(source.manifest, files={name: sha256(data) for name, data in served.items()})
    return {
        **served,
        MODEL_JSON: canonical_json(manifest.to_json()),
        OPERATORS: operators.config(graphs.load(onnx)),
    }


def _profile(source: Source, holdout: Outputs) -> Profile:
    """What a device tells its own drift by: the distributions alone, those of the answers being the variant's."""
    answers = answer_columns(holdout, source.manifest.classes)
    outputs = {name: summarise(values, kind) for name, kind, values in answers}
    known = replace(source.profile, outputs=outputs, output_rows=len(holdout))
    return replace(known, target=None, correlations=None, joint=None, seasons=None, output_seasons=None)


def manifest_of(
    manifest: ModelManifest,
    files: Mapping[str, bytes],
    variant: Variant,
    memory_mb: float,
    lineage: Mapping[str, Any],
    created: datetime,
) -> Callable[[int], bytes]:
    """What makes the manifest of a release, once its number is known."""
    model = graphs.load(files[MODEL_ONNX])
    requires = Requirements(
        memory_mb=memory_mb,
        opsets=operators.opsets(model),
        operators=tuple(name for names in operators.operators(model).values() for name in names),
        onnxruntime=operators.runtime_version(model),
    )

    def make(sequence: int) -> bytes:
        return ReleaseManifest(
            model=manifest.model,
            version=manifest.version,
            sequence=sequence,
            created=created.isoformat(),
            variant=variant,
            schema=manifest.schema,
            classes=manifest.classes,
            files={name: FileFact.of(data) for name, data in files.items()},
            requires=requires,
            lineage=lineage,
            privacy=_privacy(manifest),
        ).encode()

    return make


def _privacy(manifest: ModelManifest) -> dict[str, Any]:
    """What is sensitive stays on the device, also where it is a feature. Labels are joined to answers by the id."""
    schema = manifest.schema
    kept = {*schema.sensitive, *schema.drop, None}
    columns = dict.fromkeys((*schema.feature_names, schema.id, schema.time))
    return {"sensitive": list(schema.sensitive), "logged": [name for name in columns if name not in kept]}
