"""Which requests are answered together, and that each gets its own answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from core.domain.columns import Columns, Outputs
from core.hosts.turns import FEW, MOST, Turns
from core.inference.http import Encoded, Received
from tests.penguins import MODEL, ROW, Desk

PREDICT = f"/v1/models/{MODEL}:predict"


class Counted:
    """A desk whose champion tells how many rows each of its runs had."""

    def __init__(self) -> None:
        self.desk, self.runs = Desk(), list[int]()
        self.desk.predict(ROW)
        loaded = self.desk.cache._slots[MODEL].served.loaded
        self._predictor = loaded.predictor
        msgspec.structs.force_setattr(loaded, "predictor", self)
        self.turns = Turns(self.desk.service.short)

    def predict(self, columns: Columns) -> Outputs:
        self.runs.append(len(columns["sex"]))
        return self._predictor.predict(columns)

    async def ask(self, request_id: str, rows: int = 1, padding: int = 0) -> Encoded | None:
        """As the ASGI application does."""
        body = json.dumps({"instances": [ROW] * rows}).encode() + b" " * padding
        asked = Received("POST", PREDICT, b"", {b"x-request-id": request_id.encode()}, body)
        here = self.turns.enter(asked)
        if here is None:
            return None
        if self.turns.is_worth_waiting(here, asked):
            await asyncio.sleep(0)
        return self.turns.answer(here, asked)

    async def ask_together(self, count: int, **options: int) -> Sequence[Encoded | None]:
        return await asyncio.gather(*(self.ask(f"r-{number}", **options) for number in range(count)))

    async def crowd(self) -> None:
        """One turn with several requests, so that the next is waited for."""
        await self.ask_together(2)
        await asyncio.sleep(0)
        self.runs.clear()


def ids_of(answers: Sequence[Encoded | None]) -> list[str]:
    return [dict(answer.headers)[b"x-request-id"].decode() for answer in answers if answer is not None]


def test_who_asks_alone_is_answered_at_once() -> None:
    counted = Counted()

    async def alone() -> None:
        for number in range(3):
            asking = counted.ask(f"r-{number}")
            with pytest.raises(StopIteration) as stopped:  # and so has not waited for anything
                asking.send(None)
            assert ids_of([stopped.value.value]) == [f"r-{number}"]
            await asyncio.sleep(0)

    asyncio.run(alone())
    assert counted.runs == [1, 1, 1]


def test_after_a_turn_with_several_requests_the_next_are_answered_together() -> None:
    counted = Counted()

    async def twice() -> Sequence[Encoded | None]:
        await counted.ask_together(3)
        await asyncio.sleep(0)
        return await counted.ask_together(5)

    answers = asyncio.run(twice())
    assert counted.runs == [1, 1, 1, 5]
    assert ids_of(answers) == [f"r-{number}" for number in range(5)]


def test_after_a_turn_with_one_request_nobody_waits() -> None:
    counted = Counted()

    async def fewer() -> None:
        await counted.crowd()
        await counted.ask("alone")
        await asyncio.sleep(0)
        await counted.ask_together(2)

    asyncio.run(fewer())
    assert counted.runs == [1, 1, 1]


def test_no_more_than_most_are_answered_together() -> None:
    counted = Counted()

    async def many() -> Sequence[Encoded | None]:
        await counted.crowd()
        return await counted.ask_together(MOST + 3)

    assert len(ids_of(asyncio.run(many()))) == MOST + 3
    assert counted.runs == [MOST, 3]


def test_a_large_request_does_not_wait_and_takes_along_who_does() -> None:
    counted = Counted()

    async def mixed() -> list[Any]:
        await counted.crowd()
        return await asyncio.gather(counted.ask("small"), counted.ask("large", 7, FEW), counted.ask("late"))

    assert ids_of(asyncio.run(mixed())) == ["small", "large", "late"]
    assert counted.runs == [8, 1]


def test_who_is_gone_leaves_the_others_their_answers() -> None:
    counted = Counted()

    async def cancelled() -> list[Any]:
        await counted.crowd()
        tasks = [asyncio.create_task(counted.ask(f"r-{number}")) for number in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    gone, *others = asyncio.run(cancelled())
    assert isinstance(gone, asyncio.CancelledError)
    assert ids_of(others) == ["r-1", "r-2"]
    assert counted.runs == [3]


def test_what_may_not_go_the_short_way_does_not_enter() -> None:
    asked = Received("GET", PREDICT, b"", {}, b"")
    assert Counted().turns.enter(asked) is None
    assert Turns(None).enter(asked) is None
