"""Which job runner serves which URL scheme of TIDEMILL_JOBS. Names, not classes: imported when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from urllib.parse import SplitResult, urlsplit

from ..errors import BadInput, Unsupported
from ..ports import JobRunner

Factory = Callable[[SplitResult, Mapping[str, str]], JobRunner]

AWS = "pip install boto3"
BUILT_IN = "nothing: it is built in"

RUNNERS: Mapping[str, tuple[str, str]] = {
    "lambda": (f"{__package__}.jobs_lambda:open_lambda", AWS),
    "ecs": (f"{__package__}.jobs_ecs:open_ecs", AWS),
    "batch": (f"{__package__}.jobs_batch:open_batch", AWS),
    "sagemaker": (f"{__package__}.jobs_sagemaker:open_sagemaker", AWS),
    "cloudrun": (f"{__package__}.jobs_cloud_run:open_cloud_run", "pip install google-auth requests"),
    "kubernetes": (f"{__package__}.jobs_kubernetes:open_kubernetes", BUILT_IN),
    "azurejobs": (f"{__package__}.jobs_container_apps:open_container_apps", BUILT_IN),
    "process": (f"{__package__}.jobs_process:open_process", BUILT_IN),
}
"""Scheme -> the factory, and what to install when its import fails."""


def open_jobs(url: str, environ: Mapping[str, str]) -> JobRunner | None:
    """The job runner at `url`, such as lambda://FUNCTION; None for an empty one. Raises BadInput or Unsupported."""
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in RUNNERS:
        raise BadInput(f"TIDEMILL_JOBS is {url!r}; it must begin with one of {', '.join(RUNNERS)} and ://.")
    path, hint = RUNNERS[parts.scheme]
    module, _, name = path.partition(":")
    try:
        factory: Factory = getattr(import_module(module), name)
        return factory(parts, environ)
    except ImportError as error:
        raise Unsupported(f"TIDEMILL_JOBS {url!r} needs what is not installed ({error}); {hint}.") from error
