"""`python -m functions.train MODEL TRAINING`: how every job runner starts the job."""

from __future__ import annotations

import sys

from core.events.messages import TrainingClaimed
from core.hosts.job import run

from .handler import handle

if __name__ == "__main__":
    sys.exit(run(handle, TrainingClaimed(*sys.argv[1:])))
