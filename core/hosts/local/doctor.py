"""Is this machine, this store and this deployment ready; what to mend."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...errors import AlreadyExists, TidemillError, Unsupported, VersionMismatch
from ...layout import ZONES
from ...ports import ObjectStore
from ...runtime import Runtime
from ...specfile import check_spec, spec_files
from ...usecases.verdicts import read_verdicts
from .host import dead_letter_name
from .queue import Queue

NEEDED = ("numpy", "onnxruntime", "pyarrow", "scikit-learn", "skl2onnx", "obstore", "pydantic", "uvicorn")
PROBE = ".tidemill-doctor"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is well, and what was seen or how to mend it."""

    check: str
    ok: bool
    detail: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def examine(runtime: Runtime, queue: Queue) -> list[Finding]:
    """Look at everything."""
    return [_python(), _packages(), *_specs(runtime), *_stores(runtime), *_datasets(runtime), *_queue(queue)]


def _python() -> Finding:
    running = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), f"{running} (3.11 or newer is needed)")


def _packages() -> Finding:
    missing = [name for name in NEEDED if not _installed(name)]
    if missing:
        return Finding("packages", ok=False, detail=f"install {', '.join(missing)}: `make install` does")
    return Finding("packages", ok=True, detail="all here")


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _specs(runtime: Runtime) -> Iterator[Finding]:
    folder = runtime.settings.specs
    paths = spec_files(folder)
    if not paths:
        yield Finding("specs", ok=False, detail=f"none in {folder}/: write one with `tidemill init`")
    for path in paths:
        mistakes = check_spec(path)[1]
        detail = "; ".join(map(str, mistakes)) if mistakes else "without mistakes"
        yield Finding(f"spec {path}", not mistakes, detail)


def _stores(runtime: Runtime) -> Iterator[Finding]:
    for zone in ZONES:
        try:
            store = runtime.store(zone)
            probe = _compare_and_swap if zone == "models" else _readable
            yield Finding(f"zone {zone}", ok=True, detail=probe(store))
        except TidemillError as error:
            yield Finding(f"zone {zone}", ok=False, detail=str(error))


def _datasets(runtime: Runtime) -> Iterator[Finding]:
    """For each model with invalid datasets why the last is; it is well as long as others can be learned from."""
    for path in spec_files(runtime.settings.specs):
        spec = check_spec(path)[0]
        try:
            verdicts = None if spec is None else read_verdicts(runtime.store("reports"), spec.model)
        except TidemillError as error:
            yield Finding(f"datasets {path}", ok=False, detail=str(error))
            continue
        if spec is not None and verdicts is not None and verdicts.invalid:
            detail = f"{len(verdicts.valid):,} valid; {verdicts.complaint()}"
            yield Finding(f"datasets {spec.model}", bool(verdicts.valid), detail)


def _readable(store: ObjectStore) -> str:
    found = next(iter(store.list("")), None)
    return "empty" if found is None else "readable"


def _compare_and_swap(store: ObjectStore) -> str:
    """Prove on a probe object what the route and the claims rely on."""
    store.delete(PROBE)
    first = store.create(PROBE, b"1")
    _must_refuse(lambda: store.create(PROBE, b"2"), AlreadyExists)
    store.replace(PROBE, b"3", first.version)
    _must_refuse(lambda: store.replace(PROBE, b"4", first.version), VersionMismatch)
    store.delete(PROBE)
    return "creates and compares-and-swaps"


def _must_refuse(call: Callable[[], object], expected: type[TidemillError]) -> None:
    try:
        call()
    except expected:
        return
    raise Unsupported(f"the store let pass what it must refuse ({expected.__name__}); the route is not safe on it.")


def _queue(queue: Queue) -> Iterator[Finding]:
    pending = queue.pending()
    yield Finding("queue", ok=True, detail=f"{len(pending)} pending")
    dead = queue.dead()
    yield Finding(
        "dead letters", not dead, f"{len(dead)}; mend and run `tidemill drain --retry-dead`" if dead else "none"
    )
    for work in dead:
        detail = f"{work.function} {work.subject}: {work.error}"
        yield Finding(f"dead letter {dead_letter_name(work)}", ok=False, detail=detail)
