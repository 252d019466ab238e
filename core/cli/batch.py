"""`tidemill batch`: score files by hand, here or on an engine."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ..adapters.engines import open_engine
from ..adapters.registry import ZONE
from ..domain.batch import Input, Options
from ..hosts.engine_task import Elsewhere
from ..tables.input_parts import count_rows, is_divisible
from ..telemetry import METRICS_LOGGER
from ..usecases.batch_progress import Meter, Progress
from ..usecases.score_batch import BatchResult, Engine, File, Means, Tell, score_files
from .batch_bar import bar, pause
from .batch_inputs import Inputs, inputs
from .command import Result, Session, command
from .places import absolute, open_folder
from .scoring import Model, Moment, moment

FEW_FILES = 100
"""Files whose rows are counted before they are read, so that the time that is left can be told."""

metrics = logging.getLogger(METRICS_LOGGER)


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    command(app, example="tidemill batch churn --input 'july/*.parquet' --output scored/ --keep region")(batch)


def batch(  # noqa: PLR0913 - one parameter an option
    session: Session,
    model: Model,
    output: Annotated[str, typer.Option("--output", metavar="URL", help="The folder to write to: a path or a URL.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="URL",
            help="A file, a folder (with / at its end) or a pattern such as 'may/*.csv': a path or a URL. What was "
            "dropped to be scored, when left out.",
        ),
    ] = None,
    keep: Annotated[
        str, typer.Option("--keep", metavar="COLUMNS", help="Columns to pass through, with commas between them.")
    ] = "",
    partition_by: Annotated[
        str,
        typer.Option("--partition-by", metavar="COLUMNS", help="Columns that become folders name=value."),
    ] = "",
    version: Annotated[str | None, typer.Option("--version", help="Another version than the one that serves.")] = None,
    since: Moment = None,
    until: Moment = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            metavar="URL",
            help="A Dask scheduler, tcp://host:8786, or a cluster to start. [TIDEMILL_ENGINE]",
        ),
    ] = None,
) -> Result:
    """Score files; rows that cannot be used are put beside the answers, with reasons.

    With --since or --until, only rows whose time column is in that range are scored. A run that was ended in the middle
    goes on where it was when it is started again.
    """
    moment(since, "--since")
    moment(until, "--until")
    found = inputs(session, model, source)
    options = Options(_columns(keep), _columns(partition_by), since, until)
    there = _elsewhere(session, found, output, engine or session.settings.engine)
    with there as elsewhere, _told(session, model, found) as tell:
        result = _scored(session, model, found, output, options, version, tell, elsewhere)
    return Result(result.to_json(), _sentence(result, output))


def _scored(
    session: Session,
    model: str,
    found: Inputs,
    output: str,
    options: Options,
    version: str | None,
    tell: Tell,
    elsewhere: Engine | None,
) -> BatchResult:
    runtime = session.runtime
    return score_files(
        [File(found.store, info) for info in found.files],
        found.name,
        open_folder(session, output),
        "",
        models=runtime.store("models"),
        model=model,
        means=Means(runtime.load, runtime.clock, runtime.code, tell=tell, engine=elsewhere),
        options=options,
        version=version,
    )


def _columns(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


@contextmanager
def _elsewhere(session: Session, found: Inputs, output: str, engine: str) -> Iterator[Engine | None]:
    """Where the work is done, if not here."""
    if not engine:
        yield None
        return
    settings = session.settings
    models = settings.models_url or settings.store.replace(ZONE, "models")
    files = [Input(info.key, info.version) for info in found.files]
    with open_engine(engine) as opened:
        yield Elsewhere(opened, found.url, absolute(output).rstrip("/"), models, files)


@contextmanager
def _told(session: Session, model: str, found: Inputs) -> Iterator[Tell]:
    """A bar at a terminal, lines elsewhere, and metrics."""

    def measured(progress: Progress) -> None:
        metrics.info("batch", extra={"facts": progress.facts(model, time.time())})

    total = _rows(found)
    with bar(session.console) as show:
        meters = (
            Meter(show, time.monotonic, total, pause(session.console)),
            Meter(measured, time.monotonic, total),
        )

        def tell(rows: int) -> None:
            for meter in meters:
                meter.tell(rows)

        yield tell
        for meter in meters:
            meter.done()


def _rows(found: Inputs) -> int | None:
    """Of all files, if that can be told from their footers soon."""
    if len(found.files) > FEW_FILES or not all(is_divisible(info.key) for info in found.files):
        return None
    return sum(count_rows(found.store, info) for info in found.files)


def _sentence(result: BatchResult, output: str) -> str:
    rejected = f", {result.quarantined:,} rejected" if result.quarantined else ""
    outside = f", {result.outside:,} of another time" if result.outside else ""
    return f"{result.rows:,} rows scored by version {result.version}{rejected}{outside}; see {output}"
