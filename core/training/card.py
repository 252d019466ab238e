"""The model card: one page of Markdown that tells a person what a version is (Mitchell et al. 2019, "Model Cards")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.learning import Learned, Plan
from ..domain.metrics import LOWER_IS_BETTER, Estimate
from ..domain.schema import Feature


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card tells. `window` is the first and the last time of the rows, where they have times."""

    version: str
    plan: Plan
    split: str
    inputs: Mapping[str, Any]
    training_rows: int
    holdout_rows: int
    window: tuple[str, str] | None
    learned: Learned
    metrics: Mapping[str, Estimate]


def write_card(facts: Facts) -> bytes:
    """The card as UTF-8; the same facts give the same bytes."""
    return "\n".join([*_head(facts), *_data(facts), *_features(facts), *_quality(facts), *_origin(facts), ""]).encode()


def _head(facts: Facts) -> Iterator[str]:
    schema = facts.plan.schema
    yield f"# {schema.model}, version {facts.version}"
    yield ""
    yield f"Predicts `{schema.target}` ({schema.task}) with {facts.plan.estimator}."
    if facts.learned.classes:
        yield f"Classes: {', '.join(f'`{name}`' for name in facts.learned.classes)}."
    for name, value in facts.learned.params.items():
        yield f"- {name}: {value}"
    yield ""


def _data(facts: Facts) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield f"Learned from {facts.training_rows:,} rows, judged on {facts.holdout_rows:,} others ({facts.split})."
    if facts.window:
        yield f"Rows are from {facts.window[0]} to {facts.window[1]}."
    yield f"Datasets: {', '.join(facts.inputs['datasets'])}."
    yield ""


def _features(facts: Facts) -> Iterator[str]:
    yield "## Inputs"
    yield ""
    yield "| feature | type | null | range or values |"
    yield "| --- | --- | --- | --- |"
    for feature in facts.plan.schema.features:
        name = feature.name.replace("|", "\\|")
        yield f"| {name} | {feature.type} | {'allowed' if feature.nullable else 'refused'} | {_range(feature)} |"
    yield ""


def _range(feature: Feature) -> str:
    if feature.values is not None:
        return ", ".join(feature.values).replace("|", "\\|")
    if feature.min is None and feature.max is None:
        return "learned" if feature.type == "category" else "any"
    low = "" if feature.min is None else f"from {feature.min:g} "
    return (low + ("" if feature.max is None else f"to {feature.max:g}")).strip()


def _quality(facts: Facts) -> Iterator[str]:
    yield "## Quality on the holdout"
    yield ""
    yield "| metric | value | 95 % interval | better |"
    yield "| --- | --- | --- | --- |"
    for name, found in facts.metrics.items():
        better = "lower" if name in LOWER_IS_BETTER else "higher"
        yield f"| {name} | {found.value:.4g} | {found.low:.4g} to {found.high:.4g} | {better} |"
    yield ""
    parity = facts.learned.parity
    yield (
        f"scikit-learn and ONNX were compared on {parity['rows']:,} rows, half of them with nulls and unseen categories"
        f" put in: {parity['label_mismatches']} labels differ ({parity['ties']} more at exact ties), and numbers by at"
        f" most {parity['max_difference']:g}."
    )
    yield f"Which gates it passed against which champion is in the journal, under the decision `train {facts.version}`."
    yield ""


def _origin(facts: Facts) -> Iterator[str]:
    yield "## Limits"
    yield ""
    yield "The intervals tell of the luck of the holdout, not of a world that changes: drift is watched for separately."
    yield "A category that training did not see is answered as an unknown one; numbers are rounded to float32."
    yield from (f"While fitting: {note}" for note in facts.learned.notes)
    yield ""
    yield "## How it was made"
    yield ""
    environment = ", ".join(f"{name} {version}" for name, version in facts.inputs["environment"].items())
    yield f"Code {facts.inputs['code']}, seed {facts.plan.seed}, {environment}."
    yield "The same data, spec, code and seed make the same bytes."
