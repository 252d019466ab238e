"""What the environment says. The only module that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from .errors import BadInput

ZONE = "{zone}"
LogMode = Literal["off", "buffered", "sync"]
LOG_MODES: tuple[LogMode, ...] = get_args(LogMode)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one process of Tidemill is set up.

    `store` is a URL with `{zone}` in it. `specs` is the folder of the models' specs. `host` is where the local host
    keeps its queue and its dead letters. `serve` are the models that an endpoint loads at its start. `route_ttl` is in
    seconds, `max_body` in bytes.
    """

    store: str
    specs: Path
    host: Path
    serve: tuple[str, ...] = ()
    prediction_log: LogMode = "buffered"
    log_level: str = "INFO"
    route_ttl: float = 5.0
    max_body: int = 6 * 1024 * 1024
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, store: str | None = None, specs: Path | None = None
    ) -> Settings:
        """Read TIDEMILL_*; `store` and `specs` come first when given. Raises BadInput for a value that cannot be."""
        template = store_url(store or environ.get("TIDEMILL_STORE") or f".tidemill/{ZONE}")
        return cls(
            store=template,
            specs=specs or Path(environ.get("TIDEMILL_SPECS", "models")),
            host=Path(environ.get("TIDEMILL_HOST_FOLDER") or _host_folder(template)),
            serve=tuple(environ.get("TIDEMILL_SERVE", "").replace(",", " ").split()),
            prediction_log=_log_mode(environ.get("TIDEMILL_PREDICTION_LOG", "buffered")),
            log_level=_log_level(environ.get("TIDEMILL_LOG_LEVEL", "INFO")),
            route_ttl=_number(environ, "TIDEMILL_ROUTE_TTL", 5.0),
            max_body=int(_number(environ, "TIDEMILL_MAX_BODY", 6 * 1024 * 1024)),
            environ=environ,
        )


def store_url(text: str) -> str:
    """A store's URL; a plain path becomes a `file://` URL. Raises BadInput if `{zone}` is missing.

    >>> store_url("s3://acme-{zone}")
    's3://acme-{zone}'
    """
    if ZONE not in text:
        raise BadInput(f"store {text!r} must contain {ZONE}, such as file:///data/{ZONE} or s3://acme-{ZONE}.")
    if "://" in text:
        return text
    return f"file://{Path(text).absolute()}"


def _host_folder(template: str) -> Path:
    """Beside the zones of a local store, so that a store is moved or deleted whole; else under the working folder."""
    if not template.startswith("file://"):
        return Path(".tidemill/host")
    return Path(template.removeprefix("file://").replace(ZONE, ".host"))


def _log_mode(text: str) -> LogMode:
    for mode in LOG_MODES:
        if mode == text:
            return mode
    raise BadInput(f"TIDEMILL_PREDICTION_LOG is {text!r}; it must be one of {', '.join(LOG_MODES)}.")


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise BadInput(f"TIDEMILL_LOG_LEVEL is {text!r}; it must be one of {', '.join(LOG_LEVELS)}.")
    return text.upper()


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(environ.get(name, default))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise BadInput(f"{name} is {environ[name]!r}; it must be a number, zero or more.")
    return value
