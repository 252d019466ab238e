"""A release is taken whole and as it was signed, or not at all; and nothing of it is opened before that is known."""

import io
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.canonical import canonical_json
from core.errors import Corrupt, NotFound, Refused, TidemillError, TooLarge, Unsupported
from core.layout import MANIFEST
from edge.release import (
    FILES,
    MODEL_ONNX,
    RELEASE_KIND,
    SIGNATURE,
    Limits,
    ReleaseManifest,
    check_manifest,
    release_id,
    sign_manifest,
    verify_folder,
)
from edge.signing import SigningKey
from edge.trust import Trust

from .trained import made

NAMES = (*FILES, MANIFEST, SIGNATURE)
STRANGER = SigningKey.generate()
VERDICTS = (Corrupt, Refused, TooLarge, Unsupported)


@pytest.fixture
def folder(tmp_path):
    return made().write(tmp_path / "release")


def key():
    return SigningKey.from_pem(made().pem)


def manifest():
    return ReleaseManifest.decode(made().files[MANIFEST])


def sign_again(folder, **changes):
    """The same folder with another manifest, signed by the right key: what even who has the key cannot do."""
    data = canonical_json({**json.loads(made().files[MANIFEST]), **changes})
    (folder / MANIFEST).write_bytes(data)
    (folder / SIGNATURE).write_bytes(sign_manifest(data, key()))


def test_a_release_is_verified_and_told(folder):
    found = verify_folder(folder, made().trust)
    assert found.manifest == manifest()
    assert found.id == release_id(1, made().files[MANIFEST])
    assert found.signed_by == key().id


def test_a_manifest_is_read_as_it_was_written():
    assert manifest().encode() == made().files[MANIFEST]


def test_a_folder_may_be_named_from_anywhere(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert verify_folder(Path("release"), made().trust)
    monkeypatch.chdir(folder)
    assert verify_folder(Path(), made().trust)


def test_there_is_no_folder(folder):
    for path in (folder / "missing", folder / MANIFEST):
        with pytest.raises(NotFound, match="there is no folder"):
            verify_folder(path, made().trust)


# random damage


def damaged(change):
    """What the verdict is on a copy of the release that `change` was done to."""
    with tempfile.TemporaryDirectory() as place:
        folder = made().write(Path(place))
        change(folder)
        with pytest.raises(VERDICTS) as caught:
            verify_folder(folder, made().trust)
        assert "\n" not in str(caught.value)


quick = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@quick
@given(name=st.sampled_from(NAMES), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(name, place, bit):
    def flip(folder):
        data = bytearray((folder / name).read_bytes())
        data[int(place * len(data))] ^= 1 << bit
        (folder / name).write_bytes(data)

    damaged(flip)


@quick
@given(name=st.sampled_from(NAMES), place=st.floats(0, 1, exclude_max=True))
def test_a_cut_off_file_is_noticed(name, place):
    damaged(lambda folder: os.truncate(folder / name, int(place * len(made().files[name]))))


@quick
@given(name=st.sampled_from(NAMES), more=st.binary(min_size=1, max_size=20))
def test_bytes_that_were_added_are_noticed(name, more):
    damaged(lambda folder: (folder / name).write_bytes(made().files[name] + more))


@quick
@given(
    name=st.sampled_from(NAMES), other=st.sampled_from(NAMES) | st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True)
)
def test_a_renamed_file_is_noticed(name, other):
    def rename(folder):
        (folder / name).rename(folder / other)

    if other not in {name, ".", ".."}:
        damaged(rename)


@quick
@given(one=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
def test_files_that_changed_their_names_are_noticed(one, other):
    def swap(folder):
        (folder / one).write_bytes(made().files[other])
        (folder / other).write_bytes(made().files[one])

    if one != other:
        damaged(swap)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises((Corrupt, Refused), match=name):
        verify_folder(folder, made().trust)


@pytest.mark.parametrize("name", ["more.txt", ".hidden", "MODEL.ONNX", "ü", "sub"])
def test_a_file_too_many_is_named(folder, name):
    (folder / name).mkdir() if name == "sub" else (folder / name).write_bytes(b"")
    with pytest.raises(Refused, match=f"has '{name}'"):
        verify_folder(folder, made().trust)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_plain_file_is_not_opened(folder, tmp_path, name, kind):
    path = folder / name
    path.rename(tmp_path / "aside")
    if kind == "link":
        path.symlink_to(tmp_path / "aside")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(Refused, match=f"{name} is no plain file"):
        verify_folder(folder, made().trust)


def test_an_empty_folder_is_no_release(tmp_path):
    with pytest.raises(Corrupt, match=r"lacks manifest\.json"):
        verify_folder(tmp_path, made().trust)


# what who has no key tries


def test_a_release_of_a_stranger_is_refused(folder):
    (folder / SIGNATURE).write_bytes(sign_manifest((folder / MANIFEST).read_bytes(), STRANGER))
    with pytest.raises(Refused, match=f"only by {STRANGER.id}"):
        verify_folder(folder, made().trust)


def test_a_release_whose_key_was_revoked_is_refused(folder):
    root, other = SigningKey.generate(), SigningKey.generate()
    trust = Trust.issue(1, [root.public], [key().public, other.public], [], [root])
    assert verify_folder(folder, trust)
    revoked = Trust.issue(2, [root.public], [key().public, other.public], [key().id], [root])
    with pytest.raises(Refused, match=f"only by {key().id}"):
        verify_folder(folder, trust.followed_by(revoked.data))


def test_a_signature_over_something_else_is_none(folder):
    signature = canonical_json(
        {"format": 1, "signatures": [key().sign("text/plain", made().files[MANIFEST]).to_json()]}
    )
    (folder / SIGNATURE).write_bytes(signature)
    with pytest.raises(Refused, match="does not match"):
        verify_folder(folder, made().trust)
    assert RELEASE_KIND != "text/plain"


def test_nothing_but_the_signature_is_opened_before_it_is_verified(folder, monkeypatch):
    (folder / SIGNATURE).write_bytes(sign_manifest(made().files[MANIFEST], STRANGER))
    opened = watch(monkeypatch)
    with pytest.raises(Refused):
        verify_folder(folder, made().trust)
    assert set(opened) == {MANIFEST, SIGNATURE}


def test_nothing_is_opened_whose_size_is_another(folder, monkeypatch):
    (folder / MODEL_ONNX).write_bytes(b"x" * 10)
    opened = watch(monkeypatch)
    with pytest.raises(Corrupt, match=MODEL_ONNX):
        verify_folder(folder, made().trust)
    assert set(opened) == {MANIFEST, SIGNATURE}


def watch(monkeypatch):
    """The names of files that are opened from now on, in either way; `os.fdopen` opens what is open already."""
    opened, low, high = [], os.open, io.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened.append(Path(path).name) or low(path, *rest))

    def watched(path, *rest):
        if not isinstance(path, int):
            opened.append(Path(path).name)
        return high(path, *rest)

    monkeypatch.setattr(io, "open", watched)
    return opened


# what who has the key cannot do


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "sub/model.onnx", "evil.sh", ".", "", "model.onnx\0", "C:\\x"]
)
def test_no_file_of_another_name_is_listed(folder, name):
    sign_again(folder, files={**json.loads(made().files[MANIFEST])["files"], name: {"sha256": "0" * 64, "size": 1}})
    with pytest.raises(Corrupt):
        verify_folder(folder, made().trust)


@pytest.mark.parametrize("size", [-1, "3", None, 1.5, True])
def test_a_size_is_a_number_of_bytes(folder, size):
    sign_again(folder, files={**json.loads(made().files[MANIFEST])["files"], MODEL_ONNX: {"sha256": "", "size": size}})
    with pytest.raises(Corrupt):
        verify_folder(folder, made().trust)


@pytest.mark.parametrize("name", FILES)
def test_no_file_is_left_out(folder, name):
    files = json.loads(made().files[MANIFEST])["files"]
    del files[name]
    sign_again(folder, files=files)
    (folder / name).unlink()
    with pytest.raises(Refused, match=f"lists no {name}"):
        verify_folder(folder, made().trust)


@pytest.mark.parametrize("sequence", [0, -1, "1", True, None])
def test_a_sequence_is_a_number_from_one_on(folder, sequence):
    sign_again(folder, sequence=sequence)
    with pytest.raises(Corrupt):
        verify_folder(folder, made().trust)


def test_a_newer_format_says_so(folder):
    sign_again(folder, format=2)
    with pytest.raises(Unsupported, match="update Tidemill"):
        verify_folder(folder, made().trust)


def test_a_release_beyond_the_limits_is_refused_before_it_is_opened(folder):
    size = manifest().size
    assert verify_folder(folder, made().trust, Limits(size=size))
    with pytest.raises(TooLarge, match=f"{size:,} bytes, more than the {size - 1:,}"):
        verify_folder(folder, made().trust, Limits(size=size - 1))
    with pytest.raises(TooLarge, match="MB of memory"):
        check_manifest(made().files[MANIFEST], made().files[SIGNATURE], made().trust, Limits(memory_mb=0.01))


def test_a_manifest_of_a_gigabyte_is_not_read(folder):
    os.truncate(folder / MANIFEST, 2**30)
    with pytest.raises(Corrupt, match="more than"):
        verify_folder(folder, made().trust)


@given(
    data=st.binary(max_size=80)
    | st.recursive(st.none() | st.text(max_size=3), st.lists, max_leaves=3).map(canonical_json)
)
def test_no_other_bytes_pass_for_a_signature(data):
    with pytest.raises(TidemillError):
        check_manifest(made().files[MANIFEST], data, made().trust)


@pytest.mark.parametrize("named", ["x\ny" * 100, "0" * 15, "0" * 17, 3, None, "../etc"])
def test_nobody_signs_by_a_name_that_is_no_key(named):
    """What strangers write comes into a sentence only where it is harmless."""
    signature = json.loads(made().files[SIGNATURE])
    signature["signatures"][0]["key"] = named
    with pytest.raises(Corrupt, match="the signature cannot be read") as caught:
        check_manifest(made().files[MANIFEST], canonical_json(signature), made().trust)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["format", "model", "sequence", "files", "requires", "schema", "variant", "privacy"])
def test_a_manifest_without_a_field_is_none(folder, field):
    fields = json.loads(made().files[MANIFEST])
    del fields[field]
    data = canonical_json(fields)
    with pytest.raises(Corrupt, match=field):
        check_manifest(data, sign_manifest(data, key()), made().trust)
