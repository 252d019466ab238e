"""Commands of rollouts: edge rollout show, stage, withdraw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ..layout import check_model_name
from .command import Result, Session, command
from .edge_keys import key_folder

if TYPE_CHECKING:
    from edge.rollout import Rollout

Model = Annotated[str, typer.Argument(help="The model.")]
ReleaseId = Annotated[str, typer.Argument(metavar="RELEASE", help="A release, as `tidemill edge releases` lists them.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, "show", example="tidemill edge rollout show churn")(show)
    command(app, "stage", example="tidemill edge rollout stage churn 0000000001-0f3a5c2e9b1d --percent 10")(stage)
    command(app, "withdraw", example="tidemill edge rollout withdraw churn 0000000001-0f3a5c2e9b1d")(withdraw)


def show(session: Session, model: Model) -> Result:
    """Show which devices are to run which release of a model."""
    from edge.export.rolling import newest_rollout  # noqa: PLC0415

    found = newest_rollout(session.runtime.store("edge"), check_model_name(model))
    if found is None:
        return Result({"model": model, "rollout": None}, f"Nothing of {model} is rolled out yet.")
    return _shown(found)


def stage(
    session: Session,
    model: Model,
    release: ReleaseId,
    percent: Annotated[float, typer.Option(help="The share of all devices that are to run it.", min=0, max=100)] = 0.0,
    ring: Annotated[
        list[str] | None, typer.Option(help="A ring of devices that are to run it, whatever the share.")
    ] = None,
) -> Result:
    """Roll a release out: to a share of the devices, and to whole rings. Say more, and it widens; devices follow."""
    from edge.export.rolling import stage as stage_release  # noqa: PLC0415

    edge = session.runtime.store("edge")
    return _shown(
        stage_release(edge, key_folder(session), check_model_name(model), release, percent, tuple(ring or ()))
    )


def withdraw(session: Session, model: Model, release: ReleaseId) -> Result:
    """Take a release back: devices that run it go back to what they are to run without it."""
    from edge.export.rolling import withdraw as withdraw_release  # noqa: PLC0415

    edge = session.runtime.store("edge")
    return _shown(withdraw_release(edge, key_folder(session), check_model_name(model), release))


def _shown(rollout: Rollout) -> Result:
    table = Table("release", "percent", "rings", "", box=None, pad_edge=False, header_style="bold")
    for each in rollout.releases:
        table.add_row(each.release, f"{each.percent:g}", ", ".join(each.rings) or "-", "")
    for release in rollout.withdrawn:
        table.add_row(release, "-", "-", "withdrawn")
    data: dict[str, Any] = {
        "model": rollout.model,
        "rollout": rollout.number,
        "releases": [each.to_json() for each in rollout.releases],
        "withdrawn": list(rollout.withdrawn),
    }
    return Result(data, table)
