"""Which adapter serves which URL scheme. Names, not classes: an adapter is imported when its scheme is first used.

A package adds schemes of its own by entry points of the group `tidemill.stores`: the name is the scheme, the value
a factory, called with the URL of one zone and the environment, that returns a `core.ports.ObjectStore`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import NamedTuple

from ..errors import BadInput, Unsupported
from ..layout import Zone
from ..ports import ObjectStore

Factory = Callable[[str, Mapping[str, str]], ObjectStore]

ZONE = "{zone}"
ENTRY_POINTS = "tidemill.stores"


class Adapter(NamedTuple):
    """Where a factory is, and what to install when its import fails."""

    factory: str
    hint: str


_OBSTORE = "pip install obstore"
_GOOGLE = "pip install google-cloud-storage"
_FSSPEC = "pip install fsspec, and the package that serves the scheme"

ADAPTERS: Mapping[str, Adapter] = {
    "memory": Adapter(f"{__name__}:memory", "nothing: it is built in"),
    "file": Adapter(f"{__package__}.store_local:open_local", "nothing: it is built in"),
    "s3": Adapter(f"{__package__}.store_obstore:open_s3", _OBSTORE),
    "az": Adapter(f"{__package__}.store_obstore:open_azure", _OBSTORE),
    "gs": Adapter(f"{__package__}.store_gcs:open_gcs", _GOOGLE),
}
"""What is built in. Any other scheme is looked for among the entry points, then given to fsspec."""

FALLBACK = Adapter(f"{__package__}.store_fsspec:open_fsspec", _FSSPEC)

_memory: dict[str, ObjectStore] = {}
_memory_lock = threading.Lock()


def open_store(template: str, zone: Zone, environ: Mapping[str, str] | None = None) -> ObjectStore:
    """The objects of one zone.

    `template` is a URL with `{zone}` in it. `environ` is the environment as the settings have it; vendors' own
    variables (AWS_ENDPOINT_URL, AZURE_STORAGE_ACCOUNT_NAME, STORAGE_EMULATOR_HOST, ...) are read by their own clients.
    Raises BadInput for a template that cannot be, Unsupported when the scheme's package is not installed.
    """
    if ZONE not in template:
        raise BadInput(f"store {template!r} must contain {ZONE}, such as file:///data/{ZONE} or s3://acme-{ZONE}.")
    return open_url(template.replace(ZONE, zone), environ)


def open_url(url: str, environ: Mapping[str, str] | None = None) -> ObjectStore:
    """The objects below `url`, which names one bucket or folder; raises as `open_store` does."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise BadInput(f"store {url!r} must be a URL, such as file:///data/{ZONE} or s3://acme-{ZONE}.")
    adapter = ADAPTERS.get(scheme) or _entry_point(scheme) or FALLBACK
    try:
        factory = _load(adapter.factory)
        return factory(url, {} if environ is None else environ)
    except ImportError as error:
        raise Unsupported(f"store {url!r} needs what is not installed ({error}); {adapter.hint}.") from error


def memory(url: str, environ: Mapping[str, str]) -> ObjectStore:  # noqa: ARG001 - every factory has one signature
    """The store of that name in this process: the same URL is the same store."""
    from .store_memory import MemoryStore  # noqa: PLC0415 - like every adapter, imported when used

    with _memory_lock:
        return _memory.setdefault(url, MemoryStore())


def _entry_point(scheme: str) -> Adapter | None:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only for schemes that are not built in

    for point in entry_points(group=ENTRY_POINTS, name=scheme):
        return Adapter(point.value, f"install {point.dist.name if point.dist else scheme} with its dependencies")
    return None


def _load(path: str) -> Factory:
    module, _, name = path.partition(":")
    factory: Factory = getattr(import_module(module), name)
    return factory
