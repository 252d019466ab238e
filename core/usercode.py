"""Functions that a user wrote: from the folder of the specs, or from what is installed; never from storage."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import BadSpec


def user_function(name: str, folder: Path) -> Callable[..., Any]:
    """The function `package.module:function`, from what is installed, else from `folder`; raises BadSpec."""
    path = str(folder.absolute())
    if path not in sys.path:
        sys.path.append(path)
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise BadSpec(f"{name} cannot be imported: {error}; put it into {folder} or on PYTHONPATH.") from error
    if not callable(found):
        raise BadSpec(f"{name} is no function; name one.")
    return found  # type: ignore[no-any-return]  # callable, as far as anyone can tell
