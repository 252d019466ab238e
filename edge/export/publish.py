"""Writing into the edge zone: a number is claimed first, files are created only, the manifest last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from core import layout
from core.domain.canonical import canonical_json
from core.errors import AlreadyExists, Corrupt, NotFound, Refused
from core.layout import MANIFEST
from core.ports import Reads, ReadsCreates, ReadsLists, ReadsListsCreates

from ..release import SIGNATURE, FileFact, Release, check_manifest, release_id, sign_manifest
from ..signing import SigningKey
from ..stored import FORMAT
from ..trust import Trust

_BEHIND = "0"
"""The sign that sorts next behind the slash: a listing after it passes over a whole folder."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A release with the bytes of all of its files."""

    id: str
    files: Mapping[str, bytes] = field(repr=False)


def publish_release(
    edge: ReadsListsCreates,
    model: str,
    files: Mapping[str, bytes],
    manifest: Callable[[int], bytes],
    signer: SigningKey,
    claim: Mapping[str, Any],
) -> Stored:
    """Store a release under the next number; `manifest` makes the manifest for it, `claim` says who took the number."""
    number = _claim(edge, model, {"format": FORMAT, **claim})
    listed = manifest(number)
    release = release_id(number, listed)
    whole = {**files, SIGNATURE: sign_manifest(listed, signer), MANIFEST: listed}
    for name, data in whole.items():
        edge.create(layout.edge_file(model, release, name), data)
    return Stored(release, whole)


def _claim(edge: ReadsListsCreates, model: str, claim: Mapping[str, Any]) -> int:
    """The first number that nobody has taken. One that is taken and not used stays unused."""
    taken = max(map(layout.edge_number, (info.key for info in edge.list(layout.edge_sequences(model)))), default=0)
    while True:
        taken += 1
        try:
            edge.create(layout.edge_sequence(model, taken), canonical_json(claim))
        except AlreadyExists:
            continue
        return taken


def releases(edge: ReadsLists, model: str) -> list[str]:
    """The releases of a model, the oldest first."""
    found = (layout.release_of(info.key) for info in edge.list(layout.edge_model(model)))
    return [release for release in found if release is not None]


def read_release(edge: Reads, model: str, release: str, trust: Trust) -> Release:
    """A release's manifest; raises NotFound if there is no such release, Refused if nobody signed it who is trusted."""
    try:
        manifest = edge.get(layout.edge_manifest(model, release)).data
    except NotFound as error:
        raise NotFound(
            f"model {model} has no release {release[:80]!r}: `tidemill edge releases {model}` lists them."
        ) from error
    found = check_manifest(manifest, edge.get(layout.edge_file(model, release, SIGNATURE)).data, trust)
    if (found.id, found.manifest.model) != (release, model):
        raise Corrupt(f"release {release} of model {model} holds release {found.id} of {found.manifest.model}.")
    return found


def read_files(edge: Reads, release: Release) -> Stored:
    """All files of a release; raises NotFound if one is missing, Corrupt if one was altered."""
    manifest = release.manifest
    names = [*manifest.files, SIGNATURE, MANIFEST]
    files = {name: edge.get(layout.edge_file(manifest.model, release.id, name)).data for name in names}
    for name, fact in manifest.files.items():
        if FileFact.of(files[name]) != fact:
            raise Corrupt(f"{name} of release {release.id} is not what its manifest says: it was altered.")
    return Stored(release.id, files)


def publish_trust(edge: ReadsListsCreates, model: str, chain: Iterable[Trust]) -> None:
    """Store what devices of this model are to trust, from the first document on.

    Raises Refused if they follow other keys, or know a newer document.
    """
    known = list(chain)
    newest = max(map(layout.edge_number, (info.key for info in edge.list(layout.edge_trusts(model)))), default=0)
    if newest > len(known):
        raise Refused(
            f"devices of {model} follow trust document {newest}, and the keys at hand know {len(known)} alone: "
            "use the newest copy of the keys' folder (TIDEMILL_EDGE_KEYS)."
        )
    for trust in known:
        _create_same(edge, layout.edge_trust(model, trust.number), trust.data, model)


def _create_same(edge: ReadsCreates, key: str, data: bytes, model: str) -> None:
    try:
        edge.create(key, data)
    except AlreadyExists:
        if edge.get(key).data != data:
            raise Refused(
                f"devices of {model} follow other keys than those at hand: name the folder of the keys that "
                "its releases are signed with in TIDEMILL_EDGE_KEYS."
            ) from None


def models_trusting(edge: ReadsLists, first: Trust) -> list[str]:
    """The models whose devices were provisioned with this document, or one that it was before."""
    found: list[str] = []
    after = ""
    while info := next(iter(edge.list("", after)), None):
        model = info.key.partition("/")[0]
        after = f"{model}{_BEHIND}"
        with suppress(NotFound):
            if edge.get(layout.edge_trust(model, 1)).data == first.data:
                found.append(model)
    return found


def published_trust(edge: ReadsLists, model: str) -> Trust:
    """The newest trust document of a model, every one following the one before; raises NotFound if there is none."""
    trust: Trust | None = None
    for info in edge.list(layout.edge_trusts(model)):
        data = edge.get(info.key).data
        trust = Trust.decode(data) if trust is None else trust.followed_by(data)
    if trust is None:
        raise NotFound(f"nobody is trusted to release model {model[:80]!r} yet: `tidemill edge export` begins it.")
    return trust
