"""What a device is set up to speak with, all within one budget and one bandwidth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from core.errors import BadInput
from core.layout import edge_telemetry

from .budget import Budget, Pace
from .clock import Clock
from .config import Device
from .transport import CHUNK, OVERHEAD, PIECE, FolderSource, Metered, Source

if TYPE_CHECKING:
    from .http import Server


class Network:
    """The source of a device, and the way back. For one thread, and one process at a time; to be closed."""

    def __init__(self, root: Path, device: Device, clock: Clock) -> None:
        self._device = device
        self._clock = clock
        self._budget = Budget(root, device.daily_budget, clock)
        self._pace = Pace(device.bandwidth, clock)
        self._servers: dict[str, Server] = {}

    def close(self) -> None:
        """Let go of all connections."""
        for server in self._servers.values():
            server.close()

    def source(self) -> Source:
        """Where releases come from; raises BadInput if device.toml names no source that can be used."""
        url = self._device.source_url
        if url is None:
            raise BadInput("device.toml names no source_url: releases come by `install` alone.")
        parts = urlsplit(url)
        if parts.scheme == "file":
            if parts.netloc or not parts.path.startswith("/"):
                raise BadInput(f"source_url {url!r} must be an absolute path, as in file:///media/usb.")
            return FolderSource(Path(unquote(parts.path)))
        from .http import HttpSource  # noqa: PLC0415 - ssl and http.client are 10 MB

        return Metered(HttpSource(self._server(url), chunk=_chunk(self._device.bandwidth)), self._budget, self._pace)

    def put(self, segment: str, data: bytes) -> int:
        """Send a segment of telemetry: the HTTP status of the answer.

        Raises Transient if another time may help, BadInput if device.toml names no upload_url that can be used.
        """
        from .http import Uplink  # noqa: PLC0415 - as above

        device = self._device
        if device.upload_url is None:
            raise BadInput("device.toml names no upload_url: telemetry stays here.")
        self._budget.check()
        self._budget.spend(len(data) + OVERHEAD)
        self._budget.keep()
        self._pace.passed(len(data))
        key = edge_telemetry(device.model, device.group, device.device, segment)
        return Uplink(self._server(device.upload_url)).put(key, data)

    def _server(self, url: str) -> Server:
        """One connection for all that is asked of a URL."""
        from .http import server_of  # noqa: PLC0415 - as above

        if url not in self._servers:
            self._servers[url] = server_of(url, self._device, self._clock)
        return self._servers[url]


def _chunk(bandwidth: int | None) -> int:
    """Bytes to ask for at once: no answer takes much longer than a minute, and none is too large for a function."""
    return CHUNK if bandwidth is None else max(PIECE, min(CHUNK, bandwidth * 60))
