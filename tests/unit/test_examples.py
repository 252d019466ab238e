"""Every example in a docstring is run."""

import doctest
import importlib
import pkgutil

import pytest

import core


def modules():
    names = (found.name for found in pkgutil.walk_packages(core.__path__, "core."))
    return [name for name in names if not name.endswith("__main__")]


@pytest.mark.parametrize("name", modules())
def test_the_examples_of_a_module_are_true(name):
    module = importlib.import_module(name)
    found = doctest.testmod(module)
    assert found.failed == 0
