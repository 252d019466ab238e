"""Ours: the container's application on its server. `python -m tests.bench.realtime_parts.ours PORT`"""

from __future__ import annotations

import sys

from core.hosts.asgi import Server
from functions.realtime_inference.container import app

if __name__ == "__main__":
    Server(app(), port=int(sys.argv[1])).run()
