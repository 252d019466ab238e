"""The manifest of a dataset, and the schema inside: read as written, and refused when they cannot be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.dataset import FORMAT, DatasetManifest, Part, Source
from core.domain.schema import Feature, Schema
from core.errors import Corrupt

names = st.text(min_size=1, max_size=8)
bounds = st.none() | st.floats(allow_nan=False, allow_infinity=False)
features = st.builds(
    Feature,
    names,
    st.sampled_from(["number", "integer", "category", "boolean"]),
    st.booleans(),
    bounds,
    bounds,
    st.none() | st.lists(names, max_size=3).map(tuple),
)
schemas = st.builds(
    Schema,
    names,
    st.sampled_from(["binary", "multiclass", "regression"]),
    names,
    st.lists(features, max_size=3).map(tuple),
    st.none() | names,
    st.none() | names,
    st.lists(names, max_size=2).map(tuple),
    st.lists(names, max_size=2).map(tuple),
    st.sampled_from(["refuse", "drop"]),
)
counts = st.integers(min_value=0, max_value=10**12)
manifests = st.builds(
    DatasetManifest,
    names,
    names,
    st.sampled_from(["rows", "labels"]),
    st.builds(Source, names, names, names),
    schemas,
    counts,
    counts,
    st.lists(st.builds(Part, counts, names), max_size=3).map(tuple),
    names,
)

MANIFEST = DatasetManifest(
    model="m",
    version="v",
    kind="rows",
    source=Source("m/rows/a.csv", "1", "ab"),
    schema=Schema("m", "binary", "y", (Feature("x", "number"),)),
    rows=2,
    rejected=0,
    parts=(Part(2, "cd"),),
    code="0.1.0+0",
)


@given(manifests)
def test_a_manifest_reads_as_it_was_written(manifest):
    assert DatasetManifest.decode(manifest.encode()) == manifest
    assert manifest.encode() == DatasetManifest.decode(manifest.encode()).encode()


def test_a_newer_format_is_refused_with_its_mend():
    newer = json.dumps(json.loads(MANIFEST.encode()) | {"format": FORMAT + 1, "colour": "red"}).encode()
    with pytest.raises(Corrupt, match=r"format 2, beyond 1.*update Tidemill"):
        DatasetManifest.decode(newer)


@pytest.mark.parametrize("missing", ["format", "schema", "source", "parts", "rows", "version"])
def test_a_manifest_that_lacks_a_field_is_corrupt(missing):
    fields = json.loads(MANIFEST.encode())
    del fields[missing]
    with pytest.raises(Corrupt, match="cannot be read"):
        DatasetManifest.decode(json.dumps(fields).encode())


@pytest.mark.parametrize("missing", ["model", "task", "target", "features"])
def test_a_schema_that_lacks_a_field_is_corrupt(missing):
    fields = json.loads(MANIFEST.encode())
    del fields["schema"][missing]
    with pytest.raises(Corrupt, match="cannot be read"):
        DatasetManifest.decode(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"7", b"{", b"\xff", b'{"format": "1"}', b'{"format": 1}', MANIFEST.encode()[:-1]]
)
def test_what_is_no_manifest_is_corrupt(data):
    with pytest.raises(Corrupt, match="cannot be read"):
        DatasetManifest.decode(data)


def test_a_schema_ignores_what_a_newer_version_added():
    assert Schema.from_json(MANIFEST.schema.to_json() | {"colour": "red"}) == MANIFEST.schema
