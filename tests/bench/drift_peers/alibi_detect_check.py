"""alibi-detect: its tabular detector, Kolmogorov-Smirnov and chi-squared; nulls, which it cannot take, as the mean.

`alibi_detect_check FOLDER`
"""

import sys
import time
from pathlib import Path

import numpy as np
from alibi_detect.cd import TabularDrift

from tests.bench.drift_parts.asked import answer
from tests.bench.drift_parts.data import read


def matrix(name: str) -> np.ndarray:
    columns = read(Path(sys.argv[1]), name).values()
    coded = [np.unique(each, return_inverse=True)[1] if each.dtype == object else each for each in columns]
    return np.stack([np.nan_to_num(each, nan=float(np.nanmean(each))) for each in coded], axis=1).astype(np.float32)


reference, window = matrix("reference"), matrix("window")
categories = {
    place: None for place, name in enumerate(read(Path(sys.argv[1]), "window")) if name.startswith("category")
}
began = time.perf_counter()
detector = TabularDrift(reference, p_val=0.05, categories_per_feature=categories)
answer(lambda: detector.predict(window, drift_type="feature"), time.perf_counter() - began)
