"""Commands of a device, on this machine: edge install, run, update, rollback, status. `python -m edge` has the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from .command import Result, Session, command
from .edge_release import trust_for

Root = Annotated[Path, typer.Option("--root", metavar="FOLDER", help="The device's folder.")]
ROOT = Path(".tidemill/device")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, example="tidemill edge install release --root device")(install)
    command(app, example="tidemill edge run --root device")(run)
    command(app, example="tidemill edge update --root device")(update)
    command(app, example="tidemill edge rollback --root device")(rollback)
    command(app, example="tidemill edge status --root device")(status)


def install(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a release.")],
    root: Root = ROOT,
    again: Annotated[bool, typer.Option("--again", help="Also if it failed on this device before.")] = False,
    trust: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What a new device trusts: as for `tidemill edge verify`, if none."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="A new device's name; this machine's, if none.")] = None,
    source: Annotated[str | None, typer.Option(metavar="URL", help="Where a new device's releases come from.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another setting of a new device's device.toml."),
    ] = None,
) -> Result:
    """Install a release into the idle slot of a device, prove it there, and let it answer.

    Without a device's folder it makes one.
    """
    from edge.agent import commands  # noqa: PLC0415 - of devices alone

    settings = commands.settings_of(setting or (), device=device, source_url=source)
    known = trust_for(session, folder, trust).data if trust is not None or commands.is_new(root) else None
    done = commands.install(root, folder, again=again, trust=known, settings=settings)
    return Result(done, f"Release {done['release']} is in {root}: {done['did']}.")


def run(session: Session, root: Root = ROOT) -> Result:
    """Answer on this machine's loopback interface, and keep the release up to date, until it is told to stop."""
    from edge.agent import commands  # noqa: PLC0415

    session.progress(f"The device in {root} answers; Ctrl-C ends it.")
    return Result(commands.run(root), "Stopped.")


def update(session: Session, root: Root = ROOT) -> Result:  # noqa: ARG001 - each command is given one
    """Look once for what is new, install what the rollout says, and send telemetry."""
    from edge.agent import commands  # noqa: PLC0415

    done = commands.update(root)
    because = f": {done['reason']}" if done["reason"] else ""
    return Result(done, f"{str(done['did']).capitalize()} {done['release'] or 'without a release'}{because}.")


def rollback(
    session: Session,  # noqa: ARG001 - each command is given one
    root: Root = ROOT,
    reason: Annotated[str, typer.Option(help="What is written down.")] = "by hand",
) -> Result:
    """Let the release before answer again; the one that is left is not taken again, unless by hand."""
    from edge.agent import commands  # noqa: PLC0415

    done = commands.rollback(root, reason)
    return Result(done, f"Release {done['release']} answers again.")


def status(session: Session, root: Root = ROOT) -> Result:  # noqa: ARG001 - each command is given one
    """Tell what a device is, what it runs, and what it has been through."""
    from edge.agent import commands  # noqa: PLC0415

    told = commands.status(root)
    return Result(told, _table(told))


def _table(told: Any) -> Table:  # noqa: ANN401 - plain JSON values
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in told.items():
        if name != "events":
            table.add_row(name.replace("_", " "), value if isinstance(value, str) else json.dumps(value))
    for event in told["events"]:
        table.add_row(event["at"], f"{event['event']} {event['release'] or ''} {event['reason']}".rstrip())
    return table
