"""Judge a version: against its gates, and against the champion on the same holdout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layout
from ..domain.artefact import read_artefact
from ..domain.canonical import canonical_json
from ..domain.columns import Outputs
from ..domain.comparison import Comparison, compare
from ..domain.gates import Verdict, floor_gates, parity_gate, regression_gate
from ..domain.learning import Rows
from ..domain.metrics import Answers, Estimate, answers
from ..domain.model import METRICS
from ..domain.schema import Schema
from ..errors import AlreadyExists, NotFound
from ..ports import LoadPredictor, Reads, ReadsCreates
from ..spec import ModelSpec
from .load_model import LoadedModel, load_version, read_file
from .promote import current_route

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a version was judged, and against which champion. Stored before anything is done about it.

    `metrics` are the version's own on its holdout: name -> value, low, high.
    """

    version: str
    champion: str | None
    metrics: Mapping[str, Mapping[str, float]]
    parity: Mapping[str, Any]
    gates: tuple[Verdict, ...]
    comparison: Mapping[str, Any] | None
    format: int = FORMAT

    @property
    def passed(self) -> bool:
        """Whether every gate was passed."""
        return all(gate.passed for gate in self.gates)

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Judgement:
        """Read a stored judgement; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "verdict", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Judgement:
        return cls(**{**fields, "gates": tuple(Verdict(**gate) for gate in fields["gates"])})


def judge_version(
    models: ReadsCreates, spec: ModelSpec, version: str, holdout: Rows, load: LoadPredictor, training: str
) -> Judgement:
    """Judge, and store the judgement; one that is stored already stands, whoever is champion by now."""
    key = layout.training_verdict(spec.model, training)
    try:
        return Judgement.decode(models.get(key).data)
    except NotFound:
        judgement = _judge(models, spec, version, holdout, load)
    try:
        models.create(key, judgement.encode())
    except AlreadyExists:
        return Judgement.decode(models.get(key).data)
    return judgement


def _judge(models: Reads, spec: ModelSpec, version: str, holdout: Rows, load: LoadPredictor) -> Judgement:
    candidate = load_version(models, spec.model, version, load)
    route = current_route(models, spec.model)
    champion = None if route is None else route.champion
    comparison, otherwise = _against(models, spec, candidate, champion, holdout, load)
    found = json.loads(read_file(models, candidate.manifest, METRICS))
    parity = candidate.manifest.parity
    gates = (
        *floor_gates(spec.metric, Estimate(**found["metrics"][spec.metric]), spec.gates.min, spec.gates.max),
        regression_gate(comparison, spec.gates.max_regression, otherwise=otherwise),
        parity_gate(parity, parity["tolerance"]),
    )
    facts = None if comparison is None else asdict(comparison)
    return Judgement(version, champion, found["metrics"], parity, gates, facts)


def _against(
    models: Reads, spec: ModelSpec, candidate: LoadedModel, champion: str | None, holdout: Rows, load: LoadPredictor
) -> tuple[Comparison | None, str]:
    """The comparison with the champion, or why there is none."""
    if champion is None:
        return None, "no version serves yet."
    if champion == candidate.version:
        return None, "this version serves already."
    serving = load_version(models, spec.model, champion, load)
    strange = strange_to(serving.manifest.schema, candidate.manifest.schema)
    if strange:
        return None, f"the champion {champion} cannot answer these rows: {strange}."
    pair = _answers(candidate, serving, holdout)
    comparison = compare(spec.metric, *pair, seed=spec.seed)
    return comparison, f"the holdout cannot determine {spec.metric} of both models."


def strange_to(champion: Schema, candidate: Schema) -> str:
    """Why a model of one schema cannot be asked with the rows of the other; empty if it can."""
    if (champion.task, champion.target) != (candidate.task, candidate.target):
        return f"it predicts {champion.target!r} ({champion.task})"
    known = {feature.name: feature.type for feature in candidate.features}
    wanted = [feature.name for feature in champion.features if known.get(feature.name) != feature.type]
    return f"it learned from {wanted[0]!r}, which the spec has no more or of another type" if wanted else ""


def _answers(candidate: LoadedModel, champion: LoadedModel, holdout: Rows) -> tuple[Answers, Answers]:
    classes = sorted({*candidate.manifest.classes, *champion.manifest.classes})
    return _answered(candidate, holdout, classes), _answered(champion, holdout, classes)


def _answered(loaded: LoadedModel, holdout: Rows, classes: list[str]) -> Answers:
    outputs = loaded.predictor.predict(holdout.columns)
    return answers(holdout.target, widened(outputs, loaded.manifest.classes, classes), classes)


def widened(outputs: Outputs, had: tuple[str, ...], wanted: list[str]) -> Outputs:
    """The answers with the classes of both models: one that a model does not know has no probability."""
    if outputs.probabilities is None or list(had) == wanted:
        return outputs
    probabilities: NDArray[np.float32] = np.zeros((len(outputs), len(wanted)), np.float32)
    probabilities[:, [wanted.index(name) for name in had]] = outputs.probabilities
    return Outputs(labels=outputs.labels, probabilities=probabilities)
