"""How a device is set up: `device.toml`, written when it is provisioned, read at each start."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from core.errors import BadInput
from core.layout import check_device_name, check_model_name

from . import files

DEVICE = "device.toml"
MOST = 256 * 1024
MB = 1024 * 1024

LogMode = Literal["off", "sampled", "buffered", "sync"]


@dataclass(frozen=True, slots=True)
class Device:
    """Who a device is, where its releases come from, and what it may take of network, disk and memory.

    URLs end where the keys of the edge zone begin; no `source_url` means that releases are installed by hand, no
    `upload_url` that telemetry stays here. `bandwidth` is in bytes a second and `daily_budget` in bytes a day of
    downloads and uploads together, unlimited if None. A release is kept when it was well for `trial_seconds` and
    `trial_answers`; it is left after `trial_starts` starts without progress, for more failures than the share
    `trial_errors`, for a 95th percentile of answers above `trial_latency_ms`, and for answers further than
    `trial_drift` (0 to 1) from those on the holdout while the inputs are as ever.
    """

    device: str
    model: str
    group: str = "default"
    ring: str = ""
    source_url: str | None = None
    upload_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    insecure: bool = False
    bandwidth: int | None = None
    daily_budget: int | None = None
    poll_seconds: float = 3600.0
    port: int = 8080
    release_bytes: int = 256 * MB
    memory_mb: float | None = None
    telemetry_bytes: int = 8 * MB
    log_mode: LogMode = "buffered"
    log_share: float = 1.0
    log_max_age: float = 60.0
    trial_seconds: float = 600.0
    trial_answers: int = 20
    trial_starts: int = 3
    trial_errors: float = 0.05
    trial_latency_ms: float | None = None
    trial_drift: float = 0.5

    def __post_init__(self) -> None:
        check_model_name(self.model)
        for what in ("device", "group"):
            check_device_name(getattr(self, what), what)
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise BadInput(f"{DEVICE}: {name} = {value} must be between {low:g} and {high:g}.")

    @classmethod
    def read(cls, root: Path) -> Device:
        """The device whose folder is `root`; raises NotFound if it has no device.toml, BadInput if that is wrong."""
        try:
            given = tomllib.loads(files.read(root / DEVICE, MOST).decode())
        except ValueError as error:
            raise BadInput(f"{DEVICE} is no TOML: {error}.") from error
        return cls.of(given)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Device:
        """The device with these settings; raises BadInput for a setting that there is none of, or of another kind."""
        kinds = get_type_hints(cls)
        for name, value in given.items():
            if name not in kinds:
                raise BadInput(f"{DEVICE}: there is no setting {name!r}.")
            if not _fits(value, kinds[name]):
                raise BadInput(f"{DEVICE}: {name} = {value!r} is not {_told(kinds[name])}.")
        missing = [name for name in ("device", "model") if name not in given]
        if missing:
            raise BadInput(f"{DEVICE}: {missing[0]} is missing.")
        return cls(**given)

    @property
    def is_connected(self) -> bool:
        """Whether there is anything to look for, or anywhere to send telemetry."""
        return self.source_url is not None or self.upload_url is not None

    def encode(self) -> bytes:
        """As TOML, with what is not as it is by default."""
        defaults = Device(self.device, self.model)
        known = {name: value for name, value in asdict(self).items() if _tells(name, value, defaults)}
        headers: Mapping[str, str] = known.pop("headers", {})
        lines = [f"{name} = {_toml(value)}" for name, value in known.items()]
        table = [f"{_toml(name)} = {_toml(value)}" for name, value in headers.items()]
        return ("\n".join([*lines, *(["[headers]", *table] if table else [])]) + "\n").encode()


_RANGES: Mapping[str, tuple[float, float]] = {
    "bandwidth": (1000, 1e12),
    "daily_budget": (1, 1e15),
    "poll_seconds": (1, 30 * 86400),
    "port": (0, 65535),
    "release_bytes": (1, 1e12),
    "memory_mb": (1, 1e9),
    "telemetry_bytes": (64 * 1024, 1e12),
    "log_share": (0, 1),
    "log_max_age": (0, 86400),
    "trial_seconds": (0, 30 * 86400),
    "trial_answers": (0, 1e9),
    "trial_starts": (1, 1000),
    "trial_errors": (0, 1),
    "trial_latency_ms": (0, 1e9),
    "trial_drift": (0, 1),
}


def _toml(value: object) -> str:
    """Texts, numbers and truths are written as in JSON, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _tells(name: str, value: object, defaults: Device) -> bool:
    return name in {"device", "model"} or value != getattr(defaults, name)


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type or a union of types
    options = get_args(kind) or (kind,)
    if kind is LogMode:
        return value in options
    if kind == Mapping[str, str]:
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if type(value) is int and float in options:
        return True
    return type(value) in options


def _told(kind: Any) -> str:  # noqa: ANN401 - a type or a union of types
    if kind is LogMode:
        return f"one of {', '.join(get_args(LogMode))}"
    if kind == Mapping[str, str]:
        return "a table of texts"
    names = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
    return next(names[option] for option in get_args(kind) or (kind,) if option in names)


SETTINGS = tuple(each.name for each in fields(Device))
"""The names of all settings."""
