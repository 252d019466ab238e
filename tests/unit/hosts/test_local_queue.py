"""The local host's durable queue."""

import subprocess
import sys
import textwrap
import threading

import pytest

from core.hosts.local.queue import Queue, Work


def work(name, rank=0, due=0.0):
    return Work(name, "ingest", f"landing/{name}", {"key": name}, rank, due=due)


@pytest.fixture
def queue(tmp_path):
    queue = Queue(tmp_path)
    yield queue
    queue.close()


def test_what_was_queued_once_is_never_queued_again(queue):
    assert queue.add([work("a"), work("b")]) == 2
    queue.done(queue.next(1, ["ingest"]))
    assert queue.add([work("a"), work("b"), work("c")]) == 1
    assert [item.id for item in queue.pending()] == ["b", "c"]


def test_lower_ranks_go_first_then_older_ones(queue):
    queue.add([work("late", 2), work("first", 1), work("second", 1)])
    order = []
    while (item := queue.next(1, ["ingest"])) is not None:
        order.append(item.id)
        queue.done(item)
    assert order == ["first", "second", "late"]


def test_next_keeps_to_its_functions_and_to_what_is_due(queue):
    queue.add([work("a", due=100.0)])
    assert queue.next(99, ["ingest"]) is None
    assert queue.next(100, ["validate"]) is None
    assert queue.next(100, ["ingest"]).id == "a"


def test_a_retry_counts_and_a_dead_letter_can_be_revived(queue):
    queue.add([work("a")])
    queue.retry(queue.next(1, ["ingest"]), "busy", 50.0)
    again = queue.next(50, ["ingest"])
    assert (again.attempts, again.error, again.due) == (1, "busy", 50.0)
    queue.give_up(again, "broken")
    assert [(item.id, item.error) for item in queue.dead()] == [("a", "broken")]
    assert queue.revive() == 1
    assert queue.next(0, ["ingest"]).attempts == 0


def test_a_schedule_fires_with_its_work_or_not_at_all(queue):
    assert queue.last_fired("drift m") is None
    queue.fire("drift m", 5.0, [work("a")])
    assert (queue.last_fired("drift m"), queue.pending()[0].id) == (5.0, "a")


def test_many_threads_add_the_same_work_once(queue):
    added = []
    threads = [threading.Thread(target=lambda: added.append(queue.add([work("a"), work("b")]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == 2


def test_what_was_done_is_remembered_by_the_next_process_after_kill(tmp_path):
    script = """
        import os, signal, sys
        from pathlib import Path
        from core.hosts.local.queue import Queue, Work
        queue = Queue(Path(sys.argv[1]))
        queue.add([Work(name, "ingest", name, {}) for name in "ab"])
        queue.done(queue.next(1, ["ingest"]))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], check=False)
    assert killed.returncode == -9
    queue = Queue(tmp_path)
    assert [item.id for item in queue.pending()] == ["b"]
    queue.close()
