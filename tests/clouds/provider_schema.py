"""The schemas of Terraform's providers, read from the wheels of their CDK bindings: nothing of them is installed.

Each wheel carries a jsii assembly, in which every resource and every block is a type whose properties name the argument
they stand for: https://aws.github.io/jsii/specification/2-type-system/
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "providers.txt"
WHEELS = ROOT / "build" / "providers"

_OF = re.compile(r"docs/(resources|data-sources)/\w+ (\w+)\}")
_ARGUMENT = re.compile(r"#(\w+) ")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument or block: `block` names the type of what is in it, `kind` is string, number, boolean or empty."""

    required: bool
    kind: str
    block: str | None


@dataclass(frozen=True, slots=True)
class Provider:
    """What one provider takes: (resource or data, type name) -> the name of its type, whose arguments `types` has."""

    roots: Mapping[tuple[str, str], str]
    types: Mapping[str, Mapping[str, Any]]

    def arguments(self, name: str) -> dict[str, Argument]:
        """The arguments of a type, its bases' included, by their names in HCL."""
        described = self.types[name]
        found: dict[str, Argument] = {}
        for each in described.get("properties", ()):
            docs = each.get("docs", {})
            anchor = _ARGUMENT.search(f"{docs.get('remarks', '')} {docs.get('summary', '')}")
            if anchor:
                found[anchor.group(1)] = Argument(not each.get("optional"), *_kind(each["type"], self.types))
        return found


@cache
def provider(name: str) -> Provider:
    """The provider of that name, such as google."""
    types = _assembly(wheel(f"cdktn_provider_{name}"))["types"]
    return Provider(dict(_roots(types)), types)


@cache
def discovery(name: str) -> Mapping[str, Any]:
    """Google's discovery document of an API, such as run.v2: https://developers.google.com/discovery/v1/reference/apis"""
    with zipfile.ZipFile(wheel("google_api_python_client")) as files:
        found: Mapping[str, Any] = json.loads(files.read(f"googleapiclient/discovery_cache/documents/{name}.json"))
        return found


def json_schema(api: str, name: str) -> dict[str, Any]:
    """The JSON Schema of a message of an API, which takes nothing that is not documented."""
    definitions = {key: _closed(told) for key, told in discovery(api)["schemas"].items()}
    return {"$ref": f"#/definitions/{name}", "definitions": definitions}


def _closed(told: Any) -> Any:
    """A schema as discovery documents write it, as JSON Schema writes it."""
    if "$ref" in told:
        return {"$ref": f"#/definitions/{told['$ref']}"}
    found = {name: told[name] for name in ("type", "enum", "pattern") if name in told and told[name] != "any"}
    if "items" in told:
        found["items"] = _closed(told["items"])
    if "properties" in told:
        found["properties"] = {name: _closed(each) for name, each in told["properties"].items()}
        found["additionalProperties"] = False
    elif "additionalProperties" in told:
        found["additionalProperties"] = _closed(told["additionalProperties"])
    return found


def wheel(name: str) -> Path:
    """A wheel of the group `providers`, downloaded once, as it is locked."""
    (found,) = list(WHEELS.glob(f"{name}-*.whl")) or _downloaded(name)
    return found


def _downloaded(name: str) -> list[Path]:
    pinned = re.search(rf"^{name.replace('_', '-')}==.*?(?=^\S|\Z)", LOCK.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert pinned, f"{LOCK} does not pin {name}; run `make lock`"
    WHEELS.mkdir(parents=True, exist_ok=True)
    one = WHEELS / f"{name}.txt"
    one.write_text(pinned.group(), "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--require-hashes", "--requirement", str(one), "--dest", str(WHEELS)], check=True)
    return list(WHEELS.glob(f"{name}-*.whl"))


def _assembly(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as outer:
        (name,) = [each for each in outer.namelist() if each.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(name)), mode="r:gz") as inner:
            file = inner.extractfile("package/.jsii")
            assert file is not None
            found: dict[str, Any] = json.load(file)
            return found


def _roots(types: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], str]]:
    for name, described in types.items():
        told = _OF.search(described.get("docs", {}).get("summary", "")) if described["kind"] == "class" else None
        if told and f"{name}Config" in types:
            yield ("resource" if told.group(1) == "resources" else "data", told.group(2)), f"{name}Config"


def _kind(told: Mapping[str, Any], types: Mapping[str, Any]) -> tuple[str, str | None]:
    """(the primitive kind, the block's type) of a property; a list of blocks is a block that comes several times."""
    options = told.get("union", {}).get("types", [told])
    for option in options:
        element = option.get("collection", {}).get("elementtype", option)
        for each in element.get("union", {}).get("types", [element]):
            if each.get("fqn") in types:
                return "", each["fqn"]
        if "primitive" in option:
            return option["primitive"], None
    return "", None
