"""Clusters of Dask that are started for one run, by the Dask project's own managers, and ended behind it.

`fargate://?n_workers=20&image=…`: the scheme names the manager, and what follows `?` are its own parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import BadInput, Transient, Unsupported

MANAGERS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "local": ("distributed", "LocalCluster", "distributed"),
        "fargate": ("dask_cloudprovider.aws", "FargateCluster", "dask-cloudprovider[aws]"),
        "ec2": ("dask_cloudprovider.aws", "EC2Cluster", "dask-cloudprovider[aws]"),
        "gce": ("dask_cloudprovider.gcp", "GCPCluster", "dask-cloudprovider[gcp]"),
        "azurevm": ("dask_cloudprovider.azure", "AzureVMCluster", "dask-cloudprovider[azure]"),
        "kubernetes": ("dask_kubernetes.operator", "KubeCluster", "dask-kubernetes"),
    }
)
"""By scheme: the module and the class, and what to install for it."""


@contextmanager
def started(url: str) -> Iterator[Any]:
    """The cluster of `url`, as long as the `with` lasts.

    Raises BadInput for parameters that its manager does not take, Unsupported if that is not installed, Transient if
    the cluster cannot be started.
    """
    manager, options = _manager(url), options_of(url)
    try:
        cluster = manager(**options)
    except (TypeError, ValueError) as error:
        raise BadInput(f"engine {url!r} has parameters that its cluster does not take: {error}.") from error
    except Exception as error:  # each manager has the errors of its own cloud
        raise Transient(f"engine {url!r} cannot be started: {error}.") from error
    with cluster:
        yield cluster


def options_of(url: str) -> dict[str, Any]:
    """Parameters by name; values that are JSON, such as numbers and lists, are what they say, all others text.

    >>> options_of("fargate://?n_workers=20&image=acme/tidemill:1&fargate_spot=true")
    {'n_workers': 20, 'image': 'acme/tidemill:1', 'fargate_spot': True}
    """
    return {name: _value(text) for name, text in parse_qsl(urlsplit(url).query, keep_blank_values=True)}


def _value(text: str) -> Any:  # noqa: ANN401 - whatever JSON may say
    try:
        return json.loads(text)
    except ValueError:
        return text


def _manager(url: str) -> Any:  # noqa: ANN401 - Dask's managers are not typed
    module, name, package = MANAGERS[url.partition("://")[0]]
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise Unsupported(f"engine {url!r} needs what is not installed ({error}); pip install {package}.") from error
