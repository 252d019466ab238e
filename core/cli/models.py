"""Commands of the registry: models list, show, compare, promote, rollback, route."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table

from ..domain.experiment import Experiment
from ..domain.route import Mode, Route
from ..errors import NotFound
from ..runtime import Runtime
from ..settings import store_url
from ..usecases import browse
from ..usecases.copy_model import copy_model
from ..usecases.judge_experiment import measure_experiment
from ..usecases.promote import challenge, current_route, promote, roll_back
from .command import Result, Session, command

Model = Annotated[str, typer.Argument(help="The model.")]
Version = Annotated[str, typer.Argument(help="A version, as `tidemill models show` lists them.")]
CHALLENGES: tuple[Mode, ...] = ("canary", "shadow", "ab")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, "list", example="tidemill models list")(list_models)
    command(app, "show", example="tidemill models show churn")(show)
    command(app, "compare", example="tidemill models compare churn 0f3a5c2e9b1d4e77 8c21d5f0a9be3344")(compare)
    command(app, "promote", example="tidemill models promote churn 8c21d5f0a9be3344")(promote_version)
    command(app, "rollback", example="tidemill models rollback churn")(rollback)
    command(
        app, "route", example="tidemill models route churn --challenger 8c21d5f0a9be3344 --mode canary --share 0.1"
    )(route)
    command(app, "experiment", example="tidemill models experiment churn")(experiment)
    command(app, "copy", example="tidemill models copy churn --to 'gs://acme-{zone}'")(copy)


def list_models(session: Session) -> Result:
    """List every model, with the version that serves."""
    found = browse.list_models(session.runtime.store("models"))
    table = _table("model", "serving")
    for model in found:
        table.add_row(model["model"], model["champion"] or "-")
    return Result(
        {"models": found}, table if found else "No model yet. Start with `tidemill init`, or `tidemill demo`."
    )


def show(session: Session, model: Model) -> Result:
    """Show a model: who serves, and every version with its metrics."""
    found = browse.show_model(session.runtime.store("models"), model)
    return Result(found, _versions_table(found["versions"], found["route"]["champion"]))


def compare(session: Session, model: Model, one: Version, other: Version) -> Result:
    """Compare the metrics of two versions, each on the holdout it was judged by."""
    found = browse.compare_versions(session.runtime.store("models"), model, one, other)
    return Result(found, _comparison_table(found))


def promote_version(session: Session, model: Model, version: Version) -> Result:
    """Make a version serve."""
    runtime = session.runtime
    decision = _decision(session, f"promote {version}")
    changed = promote(
        runtime.store("models"), runtime.clock, model, version, decision=decision, evidence=_BY_HAND, code=runtime.code
    )
    return _routed(changed)


def rollback(session: Session, model: Model) -> Result:
    """Make the version that served before serve again."""
    runtime = session.runtime
    decision = _decision(session, "roll back")
    changed = roll_back(
        runtime.store("models"), runtime.clock, model, decision=decision, evidence=_BY_HAND, code=runtime.code
    )
    return _routed(changed)


def route(
    session: Session,
    model: Model,
    challenger: Annotated[str | None, typer.Option(help="The version to set beside the champion.")] = None,
    mode: Annotated[str, typer.Option(metavar="canary|shadow|ab", help="How the challenger takes part.")] = "canary",
    share: Annotated[float, typer.Option(help="The challenger's share of requests, between 0 and 1.")] = 0.1,
) -> Result:
    """Show who serves a model, or set a challenger beside the champion."""
    runtime = session.runtime
    if challenger is None:
        current = current_route(runtime.store("models"), model)
        if current is None:
            raise NotFound(f"no version of model {model} serves yet.")
        return _routed(current)
    return _routed(
        challenge(
            runtime.store("models"),
            runtime.clock,
            model,
            challenger,
            _mode(mode),
            share,
            decision=_decision(session, f"challenge with {challenger}"),
            evidence=_BY_HAND,
            code=runtime.code,
        )
    )


def experiment(session: Session, model: Model) -> Result:
    """Tell how the challenger does against the champion, and what can be told yet. Nothing is decided by asking."""
    runtime = session.runtime
    zones = (runtime.store("predictions"), runtime.store("models"), runtime.store("datasets"))
    found = measure_experiment(*zones, spec=runtime.spec(model))
    if found is None:
        raise NotFound(f"no version challenges the champion of model {model}; `tidemill models route` sets one.")
    return Result(found.to_json(), _experiment_table(found))


def copy(
    session: Session,
    model: Model,
    to: Annotated[str, typer.Option(metavar="URL", help="The other store, with {zone} in it.")],
) -> Result:
    """Take a model to another store: versions, journal, datasets, and who serves. Repeat it if it was interrupted."""
    here, there = session.runtime, Runtime(replace(session.settings, store=store_url(to), models_url=None))
    copied = copy_model(
        here.store("models"),
        here.store("datasets"),
        there.store("models"),
        there.store("datasets"),
        model=model,
        progress=session.progress,
    )
    told = f"{copied.objects:,} objects of {model} are in {to}; {copied.champion} serves there."
    return Result({**copied.to_json(), "to": to}, told)


_BY_HAND = {"cause": "by hand"}


def _decision(session: Session, what: str) -> str:
    """A person who asks twice wants it twice: the time tells the two apart."""
    return f"by hand {session.runtime.clock.now().isoformat()} {what}"


def _mode(text: str) -> Mode:
    for mode in CHALLENGES:
        if mode == text:
            return mode
    raise typer.BadParameter(f"{text!r} is not one of {', '.join(CHALLENGES)}", param_hint="--mode")


def _routed(changed: Route) -> Result:
    data: dict[str, Any] = {
        "model": changed.model,
        "champion": changed.champion,
        "challenger": changed.challenger,
        "mode": changed.mode,
        "share": changed.share,
        "revision": changed.revision,
    }
    beside = f", {changed.challenger} as {changed.mode} with {changed.share:.0%}" if changed.challenger else ""
    return Result(data, f"{changed.champion} serves {changed.model}{beside}.")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


def _versions_table(versions: list[dict[str, Any]], champion: str | None) -> RenderableType:
    """The deciding metric alone: `--json` and `models compare` tell all."""
    name = versions[-1]["metric"]
    table = _table("version", "created", "gates", name, "")
    for version in versions:
        passed = "passed" if version["passed"] else "failed"
        created = version["created"].replace("T", " ").removesuffix("+00:00")
        serving = "serves" if version["version"] == champion else ""
        table.add_row(version["version"], created, passed, _interval(version["metrics"].get(name)), serving)
    return table


def _comparison_table(found: dict[str, Any]) -> RenderableType:
    one, other = found["versions"]
    table = _table("metric", one["version"], other["version"], "difference")
    for name, difference in found["difference"].items():
        table.add_row(name, _interval(one["metrics"][name]), _interval(other["metrics"][name]), f"{difference:+.4f}")
    return table


def _experiment_table(found: Experiment) -> RenderableType:
    table = _table("", found.champion, found.challenger, "rows", "difference", "allowed", "verdict")
    for each in found.differences:
        known = "" if each.low is None else f"{each.difference:+.4f} [{each.low:+.4f}, {each.high:+.4f}]"
        values = ["-" if value is None else f"{value:.4f}" for value in (each.champion, each.challenger)]
        rows = f"{each.rows[0]:,} / {each.rows[1]:,}"
        table.add_row(each.what, *values, rows, known or "-", f"{each.allowed:.4g}", each.verdict)
    return table


def _interval(metric: dict[str, float] | None) -> str:
    return "-" if metric is None else f"{metric['value']:.4f} [{metric['low']:.4f}, {metric['high']:.4f}]"
