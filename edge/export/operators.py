"""What a model asks of the runtime that loads it, and the file that a minimal build of onnxruntime is made from.

https://onnxruntime.ai/docs/reference/operators/reduced-operator-config-file.html
"""

from __future__ import annotations

import onnx

from core.errors import Unsupported

from .graphs import nodes

DEFAULT_DOMAIN = "ai.onnx"
SINCE_OPSET = ((17, "1.12"), (18, "1.14"), (19, "1.15"), (20, "1.17"), (21, "1.18"), (22, "1.20"), (23, "1.23"))
SINCE_ML = ((3, "1.12"), (4, "1.16"), (5, "1.20"))
SINCE_IR = ((8, "1.12"), (9, "1.15"), (10, "1.18"), (11, "1.22"))
"""What the first releases of onnxruntime to load each are (https://onnxruntime.ai/docs/reference/compatibility.html)."""


def opsets(model: onnx.ModelProto) -> dict[str, int]:
    """Domain -> version of the operator sets whose operators the model has."""
    used = {node.domain or DEFAULT_DOMAIN for node in nodes(model.graph)}
    found = {opset.domain or DEFAULT_DOMAIN: opset.version for opset in model.opset_import}
    return {domain: version for domain, version in sorted(found.items()) if domain in used}


def operators(model: onnx.ModelProto) -> dict[str, list[str]]:
    """Domain -> names of the operators that the model has."""
    found: dict[str, set[str]] = {}
    for node in nodes(model.graph):
        found.setdefault(node.domain or DEFAULT_DOMAIN, set()).add(node.op_type)
    return {domain: sorted(names) for domain, names in sorted(found.items())}


def config(model: onnx.ModelProto) -> bytes:
    """The text of `operators.config`: a line `domain;opset;operators` a domain."""
    versions = opsets(model)
    lines = [f"{domain};{versions[domain]};{','.join(names)}\n" for domain, names in operators(model).items()]
    return "".join(lines).encode()


def runtime_version(model: onnx.ModelProto) -> str:
    """The onnxruntime that loads the model, such as `>=1.12`; raises Unsupported if none is known to."""
    versions = opsets(model)
    asked = [
        _first(SINCE_OPSET, versions.get(DEFAULT_DOMAIN, 0), "operator set"),
        _first(SINCE_ML, versions.get("ai.onnx.ml", 0), "operator set of ai.onnx.ml"),
        _first(SINCE_IR, model.ir_version, "intermediate representation"),
    ]
    return f">={max(asked, key=lambda text: tuple(map(int, text.split('.'))))}"


def _first(known: tuple[tuple[int, str], ...], asked: int, what: str) -> str:
    for version, runtime in known:
        if asked <= version:
            return runtime
    raise Unsupported(f"the model has {what} {asked}, beyond {known[-1][0]}, and it is not known what loads it.")
