"""Commands that run one function by hand: train, drift, predict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from ..domain.drift.report import By, DriftReport
from ..domain.route import Route
from ..runtime import Runtime
from ..usecases.check_drift import check_drift
from ..usecases.check_fleet import GroupCheck, check_fleet
from ..usecases.predict_rows import predict_rows
from ..usecases.promote import current_route
from ..usecases.train import Training
from ..usecases.train import train as learn
from ..usecases.trigger_training import BY_HAND, trigger_training
from .command import Result, Session, command
from .places import rows_at_hand

BYS: tuple[By, ...] = ("answered", "time")
Model = Annotated[str, typer.Argument(help="The model.")]
Moment = Annotated[
    str | None, typer.Option(metavar="TIME", help="RFC 3339 time or date; UTC unless it says otherwise.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, example="tidemill train churn")(train)
    command(app, example="tidemill drift churn --since 2026-05-01 --until 2026-06-01")(drift)
    command(app, example="tidemill predict churn --file new-customers.csv")(predict)


def train(session: Session, model: Model) -> Result:
    """Train a model now on all of its valid data, whatever its rules say."""
    runtime = session.runtime
    models, datasets, reports = (runtime.store(zone) for zone in ("models", "datasets", "reports"))
    outcome = trigger_training(
        models, datasets, reports, _Here(), runtime.clock, runtime.spec(model), cause=BY_HAND, code=runtime.code
    )
    trained = learn(
        models,
        datasets,
        model=model,
        training=str(outcome.training),
        learner=runtime.learner,
        load=runtime.load,
        clock=runtime.clock,
        code=runtime.code,
        progress=session.progress,
    )
    found = {**trained.to_json(), **_serves(trained, current_route(models, model))}
    return Result(found, _trained(found), ok=found["promoted"])


class _Here:
    """A JobRunner for a command that does the job itself, right after it was claimed."""

    def start(self, job: str, name: str, arguments: dict[str, str]) -> None:
        """Nothing: the caller goes on."""


def _serves(trained: Training, route: Route | None) -> dict[str, Any]:
    """Whether the version serves now: a training that was done before may have been rolled back since."""
    if not trained.promoted or route is None or route.champion == trained.version:
        return {}
    again = f"`tidemill models promote {trained.model} {trained.version}` makes it serve again"
    return {"promoted": False, "reasons": [f"this was trained before, and {route.champion} serves now: {again}."]}


def _trained(found: dict[str, Any]) -> RenderableType:
    metrics = Table("metric", "value", "low", "high", box=None, pad_edge=False)
    for name, figures in found["metrics"].items():
        metrics.add_row(name, *(f"{figures[part]:.4f}" for part in ("value", "low", "high")))
    gates = [f"{'pass' if gate['passed'] else 'FAIL'}  {gate['gate']}: {gate['detail']}" for gate in found["gates"]]
    verdict = "serves" if found["promoted"] else "does not serve"
    return Group(metrics, "", *gates, "", f"Version {found['version']} {verdict}.", *found["reasons"])


def drift(
    session: Session,
    model: Model,
    since: Moment = None,
    until: Moment = None,
    by: Annotated[str, typer.Option(metavar="answered|time", help="Which time the window is of.")] = "answered",
    fail_on_drift: Annotated[bool, typer.Option("--fail-on-drift", help="Exit with 1 if drift is found.")] = False,
) -> Result:
    """Compare what was asked and answered with what the serving version learned from, in the cloud and on devices."""
    runtime = session.runtime
    report = check_drift(
        runtime.store("predictions"),
        runtime.store("models"),
        runtime.store("datasets"),
        runtime.store("reports"),
        spec=runtime.spec(model),
        code=runtime.code,
        since=moment(since, "--since"),
        until=moment(until, "--until"),
        by=_by(by),
    )
    groups = [] if report.span.asked else [check.drift for check in _fleet(runtime, model)]
    found = {**report.to_json(), "report": report.key, "fleet": [_of_group(group) for group in groups]}
    drifted = any(each.drifted for each in (report, *groups))
    return Result(
        found, Group(_checked(found), *map(_told_of_group, found["fleet"])), ok=not (fail_on_drift and drifted)
    )


def _fleet(runtime: Runtime, model: str) -> Sequence[GroupCheck]:
    stores = (runtime.store("edge"), runtime.store("models"), runtime.store("datasets"), runtime.store("reports"))
    return check_fleet(*stores, spec=runtime.spec(model), code=runtime.code)


def _of_group(report: DriftReport) -> dict[str, Any]:
    """What is told of one group of devices; its report has everything."""
    names = [column.name for column in report.comparison.features if column.drifted]
    told = {name: getattr(report, name) for name in ("group", "version", "rows", "unusable", "drifted", "reason")}
    return {**told, "features": names, "degraded": report.performance.degraded, "report": report.key}


def _told_of_group(found: dict[str, Any]) -> str:
    who = f"Devices of group {found['group']}, version {found['version']}"
    if found["report"] is None:
        return f"{who}: {found['reason']}."
    verdict = f"drift in {', '.join(found['features']) or 'what is answered'}" if found["drifted"] else "no drift"
    return f"{who}: {verdict} in {found['rows']:,} rows; see reports/{found['report']}."


def moment(text: str | None, option: str) -> datetime | None:
    """A time as it is written in an option; without a zone it is in UTC. Raises typer.BadParameter."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no RFC 3339 time or date", param_hint=option) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _by(text: str) -> By:
    for by in BYS:
        if by == text:
            return by
    raise typer.BadParameter(f"{text!r} is not one of answered, time", param_hint="--by")


def _checked(found: dict[str, Any]) -> RenderableType:
    if not found["rows"]:
        return f"No drift check: {found['reason']}."
    table = Table("feature", "drifted", "effect", "nulls", "unseen", box=None, pad_edge=False)
    for feature in found["features"]:
        effect = "-" if feature["effect"] is None else f"{feature['effect']:.3f}"
        drifted = "yes" if feature["drifted"] else ""
        table.add_row(feature["name"], drifted, effect, str(feature["nulls"]), str(feature["unseen"]))
    verdict = "Drift was found" if found["drifted"] else "No drift was found"
    stored = f"; see reports/{found['report']}" if found["report"] else f" ({found['reason']})"
    return Group(table, "", f"{verdict} in {found['rows']:,} rows of version {found['version']}{stored}.")


def predict(
    session: Session,
    model: Model,
    file: Annotated[
        Path | None, typer.Option("--file", help="CSV, Parquet or JSON Lines; stdin (CSV or JSON) when left out.")
    ] = None,
    version: Annotated[str | None, typer.Option("--version", help="Another version than the one that serves.")] = None,
) -> Result:
    """Score rows from a file or from stdin with the serving version. Nothing is recorded."""
    rows, info = rows_at_hand(file)
    runtime = session.runtime
    found = predict_rows(runtime.store("models"), runtime.load, rows, info, model=model, version=version)
    return Result(found, "\n".join(map(_answer, found["predictions"])))


def _answer(prediction: dict[str, Any]) -> str:
    if "label" not in prediction:
        return f"{prediction['prediction']:g}"
    shares = ", ".join(f"{label} {share:.3f}" for label, share in prediction["probabilities"].items())
    return f"{prediction['label']}  ({shares})"
