"""The program in C: numbers and texts, labels and predictions, and what it says of files that it cannot use."""

import csv
import io

import pytest

from core.inference.answers import plain
from core.inference.predictor import load_predictor
from core.inference.rows import RowReader
from edge.release import MODEL_ONNX
from tests import penguins

from . import runtimes, small

VERSIONS = {"classifier": penguins.classifier, "regression": penguins.regression}
HEAD = ",".join(penguins.ROW)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return runtimes.build_c(tmp_path_factory.mktemp("c"))


@pytest.fixture
def release(tmp_path):
    return small.write(tmp_path / "release", penguins.classifier())


def in_csv(row):
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()}


@pytest.mark.parametrize("kind", VERSIONS)
def test_it_answers_as_the_predictor_does(kind, program, tmp_path):
    version, rows = VERSIONS[kind](), penguins.rows(300) * 5  # more than a batch
    done = runtimes.c(program, small.write(tmp_path / "r", version), [in_csv(row) for row in rows])
    assert done.stderr == ""
    predictor = load_predictor(version.files[MODEL_ONNX], version.manifest)
    expected = plain(predictor.predict(RowReader(version.manifest.schema).rows(rows).columns), version.manifest.classes)
    found = list(csv.reader(io.StringIO(done.stdout)))
    if kind == "classifier":
        assert [line.pop(0) for line in found] == [answer["label"] for answer in expected]
    numbers = [list(answer.get("probabilities", {"": answer.get("prediction")}).values()) for answer in expected]
    assert [list(map(float, line)) for line in found] == [pytest.approx(each, rel=1e-6, abs=1e-6) for each in numbers]


def given(program, release, text):
    return runtimes.run([str(program), str(release)], text)


def test_columns_may_stand_in_any_order_beside_others_and_be_quoted(program, release):
    plainly = given(program, release, f"{HEAD}\nDream,female,39.5,186,false\n").stdout
    other = 'note,heavy,flipper_length,bill_length,sex,island\r\n"a ""b"", c",false,186,39.5,"female","Dream"\r\n'
    assert given(program, release, other).stdout == plainly != ""
    assert given(program, release, other.rstrip()).stdout == plainly


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not even a head"),
        ("island\nDream\n", "no column sex"),
        (f"{HEAD}\nDream,female,39.5,186\n", "4 cells, and the head has 5"),
        (f"{HEAD}\nDream,female,long,186,false\n", "bill_length is 'long'"),
        (f"{HEAD}\nDream,female,1e999,186,false\n", "bill_length is '1e999'"),
        (f'{HEAD}\n"Dream,female,1,186,false\n', "quote"),
        (f'{HEAD}\n"Dream"x,female,1,186,false\n', "quote"),
        (f"{HEAD}\nDream\0,female,1,186,false\n", "zero byte"),
    ],
    ids=["nothing", "column", "cells", "text", "infinite", "open quote", "closed quote", "zero"],
)
def test_rows_that_cannot_be_used_are_told(text, words, program, release):
    done = given(program, release, text)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_what_is_no_model_is_told(program, release):
    (release / MODEL_ONNX).write_bytes(b"no model")
    done = given(program, release, HEAD)
    assert done.returncode == 1
    assert done.stderr.startswith("ONNX Runtime: ")


def test_a_wrong_use_is_told(program):
    assert runtimes.run([str(program)]).returncode == 2
