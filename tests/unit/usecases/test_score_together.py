"""Answering the rows of several requests with one run."""

import numpy as np
import pytest

from core.domain.columns import Columns, Outputs
from core.inference.rows import RowReader
from core.usecases.load_model import LoadedModel
from core.usecases.score_together import score_together
from tests import penguins
from tests.penguins import ROW, Desk

MANIFEST = penguins.regression().manifest
READER = RowReader(MANIFEST.schema)
REQUESTS = [
    (READER.rows([{**ROW, "flipper_length": each} for each in lengths]), id_)
    for id_, lengths in {"r-1": (186, 200), "r-2": (210,), "r-3": (190, 191, 192)}.items()
]
COLUMNS = READER.arrays([each for rows, _ in REQUESTS for each in rows.features])


class Echo:
    """Answers the flipper's length."""

    def predict(self, columns: Columns) -> Outputs:
        return Outputs(prediction=columns["flipper_length"].reshape(-1))


class Broken:
    def predict(self, columns: Columns) -> Outputs:
        raise ZeroDivisionError


def test_each_request_is_answered_and_recorded_by_itself() -> None:
    desk = Desk()
    scored = score_together(LoadedModel(MANIFEST, Echo()), COLUMNS, REQUESTS, desk.log)
    told = [
        (request_id, prediction_id, answer.prediction)
        for request_id, answers, prediction_ids in scored
        for prediction_id, answer in zip(prediction_ids, answers, strict=True)
    ]
    assert [(request_id, prediction) for request_id, _, prediction in told] == [
        ("r-1", 186.0),
        ("r-1", 200.0),
        ("r-2", 210.0),
        ("r-3", 190.0),
        ("r-3", 191.0),
        ("r-3", 192.0),
    ]
    (page,) = desk.records().values()
    assert [(each["request_id"], each["prediction_id"], each["prediction"]) for each in page] == told
    assert [each["features"]["flipper_length"] for each in page] == [186, 200, 210, 190, 191, 192]


def test_the_arrays_are_those_of_all_rows_in_their_order() -> None:
    alone = [rows.columns for rows, _ in REQUESTS]
    for name, values in COLUMNS.items():
        np.testing.assert_array_equal(values, np.concatenate([columns[name] for columns in alone]))


def test_what_the_model_raises_is_raised_and_nothing_is_recorded() -> None:
    desk = Desk()
    with pytest.raises(ZeroDivisionError):
        score_together(LoadedModel(MANIFEST, Broken()), COLUMNS, REQUESTS, desk.log)
    assert desk.records() == {}
