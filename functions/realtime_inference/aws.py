"""The realtime function on AWS Lambda; its handler is `functions.realtime_inference.aws.handler`."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from core.hosts.exposure import check_exposure
from core.runtime import Runtime
from core.settings import Settings
from core.telemetry import configure

if TYPE_CHECKING:
    from core.hosts.aws_lambda import Handler


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What a start makes is there to stay: looking for garbage among it takes 6 ms of 165."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@cache
def _handler() -> Handler:
    """Wire it by the environment, and load the models.

    Every answer is recorded before it is given, unless the environment says otherwise: no one knows whether a function
    that is frozen between two requests will ever run again.
    """
    settings = Settings.from_env(prediction_log="sync")
    configure(json_lines=True, level=settings.log_level)
    check_exposure("a function's address", settings.access)
    runtime = Runtime(settings)
    with _nothing_collected(), runtime.reading_ahead(settings.serve):
        from core.hosts.aws_lambda import http_handler  # noqa: PLC0415 - numpy, while the models are on their way

        from .handler import service  # noqa: PLC0415

        answering = service(runtime)
        answering.start()
    return http_handler(answering)


def __getattr__(name: str) -> Handler:
    """Lambda looks its handler up in the init phase: models are loaded then, and by an import alone nothing is."""
    if name == "handler":
        return _handler()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
