"""Read spec files: every mistake in one go, each with its line and the mend."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .errors import BadSpec, NotFound
from .layout import MODEL_NAME, check_model_name
from .spec import ROLES, ModelSpec, Where

Found: TypeAlias = tuple[Where, str, str]
"""Where a mistake is, what it is, and its mend."""


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


def placed(path: Path, found: Iterable[Found]) -> list[Mistake]:
    """Mistakes that were found otherwise in the spec of `path`, each with its line."""
    node = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    assert node is not None
    return [Mistake(str(path), _line(node, where), _dotted(where), *rest) for where, *rest in found]


def _check(path: Path, node: yaml.Node, data: dict[Any, Any]) -> tuple[ModelSpec | None, list[Mistake]]:
    spec, found = _validate(data)
    mistakes = [Mistake(str(path), line, key, "is given twice", "keep one") for key, line in _repeated_keys(node)]
    mistakes += [Mistake(str(path), _line(node, where), _dotted(where), *rest) for where, *rest in found]
    named = data.get("model")
    if isinstance(named, str) and MODEL_NAME.fullmatch(named) and named != path.stem:
        problem = f"is {named!r} in a file named {path.name}"
        mistakes.append(Mistake(str(path), _line(node, ("model",)), "model", problem, "make the two names equal"))
    return spec, sorted(mistakes, key=lambda mistake: mistake.line)


def _validate(data: dict[Any, Any]) -> tuple[ModelSpec | None, list[Found]]:
    """The spec if it is right; every (where, problem, mend)."""
    try:
        return ModelSpec.model_validate(data), []
    except ValidationError as error:
        details = _telling(error.errors(include_url=False))
    found = [item for detail in details for item in _explain(detail)]
    if all(detail["type"] != ROLES for detail in details):
        found += _between_fields(data, details)
    return None, found


def _telling(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the lists that are too short only because each of their items is wrong."""
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or all(_place(other)[:1] != _place(detail) for other in details if other is not detail)
    ]


STAND_INS: Mapping[str, Any] = {
    "model": "model",
    "task": "binary",
    "target": "\0target",
    "id": "\0id",
    "time": "\0time",
    "features": [{"name": "\0feature", "type": "number"}],
}


def _between_fields(data: dict[Any, Any], details: list[ErrorDetails]) -> list[Found]:
    """Mistakes between fields. Pydantic looks for them once every field is right, so wrong fields are stood in for."""
    mended = copy.deepcopy(data)
    for detail in details:
        _stand_in(mended, _place(detail))
    try:
        ModelSpec.model_validate(mended)
    except ValidationError as error:
        roles = [detail for detail in error.errors(include_url=False) if detail["type"] == ROLES]
        found = [item for detail in roles for item in _explain(detail)]
        unsure = {"estimator", "gates"} if any(_place(detail)[:1] == ("task",) for detail in details) else set()
        return [item for item in found if item[0][0] not in unsure]
    return []


def _stand_in(data: dict[Any, Any], where: Where) -> None:
    """Put something harmless in the place of a wrong value: for a feature, one of the same name."""
    field = where[0]
    match where:
        case ("features", int(index), *_):
            item = data["features"][index]
            name = item.get("name") if isinstance(item, dict) else None
            named = name if isinstance(name, str) and name else f"\0{index}"
            data["features"][index] = {"name": named, "type": "number"}
        case (_, str(key)) if isinstance(data.get(field), dict):
            data[field].pop(key, None)
        case _ if field in STAND_INS:
            data[field] = copy.deepcopy(STAND_INS[str(field)])
        case _:
            data.pop(field, None)


def _not_yaml(path: Path, error: Exception) -> Mistake:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "cannot be read as YAML"
    return Mistake(str(path), mark.line + 1 if mark else 1, "(file)", str(problem), "mend the YAML syntax here")


def _place(detail: ErrorDetails) -> Where:
    """Where it is in the file, which has no part for the kind that a drift test is of."""
    where = _location(detail)
    tag = 3 if where[:2] == ("drift", "features") else 2
    return where[:tag] + where[tag + 1 :] if where[:2] in TESTED else where


def _location(detail: ErrorDetails) -> Where:
    return tuple(part for part in detail["loc"] if not str(part).startswith("function-"))


def _explain(detail: ErrorDetails) -> Iterable[Found]:
    """Turn one pydantic error into (where, problem, mend) triples."""
    where = _place(detail)
    context: Mapping[str, Any] = detail.get("ctx", {})
    if detail["type"] == ROLES:
        for place, message in context["problems"]:
            problem, _, mend = message.partition("; ")
            yield place, problem, mend or "choose one of those"
        return
    problem, mend = _problem(detail["type"], _location(detail), detail["msg"], context)
    yield where, problem, mend


TESTED = {("drift", name) for name in ("default", "features", "predictions", "multivariate")}
"""Fields that are one of several kinds, told by `test`."""

PROBLEMS: Mapping[str, tuple[str, str]] = {
    "string_type": ("must be text", "put it in quotes"),
    "invalid_key": ("must be text", "put the key in quotes"),
    "model_type": ("must be a mapping", "write its fields below it"),
    "model_attributes_type": ("must be a mapping", "write its fields below it"),
    "union_tag_not_found": ("does not say which test", "add `test: usual`, or another one"),
    "dict_type": ("must be a mapping", "write its fields below it"),
    "tuple_type": ("must be a list", "write [one, another]"),
    "too_short": ("must not be empty", "write at least one"),
    "string_pattern_mismatch": ("must be 1 to 63 of a-z, 0-9 and '-'", "rename the model"),
}


def _problem(kind: str, where: Where, message: str, context: Mapping[str, Any]) -> tuple[str, str]:
    match kind:
        case "missing":
            return "is missing", f"add `{where[-1]}:`"
        case "extra_forbidden":
            return "is not a field of a spec", _did_you_mean(where)
        case "union_tag_invalid":
            return f"has the unknown test {context['tag']!r}", f"use one of {context['expected_tags']}"
        case "literal_error":
            return f"must be {context['expected']}", "choose one of those"
        case _ if kind in PROBLEMS:
            return PROBLEMS[kind]
        case _:
            problem, _, mend = message.removeprefix("Value error, ").partition("; ")
            problem = problem.replace("Input should", "must", 1)
            return problem[:1].lower() + problem[1:], mend or "see docs/spec.md"


def _did_you_mean(where: Where) -> str:
    kinds: list[type[BaseModel]] = [ModelSpec]
    for part in where[:-1]:
        kinds = _kinds_at(kinds, str(part))
    known = list(dict.fromkeys(field for kind in kinds for field in kind.model_fields))
    close = difflib.get_close_matches(str(where[-1]), known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"remove it; the fields here are {', '.join(known)}"


def _kinds_at(kinds: list[type[BaseModel]], part: str) -> list[type[BaseModel]]:
    """The models that a field's value may be of, or the one that a `test` tells; of a list or mapping, its items'."""
    told = [kind for kind in kinds if part in _alternatives(kind, "test")]
    below = [model for kind in kinds if (field := kind.model_fields.get(part)) for model in _models(field.annotation)]
    return told or below or kinds


def _alternatives(kind: type[BaseModel], name: str) -> tuple[Any, ...]:
    field = kind.model_fields.get(name)
    return () if field is None else get_args(field.annotation)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


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
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None


def _repeated_keys(node: yaml.Node) -> Iterable[tuple[str, int]]:
    for mapping in _mappings(node):
        seen: set[str] = set()
        for key, _ in mapping.value:
            if key.value in seen:
                yield str(key.value), key.start_mark.line + 1
            seen.add(str(key.value))


def _mappings(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Every mapping in the document, once: an alias may lead to where it was met before, or back into itself."""
    met: set[int] = set()
    ahead = [node]
    while ahead:
        node = ahead.pop()
        if id(node) in met:
            continue
        met.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            ahead += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            ahead += node.value


def _dotted(where: Where) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
