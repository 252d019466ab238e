"""Functions of users: found beside the specs, never in the place of what is installed."""

import sys

import pytest

from core.declaration import declarations
from core.errors import BadSpec
from core.usercode import user_function
from iac.package import sources


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_a_module_in_the_folder_is_found(tmp_path):
    (tmp_path / "beside_the_specs.py").write_text("def check(rows):\n    return []\n")
    assert user_function("beside_the_specs:check", tmp_path)([]) == []
    assert user_function("beside_the_specs:check", tmp_path) is user_function("beside_the_specs:check", tmp_path)
    assert sys.path.count(str(tmp_path)) == 1


def test_a_module_in_a_package_is_found(tmp_path):
    (tmp_path / "own_checks").mkdir()
    (tmp_path / "own_checks" / "of_flights.py").write_text("def check(rows):\n    return [{}]\n")
    assert user_function("own_checks.of_flights:check", tmp_path)([]) == [{}]


def test_nothing_that_is_installed_is_shadowed(tmp_path):
    (tmp_path / "json.py").write_text("def loads(text):\n    return 'stolen'\n")
    assert user_function("json:loads", tmp_path)("1") == 1


def test_what_lies_beside_the_specs_is_packed_with_the_function(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "checks.py").write_text("")
    (tmp_path / "m.yaml").write_text("")
    names = {name for name, _ in sources(declarations()["validate"], tmp_path)}
    assert {"models/own/checks.py", "models/m.yaml"} <= names


@pytest.mark.parametrize(
    ("source", "name", "sentence"),
    [
        ("", "no_such_module_here:check", "No module named"),
        ("x = 1\n", "broken_a:check", "has no attribute 'check'"),
        ("def check(:\n", "broken_b:check", "invalid syntax"),
        ("check = 3\n", "broken_c:check", "is no function; name one"),
    ],
)
def test_what_cannot_be_found_is_a_mistake_of_the_spec(tmp_path, source, name, sentence):
    (tmp_path / f"{name.partition(':')[0]}.py").write_text(source) if source else None
    with pytest.raises(BadSpec, match=sentence):
        user_function(name, tmp_path)
