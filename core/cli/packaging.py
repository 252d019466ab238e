"""Commands that make what is deployed: package, iac."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from ..declaration import Declaration, declarations
from ..errors import BadInput
from ..specfile import read_spec, spec_files
from .command import Result, Session, command

if TYPE_CHECKING:
    from iac.gcp.source import Source
    from iac.package import Archive

MEGABYTE = 1024 * 1024
EDGE = "edge"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, example="tidemill package ingest")(package)
    command(app, example="tidemill iac --check")(iac)


def package(
    session: Session,
    functions: Annotated[
        list[str] | None,
        typer.Argument(metavar="FUNCTION", help="Which functions; all that fit if none."),
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder for the archives.")] = Path("build/packages"),
    platform: Annotated[
        Literal["aws", "google"],
        typer.Option("--for", help="aws: what Lambda takes. google: what `gcloud functions deploy --source` takes."),
    ] = "aws",
) -> Result:
    """Make the deployable archive of each function, with its size against the platform's limit.

    Archives for AWS are for the Python that runs this command, on Linux of x86-64. `edge` is the wheel of the agent
    that runs on devices.
    """
    declared = declarations()
    if functions == [EDGE]:
        return _for_devices(output)
    unknown = sorted(set(functions or ()) - set(declared))
    if unknown:
        raise BadInput(
            f"there is no function {unknown[0]}; the functions are {', '.join(declared)}, and {EDGE} is packed alone."
        )
    if platform == "google":
        names = functions or [name for name, each in declared.items() if each.kind == "event"]
        return _for_google([declared[name] for name in names], session.settings.specs, output)
    from iac.package import package as pack  # noqa: PLC0415 - no other command needs it

    names = functions or [name for name, each in declared.items() if each.packaging == "zip"]
    made = [pack(declared[name], session.settings.specs, output, session.progress) for name in names]
    return Result({"functions": [archive.to_json() for archive in made]}, _table(made))


def _for_devices(output: Path) -> Result:
    from iac.edge_wheel import build  # noqa: PLC0415 - no other command needs it

    wheel = build(output)
    table = Table("wheel", "archive", "zipped MB", "unzipped MB")
    sizes = (f"{size / MEGABYTE:.1f}" for size in (wheel.zipped, wheel.unzipped))
    table.add_row(wheel.name, wheel.archive, *sizes)
    return Result({"functions": [wheel.to_json()]}, table)


def _for_google(declared: list[Declaration], specs: Path, output: Path) -> Result:
    from iac.gcp.source import package as pack  # noqa: PLC0415 - no other command needs it

    made = [pack(each, specs, output) for each in declared]
    return Result({"functions": [asdict(source) for source in made]}, _source_table(made))


def _source_table(sources: list[Source]) -> Table:
    table = Table("function", "source", "zipped MB")
    for source in sources:
        table.add_row(source.name, source.archive, f"{source.zipped / MEGABYTE:.1f}")
    return table


def _table(archives: list[Archive]) -> Table:
    table = Table("function", "archive", "zipped MB", "unzipped MB", "limit MB")
    for archive in archives:
        sizes = (f"{size / MEGABYTE:.1f}" for size in (archive.zipped, archive.unzipped, archive.limit))
        table.add_row(archive.name, archive.archive, *sizes, style=None if archive.fits else "red")
    return table


def iac(
    session: Session,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when something is stale.")] = False,
) -> Result:
    """Render what the clouds' templates read from the functions' declarations and the models' specs."""
    from iac.render import rendered, stale, write  # noqa: PLC0415 - no other command needs it

    files = rendered(declarations().values(), map(read_spec, spec_files(session.settings.specs)))
    if check:
        names = stale(files)
        shown = f"Stale: {', '.join(names)}; run `tidemill iac`." if names else "Everything is as declared."
        return Result({"stale": names}, shown, ok=not names)
    names = write(files)
    return Result({"written": names}, f"Written: {', '.join(names) or 'nothing, all was as declared'}.")
