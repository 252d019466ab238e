"""Evidently: its preset for data drift, with its own choice of a test a column. `evidently_check FOLDER`"""

import sys
from pathlib import Path

from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from tests.bench.drift_parts.asked import answer
from tests.bench.drift_peers.frames import frames

reference, window = frames(Path(sys.argv[1]))
numbers = [name for name in reference if name.startswith("number")]
definition = DataDefinition(
    numerical_columns=numbers, categorical_columns=[name for name in reference if name not in numbers]
)
known, asked = (Dataset.from_pandas(frame, data_definition=definition) for frame in (reference, window))
answer(lambda: Report([DataDriftPreset()]).run(asked, known).dict(), 0.0)
