"""Keys: no name that a user chooses leads out of its folder, and what is written is found again."""

import inspect
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core import layout
from core.adapters.keys import check_key
from core.errors import BadInput

model_names = st.from_regex(layout.MODEL_NAME, fullmatch=True)
file_names = st.text(min_size=1, max_size=40)


@given(model=model_names, drop=st.sampled_from(layout.DROPS), name=file_names)
def test_a_landing_key_is_read_back_or_refused(model, drop, name):
    try:
        key = layout.landing(model, drop, name)
    except BadInput:
        assert name.startswith("/") or "\0" in name or {"", ".", ".."} & set(name.split("/"))
    else:
        assert layout.parse_landing(key) == (model, drop, name)


@given(key=st.text(max_size=40))
def test_a_key_that_parses_stays_in_its_folder(key):
    try:
        model, drop, name = layout.parse_landing(key)
    except BadInput:
        return
    assert key == f"{model}/{drop}/{name}"
    assert ".." not in name.split("/")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", "a//b", ".", "a\0b", "a/", "./a"])
def test_a_name_that_climbs_out_is_refused(name):
    with pytest.raises(BadInput, match="relative path"):
        layout.landing("m", "rows", name)


@pytest.mark.parametrize("name", ["May (1).csv", "données/été 2026.csv", "a+b%20c.csv", "日本.csv", "..csv", "\\x"])
def test_a_name_with_spaces_and_unicode_is_kept(name):
    assert layout.parse_landing(layout.landing("m", "rows", name)) == ("m", "rows", name)


@pytest.mark.parametrize("name", ["", "A", "a_b", "a/b", "..", "a" * 64, "é", "a\n", "a.b"])
def test_a_model_name_that_cannot_be_is_refused(name):
    with pytest.raises(BadInput, match="model name"):
        layout.check_model_name(name)


@pytest.mark.parametrize("key", ["m", "m/rows", "m/rows/", "m/other/x.csv", "rows/x.csv", "M/rows/x.csv", ""])
def test_a_key_that_is_no_landing_key_is_refused(key):
    with pytest.raises(BadInput):
        layout.parse_landing(key)


@given(key=st.text(max_size=60), version=st.text(max_size=20))
def test_a_source_id_is_one_safe_part_of_a_key(key, version):
    found = layout.source_id(key, version)
    assert re.fullmatch(r"[A-Za-z0-9._-]{12,73}", found)
    assert check_key(found) == found
    assert layout.source_id(key, version) == found


@given(one=st.tuples(st.text(), st.text()), other=st.tuples(st.text(), st.text()))
def test_different_versions_have_different_source_ids(one, other):
    assume(one != other)
    assume("\n" not in one[0] + other[0])  # no key has a line break
    assert layout.source_id(*one) != layout.source_id(*other)


@given(st.lists(st.integers(min_value=1, max_value=10**10 - 1), min_size=2, unique=True))
def test_numbered_keys_sort_in_their_order(numbers):
    keys = [layout.journal_entry("m", number) for number in sorted(numbers)]
    assert keys == sorted(keys)


def test_every_key_is_one_that_any_store_can_hold():
    """Each function of the layout, called with plausible arguments, gives a key of its model, or a prefix."""
    arguments = {"model": "m", "drop": "rows", "number": 3, "piece": 2, "day": "2026-11-24"}
    for name, function in inspect.getmembers(layout, inspect.isfunction):
        parameters = inspect.signature(function).parameters
        if next(iter(parameters)) != "model":
            continue
        key = function(**{parameter: arguments.get(parameter, "part-1.x") for parameter in parameters})
        assert key.removeprefix(layout.EDGE_TELEMETRY).startswith("m/"), name
        assert check_key(key.rstrip("/")), name


names = st.from_regex(layout.DEVICE_NAME, fullmatch=True)


@given(model=model_names, group=names, device=names, segment=names)
def test_a_telemetry_key_is_read_back(model, group, device, segment):
    key = layout.edge_telemetry(model, group, device, segment)
    assert layout.parse_edge_telemetry(key) == (model, group, device, segment)


@given(key=st.text(max_size=40).map(lambda text: f"telemetry/{text}.jsonl.gz") | st.text(max_size=40))
def test_a_telemetry_key_that_parses_stays_in_its_folder(key):
    try:
        parts = layout.parse_edge_telemetry(key)
    except BadInput:
        return
    assert layout.edge_telemetry(*parts) == key
    assert not {"", ".", ".."} & set(parts)


@given(number=st.integers(1, 10**10 - 1))
def test_numbers_of_the_edge_zone_are_read_back(number):
    keys = [make("m", number) for make in (layout.edge_sequence, layout.edge_rollout, layout.edge_trust)]
    assert [layout.edge_number(key) for key in keys] == [number] * 3


def test_a_release_is_told_from_what_else_is_released():
    assert layout.release_of("m/0000000001-0f3a5c2e9b1d/manifest.json") == "0000000001-0f3a5c2e9b1d"
    for key in ("m/0000000001-0f3a5c2e9b1d/model.onnx", "m/trust/manifest.json", "m/trust/0000000001.json"):
        assert layout.release_of(key) is None
