"""Take a model to another store: its versions, its history, what it learned from, and who serves, unchanged.

Objects are immutable, so a copy that died goes on where it stopped. The route comes last: from then on the other store
serves the same version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .. import layout
from ..errors import AlreadyExists, NotFound, Refused
from ..ports import Reads, ReadsCreates, ReadsLists
from .promote import current_route


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in the other store now: how many objects of the model, and how many bytes of them were sent."""

    model: str
    champion: str
    objects: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def copy_model(
    models: ReadsLists,
    datasets: ReadsLists,
    to_models: ReadsCreates,
    to_datasets: ReadsCreates,
    *,
    model: str,
    progress: Callable[[str], None],
) -> Copied:
    """Copy everything of `model` in the zones models and datasets; `progress` is told each key.

    Raises NotFound if no version serves, Refused if the other store has a model of that name with another history.
    """
    route = models.get(layout.route(model)) if current_route(models, model) else None
    if route is None:
        raise NotFound(f"no version of model {model} serves, so there is nothing to serve elsewhere.")
    objects, sent = 0, 0
    for source, target, key in _in_order(models, datasets, to_models, to_datasets, model):
        progress(key)
        sent += _copied(source, target, key)
        objects += 1
    sent += _written(to_models, layout.route(model), route.data)
    champion = current_route(to_models, model)
    assert champion is not None
    return Copied(model, champion.champion, objects + 1, sent)


def _in_order(
    models: ReadsLists, datasets: ReadsLists, to_models: ReadsCreates, to_datasets: ReadsCreates, model: str
) -> Iterator[tuple[ReadsLists, ReadsCreates, str]]:
    """What others name comes before what names it; the journal first, since it tells one history from another."""
    for info in models.list(layout.journal(model)):
        yield models, to_models, info.key
    for source, target, prefix in (
        (datasets, to_datasets, layout.datasets(model)),
        (models, to_models, layout.versions(model)),
        (models, to_models, layout.claims(model)),
    ):
        for key in sorted((info.key for info in source.list(prefix)), key=lambda key: (_closes(key), key)):
            yield source, target, key


def _closes(key: str) -> bool:
    """Whether what the object belongs to exists from this object on."""
    return key.endswith(f"/{layout.MANIFEST}")


def _copied(source: ReadsLists, target: ReadsCreates, key: str) -> int:
    """Copy the object; how many bytes were sent. A large file that is there already is not read to be compared."""
    if not key.endswith(".json") and _size(target, key) == source.head(key).size:
        return 0
    return _written(target, key, source.get(key).data)


def _size(store: Reads, key: str) -> int | None:
    try:
        return store.head(key).size
    except NotFound:
        return None


def _written(target: ReadsCreates, key: str, data: bytes) -> int:
    try:
        target.create(key, data)
    except AlreadyExists:
        if target.get(key).data != data:
            raise Refused(
                f"the other store has a history of its own of this model: {key} differs there; choose an empty store."
            ) from None
        return 0
    return len(data)
