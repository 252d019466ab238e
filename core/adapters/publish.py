"""Which publisher serves which URL scheme of TIDEMILL_ALERTS. Names, not classes: imported when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from ..domain.canonical import sha256
from ..errors import BadInput, Unsupported
from ..ports import Publishes

DEFAULT = "log://"
"""Where nothing is set, alerts are lines of the log."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a publisher is made from: its URL, the secrets that requests are signed by, and the environment."""

    url: str
    secrets: Sequence[str]
    environ: Mapping[str, str]


Factory = Callable[[Given], Publishes]

PUBLISHERS: Mapping[str, tuple[str, str]] = {
    "log": (f"{__package__}.publish_log:open_log", "nothing: it is built in"),
    "https": (f"{__package__}.publish_webhook:open_webhook", "nothing: it is built in"),
    "http": (f"{__package__}.publish_webhook:open_webhook", "nothing: it is built in"),
    "slack+https": (f"{__package__}.publish_webhook:open_slack", "nothing: it is built in"),
    "slack+http": (f"{__package__}.publish_webhook:open_slack", "nothing: it is built in"),
    "sns": (f"{__package__}.publish_aws:open_sns", "pip install boto3"),
    "ses": (f"{__package__}.publish_aws:open_ses", "pip install boto3"),
    "pubsub": (f"{__package__}.publish_pubsub:open_pubsub", "pip install google-auth requests"),
    "eventgrid": (f"{__package__}.publish_event_grid:open_event_grid", "nothing: it is built in"),
}
"""Scheme -> the factory, and what to install when its import fails."""


def open_publishers(urls: Sequence[str], secrets: Sequence[str], environ: Mapping[str, str]) -> dict[str, Publishes]:
    """The publishers by an id that tells nothing of a URL's secrets; raises BadInput or Unsupported."""
    return {destination(url): _open(Given(url, secrets, environ)) for url in urls or (DEFAULT,)}


def destination(url: str) -> str:
    """The id of a destination: its scheme, and a hash of the whole.

    >>> destination("log://")
    'log:7dbd7fba250b'
    """
    return f"{_scheme(url)}:{sha256(url.encode())[:12]}"


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _open(given: Given) -> Publishes:
    scheme = _scheme(given.url)
    if scheme not in PUBLISHERS or "://" not in given.url:
        raise BadInput(
            f"TIDEMILL_ALERTS has {scheme[:20]!r}; a URL must begin with one of {', '.join(PUBLISHERS)}, and ://."
        )
    path, hint = PUBLISHERS[scheme]
    module, _, name = path.partition(":")
    try:
        factory: Factory = getattr(import_module(module), name)
        return factory(given)
    except ImportError as error:
        raise Unsupported(f"TIDEMILL_ALERTS {scheme}:// needs what is not installed ({error}); {hint}.") from error
