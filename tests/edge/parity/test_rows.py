"""The page and Node.js accept the rows that the cloud accepts, read them as it does, and refuse all others."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput
from core.inference.rows import RowReader
from tests import penguins
from tests.servers.programs import NODE

READER = Path(__file__).parent / "rows.mjs"
POOL = (
    *(None, True, False, 0, 1, -1, 39.5, 100, 186, 186.0, 186.5, 1e9, 1e300, 2**53, 2**63, -(2**63), 2**70),
    *("", "Dream", "dream", "Biscoe", "female", "<null>", "nan", "1", "true", " ü€😀", [], [1], {}, {"a": 1}),
)
GOOD = {
    "island": ("Dream", "Biscoe"),
    "sex": (None, "", "unseen", "nan", " ü€😀", "<null>"),
    "bill_length": (None, 0, 100, 39.1, 1e-300, 7),
    "flipper_length": (100, 300.0, 186),
    "heavy": (None, True, False),
}
BESIDE = {"tag": "a7", "seen": "2026-11-24T12:00:00Z", "colony": "north", "observer": {"any": "thing"}}
STRANGE = ({"species": "Adelie"}, {"wings": 2}, {"__proto__": 1}, {"constructor": None}, {"Island": "Dream"})


def candidates():
    """Good rows with one or two values exchanged or left out, and rows with more fields than they should have."""
    random = np.random.default_rng(8)
    yield from ([], 7, None, "row", {}, penguins.ROW)
    yield from ({**penguins.ROW, name: value} for name in penguins.ROW for value in POOL)
    yield from ({key: value for key, value in penguins.ROW.items() if key != name} for name in penguins.ROW)
    yield from ({**penguins.ROW, **fields} for fields in (BESIDE, *STRANGE))
    for _ in range(200):
        row = dict(penguins.ROW)
        for name in random.choice(list(row), 2, replace=False):
            row[name] = POOL[random.integers(len(POOL))]
        yield row
        yield {name: values[random.integers(len(values))] for name, values in GOOD.items()}


def read(schema, rows):
    given = "\n".join(map(json.dumps, [schema.to_json(), *rows]))
    done = subprocess.run([str(NODE), str(READER)], input=given, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("undeclared", ["refuse", "drop"])
def test_rows_are_read_as_in_the_cloud(undeclared):
    schema = penguins.schema(undeclared=undeclared)
    reader, rows = RowReader(schema), list(candidates())
    expected = [read_in_the_cloud(reader, row) for row in rows]
    for row, wanted, found in zip(rows, expected, read(schema, rows), strict=True):
        assert found.get("columns") == wanted.get("columns"), row
        assert wanted.get("refused", "") in found.get("refused", ""), row
    refused = sum("refused" in wanted for wanted in expected)
    assert 100 < refused < len(rows) - 100


def read_in_the_cloud(reader, row):
    try:
        columns = reader.rows([row]).columns
    except BadInput as error:
        return {"refused": about(str(error))}
    return {"columns": {name: plain(values) for name, values in columns.items()}}


def about(sentence):
    """What a refusal names: a field, or the row."""
    return f"field '{sentence.split(chr(39))[1]}'" if sentence.startswith("field") else "row 0"


def plain(values):
    value = values.item()
    return None if value != value else value  # noqa: PLR0124 - NaN alone is not itself
