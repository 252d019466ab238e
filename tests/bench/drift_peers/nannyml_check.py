"""NannyML: univariate drift of one chunk, by two of its methods for each kind of column. `nannyml_check FOLDER`"""

import sys
import time
from pathlib import Path

from nannyml import UnivariateDriftCalculator

from tests.bench.drift_parts.asked import answer
from tests.bench.drift_peers.frames import frames

reference, window = frames(Path(sys.argv[1]))
calculator = UnivariateDriftCalculator(
    column_names=list(reference),
    treat_as_categorical=[name for name in reference if name.startswith("category")],
    continuous_methods=["kolmogorov_smirnov", "jensen_shannon"],
    categorical_methods=["chi2", "jensen_shannon"],
    chunk_size=len(window),
)
began = time.perf_counter()
calculator.fit(reference)
answer(lambda: calculator.calculate(window).to_df(), time.perf_counter() - began)
