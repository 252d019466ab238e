"""Make a model version: learn it, measure it, and write its files, the manifest last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .. import layout
from ..domain.canonical import canonical_json, rounded, sha256
from ..domain.learning import Learned, Plan, Rows
from ..domain.metrics import Estimate, answers, evaluate
from ..domain.model import CARD, ESTIMATOR, GOLDEN, METRICS, ONNX, PROFILE, REFERENCE, ModelManifest
from ..domain.performance.reference import learn
from ..domain.profile import Context, build
from ..errors import AlreadyExists, BadInput, Corrupt
from ..ports import Learner, ReadsCreates
from ..training.card import Facts, write_card

FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """All that a version is made of. `inputs` is what its name is a hash of."""

    version: str
    inputs: Mapping[str, Any]
    plan: Plan
    split: str
    window: tuple[str, str] | None


def make_version(
    models: ReadsCreates,
    recipe: Recipe,
    training: Rows,
    holdout: Rows,
    learner: Learner,
    progress: Callable[[str], None],
) -> None:
    """Learn the version and store it; a version that is half stored is completed.

    Raises BadSpec or BadInput if nothing can be learned, Corrupt if what is stored already has other bytes.
    """
    learned = learner.learn(recipe.plan, training, holdout, progress)
    progress("measuring")
    metrics = measure(recipe.plan, holdout, learned)
    files = _files(recipe, training, holdout, learned, metrics)
    manifest = ModelManifest(
        model=recipe.plan.schema.model,
        version=recipe.version,
        schema=recipe.plan.schema,
        classes=learned.classes,
        inputs=recipe.inputs,
        files={name: sha256(data) for name, data in files.items()},
        training_rows=len(training),
        holdout_rows=len(holdout),
        parity=learned.parity,
    )
    progress(f"writing version {recipe.version}")
    for name, data in files.items():
        _write(models, layout.model_file(manifest.model, manifest.version, name), data)
    _write(models, layout.model_manifest(manifest.model, manifest.version), canonical_json(manifest.to_json()))


def measure(plan: Plan, holdout: Rows, learned: Learned) -> dict[str, Estimate]:
    """Every metric on the holdout; raises BadInput if it cannot determine the one that decides."""
    found = evaluate(answers(holdout.target, learned.outputs, learned.classes), seed=plan.seed)
    if plan.metric not in found:
        raise BadInput(
            f"the holdout of {len(holdout)} rows cannot determine {plan.metric}: its {plan.schema.target} does not "
            "vary; add rows, or hold out more of them."
        )
    return {name: Estimate(*(rounded(end) for end in (of.value, of.low, of.high))) for name, of in found.items()}


def _files(
    recipe: Recipe, training: Rows, holdout: Rows, learned: Learned, metrics: Mapping[str, Estimate]
) -> dict[str, bytes]:
    figures = {name: asdict(found) for name, found in metrics.items()}
    facts = Facts(
        version=recipe.version,
        plan=recipe.plan,
        split=recipe.split,
        inputs=recipe.inputs,
        training_rows=len(training),
        holdout_rows=len(holdout),
        window=recipe.window,
        learned=learned,
        metrics=metrics,
    )
    answered = answers(holdout.target, learned.outputs, learned.classes)
    reference = learn(holdout.columns, answered, metrics, seed=recipe.plan.seed)
    context = _context(training, holdout, learned, metrics[recipe.plan.metric])
    profile = build(recipe.plan.schema, training.columns, learned.outputs, learned.classes, figures, context)
    return {
        ONNX: learned.onnx,
        ESTIMATOR: learned.estimator,
        GOLDEN: learned.golden,
        PROFILE: profile.encode(),
        METRICS: _metrics(recipe.plan, learned, figures),
        REFERENCE: reference.encode(),
        CARD: write_card(facts),
    }


def _context(training: Rows, holdout: Rows, learned: Learned, metric: Estimate) -> Context:
    """Importance that is lost in the noise of the metric tells nothing of which feature matters."""
    telling = sum(max(lost, 0.0) for lost in learned.importance.values()) > (metric.high - metric.low) / 2
    return Context(training.target, training.times, holdout.times, learned.importance if telling else {})


def _metrics(plan: Plan, learned: Learned, figures: Mapping[str, Any]) -> bytes:
    parity = learned.parity
    alike = parity["label_mismatches"] == 0 and parity["max_difference"] <= parity["tolerance"]
    fields = {"metric": plan.metric, "metrics": figures, "parity": parity, "passed": alike}
    return canonical_json({"format": FORMAT, **fields, "params": learned.params, "notes": learned.notes})


def _write(models: ReadsCreates, key: str, data: bytes) -> None:
    try:
        models.create(key, data)
    except AlreadyExists:
        if models.get(key).data != data:
            raise Corrupt(
                f"{key} is stored with other bytes than were made now from the same data, spec, code and seed: "
                "was it altered, or made on another processor?"
            ) from None
