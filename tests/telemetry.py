"""Segments as devices send them, made by hand: good ones, and whatever else may come."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core import layout
from core.domain.canonical import canonical_json, sha256
from core.domain.telemetry import segment_name
from core.ports import ObjectStore

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RING = "9b1d5c2e"
RELEASE = "0000000001-0f3a5c2e9b1d"
HEALTH: Mapping[str, Any] = {
    "requests": 120,
    "errors": 0,
    "p50_ms": 1.5,
    "p95_ms": 4.0,
    "memory_mb": 61.0,
    "uptime_s": 3600,
    "dropped": 0,
    "drift": {},
    "output_drift": {},
    "drifted": [],
}


def release(edge: ObjectStore, model: str, version: str, logged: Sequence[str], *, sequence: int = 1) -> str:
    """A release as far as the cloud's side reads one; returns its id."""
    manifest = {"format": 1, "model": model, "version": version, "privacy": {"sensitive": [], "logged": list(logged)}}
    data = canonical_json({**manifest, "sequence": sequence})
    name = f"{sequence:010d}-{sha256(data)[:12]}"
    edge.put(layout.edge_sequence(model, sequence), b"{}")
    edge.put(layout.edge_file(model, name, "model.onnx"), b"onnx " * 1000)
    edge.put(layout.edge_manifest(model, name), data)
    return name


def record(model: str, version: str, row: int, features: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A record of the prediction log."""
    return {
        "prediction_id": f"{model}.r.{NOON.date()}.w-1.{row}",
        "answered_at": (NOON + timedelta(seconds=row)).isoformat(),
        "model_version": version,
        "request_id": "q",
        "role": "champion",
        "latency_ms": 0.4,
        "features": dict(features),
        **more,
    }


def segment(
    records: Sequence[Mapping[str, Any]],
    *,
    device: str = "pi-1",
    group: str = "north",
    ring: str = "canary",
    release: str = RELEASE,
    version: str = "v1",
    sequence: int = 1,
    health: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bytes:
    """The bytes of a segment, in members as a device writes them; `changes` are to the heading."""
    heading = {"format": 1, "device": device, "group": group, "ring": ring, "release": release, "version": version}
    heading |= {"sequence": sequence, "rows": len(records), "health": health, **changes}
    lines = [json.dumps(each).encode() + b"\n" for each in records]
    members = [canonical_json(heading) + b"\n", b"".join(lines[:2]), b"".join(lines[2:])]
    return b"".join(gzip.compress(member, mtime=0) for member in members if member)


def name_of(sequence: int, release: str = RELEASE, ring: str = RING) -> str:
    """How a device calls a segment."""
    return segment_name(sequence, release, ring)
