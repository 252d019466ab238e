"""A release: a folder of a few files of known names, which a signed manifest lists with sizes and hashes.

Nothing of a release is opened before the signature over its manifest is verified, and no file but those that the
manifest lists, in its size, by its hash.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from core.domain.canonical import canonical_json, sha256
from core.domain.schema import Schema
from core.errors import Corrupt, NotFound, Refused, TooLarge
from core.layout import MANIFEST

from .signing import Signature, SigningKey, verify
from .stored import FORMAT, MOST, check_format, read_strictly
from .trust import Trust

RELEASE_KIND = "application/vnd.tidemill.edge.release+json"
SIGNATURE = "signature.json"
MODEL_ONNX = "model.onnx"
MODEL_JSON = "model.json"
GOLDEN = "golden.json"
PROFILE = "profile.json"
OPERATORS = "operators.config"
FILES = (MODEL_ONNX, MODEL_JSON, GOLDEN, PROFILE, OPERATORS)
"""What a manifest may list, and must."""
CHUNK = 1024 * 1024
AGAIN = "fetch or export the release again"
"""The mend of whatever is not whole."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a device takes: bytes of a whole release, and MB of memory that its model may ask for."""

    size: int = 256 * 1024 * 1024
    memory_mb: float | None = None


@dataclass(frozen=True, slots=True)
class FileFact:
    """One file: its SHA-256 in hexadecimal, and its size in bytes."""

    sha256: str
    size: int

    @classmethod
    def of(cls, data: bytes) -> FileFact:
        """Of these bytes."""
        return cls(sha256(data), len(data))


@dataclass(frozen=True, slots=True)
class Variant:
    """How the model was made smaller: `name` is full, float16, int8 or pruned.

    `budget` is what it was allowed to lose, `measured` what it lost on the holdout, with its size and its speed.
    """

    name: str
    budget: Mapping[str, Any]
    measured: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a device must have: MB of memory, operator sets by domain, operators, and an onnxruntime."""

    memory_mb: float
    opsets: Mapping[str, int]
    operators: tuple[str, ...]
    onnxruntime: str


@dataclass(frozen=True, slots=True)
class ReleaseManifest:
    """All that a device needs to know before it opens a file. `created` is RFC 3339, `privacy` what may leave it."""

    model: str
    version: str
    sequence: int
    created: str
    variant: Variant
    schema: Schema
    classes: tuple[str, ...]
    files: Mapping[str, FileFact]
    requires: Requirements
    lineage: Mapping[str, Any] = field(repr=False)
    privacy: Mapping[str, Any]
    format: int = FORMAT

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(fact.size for fact in self.files.values())

    def encode(self) -> bytes:
        """The bytes that are signed and stored."""
        return canonical_json({**asdict(self), "schema": self.schema.to_json()})

    @classmethod
    def decode(cls, data: bytes) -> ReleaseManifest:
        """Read a manifest whose signature was verified; raises Corrupt if it is none, Unsupported if a newer one."""
        return read_strictly(data, "the release manifest", cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> ReleaseManifest:
        check_format(fields, "the release manifest")
        if type(fields["sequence"]) is not int or fields["sequence"] < 1:
            raise ValueError(f"sequence {fields['sequence']!r}")
        return cls(
            model=fields["model"],
            version=fields["version"],
            sequence=fields["sequence"],
            created=fields["created"],
            variant=Variant(**fields["variant"]),
            schema=Schema.from_json(fields["schema"]),
            classes=tuple(fields["classes"]),
            files={name: _fact(name, fact) for name, fact in fields["files"].items()},
            requires=Requirements(**{**fields["requires"], "operators": tuple(fields["requires"]["operators"])}),
            lineage=fields["lineage"],
            privacy=fields["privacy"],
        )


def _fact(name: str, fields: Mapping[str, Any]) -> FileFact:
    fact = FileFact(**fields)
    if name not in FILES or type(fact.size) is not int or fact.size < 0:
        raise ValueError(f"file {name!r}")
    return fact


@dataclass(frozen=True, slots=True)
class Release:
    """A release that is signed by a key that is trusted."""

    id: str
    manifest: ReleaseManifest
    signed_by: str


def release_id(sequence: int, manifest: bytes) -> str:
    """The name of a release: its number, and the hash of its manifest.

    >>> release_id(7, b"{}")
    '0000000007-44136fa355b3'
    """
    return f"{sequence:010d}-{sha256(manifest)[:12]}"


def sign_manifest(manifest: bytes, signer: SigningKey) -> bytes:
    """The bytes of `signature.json`."""
    signatures = [signer.sign(RELEASE_KIND, manifest).to_json()]
    return canonical_json({"format": FORMAT, "signatures": signatures})


def check_manifest(manifest: bytes, signature: bytes, trust: Trust, limits: Limits | None = None) -> Release:
    """What `manifest.json` and `signature.json` say, before any other file is fetched or opened.

    Raises Refused if it is not signed by a release key, or lacks a file; TooLarge if it is beyond `limits`; Corrupt or
    Unsupported if it cannot be read.
    """
    signatures = read_strictly(signature, "the signature", _signatures)
    signed_by = verify(RELEASE_KIND, manifest, signatures, trust.release_keys(), "the release")
    found = ReleaseManifest.decode(manifest)
    missing = [name for name in FILES if name not in found.files]
    if missing:
        raise Refused(f"the release manifest lists no {missing[0]}.")
    _check_limits(found, limits or Limits())
    return Release(release_id(found.sequence, manifest), found, signed_by)


def _signatures(fields: dict[str, Any]) -> tuple[Signature, ...]:
    check_format(fields, "the signature")
    return tuple(map(Signature.from_json, fields["signatures"]))


def _check_limits(manifest: ReleaseManifest, limits: Limits) -> None:
    if manifest.size > limits.size:
        raise TooLarge(f"the release has {manifest.size:,} bytes, more than the {limits.size:,} that are allowed here.")
    asked = manifest.requires.memory_mb
    if limits.memory_mb is not None and asked > limits.memory_mb:
        raise TooLarge(
            f"the release needs {asked:g} MB of memory, more than the {limits.memory_mb:g} that it may have."
        )


def verify_folder(folder: Path, trust: Trust, limits: Limits | None = None) -> Release:
    """Verify a whole release in `folder`: the signature, then the names, then sizes, then hashes.

    Raises NotFound if there is no such folder, and as `check_manifest` and `check_files` do.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}.")
    found = check_manifest(read_small(folder / MANIFEST), read_small(folder / SIGNATURE), trust, limits)
    check_files(folder, found.manifest)
    return found


def check_files(folder: Path, manifest: ReleaseManifest) -> None:
    """Raises Refused if `folder` has other files than the manifest lists, Corrupt if one is not what it says."""
    wanted = {MANIFEST, SIGNATURE, *manifest.files}
    there = set(os.listdir(folder))  # noqa: PTH208 - names, not paths
    if there != wanted:
        strange = sorted(there - wanted) or sorted(wanted - there)
        raise Refused(f"the release {'has' if there - wanted else 'lacks'} {strange[0][:80]!r}: {AGAIN}.")
    for name, fact in manifest.files.items():
        _check_size(folder / name, fact)
    for name, fact in manifest.files.items():
        if _hash(folder / name) != fact.sha256:
            raise Corrupt(f"{name} is not what the release manifest says, its SHA-256 is another: {AGAIN}.")


def _check_size(path: Path, fact: FileFact) -> None:
    size = _plain(path).st_size
    if size != fact.size:
        raise Corrupt(f"{path.name} has {size:,} bytes, not the {fact.size:,} of the release manifest: {AGAIN}.")


def _plain(path: Path) -> os.stat_result:
    """What is known of a file; raises Refused if it is a link, a folder or a device, Corrupt if it is not there."""
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise Corrupt(f"the release lacks {path.name}: {AGAIN}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise Refused(f"{path.name} is no plain file: {AGAIN}.")
    return found


def read_small(path: Path) -> bytes:
    """A manifest or a signature; raises Refused or Corrupt if it is no plain file, or too large for either."""
    if _plain(path).st_size > MOST:
        raise Corrupt(f"{path.name} has more than {MOST:,} bytes.")
    with _opened(path) as file:
        return file.read(MOST)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with _opened(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _opened(path: Path) -> BinaryIO:
    """No link is followed, should one have taken the file's place meanwhile."""
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb")
