"""Read spec files: every mistake in one go, each with its line and the mend."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .errors import BadSpec, NotFound
from .layout import check_model_name
from .spec import ModelSpec

Where: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in one spec file. `line` counts from 1."""

    file: str
    line: int
    field: str
    problem: str
    mend: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.file}:{self.line}: {self.field}: {self.problem}; {self.mend}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def read_spec(path: Path) -> ModelSpec:
    """The spec in `path`; raises BadSpec with all of its mistakes, or NotFound."""
    spec, mistakes = check_spec(path)
    if spec is None or mistakes:
        raise BadSpec("\n".join(map(str, mistakes)))
    return spec


def specs_in(folder: Path) -> Callable[[str], ModelSpec]:
    """A look-up of specs by model name in `folder`; each is read again when it has changed.

    The look-up raises NotFound for a model that has no file, and BadSpec for one whose file has mistakes.
    """
    known: dict[str, tuple[int, ModelSpec]] = {}

    def spec_of(model: str) -> ModelSpec:
        path = folder / f"{check_model_name(model)}.yaml"
        if not path.is_file():
            raise NotFound(f"model {model} has no spec: write {path}, or let `tidemill init {model}` do it.")
        changed = path.stat().st_mtime_ns
        if model not in known or known[model][0] != changed:
            known[model] = changed, read_spec(path)
        return known[model][1]

    return spec_of


def spec_files(folder: Path) -> list[Path]:
    """Every spec in `folder`, by name."""
    return sorted(folder.glob("*.yaml"))


def check_spec(path: Path) -> tuple[ModelSpec | None, list[Mistake]]:
    """The spec, if it has no mistakes, and all mistakes found."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise NotFound(f"there is no spec file {path}.") from error
    except UnicodeDecodeError as error:
        return None, [Mistake(str(path), 1, "(file)", f"is not UTF-8 at byte {error.start}", "save it as UTF-8")]
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return None, [_not_yaml(path, error)]
    if not isinstance(data, dict) or node is None:
        return None, [Mistake(str(path), 1, "(file)", "is not a mapping", "write fields such as `model:` and `task:`")]
    return _check(path, node, data)


def _check(path: Path, node: yaml.Node, data: dict[Any, Any]) -> tuple[ModelSpec | None, list[Mistake]]:
    mistakes = [Mistake(str(path), line, key, "is given twice", "keep one") for key, line in _repeated_keys(node)]
    spec = None
    try:
        spec = ModelSpec.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            mistakes += (
                Mistake(str(path), _line(node, where), _dotted(where), problem, mend)
                for where, problem, mend in _explain(detail)
            )
    if spec is not None and spec.model != path.stem:
        problem = f"is {spec.model!r} in a file named {path.name}"
        mistakes.append(Mistake(str(path), _line(node, ("model",)), "model", problem, "make the two names equal"))
    return spec, sorted(mistakes, key=lambda mistake: mistake.line)


def _not_yaml(path: Path, error: Exception) -> Mistake:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "cannot be read as YAML"
    return Mistake(str(path), mark.line + 1 if mark else 1, "(file)", str(problem), "mend the YAML syntax here")


def _explain(detail: ErrorDetails) -> Iterable[tuple[Where, str, str]]:
    """Turn one pydantic error into (where, problem, mend) triples."""
    where = tuple(part for part in detail["loc"] if not str(part).startswith("function-"))
    context: Mapping[str, Any] = detail.get("ctx", {})
    if detail["type"] == "roles":
        for place, message in context["problems"]:
            problem, _, mend = message.partition("; ")
            yield place, problem, mend or "choose one of those"
        return
    problem, mend = _problem(detail["type"], where, detail["msg"], context)
    yield where, problem, mend


def _problem(kind: str, where: Where, message: str, context: Mapping[str, Any]) -> tuple[str, str]:
    match kind:
        case "missing":
            return "is missing", f"add `{where[-1]}:`"
        case "extra_forbidden":
            return "is not a field of a spec", _did_you_mean(where)
        case "literal_error":
            return f"must be {context['expected']}", "choose one of those"
        case "string_pattern_mismatch":
            return "must be 1 to 63 of a-z, 0-9 and '-'", "rename the model"
        case _:
            problem, _, mend = message.removeprefix("Value error, ").partition("; ")
            return problem[:1].lower() + problem[1:], mend or "see docs/spec.md"


def _did_you_mean(where: Where) -> str:
    fields: Any = ModelSpec
    for part in where[:-1]:
        if isinstance(part, str):
            annotation = fields.model_fields[part].annotation
            fields = next(
                (kind for kind in getattr(annotation, "__args__", ()) if hasattr(kind, "model_fields")), annotation
            )
    known = list(fields.model_fields)
    close = difflib.get_close_matches(str(where[-1]), known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"remove it; the fields here are {', '.join(known)}"


def _line(node: yaml.Node, where: Where) -> int:
    """Line of the place, or of its nearest parent that is there."""
    line = node.start_mark.line + 1
    for part in where:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None


def _repeated_keys(node: yaml.Node) -> Iterable[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield str(key.value), key.start_mark.line + 1
            seen.add(str(key.value))
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)


def _dotted(where: Where) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
