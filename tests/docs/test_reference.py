"""What the documentation lists is what there is: fields, keys, commands, variables, errors, paths."""

import inspect
import re
from datetime import timedelta

import pytest
import typer
from pydantic import BaseModel

from core import errors, layout, settings
from core.cli.main import app
from core.domain.duration import format_duration
from core.inference.endpoints import ENDPOINTS
from core.spec import (
    Alerts,
    Batch,
    Drift,
    Expectation,
    FeatureSpec,
    Gates,
    Kpi,
    ModelSpec,
    Performance,
    RollbackWhen,
    RowCheck,
    Split,
    Traffic,
    TrainWhen,
)

from .markdown import ROOT, fits, rows, sections

DOCS = ROOT / "docs"
SPEC_SECTIONS = {
    "The model": ModelSpec,
    "`features`": FeatureSpec,
    "`checks`": RowCheck,
    "`expectations`": Expectation,
    "`split`": Split,
    "`gates`": Gates,
    "`train_when`": TrainWhen,
    "`rollback_when`": RollbackWhen,
    "`alerts`": Alerts,
    "`drift`": Drift,
    "`batch`": Batch,
    "`traffic`": Traffic,
    "`performance`": Performance,
    "`kpi`": Kpi,
}


def default_of(field):
    """As the documentation writes it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "below"
    if value in (None, (), {}):
        return "none"
    plain = format_duration(value) if isinstance(value, timedelta) else value
    return f"`{str(plain).lower() if isinstance(plain, bool) else plain}`"


def test_every_kind_of_field_has_a_section():
    assert list(sections(DOCS / "spec.md")) == list(SPEC_SECTIONS)


@pytest.mark.parametrize("heading", SPEC_SECTIONS)
def test_every_field_of_a_spec_is_told_with_its_default(heading):
    told = {}
    for names, default, what in rows(sections(DOCS / "spec.md")[heading]):
        assert what
        told |= dict.fromkeys(re.findall(r"`(\w+)`", names), default)
    expected = {name: default_of(field) for name, field in SPEC_SECTIONS[heading].model_fields.items()}
    told |= {name: default for name, default in expected.items() if (heading, name) == ("`gates`", "metric")}
    assert told == expected


def keys_of_the_layout():
    """Every key and prefix that the layout makes, with <names> for what varies."""
    for name, function in inspect.getmembers(layout, inspect.isfunction):
        parameters = list(inspect.signature(function).parameters)
        if parameters[0] != "model":
            continue
        values = {parameter: f"zz{parameter.replace('_', '-')}zz" for parameter in parameters} | {
            "drop": "rows",
            "number": 0,
            "piece": 0,
        }
        key = function(**{parameter: values[parameter] for parameter in parameters})
        key = re.sub(r"zz([a-z-]+)zz", lambda match: f"<{match[1].replace('-', '_')}>", key)
        yield name, key.replace("0000000000", "0000000001")


@pytest.mark.parametrize(("name", "key"), list(keys_of_the_layout()))
def test_every_key_is_told(name, key):
    assert f"`{key}" in (DOCS / "storage.md").read_text("utf-8")


def test_every_zone_is_told():
    told = {row[0].strip("`") for row in rows((DOCS / "storage.md").read_text("utf-8"))}
    assert told == set(layout.ZONES)


def commands(group=None, path="tidemill"):
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands())


def test_every_command_is_told_and_every_command_told_is_there():
    told = [heading for heading in sections(DOCS / "cli.md") if heading != "Environment"]
    assert sorted(told) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_told(name):
    text = sections(DOCS / "cli.md")[name]
    everywhere = (DOCS / "cli.md").read_text("utf-8").split("\n## ")[0]
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert re.search(rf"{option}\b", text + everywhere), f"{name} {option}"
        if not parameter.opts[0].startswith("-"):
            shown = (parameter.metavar or parameter.name).split("|")[0]
            assert re.search(rf"\b{shown}\b", text, re.IGNORECASE), f"{name} {shown}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_and_takes_json(name):
    command = COMMANDS[name]
    assert f"Example: {name}" in command.help
    assert "--json" in [option for parameter in command.params for option in parameter.opts]


def test_every_variable_is_told():
    read = set(re.findall(r"\"(TIDEMILL_\w+)\"", inspect.getsource(settings)))
    told = {row[0].strip("`") for row in rows(sections(DOCS / "cli.md")["Environment"])}
    assert read
    assert told == read


def test_the_tree_of_errors_is_the_one_in_the_code():
    tree = errors.__doc__.split("TidemillError\n")[1].split("\n\n")[0]
    assert fits(tree, (DOCS / "architecture.md").read_text("utf-8"))
    for name, error in inspect.getmembers(errors, lambda item: inspect.isclass(item) and issubclass(item, Exception)):
        status = f" {error.status.value} " if error not in (errors.TidemillError, errors.Permanent) else ""
        assert re.search(rf"\b{name}\b.*{status}", errors.__doc__), name


def test_every_path_of_the_endpoint_is_told():
    text = (DOCS / "http.md").read_text("utf-8")
    for endpoint in ENDPOINTS:
        path = endpoint.template.replace("{model}", "flights-delay")
        if "{version}" not in path:
            assert re.search(rf"{re.escape(path)}(?![\w/:])", text), path


def test_every_failure_of_the_endpoint_is_told():
    told = {int(row[0]) for row in rows(sections(DOCS / "http.md")["Errors"])}
    assert {status.value for endpoint in ENDPOINTS for status in endpoint.operation.failures} <= told


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")], ids=lambda path: path.name
)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_every_decision_is_numbered_once_and_has_a_status():
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert len({page.name[:4] for page in pages}) == len(pages)
    for page in pages:
        text = page.read_text("utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert "Status: " in text, page.name
