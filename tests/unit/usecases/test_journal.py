"""Keeping a journal: each decision once, whoever writes at the same time, however often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.journal import REMEMBERED, Entry
from core.errors import Corrupt
from core.usecases.journal import audit, entries, record
from tests.faults import Counter, Died, FailingStore


class Clock:
    def now(self):
        return datetime(2026, 11, 24, 9, tzinfo=UTC)


def write(models, decision, model="m"):
    record(models, Clock(), model, decision=decision, kind="test", evidence={"of": decision}, code="c")


def decisions(models, model="m"):
    return [Entry.decode(data).decision for data in entries(models, model)]


def test_decisions_are_kept_in_order_and_each_once():
    models = MemoryStore()
    for decision in ("a", "b", "a", "c", "b"):
        write(models, decision)
    assert decisions(models) == ["a", "b", "c"]
    assert [info.key for info in models.list("m/")] == [layout.journal_entry("m", n) for n in (1, 2, 3)]
    assert audit(models, "m").intact


def test_a_decision_of_long_ago_is_not_journalled_again():
    models = MemoryStore()
    wanted = [f"d{number}" for number in range(2 * REMEMBERED + 2)]
    for decision in [*wanted, *wanted[::-1]]:
        write(models, decision)
    assert decisions(models) == wanted


def test_journals_of_models_do_not_mix():
    models = MemoryStore()
    write(models, "a", "m")
    write(models, "b", "m-2")
    assert (decisions(models, "m"), decisions(models, "m-2")) == (["a"], ["b"])


def test_an_absent_journal_is_whole():
    found = audit(MemoryStore(), "m")
    assert (found.entries, found.intact) == (0, True)


def test_many_writers_at_once_lose_nothing_and_repeat_nothing():
    models = MemoryStore()
    wanted = [f"d{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda decision: write(models, decision), [*wanted, *wanted[::-1]]))
    assert sorted(decisions(models)) == sorted(wanted)
    assert audit(models, "m").intact


@pytest.mark.parametrize("after", [False, True])
def test_a_writer_that_dies_is_repeated_without_harm(after):
    models = MemoryStore()
    write(models, "a")
    with pytest.raises(Died):
        write(FailingStore(models, 1, Counter(), after=after), "b")
    write(models, "b")
    write(models, "c")
    assert decisions(models) == ["a", "b", "c"]


def test_tampering_is_found():
    models = MemoryStore()
    for decision in "abcd":
        write(models, decision)
    key = layout.journal_entry("m", 2)
    models.put(key, models.get(key).data.replace(b'"of":"b"', b'"of":"z"'))
    assert audit(models, "m").first_break == 3
    models.delete(key)
    assert audit(models, "m").first_break == 2


def test_nothing_is_written_behind_a_broken_head():
    models = MemoryStore()
    write(models, "a")
    models.put(layout.journal_entry("m", 2), b"{}")
    with pytest.raises(Corrupt):
        write(models, "b")
