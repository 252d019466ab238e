"""What is wrong with Terraform files, by the providers' own schemas. `terraform init` needs a registry; this does not.

Checked: types of resources, names of arguments and blocks, what is required, literals of the wrong kind, and references
to what is not there. Not checked: values that only the provider's own code or the cloud would refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2

from .provider_schema import Argument, provider

META = {"for_each", "count", "depends_on", "lifecycle", "provider", "__is_block__", "__comments__"}
KINDS: Mapping[str, type | tuple[type, ...]] = {"string": str, "number": (int, float), "boolean": bool}
_REFERENCE = re.compile(r"\b(data\.)?((?:google|azurerm|kubernetes)_\w+)\.(\w+)")
_NAMED = re.compile(r"\b(var|local)\.(\w+)")


def mistakes(folder: Path) -> list[str]:
    """Everything that is wrong in a folder of .tf files."""
    parts = [hcl2.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.tf"))]
    blocks = [
        (kind, *_labels(block)) for part in parts for kind in ("resource", "data") for block in part.get(kind, ())
    ]
    found = [problem for kind, type_, name, body in blocks for problem in _of_block(kind, type_, name, body)]
    return [*found, *_dangling(parts, {(kind, type_, name) for kind, type_, name, _ in blocks})]


def unformatted(path: Path) -> list[str]:
    """Lines that `terraform fmt` would change: indentation by twos, and `=` aligned in runs of one-line arguments."""
    lines, found, depth = path.read_text("utf-8").split("\n"), [], 0
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        closing = len(stripped) - len(stripped.lstrip("}])"))
        if stripped and line != "  " * max(0, depth - min(closing, 1)) + stripped:
            found.append(f"{path.name}:{number}: indentation")
        plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', stripped).split("#")[0]
        opened = sum(plain.count(each) for each in "{[(") - sum(plain.count(each) for each in "}])")
        depth += (opened > 0) - (opened < 0)  # several that open on one line close on one
    return found + [f"{path.name}:{number}: alignment" for number in _misaligned(lines)]


def _misaligned(lines: list[str]) -> Iterator[int]:
    """Numbers of lines in a run of arguments of one depth whose `=` are not below each other.

    An argument of several lines is in no run: https://github.com/hashicorp/hcl/blob/main/hclwrite/format.go
    """
    run: list[tuple[int, re.Match[str]]] = []
    for number, line in enumerate([*lines, ""], 1):
        argument = re.fullmatch(r"(\s*)([\w.\"-]+)(\s*)= (.*)", line)
        several = argument is not None and argument.group(4).endswith(("{", "[", "("))
        if argument is None or several or (run and argument.group(1) != run[0][1].group(1)):
            wide = max((len(each.group(2)) for _, each in run), default=0)
            yield from (at for at, each in run if len(each.group(2) + each.group(3)) != wide + 1)
            run = []
        if argument and several and argument.group(3) != " ":
            yield number
        if argument and not several:
            run.append((number, argument))


def _labels(block: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    ((type_, named),) = [(key, value) for key, value in block.items() if key != "__is_block__"]
    ((name, body),) = [(key, value) for key, value in named.items() if key != "__is_block__"]
    return type_.strip('"'), name.strip('"'), body


def _of_block(kind: str, type_: str, name: str, body: Mapping[str, Any]) -> Iterator[str]:
    place = f"{kind} {type_}.{name}"
    schema = provider(type_.split("_", 1)[0])
    root = schema.roots.get((kind, type_))
    if root is None:
        yield f"{place}: there is no such type"
        return
    yield from _of_arguments(place, body, schema.arguments(root), type_)


def _of_arguments(place: str, body: Mapping[str, Any], known: Mapping[str, Argument], type_: str) -> Iterator[str]:
    given = {name: value for name, value in body.items() if name not in META and name != "dynamic"}
    for dynamic in body.get("dynamic", ()):
        ((name, inner),) = [(key.strip('"'), value) for key, value in dynamic.items() if key != "__is_block__"]
        given[name] = inner["content"]
    for name in sorted(argument for argument, each in known.items() if each.required and argument not in given):
        yield f"{place}: {name} is missing"
    for name, value in given.items():
        argument = known.get(name)
        if argument is None:
            yield f"{place}: there is no argument {name}"
        else:
            yield from _of_value(f"{place}.{name}", value, argument, type_)


def _of_value(place: str, value: Any, argument: Argument, type_: str) -> Iterator[str]:
    if argument.block is not None:
        known = provider(type_.split("_", 1)[0]).arguments(argument.block)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping):
                yield from _of_arguments(place, each, known, type_)
            elif not str(each).startswith("${"):
                yield f"{place}: must be a block"
        return
    is_expression = isinstance(value, str) and "${" in value
    wanted = KINDS.get(argument.kind)
    if wanted is not None and not is_expression and not isinstance(value, wanted):
        yield f"{place}: must be a {argument.kind}"


def _dangling(parts: list[dict[str, Any]], blocks: set[tuple[str, str, str]]) -> Iterator[str]:
    text = "\n".join(map(str, parts))
    for data, type_, name in sorted(set(_REFERENCE.findall(text))):
        if ("data" if data else "resource", type_, name) not in blocks:
            yield f"{data}{type_}.{name} is referred to, but is not there"
    variables = {key.strip('"') for part in parts for each in part.get("variable", ()) for key in each}
    locals_ = {key for part in parts for each in part.get("locals", ()) for key in each}
    for kind, name in sorted(set(_NAMED.findall(text))):
        if name not in (variables if kind == "var" else locals_):
            yield f"{kind}.{name} is referred to, but is not there"
