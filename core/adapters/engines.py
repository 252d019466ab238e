"""Which module's engine serves which URL scheme of TIDEMILL_ENGINE. Names: imported when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

from ..errors import BadInput, Unsupported
from ..ports import Engine

SCHEDULERS = ("tcp", "tls", "ucx", "ws", "wss")
"""The protocols of Dask's schedulers: https://distributed.dask.org/en/stable/communications.html"""

CLUSTERS = ("local", "fargate", "ec2", "gce", "azurevm", "kubernetes")
"""Clusters that are started for a run: see `engine_clusters`."""

ENGINES: Mapping[str, str] = dict.fromkeys((*SCHEDULERS, *CLUSTERS), f"{__package__}.engine_dask")


def open_engine(url: str) -> AbstractContextManager[Engine]:
    """Inside of the `with` the engine at `url`, such as tcp://scheduler:8786.

    Raises BadInput, Unsupported, or Transient.
    """
    factory: Callable[[str], AbstractContextManager[Engine]] = _factory(url, "open_dask")
    return factory(url)


def joblib_on(url: str) -> AbstractContextManager[object]:
    """Inside of the `with`, joblib does its work on the engine at `url`; raises as `open_engine`."""
    factory: Callable[[str], AbstractContextManager[object]] = _factory(url, "joblib_on")
    return factory(url)


def _factory(url: str, name: str) -> Any:  # noqa: ANN401 - of the name's own type
    module = ENGINES.get(url.partition("://")[0])
    if module is None:
        raise BadInput(
            f"engine {url!r} must be the URL of a Dask scheduler, such as tcp://scheduler:8786, or of a cluster to "
            f"start: {', '.join(CLUSTERS)}."
        )
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise Unsupported(f"engine {url!r} needs what is not installed ({error}); pip install distributed.") from error
