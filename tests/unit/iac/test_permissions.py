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
from iac.aws.permissions import BUCKET_ACTIONS, OBJECT_ACTIONS, STARTS, role_id
from iac.render import RENDERED, rendered, stale

ROOT = Path(__file__).parents[3]
NAMES = list(declarations())
VERBS = {ports.Reads: "read", ports.Lists: "list", ports.Creates: "create", ports.Replaces: "replace"}
RUNNERS = ("lambda", "ecs", "batch", "sagemaker")


def from_file(name: str) -> Any:
    return json.loads((RENDERED / "aws" / f"{name}.json").read_text("utf-8"))


JOBS = {runner: from_file(f"jobs-{runner}") for runner in RUNNERS}
RESOURCES = from_file("resources")["Resources"]
ROLES = {
    **{(name, "lambda"): RESOURCES[role_id(name)] for name in NAMES if role_id(name) in RESOURCES},
    **{("train", runner): JOBS[runner]["resources"]["Resources"][role_id("train")] for runner in RUNNERS},
}


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
            zones = {place: zone for place, argument in arguments_of(node) if (zone := zone_of(argument, named))}
            for zone, verbs in verbs_of_parameters(vars(module).get(node.func.id), zones):
                found.setdefault(zone, set()).update(verbs)
    return found


def arguments_of(call: ast.Call) -> Iterator[tuple[int | str, ast.expr]]:
    """The arguments with their position or name; those of a starred tuple each for itself."""
    given: list[ast.expr] = []
    for argument in call.args:
        if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Tuple):
            given.extend(argument.value.elts)
        else:
            given.append(argument)
    yield from enumerate(given)
    yield from ((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)


def zone_of(node: ast.expr, named: dict[str, str]) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(attr="store"), args=[ast.Constant(value=str(zone))]):
            return zone
        case ast.Lambda(body=body):
            return zone_of(body, named)
        case ast.Name(id=name):
            return named.get(name)
    return None


def verbs_of_parameters(called: Any, zones: dict[int | str, str]) -> Iterator[tuple[str, set[str]]]:
    if zones:
        parameters = inspect.signature(called).parameters
        by_place: dict[int | str, inspect.Parameter] = {**dict(enumerate(parameters.values())), **parameters}
        for place, zone in zones.items():
            yield zone, verbs_of(by_place[place].annotation, vars(inspect.getmodule(called)))


def verbs_of(annotation: str, scope: dict[str, Any]) -> set[str]:
    """The verbs of the one Protocol that an annotation names: a zone, or what opens it."""
    names = [node.id for node in ast.walk(ast.parse(annotation)) if isinstance(node, ast.Name)]
    bases = {base for name in names if inspect.isclass(scope.get(name)) for base in inspect.getmro(scope[name])}
    return {verb for base, verb in VERBS.items() if base in bases}


def granted(role: Any) -> dict[str, set[str]]:
    """zone -> actions of a rendered role, on its bucket or on the objects in it."""
    found: dict[str, set[str]] = {}
    buckets = {f"{zone.capitalize()}Bucket": zone for zone in ZONES}
    for policy in [each for each in role["Properties"]["Policies"] if "Fn::If" not in each]:
        for statement in policy["PolicyDocument"]["Statement"] if policy["PolicyName"] == "declared" else []:
            for bucket, zone in buckets.items():
                if f'"{bucket}"' in json.dumps(statement["Resource"]):
                    found.setdefault(zone, set()).update(statement["Action"])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_types_of_the_use_case_are_what_is_declared(name: str) -> None:
    assert zones_by_type(name) == {zone: set(verbs) for zone, verbs in declarations()[name].zones.items()}


@pytest.mark.parametrize(("name", "runner"), list(ROLES))
def test_what_is_declared_is_what_is_granted_wherever_it_runs(name: str, runner: str) -> None:
    expected = {
        zone: {actions[verb] for verb in verbs for actions in (OBJECT_ACTIONS, BUCKET_ACTIONS) if verb in actions}
        for zone, verbs in declarations()[name].zones.items()
    }
    assert granted(ROLES[name, runner]) == expected


def test_every_function_has_a_role() -> None:
    assert {name for name, _ in ROLES} == set(NAMES)


def test_only_what_publishes_may_tell_the_topic_of_alerts_and_knows_it() -> None:
    tells = [name for name, role in ROLES if role == "lambda" and "sns:Publish" in json.dumps(ROLES[name, role])]
    assert tells == [name for name, declared in declarations().items() if declared.publishes] == ["alert"]
    functions = json.loads((RENDERED / "aws" / "functions.json").read_text("utf-8"))
    knows = [key for key, function in functions.items() if "TIDEMILL_ALERTS" in function["environment"]]
    assert knows == ["alert"]


@pytest.mark.parametrize("runner", RUNNERS)
def test_only_what_starts_a_job_may_start_one(runner: str) -> None:
    starts = [name for name, role in ROLES if role == "lambda" and STARTS in json.dumps(ROLES[name, role])]
    assert starts == [name for name, declared in declarations().items() if declared.starts] == ["train_trigger"]
    actions = {
        "lambda": ["lambda:InvokeFunction"],
        "ecs": ["ecs:RunTask", "iam:PassRole"],
        "batch": ["batch:SubmitJob", "batch:ListJobs"],
        "sagemaker": ["sagemaker:CreateTrainingJob", "iam:PassRole"],
    }
    assert [action for statement in JOBS[runner]["start"] for action in statement["Action"]] == actions[runner]


def test_what_is_rendered_is_not_stale() -> None:
    specs = map(read_spec, spec_files(ROOT / "models"))
    assert stale(rendered(declarations().values(), specs)) == []


def test_a_stale_file_is_named(tmp_path: Path) -> None:
    files = {"aws/a.json": "1", "aws/b.json": "2"}
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws" / "a.json").write_text("0")
    (tmp_path / "aws" / "c.json").write_text("3")
    assert stale(files, tmp_path) == ["aws/a.json", "aws/b.json", "aws/c.json"]
