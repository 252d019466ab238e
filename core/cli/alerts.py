"""Commands about alerts: alerts list, ack, resolve."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from ..domain.alert import Alert
from ..layout import check_model_name
from ..specfile import spec_files
from ..usecases.alert import acknowledge, read_alerts, resolve
from .command import Result, Session, command

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="The model.")]
FingerprintArgument = Annotated[
    str, typer.Argument(metavar="FINGERPRINT", help="The alert, as `list` shows it; its beginning is enough.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, "list", example="tidemill alerts list churn")(list_alerts)
    command(app, "ack", example="tidemill alerts ack churn 0f3a5c2e")(ack)
    command(app, "resolve", example="tidemill alerts resolve churn 0f3a5c2e")(resolve_alert)


def list_alerts(
    session: Session,
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="The model; all with a spec if left out.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are resolved, too.")] = False,
) -> Result:
    """Tell what is wrong with a model now."""
    models = [check_model_name(model)] if model else [path.stem for path in spec_files(session.settings.specs)]
    reports = session.runtime.store("reports")
    found = [state for name in models for state in read_alerts(reports, name)]
    shown = [state for state in found if every or state.state != "resolved"]
    return Result({"alerts": [_told(state) for state in shown]}, _table(shown) if shown else "Nothing is wrong.")


def ack(session: Session, model: ModelArgument, fingerprint: FingerprintArgument) -> Result:
    """Say that you know of an alert: it is not told again unless it gets worse."""
    runtime = session.runtime
    state = acknowledge(
        runtime.store("reports"), runtime.clock, check_model_name(model), fingerprint, by=getpass.getuser()
    )
    return Result(_told(state), f"{state.fingerprint} is {state.state}.")


def resolve_alert(session: Session, model: ModelArgument, fingerprint: FingerprintArgument) -> Result:
    """Say that an alert is over; what is seen from now on may raise it again."""
    runtime = session.runtime
    state = resolve(runtime.store("reports"), runtime.clock, check_model_name(model), fingerprint, by=getpass.getuser())
    return Result(_told(state), f"{state.fingerprint} is {state.state}.")


def _told(state: Alert) -> dict[str, Any]:
    names = ("fingerprint", "model", "kind", "subject", "state", "summary", "evidence", "raised", "by")
    return {**{name: getattr(state, name) for name in names}, "severity": state.level, "changed": state.at}


def _table(alerts: Sequence[Alert]) -> Table:
    table = Table("alert", "model", "what", "severity", "state", "since", "summary")
    for state in alerts:
        what = f"{state.kind} ({state.subject})"
        table.add_row(state.fingerprint, state.model, what, state.level, state.state, state.raised[:16], state.summary)
    return table
