"""The journal of a device: bounded, and readable whatever a power cut left of it."""

from edge.agent import journal
from tests.edge.releases import FakeClock


def test_newest_last(tmp_path):
    for number in range(30):
        journal.note(tmp_path, FakeClock(), "installed", f"release {number}")
    assert [event["release"] for event in journal.recent(tmp_path, 3)] == ["release 27", "release 28", "release 29"]


def test_same_event_again_is_no_news(tmp_path):
    for _ in range(5):
        journal.note(tmp_path, FakeClock(), "refused", "release 1", "it is not signed")
    journal.note(tmp_path, FakeClock(), "refused", "release 1", "it is too large")
    assert len(journal.recent(tmp_path)) == 2


def test_torn_line_is_passed_over(tmp_path):
    journal.note(tmp_path, FakeClock(), "installed", "release 1")
    with (tmp_path / journal.JOURNAL).open("ab") as file:
        file.write(b'{"event":"inst')
    assert [event["release"] for event in journal.recent(tmp_path)] == ["release 1"]


def test_line_after_a_torn_one_is_whole(tmp_path):
    journal.note(tmp_path, FakeClock(), "installed", "release 1")
    with (tmp_path / journal.JOURNAL).open("ab") as file:
        file.write(b'{"event":"inst')
    journal.note(tmp_path, FakeClock(), "kept", "release 1")
    assert [event["event"] for event in journal.recent(tmp_path)] == ["installed", "kept"]


def test_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "MOST", 1000)
    for number in range(200):
        journal.note(tmp_path, FakeClock(), "installed", f"release {number}")
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 1200
    assert journal.recent(tmp_path)[-1]["release"] == "release 199"


def test_strange_lines_are_passed_over(tmp_path):
    (tmp_path / journal.JOURNAL).write_bytes(b'[]\n3\n\xff\xfe\n{"event":"kept","release":"r"}\n')
    assert [event["event"] for event in journal.recent(tmp_path)] == ["kept"]
