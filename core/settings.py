"""What the environment says. The only module that reads it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from .errors import BadInput

ZONE = "{zone}"
LogMode = Literal["off", "sampled", "buffered", "sync"]
LOG_MODES: tuple[LogMode, ...] = get_args(LogMode)
AccessMode = Literal["none", "iam", "keys", "jwt"]
ACCESS_MODES: tuple[AccessMode, ...] = get_args(AccessMode)
JWT_ALGORITHMS = ("RS256", "ES256", "PS256", "Ed25519")
"""Asymmetric ones alone: with those, whoever can check a token cannot make one."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/\s?#]+")
_PORTS = 65536


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may ask the endpoint. No `modes` at all means that nobody has decided: then it is open on loopback alone.

    `keys` and `jwt_keys` are paths or JSON texts; `rate` is in requests a second a caller, 0 for any.
    """

    modes: tuple[AccessMode, ...] = ()
    keys: str = field(default="", repr=False)
    jwt_keys: str = field(default="", repr=False)
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_algorithms: tuple[str, ...] = JWT_ALGORITHMS
    rate: float = 0.0
    burst: int = 1

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> AccessSettings:
        """Read what concerns access; raises BadInput for a value that cannot be, or for one that is missing."""
        modes = _access_modes(environ.get("TIDEMILL_ACCESS", ""))
        needed = {
            "keys": ("TIDEMILL_KEYS",),
            "jwt": ("TIDEMILL_JWT_KEYS", "TIDEMILL_JWT_ISSUER", "TIDEMILL_JWT_AUDIENCE"),
        }
        for mode in modes:
            for name in needed.get(mode, ()):
                if not environ.get(name):
                    raise BadInput(f"TIDEMILL_ACCESS has {mode}, which needs {name} too.")
        rate = _number(environ, "TIDEMILL_RATE", 0.0)
        return cls(
            modes=modes,
            keys=environ.get("TIDEMILL_KEYS", ""),
            jwt_keys=environ.get("TIDEMILL_JWT_KEYS", ""),
            jwt_issuer=environ.get("TIDEMILL_JWT_ISSUER", ""),
            jwt_audience=environ.get("TIDEMILL_JWT_AUDIENCE", ""),
            jwt_algorithms=_algorithms(environ.get("TIDEMILL_JWT_ALGORITHMS", "")),
            rate=rate,
            burst=max(1, int(_number(environ, "TIDEMILL_BURST", 2 * rate))),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """How one process of Tidemill is set up.

    `store` is a URL with `{zone}` in it. `specs` is the folder of the models' specs. `host` is where the local host
    keeps its queue and its dead letters. `serve` are the models that an endpoint loads at its start. `route_ttl` is in
    seconds, `max_body` and `model_memory` in bytes; `prediction_log_share` is what mode sampled keeps. `models_url` is
    where the models zone is, if not where `store` says. An endpoint in a container listens on `port`; `origins` are
    those whose pages may ask it, or `*`. `predict_route` and `health_route` are the paths on
    which Vertex AI asks. `function` is the one that a cloud's host runs, `jobs` the URL of its job runner,
    `dead_letters` that of the queue for what it gives up, `engine` that of the one that does batch work and
    search, `queue` that of the function's own queue, where it hands work on. `alerts` are the URLs of those who are
    told of alerts, `alert_secrets` sign what webhooks are told. `edge_keys` is the folder of the keys that sign
    releases for devices, locked with `edge_passphrase`.
    """

    store: str
    specs: Path
    host: Path
    serve: tuple[str, ...] = ()
    prediction_log: LogMode = "buffered"
    prediction_log_share: float = 0.1
    log_level: str = "INFO"
    route_ttl: float = 5.0
    max_body: int = 6 * 1024 * 1024
    model_memory: int = 256 * 1024 * 1024
    models_url: str | None = None
    port: int = 8080
    origins: tuple[str, ...] = ()
    predict_route: str | None = None
    health_route: str | None = None
    function: str = ""
    jobs: str = ""
    dead_letters: str = ""
    engine: str = ""
    queue: str = ""
    alerts: tuple[str, ...] = field(default=(), repr=False)
    alert_secrets: tuple[str, ...] = field(default=(), repr=False)
    metrics_every: float = 60.0
    edge_keys: Path = Path(".tidemill/edge-keys")
    edge_passphrase: str = field(default="", repr=False)
    access: AccessSettings = AccessSettings()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] = os.environ,
        *,
        store: str | None = None,
        specs: Path | None = None,
        prediction_log: LogMode = "buffered",
    ) -> Settings:
        """Read TIDEMILL_*; `store` and `specs` come first when given, `prediction_log` last: it is the host's default.

        Raises BadInput for a value that cannot be.

        What Vertex AI (AIP_*) and Cloud Run (PORT) tell a container comes after what Tidemill itself is told:
        https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements#aip-variables
        https://cloud.google.com/run/docs/container-contract
        """
        template = store_url(store or environ.get("TIDEMILL_STORE") or f".tidemill/{ZONE}")
        return cls(
            store=template,
            specs=specs or Path(environ.get("TIDEMILL_SPECS", "models")),
            host=Path(environ.get("TIDEMILL_HOST_FOLDER") or _beside(template, ".host")),
            serve=tuple(environ.get("TIDEMILL_SERVE", "").replace(",", " ").split()),
            prediction_log=_log_mode(environ.get("TIDEMILL_PREDICTION_LOG") or prediction_log),
            prediction_log_share=_share(environ, "TIDEMILL_PREDICTION_LOG_SHARE", 0.1),
            log_level=_log_level(environ.get("TIDEMILL_LOG_LEVEL", "INFO")),
            route_ttl=_number(environ, "TIDEMILL_ROUTE_TTL", 5.0),
            max_body=int(_number(environ, "TIDEMILL_MAX_BODY", 6 * 1024 * 1024)),
            models_url=environ.get("AIP_STORAGE_URI") or None,
            port=_port(environ),
            origins=_origins(environ.get("TIDEMILL_CORS_ORIGINS", "")),
            predict_route=environ.get("AIP_PREDICT_ROUTE") or None,
            health_route=environ.get("AIP_HEALTH_ROUTE") or None,
            model_memory=int(_number(environ, "TIDEMILL_MODEL_MEMORY", 256 * 1024 * 1024)),
            function=environ.get("TIDEMILL_FUNCTION", ""),
            jobs=environ.get("TIDEMILL_JOBS", ""),
            dead_letters=environ.get("TIDEMILL_DEAD_LETTERS", ""),
            engine=environ.get("TIDEMILL_ENGINE", ""),
            queue=environ.get("TIDEMILL_QUEUE", ""),
            alerts=tuple(environ.get("TIDEMILL_ALERTS", "").split()),
            alert_secrets=tuple(environ.get("TIDEMILL_ALERTS_SECRET", "").split()),
            metrics_every=_number(environ, "TIDEMILL_METRICS_EVERY", 60.0),
            edge_keys=Path(environ.get("TIDEMILL_EDGE_KEYS") or _beside(template, "edge-keys")),
            edge_passphrase=environ.get("TIDEMILL_EDGE_PASSPHRASE", ""),
            access=AccessSettings.from_env(environ),
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


def _beside(template: str, name: str) -> Path:
    """Beside the zones of a local store, so that a store is moved or deleted whole; else under the working folder."""
    if not template.startswith("file://"):
        return Path(".tidemill") / name.lstrip(".")
    return Path(template.removeprefix("file://").replace(ZONE, name))


def _log_mode(text: str) -> LogMode:
    for mode in LOG_MODES:
        if mode == text:
            return mode
    raise BadInput(f"TIDEMILL_PREDICTION_LOG is {text!r}; it must be one of {', '.join(LOG_MODES)}.")


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise BadInput(f"TIDEMILL_LOG_LEVEL is {text!r}; it must be one of {', '.join(LOG_LEVELS)}.")
    return text.upper()


def _port(environ: Mapping[str, str]) -> int:
    name = next((name for name in ("TIDEMILL_PORT", "AIP_HTTP_PORT", "PORT") if environ.get(name)), "TIDEMILL_PORT")
    text = environ.get(name) or "8080"
    if not (text.isascii() and text.isdecimal() and int(text) < _PORTS):
        raise BadInput(f"{name} is {text!r}; it must be a port, from 0 to {_PORTS - 1}.")
    return int(text)


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(text.replace(",", " ").split())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise BadInput(f"TIDEMILL_CORS_ORIGINS has {origin!r}; an origin is * or like https://example.org.")
    return origins


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(environ.get(name, default))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise BadInput(f"{name} is {environ[name]!r}; it must be a number, zero or more.")
    return value


def _share(environ: Mapping[str, str], name: str, default: float) -> float:
    value = _number(environ, name, default)
    if value > 1:
        raise BadInput(f"{name} is {environ[name]!r}; it must be a share, between 0 and 1.")
    return value


def _access_modes(text: str) -> tuple[AccessMode, ...]:
    named = text.replace(",", " ").split()
    modes = tuple(mode for mode in ACCESS_MODES if mode in named)
    if len(modes) != len(set(named)) or (len(modes) > 1 and not {*modes} <= {"keys", "jwt"}):
        raise BadInput(f"TIDEMILL_ACCESS is {text!r}; it must be none, iam, keys, jwt, or keys and jwt together.")
    return modes


def _algorithms(text: str) -> tuple[str, ...]:
    named = tuple(text.replace(",", " ").split()) or JWT_ALGORITHMS
    for name in named:
        if name not in JWT_ALGORITHMS:
            raise BadInput(f"TIDEMILL_JWT_ALGORITHMS has {name!r}; use some of {', '.join(JWT_ALGORITHMS)}.")
    return named
