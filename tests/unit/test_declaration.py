"""The functions' declarations, and the rules that all of them keep."""

import pytest

from core.declaration import Trigger, declarations
from core.errors import BadInput
from core.spec import ModelSpec

IN_ORDER = [
    "ingest",
    "validate",
    "train_trigger",
    "train",
    "batch_inference",
    "realtime_inference",
    "drift_check",
    "report",
    "rollback",
    "alert",
]


def test_every_function_is_declared_in_the_order_in_which_data_flows():
    assert list(declarations()) == IN_ORDER


@pytest.mark.parametrize("name", IN_ORDER)
def test_no_function_writes_into_the_zone_whose_events_start_it(name):
    declared = declarations()[name]
    for trigger in declared.triggers:
        assert not {"create", "replace"} & set(declared.zones.get(trigger.zone, ()))


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_schedule_is_a_duration_of_the_spec(name):
    schedule = declarations()[name].schedule
    if schedule is not None:
        section, field = schedule.split(".")
        assert field in ModelSpec.model_fields[section].annotation.model_fields


@pytest.mark.parametrize(
    ("keys", "key", "fits"),
    [
        ("*/rows/**", "m/rows/a.csv", True),
        ("*/rows/**", "m/rows/2026/05/a.csv", True),
        ("*/rows/**", "m/labels/rows/a.csv", False),
        ("*/rows/**", "m/rows", False),
        ("*/*/manifest.json", "m/v/manifest.json", True),
        ("*/*/manifest.json", "m/v/x/manifest.json", False),
        ("*/*/manifest.json", "m/v/manifestxjson", False),
    ],
)
def test_patterns_know_the_parts_of_a_key(keys, key, fits):
    assert Trigger("landing", (keys,)).fits("landing", key) is fits
    assert not Trigger("landing", (keys,)).fits("models", key)


def test_an_unknown_zone_is_named(tmp_path):
    (tmp_path / "f").mkdir()
    text = 'description = "d"\norder = 1\nkind = "event"\nmemory = 1\ntimeout = 1\n[zones]\nlakes = ["read"]\n'
    (tmp_path / "f" / "function.toml").write_text(text)
    with pytest.raises(BadInput, match="function f names zone 'lakes'"):
        declarations(tmp_path)
