"""The bench's columns as pandas frames, for peers that take those."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.bench.drift_parts.data import read


def frames(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The reference and the window."""
    reference, window = (pd.DataFrame(read(folder, name)) for name in ("reference", "window"))
    return reference, window
