"""The `tidemill` command."""

from __future__ import annotations

from typing import Annotated

import typer

from ..code import __version__
from . import alerts, batch, data, edge, inspection, keys, models, operation, packaging, scoring

app = typer.Typer(
    name="tidemill",
    help="The whole life of a machine-learning model as a handful of stateless functions over object storage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="The registry, and who serves.", no_args_is_help=True)
for room in (operation, data, scoring, batch, inspection, packaging):
    room.register(app)
models.register(models_app)
keys_app = typer.Typer(help="The API keys of the endpoint.", no_args_is_help=True)
alerts_app = typer.Typer(help="What is wrong with models, and who knows of it.", no_args_is_help=True)
alerts.register(alerts_app)
keys.register(keys_app)
edge_app = typer.Typer(help="Releases for devices, and the devices' own agent.", no_args_is_help=True)
edge.register(edge_app)
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")
app.add_typer(alerts_app, name="alerts")
app.add_typer(edge_app, name="edge")


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidemill {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None:
    """The whole life of a machine-learning model as a handful of stateless functions over object storage."""


def main() -> None:
    """Run the command that the arguments name."""
    app()
