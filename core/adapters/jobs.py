"""Which job runner serves which URL scheme of TIDEMILL_JOBS. Names, not classes: imported when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from urllib.parse import SplitResult, urlsplit

from ..errors import BadInput, Unsupported
from ..ports import JobRunner

Factory = Callable[[SplitResult, Mapping[str, str]], JobRunner]

RUNNERS: Mapping[str, str] = {
    "lambda": f"{__package__}.jobs_lambda:open_lambda",
    "ecs": f"{__package__}.jobs_ecs:open_ecs",
    "batch": f"{__package__}.jobs_batch:open_batch",
    "sagemaker": f"{__package__}.jobs_sagemaker:open_sagemaker",
    "cloudrun": f"{__package__}.jobs_cloud_run:open_cloud_run",
    "kubernetes": f"{__package__}.jobs_kubernetes:open_kubernetes",
    "azurejobs": f"{__package__}.jobs_container_apps:open_container_apps",
    "process": f"{__package__}.jobs_process:open_process",
}


def open_jobs(url: str, environ: Mapping[str, str]) -> JobRunner | None:
    """The job runner at `url`, such as lambda://FUNCTION; None for an empty one. Raises BadInput or Unsupported."""
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in RUNNERS:
        raise BadInput(f"TIDEMILL_JOBS is {url!r}; it must begin with one of {', '.join(RUNNERS)} and ://.")
    module, _, name = RUNNERS[parts.scheme].partition(":")
    try:
        factory: Factory = getattr(import_module(module), name)
        return factory(parts, environ)
    except ImportError as error:
        raise Unsupported(f"TIDEMILL_JOBS {url!r} needs what is not installed ({error}); pip install boto3.") from error
