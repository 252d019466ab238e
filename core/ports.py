"""What the use cases need from the outside world, one small Protocol a verb group.

A use case names in its types exactly the verbs that it uses on each zone; permissions are derived
from the same verbs. Adapters live in `core.adapters`; `core.adapters.store_memory` is the fake for tests
and a product feature alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:  # numpy stays out of functions that need none
    from .domain.columns import Columns, Outputs
    from .domain.learning import Learned, Plan, Rows
    from .domain.model import ModelManifest
    from .domain.notice import Notice


T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of one object.

    `version` is opaque and changes whenever the object's content does (ETag, generation); it is the token that
    `replace` and `stream(version=)` compare. `modified` is in UTC.
    """

    key: str
    size: int
    version: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Blob:
    """An object read whole: its bytes, and which version they are."""

    data: bytes
    info: ObjectInfo


class Reads(Protocol):
    """Reading verbs. Each raises NotFound when there is no such object."""

    def head(self, key: str) -> ObjectInfo:
        """What is known of the object, without its content."""
        ...

    def get(self, key: str) -> Blob:
        """The whole object."""
        ...

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes `start` to `start + length`; shorter when the object ends earlier."""
        ...

    def get_if_changed(self, key: str, version: str) -> Blob | None:
        """The object, or None while it is still `version`."""
        ...

    def stream(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The content in chunks of bounded size.

        Raises VersionMismatch, before the first chunk, if `version` is given and is not the current one.
        """
        ...


class Lists(Protocol):
    """Listing verb."""

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Objects whose key starts with `prefix` and sorts behind `after`, in the order of their UTF-8 bytes.

        Pages are fetched as the iterator proceeds. An absent prefix is an empty listing.
        """
        ...


class Creates(Protocol):
    """Create-only verb: of many concurrent callers exactly one succeeds."""

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Write the object in a single request; raises AlreadyExists and changes nothing if it is there."""
        ...


class Replaces(Protocol):
    """Compare-and-swap verb. Unsupported where the store cannot do it atomically."""

    def replace(self, key: str, data: bytes, version: str) -> ObjectInfo:
        """Overwrite the object if it is still `version`; raises VersionMismatch if not, or if it is gone."""
        ...


class Writes(Protocol):
    """Unconditional writes, for keys that are derived from their content and for files a user drops."""

    def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write the object, whatever was there."""
        ...

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> ObjectInfo:
        """Write a large object in bounded memory. It becomes visible whole, or not at all."""
        ...


class Deletes(Protocol):
    """Deleting verb."""

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is not there."""
        ...


class ReadsLists(Reads, Lists, Protocol):
    """Read and list."""


class ReadsCreates(Reads, Creates, Protocol):
    """Read and create-only."""


class ReadsListsCreates(Reads, Lists, Creates, Protocol):
    """Read, list and create-only: what an append-only zone grants."""


class Registry(Reads, Lists, Creates, Replaces, Protocol):
    """The models zone: immutable versions, the journal, and the one object that is replaced."""


class ObjectStore(Reads, Lists, Creates, Replaces, Writes, Deletes, Protocol):
    """Every verb: what an adapter implements, for one zone of one store."""


class Clock(Protocol):
    """The time of day, so that tests can set it."""

    def now(self) -> datetime:
        """Timezone-aware, in UTC."""
        ...


class JobRunner(Protocol):
    """Starts work that may outlive the function that asked for it."""

    def start(self, job: str, name: str, arguments: dict[str, str]) -> None:
        """Start `job` (a function declared in `functions/`) under the unique `name`.

        Idempotent by name: starting the same name again, even from another process, starts nothing.
        """
        ...


class Publishes(Protocol):
    """Tells people or other systems of something."""

    def publish(self, notice: Notice) -> None:
        """Deliver it, at least once: whoever is told can tell by its id that it came before.

        Raises Transient if it may succeed later, Permanent if someone has to mend something.
        """
        ...


class Engine(Protocol):
    """Machines that do tasks for this one."""

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """What `task` makes of each item, in the order in which they are finished.

        A task whose machine dies is done again elsewhere, and so may be done twice. Items are taken as there is room
        for them. What a task raises is raised here; Transient once it has been tried again.
        """
        ...


class Predictor(Protocol):
    """A loaded model."""

    def predict(self, columns: Columns) -> Outputs:
        """Answer n rows; `columns` holds every feature of the model's schema, [n] or [n, 1] each."""
        ...


class LoadPredictor(Protocol):
    """Makes a Predictor from the bytes of `model.onnx`. Raises Corrupt if they are no such model."""

    def __call__(self, onnx: bytes, manifest: ModelManifest) -> Predictor:
        """Load it, ready to answer."""
        ...


class Learner(Protocol):
    """Learns models. Deterministic: the same plan, rows and environment give the same bytes."""

    def environment(self, estimator: str) -> Mapping[str, str]:
        """What else the bytes depend on: the versions of interpreter and libraries, the source of a user's estimator.

        Raises BadSpec if there is no such estimator.
        """
        ...

    def learn(self, plan: Plan, training: Rows, holdout: Rows, progress: Callable[[str], None]) -> Learned:
        """Fit on `training`, export, and answer `holdout`; `progress` is told of each step.

        Raises BadSpec if the plan cannot be followed, BadInput if nothing can be learned from these rows.
        """
        ...
