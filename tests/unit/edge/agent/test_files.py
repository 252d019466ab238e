"""Changing the disk in one place, and nowhere else."""

import ast
import os
import threading
from pathlib import Path

import pytest

import edge.agent
from core.errors import NotFound, Refused, TooLarge, Transient
from edge.agent import files

WRITING = {"open", "write_bytes", "write_text", "mkdir", "unlink", "rename", "replace", "rmdir", "touch", "symlink_to"}


def test_nothing_else_in_the_agent_changes_the_disk():
    """Else the power could be cut where no test looks. `replace` is that of dataclasses and texts there."""
    for path in Path(edge.agent.__file__).parent.glob("*.py"):
        if path.name == "files.py":
            continue
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        for call in calls:
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            owner = getattr(getattr(call.func, "value", None), "id", "")
            assert name not in WRITING - {"replace"}, f"{path.name}:{call.lineno} {name}"
            assert name != "replace" or owner in {"", "files", "text"}, f"{path.name}:{call.lineno} {name}"
            assert owner not in {"shutil"}, f"{path.name}:{call.lineno}"


def test_replace(tmp_path):
    files.replace(tmp_path / "file", b"one")
    files.replace(tmp_path / "file", b"two")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"two"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_append_keeps_what_came_before_a_failure(tmp_path):
    def chunks():
        yield b"one"
        raise Transient("cut")

    with pytest.raises(Transient):
        files.append(tmp_path / "file", chunks())
    files.append(tmp_path / "file", [b"two"])
    assert (tmp_path / "file").read_bytes() == b"onetwo"


def test_append_does_not_write_through_a_link(tmp_path):
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "file").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        files.append(tmp_path / "file", [b"x"])
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_remove_follows_no_link(tmp_path):
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_bytes(b"precious")
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "victim")
    files.remove(tmp_path / "folder")
    files.remove(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    assert (tmp_path / "victim" / "file").exists()


def test_read_is_bounded(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert files.read(tmp_path / "file", 100) == b"x" * 100
    with pytest.raises(TooLarge):
        files.read(tmp_path / "file", 99)


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_read_of_no_plain_file(tmp_path, kind):
    path = tmp_path / "strange"
    {"link": lambda: path.symlink_to("/etc/passwd"), "folder": path.mkdir, "fifo": lambda: os.mkfifo(path)}[kind]()
    with pytest.raises(Refused, match="no plain file"):
        files.read(path, 100)


@pytest.mark.parametrize("name", ["none", "file/none"])
def test_read_of_nothing(tmp_path, name):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotFound):
        files.read(tmp_path / name, 100)


def test_one_at_a_time(tmp_path):
    counted = {"now": 0, "most": 0}

    def work():
        for _ in range(20):
            with files.locked(tmp_path / ".lock"):
                counted["now"] += 1
                counted["most"] = max(counted["most"], counted["now"])
                counted["now"] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted["most"] == 1


def test_lock_that_is_taken(tmp_path):
    with files.locked(tmp_path / ".lock"), pytest.raises(Transient, match="another process"):  # noqa: SIM117
        with files.locked(tmp_path / ".lock", wait=False):
            pass
    with files.locked(tmp_path / ".lock", wait=False):
        pass


def test_move_and_folders(tmp_path):
    files.make_folder(tmp_path / "a" / "b" / "c")
    files.make_folder(tmp_path / "a" / "b" / "c")
    files.make_folder(tmp_path / "d")
    files.move(tmp_path / "a" / "b", tmp_path / "d" / "b")
    assert (tmp_path / "d" / "b" / "c").is_dir()
