"""The command `tidemill edge fleet`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table

from ..domain.fleet import Device, Fleet
from ..layout import check_model_name
from ..usecases.fleet import read_fleet
from .command import Result, Session, command

HEALTH = {True: "healthy", False: "unhealthy", None: "not told"}


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    command(app, example="tidemill edge fleet flights-delay")(fleet)


def fleet(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model.")],
    group: Annotated[str | None, typer.Option("--group", metavar="GROUP", help="Devices of this group alone.")] = None,
) -> Result:
    """Tell which device runs which release, since when, and how it is, by what devices sent back."""
    found = read_fleet(session.runtime.store("edge"), check_model_name(model))
    if group is not None:
        found = Fleet(found.model, tuple(device for device in found.devices if device.group == group))
    if not found.devices:
        return Result(found.to_json(), f"No device of {model} has sent anything back.")
    counts = ", ".join(f"{count} run {release}" for release, count in found.releases.items())
    return Result(found.to_json(), Group(_table(found.devices), f"{counts}; {len(found.unhealthy)} unhealthy."))


def _table(devices: tuple[Device, ...]) -> Table:
    table = Table("device", "group", "ring", "release", "version", "since", "health", "errors", "p95 ms", "last seen")
    for device in devices:
        told = device.to_json()
        errors = "" if told["errors"] is None else f"{told['errors']} of {told['requests'] or 0}"
        latency = "" if told["latency"]["p95_ms"] is None else f"{told['latency']['p95_ms']:g}"
        table.add_row(
            *(told[name] or "" for name in ("device", "group", "ring", "release", "version")),
            told["since"][:16],
            HEALTH[device.healthy],
            errors,
            latency,
            told["last_seen"][:16],
        )
    return table
