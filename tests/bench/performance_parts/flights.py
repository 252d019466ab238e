"""The bundled flights: what a model answers of months that it learned from in part, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.domain.learning import Plan, Rows
from core.domain.metrics import answers, evaluate
from core.domain.metrics.answers import indexes
from core.domain.performance.judged import Judged, kept
from core.domain.performance.reference import Reference, learn
from core.domain.schema import NULL_CATEGORY
from core.inference.predictor import load_predictor
from core.spec import ModelSpec
from core.specfile import read_spec
from core.training.learner import SklearnLearner, manifest_of
from core.training.split import by_time

ROOT = Path(__file__).parents[3]
MONTHS = tuple(f"{month:02}" for month in range(1, 13))


@dataclass(frozen=True)
class Scored:
    """A version's reference, the holdout it comes of, and the rows of each later month."""

    spec: ModelSpec
    reference: Reference
    holdout: Judged
    months: dict[str, Judged]


def spring(*, task: str, target: str) -> Scored:
    """Learn `target` from January to March, the last fifth in time held out; answer the other months."""
    spec = spec_of(task, target)
    whole, months = rows_of(spec, MONTHS[:3]), {month: rows_of(spec, [month]) for month in MONTHS[3:]}
    training, held = by_time(whole.times, 0.2)
    return _scored(
        spec, whole.rows.take(training), whole.rows.take(held), {name: of.rows for name, of in months.items()}
    )


def year(*, task: str, target: str) -> Scored:
    """Learn `target` from half of every month, drawn at random; a quarter is held out, a quarter answered by month."""
    spec = spec_of(task, target)
    drawn = {month: np.random.default_rng(7).permutation(len(rows_of(spec, [month]).times)) for month in MONTHS}
    whole = {month: rows_of(spec, [month]).rows.take(drawn[month]) for month in MONTHS}
    cuts = {month: (len(rows) // 2, len(rows) * 3 // 4) for month, rows in whole.items()}
    training = _joined([rows.take(np.arange(cuts[month][0])) for month, rows in whole.items()])
    held = _joined([rows.take(np.arange(*cuts[month])) for month, rows in whole.items()])
    months = {month: rows.take(np.arange(cuts[month][1], len(rows))) for month, rows in whole.items()}
    return _scored(spec, training, held, months)


def spec_of(task: str, target: str) -> ModelSpec:
    """The bundled spec, for this target."""
    declared = read_spec(ROOT / "models" / "flights-delay.yaml").model_dump(mode="json")
    fields = {**declared, "task": task, "target": target, "params": {}, "gates": {}}
    fields["features"] = [each for each in declared["features"] if each["name"] != target]
    return ModelSpec.model_validate(fields)


def _scored(spec: ModelSpec, training: Rows, holdout: Rows, months: dict[str, Rows]) -> Scored:
    plan = Plan(spec.columns, spec.estimator, {}, None, spec.seed, spec.metric, in_order=False)
    found = SklearnLearner().learn(plan, training, holdout, lambda _step: None)
    known = answers(holdout.target, found.outputs, found.classes)
    reference = learn(holdout.columns, known, evaluate(known, seed=spec.seed), seed=spec.seed)
    predictor = load_predictor(found.onnx, manifest_of(plan, found.classes))

    def judged(some: Rows) -> Judged:
        return _judged(some, predictor.predict(some.columns), found.classes, reference)

    return Scored(spec, reference, judged(holdout), {month: judged(rows) for month, rows in months.items()})


def _joined(parts: Sequence[Rows]) -> Rows:
    columns = {name: np.concatenate([rows.columns[name] for rows in parts]) for name in parts[0].columns}
    return Rows(columns, np.concatenate([rows.target for rows in parts]))


@dataclass(frozen=True)
class Timed:
    """Rows and their times, microseconds since 1970 [n]."""

    rows: Rows
    times: NDArray[np.int64]


def rows_of(spec: ModelSpec, months: Sequence[str]) -> Timed:
    """The rows of these months whose target is known, in the form that models take."""
    files = (ROOT / "examples" / "flights" / f"2013-{month}.csv.gz" for month in months)
    frame = pd.concat([pd.read_csv(file, dtype={"late": str}) for file in files], ignore_index=True)
    frame = frame[frame[spec.target].notna()]
    columns: dict[str, NDArray[Any]] = {}
    for feature in spec.columns.features:
        values = frame[feature.name]
        text = feature.type == "category"
        columns[feature.name] = values.fillna(NULL_CATEGORY).to_numpy(object) if text else values.to_numpy(np.float32)
    kind: Any = float if spec.task == "regression" else object
    times = (
        pd.to_datetime(frame["scheduled"], utc=True).dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    )
    return Timed(Rows(columns, frame[spec.target].to_numpy(kind)), times)


def _judged(some: Rows, outputs: Any, classes: Sequence[str], reference: Reference) -> Judged:
    records = np.zeros(len(some), kept(len(classes), 0))
    if classes:
        records["truth"] = indexes(some.target, classes)
        records["label"], records["probabilities"] = indexes(outputs.labels, classes), outputs.probabilities
    else:
        assert reference.tree is not None
        records["truth"], records["prediction"] = some.target, outputs.prediction.reshape(-1)
        records["leaf"] = reference.tree.leaf_of(some.columns, records["prediction"])
    return Judged(records, len(some), len(some))
