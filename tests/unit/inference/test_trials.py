"""A challenger beside the champion: who answers, what is recorded, and what a failing challenger costs: nothing."""

import threading
from typing import Any

import msgspec
import pytest

from core import layout
from core.domain.columns import Columns, Outputs
from core.domain.route import Mode, Route
from core.domain.traffic import gets_challenger
from core.errors import Transient
from core.inference.trials import Shadows
from core.tables.predictions import read_answered
from tests import penguins
from tests.penguins import MODEL, ROW, Desk, content, sentence

FIRST, SECOND = "0000000000000001", "0000000000000002"
PREDICT = f"/v1/models/{MODEL}:predict"
KEYS = [f"customer-{number}" for number in range(40)]


def desk_on_trial(mode: Mode = "canary", share: float = 0.5, **options: Any) -> tuple[Desk, Route]:
    desk = Desk(**options)
    route = Route(MODEL, FIRST, SECOND, mode, share, revision=3)
    desk.models.put(layout.route(MODEL), route.encode())
    return desk, route


def ask(desk: Desk, row: Any = ROW, **headers: str) -> tuple[str, Any]:
    """Which version answered, and what."""
    answer = desk.ask("POST", PREDICT, {"instances": [row]}, **headers)
    assert answer.status == 200, answer.body
    return answer.headers["x-tidemill-model-version"], content(answer)


def records(desk: Desk) -> list[dict[str, Any]]:
    return [record for page in desk.records().values() for record in page]


class Broken:
    def predict(self, columns: Columns) -> Outputs:
        raise ZeroDivisionError("no such luck")


def break_challenger(desk: Desk) -> None:
    trial = desk.cache.champion(MODEL).trial
    assert trial is not None
    msgspec.structs.force_setattr(trial.challenger.loaded, "predictor", Broken())


@pytest.mark.parametrize("mode", ["canary", "ab"])
def test_keys_are_shared_between_the_two_and_stay(mode: Mode) -> None:
    desk, route = desk_on_trial(mode)
    answered = {key: ask(desk, x_tidemill_key=key)[0] for key in KEYS}
    assert answered == {key: SECOND if gets_challenger(route, key) else FIRST for key in KEYS}
    assert set(answered.values()) == {FIRST, SECOND}
    other, _ = desk_on_trial(mode)
    assert {key: ask(other, x_tidemill_key=key)[0] for key in KEYS} == answered


def test_without_a_key_the_row_is_the_key_and_without_an_id_the_request() -> None:
    desk, route = desk_on_trial()
    by_row = {key: ask(desk, {**ROW, "tag": key})[0] for key in KEYS}
    by_request = {key: ask(desk, x_request_id=key)[0] for key in KEYS}
    expected = {key: SECOND if gets_challenger(route, key) else FIRST for key in KEYS}
    assert by_row == by_request == expected


def test_each_answer_is_the_version_s_own_and_is_recorded_as_what_it_was() -> None:
    desk, _ = desk_on_trial()
    plain = {version: ask(Desk(), x_tidemill_version=version)[1]["predictions"] for version in (FIRST, SECOND)}
    assert plain[FIRST] != plain[SECOND]
    for key in KEYS:
        version, answer = ask(desk, x_tidemill_key=key)
        assert answer["predictions"] == plain[version]
    roles = {(each["model_version"], each["role"], each["revision"]) for each in records(desk)}
    assert roles == {(FIRST, "champion", 3), (SECOND, "challenger", 3)}


def test_a_shadow_answers_nobody_and_is_recorded_beside_the_answer() -> None:
    desk, _ = desk_on_trial("shadow", 0.5)
    given = [ask(desk, x_tidemill_key=key) for key in KEYS]
    assert {version for version, _ in given} == {FIRST}
    desk.service.close()
    found = records(desk)
    shadows = [each for each in found if each["role"] == "shadow"]
    assert {each["model_version"] for each in shadows} == {SECOND}
    assert [each["shadow_of"] for each in shadows] == [answer["prediction_ids"][0] for _, answer in given]
    assert len({each["prediction_id"] for each in found}) == len(found) == 80


def test_a_shadow_is_off_the_path_of_the_answer() -> None:
    desk, _ = desk_on_trial("shadow")
    ask(desk)
    waiting = threading.Event()

    class Slow:
        def predict(self, columns: Columns) -> Outputs:
            assert waiting.wait(10)
            return Outputs()

    trial = desk.cache.champion(MODEL).trial
    assert trial is not None
    msgspec.structs.force_setattr(trial.challenger.loaded, "predictor", Slow())
    assert ask(desk)[0] == FIRST
    waiting.set()


def test_a_version_that_is_asked_for_answers_whatever_the_route_says() -> None:
    desk, _ = desk_on_trial()
    for version in (FIRST, SECOND):
        path = f"/v1/models/{MODEL}/versions/{version}:predict"
        assert {ask(desk, x_tidemill_key=key, x_tidemill_version=version)[0] for key in KEYS} == {version}
        assert desk.ask("POST", path, {"instances": [ROW]}).headers["x-tidemill-model-version"] == version
    assert {each["role"] for each in records(desk)} == {"named"}


@pytest.mark.parametrize(("version", "status"), [("9", 404), ("../x", 400), ("", 400)])
def test_a_version_that_is_none_is_told(version: str, status: int) -> None:
    answer = Desk().ask("POST", PREDICT, {"instances": [ROW]}, x_tidemill_version=version)
    assert answer.status == status
    assert "version" in sentence(answer)


def test_a_challenger_that_fails_is_recorded_and_the_champion_answers() -> None:
    desk, route = desk_on_trial()
    break_challenger(desk)
    assert {ask(desk, x_tidemill_key=key)[0] for key in KEYS} == {FIRST}
    failed = [each for each in records(desk) if "error" in each]
    assert len(failed) == sum(gets_challenger(route, key) for key in KEYS)
    assert {(each["role"], each["error"], "label" in each) for each in failed} == {
        ("challenger", "ZeroDivisionError: no such luck", False)
    }
    roles = [each["role"] for each in records(desk)]
    assert roles.count("fallback") == len(failed)


def test_failures_are_no_answers_to_whoever_reads_the_log() -> None:
    desk, _ = desk_on_trial("shadow")
    break_challenger(desk)
    ask(desk)
    desk.service.close()
    (key,) = desk.records()
    assert list(read_answered(desk.predictions, key, penguins.classifier(2).manifest)) == []
    (answered,) = read_answered(desk.predictions, key, penguins.classifier(1).manifest)
    assert len(answered) == 1


def test_a_request_keeps_the_trial_that_it_began_with() -> None:
    desk, _ = desk_on_trial()
    began = desk.cache.champion(MODEL)
    penguins.route(desk.models, SECOND, FIRST)
    desk.clock.advance(5)
    assert desk.cache.champion(MODEL).trial is None
    assert began.trial is not None
    assert (began.version, began.trial.challenger.version) == (FIRST, SECOND)


def test_sync_gives_no_answer_on_trial_that_it_cannot_record() -> None:
    desk, _ = desk_on_trial(mode="canary")
    desk.log.mode = "sync"

    class Away:
        def create(self, key: str, data: bytes) -> Any:
            raise Transient("the store is away.")

    desk.log._predictions = Away()
    answers = [desk.ask("POST", PREDICT, {"instances": [ROW]}, x_tidemill_key=key).status for key in KEYS]
    assert set(answers) == {503}


# shadows ----------------------------------------------------------------------------------------------------


def test_too_much_work_is_dropped_and_counted() -> None:
    shadows, go_on, done = Shadows(waiting=2), threading.Event(), []
    started = threading.Event()

    def first() -> None:
        started.set()
        assert go_on.wait(10)

    shadows.submit(first)
    assert started.wait(10)
    for number in range(5):
        shadows.submit(lambda number=number: done.append(number))  # type: ignore[misc]
    assert shadows.dropped == 3
    go_on.set()
    shadows.close(10)
    assert done == [0, 1]
    shadows.submit(lambda: done.append(9))
    assert (done, shadows.dropped) == ([0, 1], 4)


def test_work_that_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    shadows, done = Shadows(), []
    shadows.submit(lambda: 1 / 0)
    shadows.submit(lambda: done.append(1))
    shadows.close(10)
    assert done == [1]
    assert "could not be recorded" in caplog.text


def test_closing_gives_up_what_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    shadows, go_on = Shadows(), threading.Event()
    shadows.submit(lambda: go_on.wait(10))
    shadows.submit(lambda: None)
    shadows.close(0.05)
    go_on.set()
    assert "answers in shadow are given up" in caplog.text
