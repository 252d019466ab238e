"""Commands about specs and files: init, check, put."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import layout
from ..errors import AlreadyExists, BadInput, NotFound
from ..layout import DROPS, Drop
from ..specfile import Mistake, check_spec, placed, spec_files
from ..tables.formats import format_of
from ..usercode import user_function
from .command import Result, Session, command
from .dropping import drop_file
from .places import open_file


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, example="tidemill init churn --from customers.csv --target churned")(init)
    command(app, example="tidemill check models/churn.yaml")(check)
    command(app, example="tidemill put churn customers.csv --as rows")(put)


def init(
    session: Session,
    model: Annotated[str, typer.Argument(help="The model's name: a-z, 0-9 and '-'.")],
    source: Annotated[Path, typer.Option("--from", help="A CSV, Parquet or JSON Lines file to look at.")],
    target: Annotated[str, typer.Option("--target", help="The column to predict.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the spec that is there.")] = False,
) -> Result:
    """Write a spec by looking at the data: types, nulls, ids and times are guessed and yours to change."""
    from ..usecases.infer_spec import infer_spec  # noqa: PLC0415 - no other command looks at data

    path = session.settings.specs / f"{layout.check_model_name(model)}.yaml"
    if path.exists() and not force:
        raise AlreadyExists(f"{path} is there already; use --force to overwrite it.")
    store, name = open_file(session, str(source))
    text = infer_spec(store, store.head(name), model=model, target=target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return Result(
        {"model": model, "spec": str(path)}, f"Wrote {path}. Look it over, then: tidemill put {model} {source}"
    )


def check(
    session: Session,
    files: Annotated[list[Path] | None, typer.Argument(help="Specs to check; all of the folder when left out.")] = None,
) -> Result:
    """Check specs: every mistake in one go, each with its line and the mend."""
    asked = files or [session.settings.specs]
    paths = [path for given in asked for path in (spec_files(given) if given.is_dir() else [given])]
    if not paths:
        raise NotFound(f"there is no spec in {session.settings.specs}/; write one with `tidemill init`.")
    mistakes = [mistake for path in paths for mistake in _mistakes(path)]
    lines = [str(mistake) for mistake in mistakes] or [f"{len(paths)} spec{'s' * (len(paths) != 1)} without mistakes."]
    data = {"ok": not mistakes, "errors": [mistake.to_json() for mistake in mistakes]}
    return Result(data, "\n".join(lines), ok=not mistakes)


def _mistakes(path: Path) -> list[Mistake]:
    """Those of the spec itself; if there are none, those of what it expects of data."""
    spec, found = check_spec(path)
    if spec is None or found:
        return found
    from ..usecases.expectations import mistakes  # noqa: PLC0415 - no other command looks at them

    return placed(path, mistakes(spec, lambda name: user_function(name, path.parent)))


def put(
    session: Session,
    model: Annotated[str, typer.Argument(help="The model.")],
    file: Annotated[Path, typer.Argument(help="The file to drop.")],
    drop: Annotated[str, typer.Option("--as", metavar="rows|labels|score", help="What the file holds.")] = "rows",
) -> Result:
    """Drop a file into the landing zone."""
    layout.landing(model, _drop(drop), file.name)
    format_of(file.name)
    if not file.is_file():
        raise BadInput(f"there is no file {file}.")
    info = drop_file(session.runtime.store("landing"), model, _drop(drop), file)
    return Result({"key": info.key, "version": info.version}, f"landing/{info.key}")


def _drop(text: str) -> Drop:
    for drop in DROPS:
        if drop == text:
            return drop
    raise typer.BadParameter(f"{text!r} is not one of {', '.join(DROPS)}", param_hint="--as")
