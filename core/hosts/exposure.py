"""An endpoint is open to this machine alone, unless who may ask has been decided."""

from __future__ import annotations

import ipaddress

from ..errors import Refused
from ..settings import AccessSettings


def check_exposure(host: str, access: AccessSettings) -> None:
    """Raises Refused if `host` can be reached from elsewhere while nothing says who may ask."""
    if access.modes or is_loopback(host):
        return
    raise Refused(
        f"{host or 'every address'} can be reached from elsewhere, and nothing says who may ask: set TIDEMILL_ACCESS "
        "to keys, jwt, iam (the platform asks) or none (anybody may)."
    )


def is_loopback(host: str) -> bool:
    """Whether an address, or a name, is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
