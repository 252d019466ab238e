"""Terraform files, expanded: the resources that a plan would list, with what is known before anything is made.

`for_each`, locals, dynamic blocks and the functions that our files call are evaluated. What only a provider or whoever
applies it knows, such as another resource's id or a variable, stays a `Ref`, which is written as it is referred to.
Language: https://developer.hashicorp.com/terraform/language/expressions
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

Scope = Mapping[str, Any]
Evaluated = Callable[[Scope], Any]

_NUMBER = re.compile(r"\d+(\.\d+)?")
_NAME = re.compile(r"[A-Za-z_]\w*")
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<=", ">=", "<", ">"), ("+", "-"), ("*", "/", "%"))
_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "||": lambda a, b: a or b,
    "&&": lambda a, b: a and b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
}


@dataclass(frozen=True)
class Ref:
    """What is not known yet, by its address."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class Resource:
    """One that a plan would list: `key` is that of `for_each`, or None."""

    type: str
    name: str
    key: str | None
    body: Mapping[str, Any]


def expand(folder: Path, **variables: Any) -> list[Resource]:
    """Every resource of the .tf files of a folder, with some of its variables given."""
    return list(_Module(folder, variables).resources())


class _Variables:
    """Those that are given, and references to the others."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def __getitem__(self, name: str) -> Any:
        return self._given[name] if name in self._given else Ref(f"var.{name}")


class _Module:
    def __init__(self, folder: Path, variables: Mapping[str, Any]) -> None:
        parts = [hcl2.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.tf"))]
        self._locals = {key: value for part in parts for each in part.get("locals", ()) for key, value in each.items()}
        self._blocks = {
            (type_.strip('"'), name.strip('"')): body
            for part in parts
            for block in part.get("resource", ())
            for type_, named in block.items()
            if type_ != "__is_block__"
            for name, body in named.items()
            if name != "__is_block__"
        }
        self._scope: Scope = {"local": self, "var": _Variables(variables), "path": {"module": str(folder)}}
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """A local value."""
        if name not in self._known:
            self._known[name] = self.value(self._locals[name], self._scope)
        return self._known[name]

    def resources(self) -> Iterator[Resource]:
        for (type_, name), body in self._blocks.items():
            for key, value in self._instances(type_, name).items():
                scope = {**self._scope, "each": {"key": key, "value": value}}
                told = {field: given for field, given in body.items() if field not in {"for_each", "__is_block__"}}
                yield Resource(type_, name, key, self.value(told, scope))

    def _instances(self, type_: str, name: str) -> dict[str | None, Any]:
        """Key -> value of `for_each`."""
        body = self._blocks[type_, name]
        if "for_each" not in body:
            return {None: None}
        return self.mapping(self.value(body["for_each"], self._scope))

    def mapping(self, value: Any) -> dict[Any, Any]:
        """A map as it is; of a resource, its instances by their keys; of a list, each by itself."""
        if isinstance(value, Ref):
            type_, _, name = value.path.partition(".")
            if type_ == "var":
                return {}  # what whoever applies it adds
            return {key: Ref(f"{value.path}[{key}]") for key in self._instances(type_, name)}
        return dict(value) if isinstance(value, Mapping) else {each: each for each in value}

    def value(self, given: Any, scope: Scope) -> Any:
        """A value as python-hcl2 gives it, evaluated."""
        if isinstance(given, str):
            whole = given[2:-1] if given.startswith("${") and given.endswith("}") else given
            return _Parser(whole, self).whole()(scope)
        if isinstance(given, list):
            return [self.value(each, scope) for each in given]
        if not isinstance(given, Mapping):
            return given
        found = {
            key.strip('"'): self.value(each, scope)
            for key, each in given.items()
            if key not in {"__is_block__", "__comments__", "dynamic"}
        }
        for block in given.get("dynamic", ()):
            ((label, inner),) = [(key.strip('"'), each) for key, each in block.items() if key != "__is_block__"]
            items = self.value(inner["for_each"], scope)
            pairs = enumerate([items]) if isinstance(items, Ref) else self.mapping(items).items()
            (content,) = inner["content"]
            made = [self.value(content, {**scope, label: {"key": key, "value": each}}) for key, each in pairs]
            found[label] = [*made, *found.get(label, [])]
        return found


class _Parser:
    """An expression -> a function of what is in scope."""

    def __init__(self, text: str, module: _Module) -> None:
        self._text = text
        self._at = 0
        self._module = module

    def whole(self) -> Evaluated:
        found = self._expression()
        self._skip()
        assert self._at == len(self._text), f"cannot read {self._text[self._at :][:60]!r}"
        return found

    def _skip(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1

    def _eat(self, token: str) -> bool:
        self._skip()
        if not self._text.startswith(token, self._at):
            return False
        if token[-1].isalpha() and re.match(r"\w", self._text[self._at + len(token) :]):
            return False
        self._at += len(token)
        return True

    def _expect(self, token: str) -> None:
        assert self._eat(token), f"{token!r} is missing at {self._text[self._at :][:60]!r}"

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        self._skip()
        found = pattern.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found.group()

    def _expression(self) -> Evaluated:
        test = self._binary(0)
        if not self._eat("?"):
            return test
        one = self._expression()
        self._expect(":")
        other = self._expression()
        return lambda scope: one(scope) if test(scope) else other(scope)

    def _binary(self, level: int) -> Evaluated:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while token := next((each for each in _LEVELS[level] if self._peeked(each)), None):
            self._at += len(token)
            left = _applied(_OPERATIONS[token], left, self._binary(level + 1))
        return left

    def _peeked(self, token: str) -> bool:
        self._skip()
        return self._text.startswith(token, self._at)

    def _unary(self) -> Evaluated:
        if self._eat("!"):
            inner = self._unary()
            return lambda scope: not inner(scope)
        return self._postfix(self._primary())

    def _postfix(self, found: Evaluated) -> Evaluated:
        while True:
            if self._peeked("...") or self._peeked("=>"):
                return found
            if self._eat("."):
                name = self._match(_NAME)
                assert name
                found = _attribute(found, name)
            elif self._eat("[*]"):
                continue
            elif self._eat("["):
                found = _index(found, self._expression())
                self._expect("]")
            else:
                return found

    def _primary(self) -> Evaluated:
        if self._eat("("):
            found = self._expression()
            self._expect(")")
            return found
        if self._eat("["):
            return self._list()
        if self._eat("{"):
            return self._object()
        if self._eat('"'):
            return self._template()
        number = self._match(_NUMBER)
        if number is not None:
            known = float(number) if "." in number else int(number)
            return lambda scope: known
        return self._named()

    def _named(self) -> Evaluated:
        name = self._match(_NAME)
        assert name, f"cannot read {self._text[self._at :][:60]!r}"
        if self._eat("("):
            return self._call(name)
        if name in {"true", "false", "null"}:
            return lambda scope: {"true": True, "false": False, "null": None}[name]
        return lambda scope: scope[name] if name in scope else Ref(name)

    def _call(self, name: str) -> Evaluated:
        arguments, spread = [], False
        while not self._eat(")"):
            arguments.append(self._expression())
            spread = self._eat("...") or spread
            self._eat(",")
        function = _functions(self._module)[name]

        def called(scope: Scope) -> Any:
            given = [argument(scope) for argument in arguments]
            return function(*(given[-1] if spread else given))

        return called

    def _list(self) -> Evaluated:
        if self._eat("for"):
            return self._comprehension("]")
        items = []
        while not self._eat("]"):
            items.append(self._expression())
            self._eat(",")
        return lambda scope: [item(scope) for item in items]

    def _object(self) -> Evaluated:
        if self._eat("for"):
            return self._comprehension("}")
        pairs: list[tuple[Evaluated, Evaluated]] = []
        while not self._eat("}"):
            key = self._key()
            assert self._eat("=") or self._eat(":")
            pairs.append((key, self._expression()))
            self._eat(",")
        return lambda scope: {key(scope): value(scope) for key, value in pairs}

    def _key(self) -> Evaluated:
        name = self._match(_NAME)
        return self._primary() if name is None else lambda scope: name

    def _comprehension(self, end: str) -> Evaluated:
        names = [self._match(_NAME)]
        if self._eat(","):
            names.append(self._match(_NAME))
        self._expect("in")
        items = self._expression()
        self._expect(":")
        first = self._expression()
        second = self._expression() if self._eat("=>") else None
        test = self._expression() if self._eat("if") else None
        self._expect(end)

        def scopes(scope: Scope) -> Iterator[Scope]:
            every = items(scope)
            pairs = every.items() if isinstance(every, Mapping) else enumerate(every)
            for pair in pairs:
                inner = {**scope, **dict(zip(names, pair if len(names) > 1 else pair[1:], strict=True))}
                if test is None or test(inner):
                    yield inner

        if second is None:
            return lambda scope: [first(inner) for inner in scopes(scope)]
        return lambda scope: {first(inner): second(inner) for inner in scopes(scope)}

    def _template(self) -> Evaluated:
        parts: list[Evaluated] = []
        plain = ""
        while (letter := self._text[self._at]) != '"':
            if self._text.startswith("${", self._at):
                parts.append(_constant(plain))
                plain, self._at = "", self._at + 2
                parts.append(self._expression())
                self._expect("}")
                continue
            if letter == "\\":
                self._at += 1
                letter = self._text[self._at]
            plain, self._at = plain + letter, self._at + 1
        self._at += 1
        parts.append(_constant(plain))
        return lambda scope: "".join(_text(part(scope)) for part in parts)


def _applied(operation: Callable[[Any, Any], Any], left: Evaluated, right: Evaluated) -> Evaluated:
    return lambda scope: operation(left(scope), right(scope))


def _constant(value: Any) -> Evaluated:
    return lambda scope: value


def _attribute(found: Evaluated, name: str) -> Evaluated:
    def attribute(scope: Scope) -> Any:
        of = found(scope)
        return Ref(f"{of}.{name}") if isinstance(of, Ref) else of[name]

    return attribute


def _index(found: Evaluated, key: Evaluated) -> Evaluated:
    def item(scope: Scope) -> Any:
        of, at = found(scope), key(scope)
        return Ref(f"{of}[{at}]") if isinstance(of, Ref) else of[at]

    return item


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _replace(text: object, old: str, new: str) -> str:
    return (
        re.sub(old[1:-1], new, str(text)) if len(old) > 1 and old[0] == old[-1] == "/" else str(text).replace(old, new)
    )


def _functions(module: _Module) -> Mapping[str, Callable[..., Any]]:
    return {
        "base64encode": lambda text: base64.b64encode(text.encode()).decode(),
        "ceil": math.ceil,
        "coalesce": lambda *values: next(each for each in values if each is not None),
        "compact": lambda values: [each for each in values if each != ""],
        "contains": lambda values, value: value in values,
        "distinct": lambda values: [each for at, each in enumerate(values) if each not in values[:at]],
        "filesha256": lambda path: hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        "file": lambda path: Path(path).read_text("utf-8"),
        "flatten": lambda values: [each for inner in values for each in inner],
        "formatdate": lambda form, time: Ref("formatdate"),
        "join": lambda separator, values: separator.join(map(str, values)),
        "jsondecode": json.loads,
        "jsonencode": lambda value: json.dumps(value, default=str),
        "keys": lambda value: list(module.mapping(value)),
        "length": len,
        "max": max,
        "merge": lambda *maps: {key: value for each in maps for key, value in module.mapping(each).items()},
        "min": min,
        "one": lambda values: values[0] if values else None,
        "replace": _replace,
        "sha1": lambda text: hashlib.sha1(str(text).encode()).hexdigest(),
        "sha256": lambda text: hashlib.sha256(str(text).encode()).hexdigest(),
        "split": lambda separator, text: str(text).split(separator),
        "substr": lambda text, at, length: text[at : at + length],
        "timestamp": lambda: Ref("timestamp()"),
        "toset": list,
        "tostring": _text,
        "trimspace": lambda text: str(text).strip(),
        "trimsuffix": lambda text, end: text.removesuffix(end),
    }
