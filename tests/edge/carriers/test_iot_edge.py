"""The deployment is as Azure documents it, the image has what it starts, and its start does what it says.

https://learn.microsoft.com/azure/iot-edge/module-composition
https://learn.microsoft.com/azure/iot-edge/module-edgeagent-edgehub
"""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from edge.__main__ import ROOT
from tests.edge.releases import MODEL, first_trust, make

from . import devices

FOLDER = Path(__file__).parents[3] / "edge" / "carriers" / "iot-edge"
DEPLOYMENT = json.loads((FOLDER / "deployment.json").read_text())
START = FOLDER / "start.sh"
TEXT = {"type": "string", "minLength": 1}
MOST_OPTIONS = 8 * 512
"""A module twin's value has at most 512 bytes; longer options are to be cut into up to eight of them."""


def only(required, optional=None):
    """An object of these properties and no others."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


SETTINGS = only({"image": TEXT, "createOptions": {"type": "string", "maxLength": MOST_OPTIONS}})
POLICY = {"enum": ["never", "on-failure", "on-unhealthy", "always"]}
MODULE = only(
    {
        "type": {"const": "docker"},
        "status": {"enum": ["running", "stopped"]},
        "restartPolicy": POLICY,
        "settings": SETTINGS,
    },
    {
        "version": TEXT,
        "startupOrder": {"type": "integer", "minimum": 0},
        "imagePullPolicy": {"enum": ["never", "on-create"]},
        "env": {"type": "object", "additionalProperties": only({"value": TEXT})},
    },
)
AGENT = only(
    {
        "schemaVersion": {"const": "1.1"},
        "runtime": only(
            {"type": {"const": "docker"}, "settings": {"type": "object", "required": ["minDockerVersion"]}}
        ),
        "systemModules": only(
            {"edgeAgent": only({"type": {"const": "docker"}, "settings": SETTINGS}), "edgeHub": MODULE}
        ),
        "modules": {"type": "object", "additionalProperties": MODULE},
    }
)
HUB = only(
    {
        "schemaVersion": {"const": "1.1"},
        "routes": {"type": "object"},
        "storeAndForwardConfiguration": only({"timeToLiveSecs": {"type": "integer", "minimum": 0}}),
    }
)
MANIFEST = only(
    {
        "modulesContent": only(
            {"$edgeAgent": only({"properties.desired": AGENT}), "$edgeHub": only({"properties.desired": HUB})}
        )
    }
)


def module():
    return DEPLOYMENT["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["tidemill"]


def test_the_deployment_is_as_documented():
    jsonschema.validate(DEPLOYMENT, MANIFEST)


def test_the_module_keeps_its_folder_and_is_reached_on_the_loopback_interface():
    options = json.loads(module()["settings"]["createOptions"])
    assert options["HostConfig"]["NetworkMode"] == "host"
    (mount,) = options["HostConfig"]["Mounts"]
    assert (mount["Type"], mount["Target"]) == ("volume", str(ROOT))
    assert options["HostConfig"]["ReadonlyRootfs"]
    assert options["HostConfig"]["CapDrop"] == ["ALL"]


def test_what_the_deployment_sets_the_start_reads():
    assert all(f"${{{name}:-" in START.read_text() for name in module()["env"])


def test_the_image_has_what_it_starts_and_is_nobody_in_particular():
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    copied = {line.split()[-1] for line in lines if line.startswith("COPY ")}
    (started,) = (json.loads(line.removeprefix("CMD ")) for line in lines if line.startswith("CMD "))
    assert copied == {"/srv/release", "/srv/trust.json", *started}
    assert f"VOLUME {ROOT}" in lines
    assert lines.index("USER tidemill") < lines.index(f"VOLUME {ROOT}")
    assert not any(re.match(r"(ADD|.*curl|.*wget)", line) for line in lines)


@pytest.fixture
def image(tmp_path):
    """What is in /srv, and the volume."""
    files = tmp_path / "srv"
    make(1, 2.0).write(files / "release")
    (files / "trust.json").write_bytes(first_trust().data)
    return tmp_path


@pytest.mark.slow
def test_the_module_answers_from_its_image_and_later_from_its_volume(image):
    port, row = devices.free_port(), {"load": 3, "age": 1}
    places = {"TIDEMILL_ROOT": str(image / "volume"), "TIDEMILL_FILES": str(image / "srv"), "TIDEMILL_PORT": str(port)}
    environ = devices.environment(image, IOTEDGE_DEVICEID="pump-7", TIDEMILL_GROUP="coast", **places)
    with devices.running([str(START)], environ):
        assert devices.answer(port, MODEL, row) == (f"{1:016x}", {"prediction": 7.0})
    assert 'group = "coast"' in (image / "volume" / "device.toml").read_text()
    make(2, 3.0).write(image / "srv" / "release")
    with devices.running([str(START)], environ):
        assert devices.answer(port, MODEL, row) == (f"{2:016x}", {"prediction": 10.0})
    (image / "srv" / "release" / "model.onnx").write_bytes(b"damaged")
    with devices.running([str(START)], environ):
        assert devices.answer(port, MODEL, row) == (f"{2:016x}", {"prediction": 10.0})
