"""The folder of the keys: roots and release keys in PKCS 8, and the chain of trust documents.

Roots may be taken away from it, and are named when they are needed: what signs releases cannot change whom devices
trust.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import AlreadyExists, BadInput, NotFound, Refused

from ..signing import PublicKey, SigningKey
from ..trust import Trust

PRIVATE, FOLDER = 0o600, 0o700


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """`path` holds `root-<id>.pem`, `release-<id>.pem` and `trust/<number>.json`; keys are locked with `passphrase`."""

    path: Path
    passphrase: str = field(default="", repr=False)

    def exists(self) -> bool:
        """Whether anybody is trusted yet."""
        return self._document(1).exists()

    def init(self) -> Trust:
        """Make a root, a release key, and the first trust document; raises AlreadyExists if there is one."""
        if self.exists():
            raise AlreadyExists(f"{self.path} has keys already: `tidemill edge keys rotate` changes them.")
        root, key = SigningKey.generate(), SigningKey.generate()
        self._keep("root", root)
        self._keep("release", key)
        return self._issue(Trust.issue(1, [root.public], [key.public], [], [root]))

    def chain(self) -> list[Trust]:
        """Every trust document, each following the one before; raises NotFound if there is none."""
        if not self.exists():
            raise NotFound(f"there are no keys in {self.path}: `tidemill edge keys init` makes them.")
        chain = [Trust.decode(self._document(1).read_bytes())]
        while (following := self._document(len(chain) + 1)).exists():
            chain.append(chain[-1].followed_by(following.read_bytes()))
        return chain

    def trust(self) -> Trust:
        """The newest trust document."""
        return self.chain()[-1]

    def signer(self) -> SigningKey:
        """The newest release key that is trusted and here; raises NotFound if there is none."""
        for key in reversed(self.trust().release_keys()):
            path = self._pem("release", key)
            if path.exists():
                return self._read(path)
        raise NotFound(f"no release key that is trusted is in {self.path}: `tidemill edge keys rotate` makes one.")

    def rotate(self, root_file: Path | None = None) -> tuple[Trust, SigningKey]:
        """Trust a new release key beside those before, whose releases go on to count."""
        trust, key = self.trust(), SigningKey.generate()
        return self._follow(trust, trust.roots, [*trust.keys, key.public], trust.revoked, root_file, key), key

    def rotate_root(self, root_file: Path | None = None) -> tuple[Trust, SigningKey]:
        """Trust a new root in the place of those before; both sign."""
        trust, root = self.trust(), SigningKey.generate()
        signers = [root, self._root(trust, root_file)]
        self._keep("root", root)
        return self._issue(Trust.issue(trust.number + 1, [root.public], trust.keys, trust.revoked, signers)), root

    def revoke(self, key_id: str, root_file: Path | None = None) -> tuple[Trust, SigningKey | None]:
        """Let a release key count no more, for ever; a new one takes its place if it was the last.

        Raises NotFound if it is not trusted, Refused if it is a root: that is replaced.
        """
        trust = self.trust()
        if any(root.id == key_id for root in trust.roots):
            raise Refused(f"key {key_id} is a root: `tidemill edge keys rotate --new-root` puts another in its place.")
        if all(key.id != key_id for key in trust.release_keys()):
            raise NotFound(f"no release key {key_id[:80]!r} is trusted: `tidemill edge keys list` shows them.")
        left = [key for key in trust.keys if key.id != key_id]
        fresh = None if any(key in left for key in trust.release_keys()) else SigningKey.generate()
        keys = left if fresh is None else [*left, fresh.public]
        return self._follow(trust, trust.roots, keys, {*trust.revoked, key_id}, root_file, fresh), fresh

    def _follow(
        self,
        trust: Trust,
        roots: tuple[PublicKey, ...],
        keys: list[PublicKey],
        revoked: set[str] | frozenset[str],
        root_file: Path | None,
        fresh: SigningKey | None,
    ) -> Trust:
        root = self._root(trust, root_file)
        if fresh is not None:
            self._keep("release", fresh)
        return self._issue(Trust.issue(trust.number + 1, roots, keys, revoked, [root]))

    def _root(self, trust: Trust, root_file: Path | None) -> SigningKey:
        here = [self._pem("root", root) for root in trust.signing_roots()]
        path = root_file or next((path for path in here if path.exists()), None)
        if path is None:
            raise NotFound(f"no root key is in {self.path}: name its file with --root.")
        root = self._read(path)
        if root.public not in trust.signing_roots():
            raise BadInput(f"{path} is no root that is trusted: {', '.join(key.id for key in trust.signing_roots())}.")
        return root

    def _issue(self, trust: Trust) -> Trust:
        _create(self._document(trust.number), trust.data)
        return trust

    def _keep(self, role: str, key: SigningKey) -> None:
        _create(self._pem(role, key.public), key.to_pem(self.passphrase))

    def _read(self, path: Path) -> SigningKey:
        try:
            return SigningKey.from_pem(path.read_bytes(), self.passphrase, f"key {path}")
        except FileNotFoundError as error:
            raise NotFound(f"there is no key {path}.") from error

    def _pem(self, role: str, key: PublicKey) -> Path:
        return self.path / f"{role}-{key.id}.pem"

    def _document(self, number: int) -> Path:
        return self.path / "trust" / f"{number:010d}.json"


def _create(path: Path, data: bytes) -> None:
    """Write a new file that nobody else can read, whole or not at all; raises AlreadyExists if it is there."""
    path.parent.mkdir(FOLDER, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    except FileExistsError as error:
        raise AlreadyExists(f"{path} is there already: somebody else changed the keys meanwhile.") from error
    finally:
        fresh.unlink(missing_ok=True)
