"""Answering rows with one version."""

import numpy as np

from core.domain.columns import Columns, Outputs
from core.inference.answers import columnar, plain
from core.inference.rows import RowReader
from core.usecases.load_model import LoadedModel
from core.usecases.score_one import score
from tests import penguins
from tests.penguins import ROW, Desk


class Echo:
    """Answers the flipper's length, and remembers what it was given."""

    def predict(self, columns: Columns) -> Outputs:
        self.given = columns
        return Outputs(prediction=columns["flipper_length"].reshape(-1))


def test_rows_are_answered_and_recorded_under_the_request() -> None:
    desk, echo, manifest = Desk(), Echo(), penguins.regression().manifest
    rows = RowReader(manifest.schema).rows([ROW, {**ROW, "flipper_length": 200}])
    answer = score(LoadedModel(manifest, echo), rows, desk.log, request_id="r-1")
    assert answer.outputs.prediction is not None
    assert answer.outputs.prediction.tolist() == [186.0, 200.0]
    assert echo.given is rows.columns
    (page,) = desk.records().values()
    assert [(each["prediction_id"], each["request_id"], each["prediction"]) for each in page] == [
        (answer.prediction_ids[0], "r-1", 186.0),
        (answer.prediction_ids[1], "r-1", 200.0),
    ]


def test_answers_are_plain_values() -> None:
    outputs = Outputs(labels=np.array(["b", "a"], object), probabilities=np.array([[0.25, 0.75], [1, 0]], np.float32))
    assert plain(outputs, ("a", "b")) == [
        {"label": "b", "probabilities": {"a": 0.25, "b": 0.75}},
        {"label": "a", "probabilities": {"a": 1.0, "b": 0.0}},
    ]
    assert columnar(outputs) == {"label": ["b", "a"], "probabilities": [[0.25, 0.75], [1.0, 0.0]]}
    assert plain(Outputs(prediction=np.float32([0.5])), ()) == [{"prediction": 0.5}]
