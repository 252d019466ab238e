"""The journal tells of versions that were not served: once, whoever refused them."""

import json

from core import layout
from core.domain.journal import Entry
from core.inference.http import Request
from core.inference.predictor import load_predictor
from core.inference.service import make_service
from core.usecases.journal import audit, entries
from tests import penguins
from tests.penguins import MODEL, ROW, Desk

SECOND = "0000000000000002"


def spoilt(desk: Desk) -> None:
    key = layout.model_file(MODEL, SECOND, "model.onnx")
    desk.models.put(key, desk.models.get(key).data + b"\0")
    penguins.route(desk.models, SECOND, penguins.classifier(1))


def journal(desk: Desk) -> list[Entry]:
    return [Entry.decode(data) for data in entries(desk.models, MODEL)]


def test_many_machines_that_refuse_a_version_journal_it_once() -> None:
    desk = Desk()
    spoilt(desk)
    services = [make_service(desk.models, desk.predictions, load_predictor, desk.clock) for _ in range(3)]
    ask = Request("POST", f"/v1/models/{MODEL}:predict", body=b'{"instances": [%s]}' % json.dumps(ROW).encode())
    for service in services:
        assert service.handle(ask).headers["x-tidemill-model-version"] == "0000000000000001"
        assert len(journal(desk)) <= 1
        service.tick()
        service.tick()
    (entry,) = journal(desk)
    assert (entry.kind, entry.decision) == ("not served", f"refuse {SECOND} at revision 1")
    assert entry.evidence["serving"] == "0000000000000001"
    assert "does not match the hash" in entry.evidence["reason"]
    assert audit(desk.models, MODEL).intact


def test_the_journal_is_not_written_on_the_path_of_a_request() -> None:
    desk = Desk()
    spoilt(desk)
    service = make_service(desk.models, desk.predictions, load_predictor, desk.clock)
    service.handle(Request("GET", f"/v2/models/{MODEL}/ready"))
    assert journal(desk) == []
    service.close()
    assert len(journal(desk)) == 1
