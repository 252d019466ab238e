"""The commands of releases, keys and rollouts, as a script has them: real folders, exit codes, one sentence."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli.main import app
from tests.unit.edge.trained import MODEL, stores

PARTS = (
    "manifest.json",
    "signature.json",
    "model.onnx",
    "model.json",
    "golden.json",
    "profile.json",
    "operators.config",
)


class Tidemill:
    """Runs commands in the working directory."""

    def __call__(self, *arguments: str):
        return CliRunner().invoke(app, ["edge", *arguments])

    def json(self, *arguments: str, code: int = 0):
        done = self(*arguments, "--json")
        assert done.exit_code == code, done.output
        return json.loads(done.stdout.splitlines()[-1])

    def refused(self, *arguments: str) -> str:
        """The one sentence of a command that fails."""
        done = self(*arguments)
        assert done.exit_code == 1, done.output
        (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("tidemill: ")]
        assert "Traceback" not in done.output
        assert "see --debug" not in sentence
        return sentence


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A local store with a version that serves, and a release of it beside."""
    folder = tmp_path_factory.mktemp("stored")
    for zone, store in stores().items():
        for info in store.list(""):
            path = folder / ".tidemill" / zone / info.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.get(info.key).data)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("TIDEMILL_STORE", raising=False)
        Tidemill().json("export", MODEL, "--output", "release")
    return folder


@pytest.fixture
def tidemill(stored, tmp_path, monkeypatch):
    """A copy of one's own, in the working directory."""
    shutil.copytree(stored, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("TIDEMILL_STORE", "TIDEMILL_EDGE_KEYS", "TIDEMILL_EDGE_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    return Tidemill()


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_export_needs_no_setup_and_says_what_it_made(tidemill):
    shutil.rmtree(".tidemill/edge-keys")
    shutil.rmtree(".tidemill/edge")
    done = tidemill("export", MODEL, "--output", "out")
    assert done.exit_code == 0
    assert "Made a root and a release key in" in done.stderr
    assert names("out") == sorted(PARTS)
    assert [name.partition("-")[0] for name in names(".tidemill/edge-keys")] == ["release", "root", "trust"]
    assert tidemill("verify", "out").exit_code == 0


def test_export_tells_every_variant_in_a_table_and_in_json(tidemill):
    told = tidemill("export", MODEL, "--output", "out").stdout
    for variant in ("full", "float16", "int8", "pruned"):
        assert variant in told
    found = tidemill.json("export", MODEL, "--output", "out")
    assert found["new"] is False
    assert {"model", "version", "release", "variant", "output", "variants"} <= set(found)
    full = found["variants"][0]
    assert full["loss"] == 0
    assert full["bytes"] == Path("out/model.onnx").stat().st_size


def test_the_same_export_twice_is_one_release(tidemill):
    for output in ("release", "elsewhere/deep"):
        found = tidemill.json("export", MODEL, "--output", output)
        assert tidemill.json("verify", output)["release"] == found["release"]
    assert len(tidemill.json("releases", MODEL)["releases"]) == 1


def test_verify_tells_what_it_verified(tidemill):
    found = tidemill.json("verify", "release")
    assert (found["model"], found["variant"]) == (MODEL, "full")
    assert found["signed_by"] in tidemill.json("keys", "list")["keys"]


def test_verify_from_elsewhere_finds_whom_to_trust(tidemill, tmp_path, monkeypatch):
    """In the keys' folder beside the store, else in the store itself, else where it is told."""
    store = f"file://{tmp_path}/.tidemill/{{zone}}"
    trust = str(next((tmp_path / ".tidemill" / "edge-keys" / "trust").iterdir()))
    shutil.copy(trust, tmp_path / "trust.json")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert tidemill.json("verify", "../release", "--store", store)
    assert "nobody is trusted to release" in tidemill.refused("verify", "../release")
    shutil.rmtree(tmp_path / ".tidemill" / "edge-keys")
    assert tidemill.json("verify", "../release", "--store", store)
    assert tidemill.json("verify", str(tmp_path / "release"), "--trust", "../trust.json")
    assert "there is no trust document" in tidemill.refused("verify", "../release", "--trust", "nowhere")
    assert "cannot be read" in tidemill.refused("verify", "../release", "--trust", "../release/model.onnx")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "flipped": flip,
    "cut off": lambda path: os.truncate(path, path.stat().st_size - 1),
    "empty": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "gone": Path.unlink,
    "renamed": lambda path: path.rename(path.with_name("other")),
    "linked": lambda path: (path.rename("aside"), path.symlink_to(Path("aside").absolute())),
    "nonsense": lambda path: path.write_bytes(b"\xff\x00nonsense"),
}


@pytest.mark.parametrize(
    ("part", "trusted"), [*((part, "keys") for part in PARTS), *((part, "store") for part in PARTS[:3])]
)
def test_damage_is_told_in_one_sentence(tidemill, part, trusted):
    if trusted == "store":
        shutil.rmtree(".tidemill/edge-keys")
    for name, damage in DAMAGES.items():
        shutil.rmtree("damaged", ignore_errors=True)
        Path("aside").unlink(missing_ok=True)
        shutil.copytree("release", "damaged")
        damage(Path("damaged") / part)
        assert tidemill.refused("verify", "damaged"), name
    assert tidemill.json("verify", "damaged", code=1)["error"]
    assert tidemill("verify", "release").exit_code == 0


@pytest.mark.parametrize("what", ["missing", "a file", "empty", "too many"])
def test_what_is_no_release_is_told_in_one_sentence(tidemill, what):
    folder = {"missing": "nowhere", "a file": "release/manifest.json", "empty": "empty", "too many": "release"}[what]
    Path("empty").mkdir()
    if what == "too many":
        Path("release/readme.txt").write_text("hello")
    assert tidemill.refused("verify", folder)


def test_export_refuses_in_one_sentence(tidemill):
    Path("full").mkdir()
    Path("full/thesis.txt").write_text("")
    assert "thesis.txt" in tidemill.refused("export", MODEL, "--output", "full")
    assert "is no folder" in tidemill.refused("export", MODEL, "--output", "full/thesis.txt")
    assert "no version of model nope serves" in tidemill.refused("export", "nope", "--output", "out")
    assert "model name" in tidemill.refused("export", "No Such", "--output", "out")
    assert "no version v" in tidemill.refused("export", MODEL, "--output", "out", "--version", "v")
    assert "is refused: it gains nothing" in tidemill.refused("export", MODEL, "--output", "out", "--variant", "int8")
    assert tidemill("export", MODEL, "--output", "out", "--variant", "tiny").exit_code == 2
    assert tidemill("export", MODEL).exit_code == 2
    assert tidemill("export", MODEL, "--output", "out", "--budget", "-1").exit_code == 2
    assert "cannot be kept to" in tidemill.refused("export", MODEL, "--output", "out", "--budget", "inf")
    assert not Path("out").exists()


def test_a_damaged_release_is_mended_by_exporting_again(tidemill):
    flip(Path("release/model.onnx"))
    Path("release/golden.json").unlink()
    tidemill.json("export", MODEL, "--output", "release")
    assert tidemill("verify", "release").exit_code == 0


def test_a_revoked_key_ends_its_releases(tidemill):
    key = tidemill.json("verify", "release")["signed_by"]
    rotated = tidemill.json("keys", "rotate")
    assert tidemill("verify", "release").exit_code == 0, "what the key before signed goes on to count"
    told = tidemill.json("keys", "revoke", key)
    assert (told["keys"], told["revoked"], told["trust"]) == ([rotated["key"]], [key], 3)
    assert key in tidemill.refused("verify", "release")
    shutil.rmtree(".tidemill/edge-keys/trust")
    assert key in tidemill.refused("verify", "release"), "the store tells so, too"


def test_the_list_says_what_counts_no_more(tidemill):
    tidemill.json("keys", "revoke", tidemill.json("verify", "release")["signed_by"])
    tidemill.json("export", MODEL, "--output", "release")
    one, two = tidemill.json("releases", MODEL)["releases"]
    assert "no key that is trusted" in one["refused"]
    assert two["refused"] is None
    assert "nobody is trusted" in tidemill.refused("releases", "nope")


def test_keys_of_others_release_nothing_of_this_model(tidemill, monkeypatch):
    monkeypatch.setenv("TIDEMILL_EDGE_KEYS", "other-keys")
    assert "TIDEMILL_EDGE_KEYS" in tidemill.refused("export", MODEL, "--output", "out")
    assert "only by" in tidemill.refused("verify", "release")


def test_keys_are_made_locked_and_listed(tidemill, monkeypatch):
    monkeypatch.setenv("TIDEMILL_EDGE_KEYS", "locked")
    monkeypatch.setenv("TIDEMILL_EDGE_PASSPHRASE", "correct horse")
    made = tidemill.json("keys", "init")
    assert made["trust"] == 1
    assert "has keys already" in tidemill.refused("keys", "init")
    assert tidemill.json("keys", "list")["roots"] == made["roots"]
    assert "correct horse" not in tidemill("keys", "list").output
    monkeypatch.setenv("TIDEMILL_EDGE_PASSPHRASE", "wrong")
    assert "passphrase" in tidemill.refused("keys", "rotate")


def test_a_root_from_elsewhere_signs_the_next_trust(tidemill):
    (root,) = Path(".tidemill/edge-keys").glob("root-*")
    away = shutil.move(root, "vault.pem")
    assert "--root" in tidemill.refused("keys", "rotate")
    assert tidemill.json("keys", "rotate", "--root", away)["trust"] == 2
    assert tidemill.json("keys", "rotate", "--new-root", "--root", away)["trust"] == 3
    assert len(names(f".tidemill/edge/{MODEL}/trust")) == 3


def test_a_release_is_rolled_out_and_withdrawn(tidemill):
    assert tidemill.json("rollout", "show", MODEL)["rollout"] is None
    release = tidemill.json("verify", "release")["release"]
    staged = tidemill.json("rollout", "stage", MODEL, release, "--percent", "10", "--ring", "canary")
    assert staged["releases"] == [{"release": release, "percent": 10, "rings": ["canary"]}]
    assert tidemill.json("rollout", "show", MODEL) == staged
    assert tidemill.json("rollout", "withdraw", MODEL, release)["withdrawn"] == [release]
    assert "withdrawn" in tidemill("rollout", "show", MODEL).stdout
    assert "was withdrawn" in tidemill.refused("rollout", "stage", MODEL, release)
    assert "ring name" in tidemill.refused("rollout", "stage", MODEL, release, "--ring", "../x")
    assert tidemill("rollout", "stage", MODEL, release, "--percent", "101").exit_code == 2
