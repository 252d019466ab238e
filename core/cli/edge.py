"""The commands of `tidemill edge`: each part of it has a module of its own."""

from __future__ import annotations

import typer

from . import edge_device, edge_fleet, edge_keys, edge_release, edge_rollout


def register(app: typer.Typer) -> None:
    """Add the commands of releases, of devices, of keys and of rollouts."""
    edge_release.register(app)
    edge_device.register(app)
    edge_fleet.register(app)
    for name, room, what in (
        ("keys", edge_keys, "The keys that sign releases, and whom devices trust."),
        ("rollout", edge_rollout, "Which devices are to run which release."),
    ):
        group = typer.Typer(help=what, no_args_is_help=True)
        room.register(group)
        app.add_typer(group, name=name)
