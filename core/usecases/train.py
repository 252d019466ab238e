"""Carry out a claimed training: make the version, judge it, let it serve or keep it, and say so.

Every step is found done when it is done again: the version by its content, the judgement by its claim, the change of
the route and its journal entry by the name of the decision. So a job that died anywhere is simply run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from .. import layout
from ..domain.canonical import canonical_json, content_version
from ..domain.learning import Plan, Rows
from ..domain.training import Claim
from ..errors import AlreadyExists, BadInput, Corrupt, NotFound
from ..ports import Clock, Learner, LoadPredictor, Reads, Registry
from ..spec import ModelSpec
from ..training.learnable import check_parts, check_rows
from .journal import record
from .judge_version import Judgement, judge_version
from .make_version import Recipe, make_version
from .promote import challenge, current_route, promote
from .training_rows import Material, read_material

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Training:
    """How a training ended. `promoted` tells whether its version serves all requests from then on."""

    model: str
    version: str
    promoted: bool
    reasons: tuple[str, ...]
    metrics: dict[str, Any] = field(hash=False)
    gates: tuple[dict[str, Any], ...] = field(hash=False)
    parity: dict[str, Any] = field(hash=False)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What every step of one training needs."""

    models: Registry
    clock: Clock
    claim: Claim
    spec: ModelSpec
    code: str

    @property
    def model(self) -> str:
        return self.spec.model


def train(
    models: Registry,
    datasets: Reads,
    *,
    model: str,
    training: str,
    learner: Learner,
    load: LoadPredictor,
    clock: Clock,
    code: str,
    progress: Callable[[str], None] = lambda _step: None,
) -> Training:
    """Do the training that was claimed as `training`; `progress` is told of each step.

    Raises BadInput or BadSpec if its rows cannot be learned from, after storing that as its result; NotFound if there
    is no such claim.
    """
    ended = _ended(models, model, training)
    if ended is not None:
        return ended
    claim = Claim.decode(models.get(layout.claim(model, training)).data)
    job = _Job(models, clock, claim, ModelSpec.model_validate(claim.spec), code)
    try:
        version, holdout = _version(job, datasets, learner, progress)
    except BadInput as error:
        _fail(job, str(error))
        raise
    progress(f"judging version {version}")
    judgement = judge_version(models, job.spec, version, holdout, load, training)
    return _end(job, judgement, *_act(job, judgement))


def _ended(models: Reads, model: str, training: str) -> Training | None:
    """The result that is stored; raises BadInput if it is a failure."""
    try:
        stored = json.loads(models.get(layout.training_result(model, training)).data)
    except NotFound:
        return None
    if stored.pop("format") > FORMAT:
        raise Corrupt(f"the result of training {training} has a newer format than {FORMAT}: update Tidemill.")
    if "failed" in stored:
        raise BadInput(stored["failed"])
    return Training(**{**stored, "reasons": tuple(stored["reasons"]), "gates": tuple(stored["gates"])})


def _version(job: _Job, datasets: Reads, learner: Learner, progress: Callable[[str], None]) -> tuple[str, Rows]:
    """Make the version unless it exists; returns it with its holdout."""
    progress(f"reading {len(job.claim.datasets)} datasets")
    schema = job.spec.columns
    material = read_material(datasets, job.model, job.claim.datasets, schema)
    inputs = {
        "datasets": list(material.datasets),
        "spec": job.spec.learning(),
        "seed": job.spec.seed,
        "code": job.code,
        "environment": dict(learner.environment(job.spec.estimator)),
    }
    check_rows(material.rows, schema)
    training, holdout = material.split(job.spec.split.by, job.spec.split.holdout)
    check_parts(training, holdout, schema)
    recipe = _recipe(job.spec, inputs, material)
    if not _exists(job.models, layout.model_manifest(job.model, recipe.version)):
        make_version(job.models, recipe, training, holdout, learner, progress)
    return recipe.version, holdout


def _recipe(spec: ModelSpec, inputs: dict[str, Any], material: Material) -> Recipe:
    plan = Plan(
        schema=spec.columns,
        estimator=spec.estimator,
        params=spec.params,
        search=spec.search,
        seed=spec.seed,
        metric=spec.metric,
        in_order=spec.split.by == "time",
    )
    split = f"the last {spec.split.holdout:.0%} in time" if plan.in_order else f"{spec.split.holdout:.0%} by hash"
    return Recipe(content_version(inputs), inputs, plan, split, material.window())


def _act(job: _Job, judgement: Judgement) -> tuple[bool, tuple[str, ...]]:
    """Do what the judgement asks for; returns whether the version serves, and why or why not."""
    route = current_route(job.models, job.model)
    champion = None if route is None else route.champion
    done = route is not None and route.made_by(_decision(judgement)) is not None
    if not judgement.passed:
        return _keep(job, judgement, [gate.detail for gate in judgement.gates if not gate.passed])
    if champion == judgement.version and not done:
        return True, (f"version {judgement.version} serves already.",)
    if champion != judgement.champion and not done:
        return _keep(job, judgement, [f"{champion} became champion while it was judged against another version."])
    return _let_serve(job, judgement)


def _let_serve(job: _Job, judgement: Judgement) -> tuple[bool, tuple[str, ...]]:
    """Promote, or challenge the champion where the spec says so; done again it changes nothing."""
    names = ", ".join(gate.gate for gate in judgement.gates)
    traffic, decision, evidence = job.spec.traffic, _decision(judgement), _evidence(job, judgement)
    where = (job.models, job.clock, job.model, judgement.version)
    if judgement.champion is None or traffic.mode == "direct":
        promote(*where, decision=decision, evidence=evidence, code=job.code)
        return True, (f"every gate was passed: {names}.",)
    challenge(*where, traffic.mode, traffic.share, decision=decision, evidence=evidence, code=job.code)
    return False, (f"every gate was passed: {names}; it challenges {judgement.champion} by {traffic.mode}.",)


def _decision(judgement: Judgement) -> str:
    return f"train {judgement.version}"


def _keep(job: _Job, judgement: Judgement, reasons: list[str]) -> tuple[bool, tuple[str, ...]]:
    evidence = {**_evidence(job, judgement), "reasons": reasons}
    _record(job, "kept", _decision(judgement), evidence)
    return False, tuple(reasons)


def _evidence(job: _Job, judgement: Judgement) -> dict[str, Any]:
    """What a journal entry tells of the judgement."""
    return {
        "training": job.claim.training,
        "version": judgement.version,
        "against": judgement.champion,
        "gates": [asdict(gate) for gate in judgement.gates],
        "comparison": judgement.comparison,
    }


def _end(job: _Job, judgement: Judgement, promoted: bool, reasons: tuple[str, ...]) -> Training:  # noqa: FBT001
    training = Training(
        model=job.model,
        version=judgement.version,
        promoted=promoted,
        reasons=reasons,
        metrics=dict(judgement.metrics),
        gates=tuple(asdict(gate) for gate in judgement.gates),
        parity=dict(judgement.parity),
    )
    _write_result(job, training.to_json())
    return training


def _fail(job: _Job, sentence: str) -> None:
    evidence = {"training": job.claim.training, "reasons": [sentence]}
    _record(job, "training failed", f"train {job.claim.training}", evidence)
    _write_result(job, {"failed": sentence})


def _record(job: _Job, kind: str, decision: str, evidence: dict[str, Any]) -> None:
    record(job.models, job.clock, job.model, decision=decision, kind=kind, evidence=evidence, code=job.code)


def _write_result(job: _Job, result: dict[str, Any]) -> None:
    key = layout.training_result(job.model, job.claim.training)
    try:
        job.models.create(key, canonical_json({"format": FORMAT, **result}))
    except AlreadyExists:
        return  # another run of the same training ended first, by the same judgement


def _exists(models: Reads, key: str) -> bool:
    try:
        models.head(key)
    except NotFound:
        return False
    return True
