"""How far a run is, told as metrics where nobody watches."""

import logging
from pathlib import Path

import pytest

from core.telemetry import METRICS_LOGGER
from core.usecases.batch_progress import logged_meter
from tests.functions.loop import MODEL, Loop


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.facts for record in caplog.records if record.name == METRICS_LOGGER and record.message == "batch"]


def test_a_run_that_nobody_watches_ends_in_metrics(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, METRICS_LOGGER)
    meter = logged_meter("m")
    meter.done()
    assert told(caplog) == []
    meter.tell(7)
    meter.done()
    (facts,) = told(caplog)
    assert (facts["model"], facts["batch_rows"]) == ("m", 7)


def test_the_function_tells_how_far_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, METRICS_LOGGER)
    loop = Loop(tmp_path)
    loop.drop()
    loop.run()
    assert [facts["batch_rows"] for facts in told(caplog) if facts["model"] == MODEL][-1] == 104
