"""Commands of releases: edge export, verify, releases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.table import Table

from ..errors import Corrupt, NotFound, TidemillError
from ..layout import MANIFEST, check_model_name
from ..ports import Reads
from .command import Result, Session, command
from .edge_keys import key_folder, ready_keys

if TYPE_CHECKING:
    from edge.export.export import Candidate, Exported
    from edge.trust import Trust

VARIANTS = ("full", "float16", "int8", "pruned", "smallest")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, example="tidemill edge export churn --output release")(export)
    command(app, example="tidemill edge verify release")(verify)
    command(app, example="tidemill edge releases churn")(releases)


def export(
    session: Session,
    model: Annotated[str, typer.Argument(help="The model.")],
    output: Annotated[Path, typer.Option(metavar="DIR", help="The folder that the release is written into.")],
    version: Annotated[str | None, typer.Option(help="The version; the serving one if none.")] = None,
    variant: Annotated[str, typer.Option(metavar="|".join(VARIANTS), help="Which variant is released.")] = "full",
    budget: Annotated[
        float, typer.Option(help="The most that it may lose of the deciding metric, as a share of it.", min=0.0)
    ] = 0.01,
    max_difference: Annotated[
        float,
        typer.Option(help="The most that a probability, or the share of a prediction, may be off in any row.", min=0.0),
    ] = 0.1,
) -> Result:
    """Make a signed release of a version, in a folder and in the store. Every variant is measured, one is released."""
    from edge.export.export import Exporter  # noqa: PLC0415 - onnx is slow to import
    from edge.export.folder import check_folder, write_folder  # noqa: PLC0415
    from edge.export.quality import Budget  # noqa: PLC0415

    if variant not in VARIANTS:
        raise typer.BadParameter(f"{variant!r} is not one of {', '.join(VARIANTS)}", param_hint="--variant")
    check_model_name(model)
    check_folder(output)
    runtime = session.runtime
    exporter = Exporter(
        runtime.store("models"),
        runtime.store("datasets"),
        runtime.store("edge"),
        keys=ready_keys(session),
        load=runtime.load,
        clock=runtime.clock,
        code=runtime.code,
        progress=session.progress,
    )
    exported = exporter.export(model, version, variant, Budget(budget, max_difference))
    write_folder(output, exported.release.files)
    return _exported(exported, output)


def verify(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a release.")],
    trust: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The trust document; that of the keys, or of the store, if none."),
    ] = None,
) -> Result:
    """Verify a release: its signature, then the name, size and hash of each file, then what it answers here."""
    from edge.export.proving import prove_folder  # noqa: PLC0415

    release = prove_folder(folder, trust_for(session, folder, trust), session.runtime.load)
    manifest = release.manifest
    data = {
        "release": release.id,
        "model": manifest.model,
        "version": manifest.version,
        "variant": manifest.variant.name,
        "signed_by": release.signed_by,
        "bytes": manifest.size,
    }
    told = f"{folder} is release {release.id} of {manifest.model}, whole, and signed by key {release.signed_by}."
    return Result(data, told)


def releases(session: Session, model: Annotated[str, typer.Argument(help="The model.")]) -> Result:
    """List the releases of a model, the newest last."""
    from edge.export.publish import published_trust  # noqa: PLC0415
    from edge.export.publish import releases as stored  # noqa: PLC0415

    edge = session.runtime.store("edge")
    trust = published_trust(edge, check_model_name(model))
    found = [_release(edge, model, release, trust) for release in stored(edge, model)]
    table = Table(
        "release", "version", "variant", "bytes", "created", "", box=None, pad_edge=False, header_style="bold"
    )
    for each in found:
        table.add_row(
            each["release"],
            each["version"],
            each["variant"],
            f"{each['bytes']:,}",
            each["created"],
            each["refused"] or "",
        )
    return Result({"model": model, "releases": found}, table if found else f"Model {model} has no release yet.")


def _release(edge: Reads, model: str, release: str, trust: Trust) -> dict[str, Any]:
    from edge.export.publish import read_release  # noqa: PLC0415

    data: dict[str, Any] = {"release": release, "version": "-", "variant": "-", "bytes": 0, "created": "-"}
    try:
        manifest = read_release(edge, model, release, trust).manifest
    except TidemillError as error:
        return {**data, "refused": str(error)}
    told = {"version": manifest.version, "variant": manifest.variant.name, "bytes": manifest.size}
    return {**data, **told, "created": manifest.created, "refused": None}


def trust_for(session: Session, folder: Path, named: Path | None) -> Trust:
    """The document that was named, else the newest of the keys' folder, else the newest of the store."""
    from edge.export.publish import published_trust  # noqa: PLC0415
    from edge.trust import Trust  # noqa: PLC0415

    if named is not None:
        if not named.is_file():
            raise NotFound(f"there is no trust document {named}.")
        return Trust.decode(named.read_bytes())
    keys = key_folder(session)
    if keys.exists():
        return keys.trust()
    return published_trust(session.runtime.store("edge"), _named(folder))


def _named(folder: Path) -> str:
    """The model that a folder says it is of: nothing but where to look for whom to trust."""
    from edge.release import read_small  # noqa: PLC0415

    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}.")
    try:
        return check_model_name(json.loads(read_small(folder / MANIFEST))["model"])
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"the manifest of {folder} names no model: it was altered, or is none.") from error


def _exported(exported: Exported, output: Path) -> Result:
    table = _table(exported.candidates, exported.variant)
    known = "" if exported.new else ", which was released before"
    told = f"Release {exported.release.id} of {exported.model}{known}: {exported.variant}, in {output}."
    data = {
        "model": exported.model,
        "version": exported.version,
        "release": exported.release.id,
        "variant": exported.variant,
        "new": exported.new,
        "output": str(output),
        "variants": [each.to_json() for each in exported.candidates],
    }
    return Result(data, Group(table, "", told))


def _table(candidates: Sequence[Candidate], chosen: str) -> Table:
    table = Table("variant", "bytes", "1 row", "loss", "largest difference", "", box=None, pad_edge=False)
    for each in candidates:
        state = "released" if each.name == chosen else each.refused or "could be released"
        if each.quality is None:
            table.add_row(each.name, "-", "-", "-", "-", state)
            continue
        figures = f"{each.quality.loss:.2%}", f"{each.quality.max_difference:.2g}"
        table.add_row(each.name, f"{len(each.onnx):,}", f"{each.latency_us:.0f} µs", *figures, state)
    return table
