"""The folder of keys: private, whole or not at all, and changed only by who has a root."""

import shutil
import stat

import pytest

from core.errors import AlreadyExists, BadInput, NotFound, Refused
from edge.export.keys import KeyFolder
from edge.signing import SigningKey
from edge.trust import Trust


@pytest.fixture
def keys(tmp_path):
    folder = KeyFolder(tmp_path / "deep" / "keys")
    folder.init()
    return folder


def pems(keys, role):
    return sorted(keys.path.glob(f"{role}-*.pem"))


def test_what_is_made_is_private_and_signs(keys):
    for path in (*keys.path.glob("*.pem"), *keys.path.glob("trust/*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o700
    assert keys.signer().public in keys.trust().release_keys()
    assert keys.trust().number == 1
    assert [path for path in keys.path.rglob("*") if path.name.startswith(".")] == []


def test_keys_are_not_made_over_others(keys):
    before = keys.trust()
    with pytest.raises(AlreadyExists, match="rotate"):
        keys.init()
    assert keys.trust() == before


def test_where_there_are_none_it_is_said(tmp_path):
    assert not KeyFolder(tmp_path).exists()
    for ask in (KeyFolder(tmp_path).trust, KeyFolder(tmp_path).signer, KeyFolder(tmp_path).rotate):
        with pytest.raises(NotFound, match="keys init"):
            ask()


def test_a_new_key_signs_and_the_one_before_goes_on_to_count(keys):
    before = keys.signer()
    trust, key = keys.rotate()
    assert keys.signer().id == key.id
    assert trust.release_keys() == (before.public, key.public)
    assert [each.number for each in keys.chain()] == [1, 2]


def test_a_revoked_key_counts_no_more_and_the_other_signs(keys):
    before = keys.signer()
    _, key = keys.rotate()
    trust, fresh = keys.revoke(before.id)
    assert fresh is None
    assert trust.release_keys() == (key.public,)
    assert trust.revoked == {before.id}


def test_where_the_last_key_is_revoked_one_is_made(keys):
    before = keys.signer()
    trust, fresh = keys.revoke(before.id)
    assert fresh is not None
    assert trust.release_keys() == (fresh.public,)
    assert keys.signer().id == fresh.id


def test_a_key_is_revoked_once_and_a_root_is_not_revoked(keys):
    before = keys.signer()
    keys.revoke(before.id)
    with pytest.raises(NotFound, match=before.id):
        keys.revoke(before.id)
    with pytest.raises(NotFound, match="no release key 'nonsense'"):
        keys.revoke("nonsense")
    with pytest.raises(Refused, match="--new-root"):
        keys.revoke(keys.trust().roots[0].id)


def test_a_new_root_takes_the_place_of_the_one_before(keys):
    before = keys.trust().roots[0]
    trust, root = keys.rotate_root()
    assert trust.roots == (root.public,)
    keys.rotate()
    assert keys.trust().number == 3
    (keys.path / f"root-{root.id}.pem").unlink()
    with pytest.raises(NotFound, match="--root"):
        keys.rotate()
    with pytest.raises(BadInput, match="no root that is trusted"):
        keys.rotate(keys.path / f"root-{before.id}.pem")


def test_a_root_may_be_kept_elsewhere(keys, tmp_path):
    (root,) = pems(keys, "root")
    away = shutil.move(root, tmp_path / "vault.pem")
    assert keys.signer()  # releases are signed without it
    with pytest.raises(NotFound, match="name its file with --root"):
        keys.rotate()
    with pytest.raises(NotFound, match=r"there is no key .*nowhere\.pem"):
        keys.rotate(tmp_path / "nowhere.pem")
    assert keys.rotate(away)[0].number == 2


def test_without_its_file_a_key_signs_nothing(keys):
    for path in pems(keys, "release"):
        path.unlink()
    with pytest.raises(NotFound, match="rotate"):
        keys.signer()


def test_keys_are_locked_with_a_passphrase(tmp_path):
    locked = KeyFolder(tmp_path, "correct horse")
    locked.init()
    assert locked.signer()
    assert all(b"ENCRYPTED" in path.read_bytes() for path in tmp_path.glob("*.pem"))
    for other in ("", "battery staple"):
        with pytest.raises(BadInput, match="passphrase"):
            KeyFolder(tmp_path, other).signer()
    assert "correct horse" not in repr(locked)
    assert KeyFolder(tmp_path).trust() == locked.trust()  # nobody needs it to verify


def test_of_two_who_change_the_keys_at_once_one_wins(keys, monkeypatch):
    before = keys.trust()
    other = KeyFolder(keys.path)
    other.rotate()
    monkeypatch.setattr(KeyFolder, "trust", lambda _self: before)  # what the second one read before the first one wrote
    with pytest.raises(AlreadyExists, match="meanwhile"):
        keys.rotate()
    monkeypatch.undo()
    assert keys.trust().number == 2


def test_a_folder_that_somebody_altered_is_refused(keys):
    root = SigningKey.generate()
    forged = Trust.issue(2, [root.public], [root.public], [], [root])
    (keys.path / "trust" / "0000000002.json").write_bytes(forged.data)
    with pytest.raises(Refused, match="no key that is trusted"):
        keys.trust()
