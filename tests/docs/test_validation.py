"""What docs/validation.md shows is right: its rules and queries fit their columns, and its function runs."""

import re

import pyarrow as pa
import pytest
import yaml

from core.spec import ModelSpec
from core.usecases.expectations import mistakes
from core.usercode import user_function

from .markdown import ROOT

TEXT = (ROOT / "docs" / "validation.md").read_text("utf-8")
NUMBERS, TEXTS = ("departure", "arrival", "age", "flight"), ("origin", "carrier", "day")
COLUMNS = {
    "model": "m",
    "task": "binary",
    "target": "late",
    "features": [
        *({"name": name, "type": "number"} for name in NUMBERS),
        *({"name": name, "type": "category"} for name in TEXTS),
        {"name": "retired", "type": "boolean"},
    ],
}


def fences(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    (source,) = fences("python")
    (tmp_path / "airports.py").write_text(source)
    return tmp_path


def test_every_example_of_a_spec_is_without_mistakes(folder):
    examples = fences("yaml")
    assert len(examples) == 3
    for example in examples:
        spec = ModelSpec.model_validate({**COLUMNS, **yaml.safe_load(example)})
        assert list(mistakes(spec, lambda name: user_function(name, folder))) == []


def test_the_function_finds_what_it_says(folder):
    batches = iter([pa.record_batch({"origin": ["EWR", "XXX"]}), pa.record_batch({"origin": ["JFK"]})])
    assert list(user_function("airports:unknown", folder)(batches)) == [{"origin": "XXX"}]
