"""The template that osls makes of serverless.yml, for any stage and parameters; it takes no cloud and no archives."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.declaration import declarations
from localstack.cloud import NODE, OSLS, ROOT

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/tidemill@sha256:" + "0" * 64
TEMPLATE = "cloudformation-template-update-stack.json"


def packaged(folder: Path, stage: str, region: str, parameters: Mapping[str, str]) -> Path:
    """Where osls put the template. The archives are empty: it only looks at their hashes."""
    archives = folder / "archives"
    archives.mkdir(parents=True)
    for name in declarations():
        (archives / f"{name}.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    given = {"image": IMAGE, "packages": str(archives), **parameters}
    command = [str(NODE), str(OSLS), "package", "--stage", stage, "--region", region, "--package", str(folder / "out")]
    command += [f"--param={name}={value}" for name, value in given.items()]
    environ = {"PATH": os.defpath, "HOME": str(folder), "SLS_TELEMETRY_DISABLED": "1", "NODE_NO_WARNINGS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out" / TEMPLATE


def resolved(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template as CloudFormation sees it once the conditions are decided: all of ours compare plain texts."""
    holds = {name: _holds(test) for name, test in template.get("Conditions", {}).items()}
    resources = {
        name: {part: each for part, each in resource.items() if part != "Condition"}
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or holds[resource["Condition"]]
    }
    whole = {name: part for name, part in template.items() if name != "Conditions"} | {"Resources": resources}
    decided: dict[str, Any] = _decided(whole, holds)
    return decided


def _holds(test: Mapping[str, Any]) -> bool:
    if "Fn::Not" in test:
        return not _holds(test["Fn::Not"][0])
    left, right = test["Fn::Equals"]
    return bool(left == right)


NOTHING = {"Ref": "AWS::NoValue"}


def _decided(value: Any, holds: Mapping[str, bool]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Fn::If"}:
            condition, then, otherwise = value["Fn::If"]
            return _decided(then if holds[condition] else otherwise, holds)
        found = {name: _decided(each, holds) for name, each in value.items()}
        return {name: each for name, each in found.items() if each != NOTHING}
    if isinstance(value, list):
        return [each for each in (_decided(each, holds) for each in value) if each != NOTHING]
    return value


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text("utf-8"))
