"""The recipes are as AWS documents them, and their scripts do on this machine what they say.

https://docs.aws.amazon.com/greengrass/v2/developerguide/component-recipe-reference.html
"""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.edge.releases import MODEL, first_trust, make

from . import devices

FOLDER = Path(__file__).parents[3] / "edge" / "carriers" / "greengrass"
AGENT, RELEASE = (FOLDER / name for name in ("agent.yaml", "release.yaml"))
TEXT = {"type": "string", "minLength": 1}
MOST_NAME, MOST_RECIPE = 128, 16 * 1024


def only(required, optional=None):
    """An object of these properties and no others."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


STEP = only(
    {"Script": TEXT},
    {"Timeout": {"type": "integer", "minimum": 1}, "RequiresPrivilege": {"type": "boolean"}, "Skipif": TEXT}
    | {"Setenv": {"type": "object", "additionalProperties": TEXT}},
)
STEPS = ("bootstrap", "install", "startup", "run", "shutdown", "recover")
LIFECYCLE = {**only({}, dict.fromkeys(STEPS, STEP)), "not": {"required": ["startup", "run"]}}
ARTIFACT = only(
    {"Uri": {"type": "string", "pattern": "^s3://"}},
    {
        "Unarchive": {"enum": ["NONE", "ZIP"]},
        "Permission": only({}, {name: {"enum": ["NONE", "OWNER", "ALL"]} for name in ("Read", "Execute")}),
    },
)
MANIFEST = only(
    {
        "Platform": only({"os": {"enum": ["linux", "darwin", "windows", "*"]}}, {"architecture": TEXT}),
        "Lifecycle": LIFECYCLE,
    },
    {"Name": TEXT, "Artifacts": {"type": "array", "items": ARTIFACT}, "Selections": {"type": "array"}},
)
DEPENDENCY = only({"VersionRequirement": TEXT}, {"DependencyType": {"enum": ["HARD", "SOFT"]}})
RECIPE = only(
    {
        "RecipeFormatVersion": {"const": "2020-01-25"},
        "ComponentName": {"type": "string", "pattern": r"^[a-zA-Z0-9-_.]+$", "maxLength": MOST_NAME},
        "ComponentVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "Manifests": {"type": "array", "items": MANIFEST, "minItems": 1},
    },
    {
        "ComponentDescription": TEXT,
        "ComponentPublisher": TEXT,
        "ComponentType": {"const": "aws.greengrass.generic"},
        "ComponentConfiguration": only({"DefaultConfiguration": {"type": "object"}}),
        "ComponentDependencies": {"type": "object", "additionalProperties": DEPENDENCY},
    },
)
OTHERS = {"work:path", "artifacts:decompressedPath", "artifacts:path", "iot:thingName"}
VARIABLE = re.compile(r"\{([A-Za-z][\w.]*:[\w:/.]+)\}")


def read(recipe):
    return yaml.safe_load(recipe.read_text())


@pytest.mark.parametrize("recipe", [AGENT, RELEASE], ids=lambda path: path.stem)
def test_a_recipe_is_as_documented(recipe):
    assert len(recipe.read_bytes()) <= MOST_RECIPE
    jsonschema.validate(read(recipe), RECIPE)


def scripts(recipe):
    (manifest,) = read(recipe)["Manifests"]
    return {name: step["Script"] for name, step in manifest["Lifecycle"].items()}


@pytest.mark.parametrize("recipe", [AGENT, RELEASE], ids=lambda path: path.stem)
def test_a_recipe_names_variables_that_there_are(recipe):
    told = read(recipe)
    for name in {name for script in scripts(recipe).values() for name in VARIABLE.findall(script)}:
        if name.startswith("configuration:/"):
            assert name.removeprefix("configuration:/") in told["ComponentConfiguration"]["DefaultConfiguration"]
        else:
            component = name.removesuffix(":work:path")
            assert name in OTHERS or component in told["ComponentDependencies"]


@pytest.fixture
def core(tmp_path):
    """A core device: the folders that the variables name, and an agent that was installed."""
    work = tmp_path / "work"
    (work / "venv" / "bin").mkdir(parents=True)
    devices.environment(tmp_path)
    (work / "venv" / "bin" / "python").symlink_to(tmp_path / "tools" / "python")
    return tmp_path


def filled(script, core, port):
    known = {
        "work:path": core / "work",
        "io.tidemill.edge:work:path": core / "work",
        "artifacts:decompressedPath": core / "artifacts",
        "configuration:/group": "coast",
        "configuration:/port": port,
    }
    return ["sh", "-c", VARIABLE.sub(lambda found: str(known[found[1]]), script)]


def bring(core, made):
    files = core / "artifacts" / "release"
    made.write(files / "release")
    (files / "trust.json").write_bytes(first_trust().data)


@pytest.mark.slow
def test_the_scripts_bring_a_release_and_the_next_one_while_it_answers(core):
    port = devices.free_port()
    environ = devices.environment(core, AWS_IOT_THING_NAME="pump-7")
    row, release = {"load": 3, "age": 1}, filled(scripts(RELEASE)["run"], core, port)
    with devices.running(filled(scripts(AGENT)["run"], core, port), environ) as agent:
        bring(core, make(1, 2.0))
        assert devices.run(release, environ).returncode == 0
        assert devices.answer(port, MODEL, row) == (f"{1:016x}", {"prediction": 7.0})
        bring(core, make(2, 3.0))
        assert devices.run(release, environ).returncode == 0
        while devices.answer(port, MODEL, row)[0] != f"{2:016x}":
            assert agent.poll() is None
        again = devices.run(release, environ)
        assert again.returncode == 0, again.stderr
        bring(core, make(3, 4.0, golden_weight=5.0))
        refused = devices.run(release, environ)
        assert (refused.returncode, "golden" in refused.stderr) == (1, True)
        assert devices.answer(port, MODEL, row) == (f"{2:016x}", {"prediction": 10.0})
    assert 'device = "pump-7"' in (core / "work" / "device" / "device.toml").read_text()
    assert 'group = "coast"' in (core / "work" / "device" / "device.toml").read_text()
