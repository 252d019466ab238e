"""From a file that breaks an expectation to a webhook that is told of it, and back; on real functions."""

from __future__ import annotations

import json

from core import layout
from core.runtime import Runtime
from core.settings import Settings
from core.usecases.alert import read_alerts
from tests.functions.loop import FEATURES, MODEL, SPEC, Loop, birds, csv_of
from tests.unit.adapters.test_publish import serving

EXPECTS = """
expectations:
  - name: bills are no longer than 100 mm
    sql: select * from rows where bill_length_mm > 100
checks:
  - {columns: [bill_length_mm, flipper_length_mm], rule: bill_length_mm < flipper_length_mm}
"""
COLUMNS = ("bird", *FEATURES, "species", "observer")


class AlertedLoop(Loop):
    """A loop whose alerts go to a webhook."""

    def __init__(self, folder, url):
        super().__init__(folder)
        self.url = url
        (folder / "models" / f"{MODEL}.yaml").write_text(SPEC + EXPECTS)

    def runtime(self, wrap, queue):
        runtime = super().runtime(wrap, queue)
        environ = {"TIDEMILL_ALERTS": self.url}
        settings = Settings.from_env(environ, store=runtime.settings.store, specs=runtime.settings.specs)
        return Runtime(settings, stores=runtime._stores, jobs=runtime.jobs, clock=runtime.clock)


def drop(loop, name, rows):
    loop.stores["landing"].put(layout.landing(MODEL, "rows", name), csv_of(rows, COLUMNS))


def told(server):
    """What the webhook was told since it was asked last."""
    found = [json.loads(body)["data"] for _, _, body in server.requests]
    server.requests.clear()
    return [(data["kind"], data["change"], data["summary"]) for data in found]


def test_a_webhook_is_told_once_of_a_broken_file_and_when_data_is_fine_again(tmp_path):
    with serving() as server:
        loop = AlertedLoop(tmp_path, server.url)
        drop(loop, "broken.csv", [{**bird, "bill_length_mm": "150"} for bird in birds()[:40]])
        loop.run()
        ((kind, change, summary),) = told(server)
        assert (kind, change) == ("data", "raised")
        assert "bills are no longer than 100 mm: 40 rows are not as expected" in summary
        loop.run(queue="a queue that was lost")
        assert told(server) == []
        drop(loop, "mended.csv", birds()[:140])
        loop.run()
        assert [item[:2] for item in told(server)] == [("data", "resolved")]
    (state,) = read_alerts(loop.stores["reports"], MODEL)
    assert (state.state, state.notices) == ("resolved", ())
    (report,) = [
        json.loads(data)
        for key, data in loop.state().items()
        if "/validation/" in key and not json.loads(data)["valid"]
    ]
    failed = [check for check in report["checks"] if not check["passed"]]
    assert {check["check"] for check in failed} >= {"expectation"}
    example = next(check["examples"][0] for check in failed if check["check"] == "expectation")
    assert example["bill_length_mm"] == 150.0
    assert "ringed" not in example
