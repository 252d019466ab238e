"""Where what a device tells of comes from."""

from __future__ import annotations

from typing import NamedTuple


class Origin(NamedTuple):
    """The device with its group and its ring of the rollout, its release, and the version that this one is of."""

    device: str
    group: str
    ring: str
    release: str
    version: str
