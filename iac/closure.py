"""What some modules need of our own code: every module that they import, wherever the import stands.

Imports for types alone (`if TYPE_CHECKING:`) do not count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.errors import NotFound


def closure(root: Path, seeds: Iterable[str], packages: Iterable[str]) -> dict[str, Path]:
    """Name in an archive -> file, of `seeds` and all that they import below `packages`, as they lie in `root`.

    Raises NotFound if a seed is no module there.
    """
    found: dict[str, Path] = {}
    waiting, ours = list(seeds), tuple(packages)
    for seed in waiting:
        if _file(root, seed) is None:
            raise NotFound(f"there is no module {seed} in {root}.")
    while waiting:
        module = waiting.pop()
        path = _file(root, module)
        if path is None or (name := path.relative_to(root).as_posix()) in found:
            continue
        found[name] = path
        parent = module.rpartition(".")[0]
        waiting += [each for each in (parent, *_imported(path, module)) if each.partition(".")[0] in ours]
    return found


def _file(root: Path, module: str) -> Path | None:
    """Where the source of a module is; None if `module` names something in one."""
    place = root.joinpath(*module.split("."))
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imported(path: Path, module: str) -> Iterator[str]:
    """Modules that a source imports, and names that may be modules."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in _walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING:`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield from _walk(child)
