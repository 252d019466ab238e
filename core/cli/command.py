"""What every command has in common: `--json`, `--store`, `--specs`, `--debug`, exit codes, one-sentence errors."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console, RenderableType

from ..errors import TidemillError
from ..hosts.local.queue import Queue
from ..runtime import Runtime
from ..settings import Settings
from ..telemetry import configure

DONE, FAILED, WRONG_USAGE = 0, 1, 2
WIDE = 1_000

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="Where objects live; must contain {zone}. [TIDEMILL_STORE]")
]
SpecsOption = Annotated[
    Path | None, typer.Option("--specs", metavar="FOLDER", help="Where the models' specs are. [TIDEMILL_SPECS]")
]
DebugFlag = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")]
_SHARED = {"json_output": JsonFlag, "store": StoreOption, "specs": SpecsOption, "debug": DebugFlag}


@dataclass(slots=True)
class Result:
    """What a command found: `data` for `--json`, `shown` for a person. `ok` is False for a refusal: exit code 1."""

    data: Mapping[str, Any]
    shown: RenderableType = ""
    ok: bool = True


@dataclass
class Session:
    """One run of one command."""

    settings: Settings
    json_output: bool
    console: Console = field(default_factory=lambda: Console(stderr=True))

    @cached_property
    def runtime(self) -> Runtime:
        """The wiring for these settings."""
        return Runtime(self.settings)

    @cached_property
    def queue(self) -> Queue:
        """The local host's queue."""
        return Queue(self.settings.host)

    def progress(self, text: str) -> None:
        """Say on stderr what is being done: a line, and no colours where nobody looks."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


def command(app: typer.Typer, name: str | None = None, *, example: str) -> Callable[[Callable[..., Result]], None]:
    """Register a function `(session, …) -> Result` as a command; its docstring and `example` are its help."""

    def register(function: Callable[..., Result]) -> None:
        def run(**values: Any) -> None:  # noqa: ANN401 - typer passes what the signature below declares
            shared = {option: values.pop(option) for option in _SHARED}
            _run(function, values, **shared)

        run.__signature__ = _signature(function)  # type: ignore[attr-defined]  # what typer reads
        run.__name__ = function.__name__
        run.__doc__ = f"{inspect.getdoc(function)}\n\nExample: {example}"
        app.command(name)(run)

    return register


def _signature(function: Callable[..., Result]) -> inspect.Signature:
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=_default(option))
        for option, kind in _SHARED.items()
    ]
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    return inspect.Signature([*named, *shared])


def _default(option: str) -> bool | None:
    return False if option in {"json_output", "debug"} else None


def _run(
    function: Callable[..., Result],
    values: dict[str, Any],
    *,
    json_output: bool,
    store: str | None,
    specs: Path | None,
    debug: bool,
) -> None:
    try:
        settings = Settings.from_env(store=store, specs=specs)
        configure(json_lines=json_output and not sys.stderr.isatty(), level=settings.log_level)
    except TidemillError as error:
        _fail(error, json_output=json_output, debug=debug, code=WRONG_USAGE)
    try:
        result = function(Session(settings, json_output), **values)
    except (typer.BadParameter, typer.Exit, typer.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - a person gets one sentence, and the traceback with --debug
        _fail(error, json_output=json_output, debug=debug, code=FAILED)
    if json_output:
        typer.echo(json.dumps(result.data))
    elif result.shown != "":
        _shown(result.shown)
    raise typer.Exit(DONE if result.ok else FAILED)


def _shown(found: RenderableType) -> None:
    """Print for a person; where nobody looks, no line is cut to a width, so that ids and keys can be copied."""
    console = Console(markup=False) if sys.stdout.isatty() else Console(markup=False, width=WIDE)
    console.print(found, highlight=False, soft_wrap=isinstance(found, str))


def _fail(error: Exception, *, json_output: bool, debug: bool, code: int) -> NoReturn:
    if debug:
        raise error
    sentence = str(error) if isinstance(error, TidemillError) else f"{type(error).__name__}: {error} (see --debug)"
    typer.echo(f"tidemill: {sentence}", err=True)
    if json_output:
        typer.echo(json.dumps({"error": sentence}))
    raise typer.Exit(code)
