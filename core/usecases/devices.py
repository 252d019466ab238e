"""What devices ask of the cloud: the files of their releases, and to keep what they send back.

A device holds a key at most, and whoever holds the device may have it: so nothing that comes is believed. A segment is
kept if it is of bounded size, of a release that there is, and has no column that this release lets no device send.
Kept create-only, a segment that comes twice is there once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import layout
from ..domain.artefact import read_artefact
from ..errors import NotFound
from ..ports import ObjectInfo, ReadsCreates

if TYPE_CHECKING:
    from .telemetry_segments import Sendable

FORMAT = 1
REMEMBERED = 256
"""Releases whose manifests are known without asking the store again."""
DOCUMENTS = frozenset({"rollouts", "trust"})


class Devices:
    """Serves the devices of every model out of the edge zone. Safe to share between threads."""

    def __init__(self, edge: ReadsCreates) -> None:
        self._edge = edge
        self._releases: dict[tuple[str, str], Sendable] = {}

    def find(self, model: str, folder: str, name: str) -> ObjectInfo:
        """A file of a release, a rollout or a trust document; raises NotFound for everything else."""
        known = folder in DOCUMENTS or layout.RELEASE_ID.fullmatch(folder)
        if not known or not layout.MODEL_NAME.fullmatch(model) or not layout.DEVICE_NAME.fullmatch(name):
            raise NotFound("devices are given the files of releases, rollouts and trust documents alone.")
        return self._edge.head(layout.edge_file(model, folder, name))

    def read(self, found: ObjectInfo, start: int, length: int) -> bytes:
        """`length` bytes of a file from `start`."""
        return self._edge.get_range(found.key, start, length)

    def keep(self, model: str, group: str, device: str, segment: str, data: bytes) -> tuple[str, int]:
        """Keep a segment that a device sent; its key, and how many records it has.

        `segment` is its name without suffix.

        Raises NotFound if there is no such release, TooLarge beyond the limits, BadInput or Refused if it is
        not as it should be, AlreadyExists if a segment of that name was kept before.
        """
        from ..domain.telemetry import parse_segment_name  # noqa: PLC0415 - most who start answer no device
        from .telemetry_segments import check_records, read_heading  # noqa: PLC0415

        layout.check_device_name(group, "group")
        layout.check_device_name(device)
        allowed = self._sendable(model, parse_segment_name(segment).release)
        heading, lines = read_heading(data, group, device, segment)
        check_records(heading, lines, allowed)
        key = layout.edge_telemetry(model, group, device, segment)
        self._edge.create(key, data)
        return key, heading.rows

    def _sendable(self, model: str, release: str) -> Sendable:
        known = self._releases.get((model, release))
        if known is None:
            if not layout.MODEL_NAME.fullmatch(model):
                raise NotFound(f"there is no model {model[:80]!r}.")
            try:
                manifest = self._edge.get(layout.edge_manifest(model, release)).data
            except NotFound as error:
                raise NotFound(f"there is no release {release} of model {model}.") from error
            known = read_artefact(manifest, f"the manifest of release {release}", FORMAT, _sendable)
            while len(self._releases) >= REMEMBERED:  # the one that was read first is let go of
                self._releases.pop(next(iter(self._releases)), None)
            self._releases[model, release] = known
        return known


def _sendable(fields: Mapping[str, Any]) -> Sendable:
    from .telemetry_segments import Sendable  # noqa: PLC0415 - as above

    return Sendable(str(fields["model"]), str(fields["version"]), frozenset(fields["privacy"]["logged"]))
