"""Node.js answers from a release that is whole, signed and proven, and from no other."""

import json
import os

import pytest

from core import layout
from core.inference.answers import plain
from core.inference.golden import Golden
from core.inference.predictor import load_predictor
from core.inference.rows import RowReader
from edge.release import FILES, GOLDEN, MODEL_ONNX, SIGNATURE
from edge.trust import Trust
from tests import penguins
from tests.edge.releases import KEY, OTHER_KEY, ROOT_KEY, first_trust

from . import runtimes, small

VERSIONS = {"classifier": penguins.classifier, "regression": penguins.regression}


@pytest.fixture
def release(tmp_path):
    return small.write(tmp_path / "release", penguins.classifier())


@pytest.fixture
def trust(tmp_path):
    path = tmp_path / "trust.json"
    path.write_bytes(first_trust().data)
    return path


@pytest.mark.parametrize("kind", VERSIONS)
def test_it_answers_as_the_predictor_does(kind, tmp_path, trust):
    version, rows = VERSIONS[kind](), penguins.rows(300)
    done = runtimes.node(small.write(tmp_path / "r", version), trust, rows)
    predictor = load_predictor(version.files[MODEL_ONNX], version.manifest)
    expected = plain(predictor.predict(RowReader(version.manifest.schema).rows(rows).columns), version.manifest.classes)
    given = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("label") for row in given] == [row.get("label") for row in expected]
    assert numbers(given) == pytest.approx(numbers(expected), rel=1e-6, abs=1e-6)


def numbers(answers):
    return [value for row in answers for value in row.get("probabilities", {0: row.get("prediction")}).values()]


def test_a_bad_row_is_told_by_its_number(release, trust):
    rows = [penguins.ROW] * 1500 + [{**penguins.ROW, "flipper_length": 1}]
    done = runtimes.node(release, trust, rows)
    assert done.returncode == 1
    assert "field 'flipper_length' of row 1500 is 1, below the minimum 100" in done.stderr
    assert len(done.stdout.splitlines()) == 1024


def test_a_wrong_use_is_told():
    done = runtimes.node("--bad", "t", [])
    assert done.returncode == 2
    assert "usage" in done.stderr


def refused(release, trust, *words):
    done = runtimes.node(release, trust, [penguins.ROW])
    assert (done.returncode, done.stdout) == (1, "")
    assert all(word in done.stderr for word in words), done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", [layout.MANIFEST, SIGNATURE, *FILES])
def test_a_flipped_bit_is_refused(name, release, trust):
    small.flip(release / name)
    refused(release, trust)


@pytest.mark.parametrize("name", [layout.MANIFEST, SIGNATURE, *FILES])
def test_a_missing_file_is_refused(name, release, trust):
    (release / name).unlink()
    refused(release, trust, name)


def test_a_truncated_file_is_refused(release, trust):
    os.truncate(release / MODEL_ONNX, 100)
    refused(release, trust, "model.onnx has 100 bytes")


def test_a_longer_file_is_not_read(release, trust):
    with (release / MODEL_ONNX).open("ab") as file:
        file.write(b"x")
    refused(release, trust, "model.onnx", "more than")


def test_a_file_that_is_not_listed_is_refused(release, trust):
    (release / "extra.so").write_bytes(b"")
    refused(release, trust, "extra.so")


def test_a_link_is_not_followed(release, trust, tmp_path):
    (release / MODEL_ONNX).rename(tmp_path / "model")
    (release / MODEL_ONNX).symlink_to(tmp_path / "model")
    refused(release, trust)


def test_another_key_is_refused(tmp_path, trust):
    release = small.write(tmp_path / "r", penguins.classifier(), key=OTHER_KEY)
    refused(release, trust, "no key that is trusted")


def test_a_root_signs_no_release(tmp_path, trust):
    release = small.write(tmp_path / "r", penguins.classifier(), key=ROOT_KEY)
    refused(release, trust, "no key that is trusted")


def test_a_revoked_key_is_refused(release, trust):
    trust.write_bytes(first_trust(KEY, OTHER_KEY, revoked=[KEY.id]).data)
    refused(release, trust, "no key that is trusted")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda fields: fields.update(format=2), "format 2, beyond 1"),
        (lambda fields: fields.update(sequence=0), "sequence"),
        (lambda fields: fields["files"].update({"../x": {"sha256": "0" * 64, "size": 0}}), "../x"),
        (lambda fields: fields["files"].pop(GOLDEN), GOLDEN),
        (lambda fields: fields["files"][GOLDEN].update(size=2**40), "more than"),
        (lambda fields: fields["files"][GOLDEN].update(size=-1), "no size"),
        (lambda fields: fields["schema"]["features"].pop(), "does not take what its schema says"),
    ],
    ids=["newer", "no sequence", "path", "incomplete", "oversized", "negative", "other schema"],
)
def test_a_signed_manifest_that_cannot_be_is_refused(change, words, release, trust):
    small.change_manifest(release, change)
    refused(release, trust, words)


def test_a_model_that_answers_otherwise_is_refused(release, trust):
    golden = Golden.decode((release / GOLDEN).read_bytes())
    golden.outputs.probabilities[0] += 1e-3
    small.change_file(release, GOLDEN, golden.encode())
    refused(release, trust, "golden rows off by")


def test_another_label_is_refused(release, trust):
    golden = Golden.decode((release / GOLDEN).read_bytes())
    golden.outputs.labels[0] = "Dodo"
    small.change_file(release, GOLDEN, golden.encode())
    refused(release, trust, "1 of its golden rows with another label")


def test_what_is_no_model_is_refused(release, trust):
    small.change_file(release, MODEL_ONNX, b"no model at all")
    refused(release, trust, "cannot be loaded")


@pytest.mark.parametrize("at", range(5, 400, 40))
def test_a_trust_document_with_a_flipped_bit_is_refused(at, release, trust):
    data = bytearray(trust.read_bytes())
    data[at] ^= 1
    trust.write_bytes(data)
    refused(release, trust)


def test_a_trust_document_of_a_stranger_is_refused(release, trust):
    stranger = Trust.issue(1, [OTHER_KEY.public], [KEY.public], [], [OTHER_KEY]).data
    trust.write_bytes(stranger.replace(OTHER_KEY.id.encode(), ROOT_KEY.id.encode()))
    refused(release, trust)
