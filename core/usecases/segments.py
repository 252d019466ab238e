"""The telemetry that devices sent back, as a listing of the edge zone tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from .. import layout
from ..domain.artefact import read_artefact
from ..domain.telemetry import SegmentName, parse_segment_name
from ..errors import BadInput, NotFound
from ..ports import Lists, ObjectInfo, Reads

FORMAT = 1
"""The newest format of release manifests that is read."""


class Segment(NamedTuple):
    """One segment as a listing tells of it."""

    group: str
    device: str
    name: SegmentName
    info: ObjectInfo


def segments_of(edge: Lists, model: str) -> Iterator[Segment]:
    """Every segment that devices of a model sent back, in the order of their keys."""
    for info in edge.list(layout.edge_telemetry_of(model)):
        with suppress(BadInput):  # nothing that a device, or the endpoint, would write
            _, group, device, name = layout.parse_edge_telemetry(info.key)
            yield Segment(group, device, parse_segment_name(name), info)


def version_of_release(edge: Reads, model: str, release: str) -> str | None:
    """The version that a release is of, None if there is no such release."""
    try:
        manifest = edge.get(layout.edge_manifest(model, release)).data
    except NotFound:
        return None
    return read_artefact(manifest, f"the manifest of release {release}", FORMAT, lambda fields: str(fields["version"]))
