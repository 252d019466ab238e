"""Ours: the container's application on its server. `python -m tests.bench.realtime_parts.ours PORT`"""

from __future__ import annotations

import sys

from core.hosts.asgi import Server
from functions.realtime_inference.container import app


def serve(port: int) -> None:
    """Until SIGTERM."""
    Server(app(), port=port).run()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
