"""Least privilege: the verbs in the use cases' types, the declarations and the rendered grants say the same."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import ports
from core.declaration import declarations
from core.layout import ZONES
from core.specfile import read_spec, spec_files
from iac.aws.permissions import BUCKET_ACTIONS, OBJECT_ACTIONS, role_id, statements
from iac.render import RENDERED, rendered, stale

ROOT = Path(__file__).parents[3]
NAMES = list(declarations())
VERBS = {ports.Reads: "read", ports.Lists: "list", ports.Creates: "create", ports.Replaces: "replace"}
RESOURCES = json.loads((RENDERED / "aws" / "resources.json").read_text("utf-8"))["Resources"]


def zones_by_type(name: str) -> dict[str, set[str]]:
    """zone -> verbs, from the calls in a function's handler of use cases whose parameters are Protocols."""
    module = importlib.import_module(f"functions.{name}.handler")
    tree = ast.parse(inspect.getsource(module))
    named = {
        target.id: zone
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and (zone := zone_of(node.value, {}))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            zones = [zone_of(argument, named) for argument in arguments_of(node)]
            for zone, verbs in verbs_of_parameters(module, node.func.id, zones):
                found.setdefault(zone, set()).update(verbs)
    return found


def arguments_of(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments by position; those of a starred tuple each for itself."""
    for argument in call.args:
        if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Tuple):
            yield from argument.value.elts
        else:
            yield argument


def zone_of(node: ast.expr, named: dict[str, str]) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(attr="store"), args=[ast.Constant(value=str(zone))]):
            return zone
        case ast.Name(id=name):
            return named.get(name)
    return None


def verbs_of_parameters(module: Any, name: str, zones: list[str | None]) -> Iterator[tuple[str, set[str]]]:
    if any(zones):
        called = getattr(module, name)
        scope = vars(inspect.getmodule(called))
        for zone, parameter in zip(zones, inspect.signature(called).parameters.values(), strict=False):
            if zone:
                yield zone, verbs_of(scope[parameter.annotation])


def verbs_of(protocol: Any) -> set[str]:
    return {verb for base, verb in VERBS.items() if base in inspect.getmro(protocol)}


def granted(name: str) -> dict[str, set[str]]:
    """zone -> actions of the rendered role, on its bucket or on the objects in it."""
    found: dict[str, set[str]] = {}
    buckets = {f"{zone.capitalize()}Bucket": zone for zone in ZONES}
    (policy,) = RESOURCES[role_id(name)]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        for bucket, zone in buckets.items():
            if f'"{bucket}"' in json.dumps(statement["Resource"]):
                found.setdefault(zone, set()).update(statement["Action"])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_types_of_the_use_case_are_what_is_declared(name: str) -> None:
    assert zones_by_type(name) == {zone: set(verbs) for zone, verbs in declarations()[name].zones.items()}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_declared_is_what_is_granted(name: str) -> None:
    expected = {
        zone: {actions[verb] for verb in verbs for actions in (OBJECT_ACTIONS, BUCKET_ACTIONS) if verb in actions}
        for zone, verbs in declarations()[name].zones.items()
    }
    assert granted(name) == expected


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_has_a_name_is_granted_by_a_star(name: str) -> None:
    for statement in statements(declarations()[name]):
        assert not [action for action in statement["Action"] if "*" in action]
        (resource,) = statement["Resource"]
        text = json.dumps(resource)
        if "*" in text:  # objects of a bucket, streams of a log group: neither is known beforehand
            assert text.endswith(('"/*"]]}', ':*"}')), text


def test_only_what_starts_a_job_may_call_a_function() -> None:
    callers = [name for name in NAMES if "lambda:InvokeFunction" in json.dumps(list(statements(declarations()[name])))]
    assert callers == ["train_trigger"]


def test_what_is_rendered_is_not_stale() -> None:
    specs = map(read_spec, spec_files(ROOT / "models"))
    assert stale(rendered(declarations().values(), specs)) == []


def test_a_stale_file_is_named(tmp_path: Path) -> None:
    files = {"aws/a.json": "1", "aws/b.json": "2"}
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws" / "a.json").write_text("0")
    (tmp_path / "aws" / "c.json").write_text("3")
    assert stale(files, tmp_path) == ["aws/a.json", "aws/b.json", "aws/c.json"]
