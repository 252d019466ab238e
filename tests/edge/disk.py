"""A disk whose power can be cut: what a process does to files is counted, and what it did not sync can be lost.

The operations are those of POSIX as the strictest file system takes them: a name is on the disk when its folder was
synced, content when its file was. https://www.usenix.org/conference/osdi14/technical-sessions/presentation/pillai
"""

from __future__ import annotations

import os
import signal
import stat
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Literal

Loss = Literal["nothing", "names and content", "content", "zeros"]
"""What is lost of what was not synced: nothing, as when a process is killed; all; content alone; or content alone,
where the sizes are there already."""
LOSSES: tuple[Loss, ...] = ("nothing", "names and content", "content", "zeros")
OPERATIONS = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir")


class Disk:
    """Stands in for those functions of `os` that change files below `root`, until the power is cut at operation `cut`.

    `crashed` is then the folder as it is found when the power is back.
    """

    def __init__(self, root: Path, cut: int, loss: Loss, crashed: Path, *, torn: bool = False) -> None:
        self._root = root
        self._cut = cut
        self._loss = loss
        self._crashed = crashed
        self._torn = torn
        self._done = 0
        self._real = {name: getattr(os, name) for name in OPERATIONS}
        self._ids: dict[int, int] = {}
        self._fresh = count()
        self._folders: dict[int, dict[str, int]] = {}
        self._files: dict[int, bytes] = {}
        self._take(root)

    def plug_in(self) -> None:
        """Begin to count, in this process for good."""
        for name in OPERATIONS:
            setattr(os, name, getattr(self, f"_{name}"))

    def _take(self, path: Path) -> int:
        """All that is there at the beginning is on the disk."""
        own = self._id(path.lstat())
        if path.is_dir() and not path.is_symlink():
            self._folders[own] = {each.name: self._take(each) for each in path.iterdir()}
        else:
            self._files[own] = path.read_bytes()
        return own

    def _id(self, found: os.stat_result, *, new: bool = False) -> int:
        """An inode's number is used again when its file is gone; this is not."""
        if new or found.st_ino not in self._ids:
            self._ids[found.st_ino] = next(self._fresh)
        return self._ids[found.st_ino]

    def _step(self) -> None:
        self._done += 1
        if self._done == self._cut and not self._torn:
            self._cut_power()

    def _cut_power(self) -> None:
        if self._loss == "nothing":
            os.rename = self._real["rename"]
            self._root.rename(self._crashed)
        else:
            self._restore(self._id(self._root.lstat()), self._root, self._crashed)
        os.kill(os.getpid(), signal.SIGKILL)

    def _restore(self, own: int, path: Path, to: Path) -> None:
        """Write what is on the disk; names as they are now where only content is lost."""
        make, put = self._real["mkdir"], self._put
        if own in self._folders:
            make(to, 0o755)
            names = self._folders[own] if self._loss == "names and content" else self._names(path)
            for name, inner in names.items():
                self._restore(inner, path / name, to / name)
        else:
            put(to, self._content(own, path))

    def _names(self, path: Path) -> dict[str, int]:
        return {each.name: self._known(each) for each in path.iterdir()}

    def _content(self, own: int, path: Path) -> bytes:
        synced = self._files[own]
        if self._loss == "zeros":
            size = path.lstat().st_size
            return synced[:size] + bytes(size - len(synced[:size]))
        return synced

    def _put(self, path: Path, data: bytes) -> None:
        descriptor = self._real["open"](path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._real["write"](descriptor, data)
        os.close(descriptor)

    def _known(self, path: Path, *, new: bool = False) -> int:
        found = path.lstat()
        own = self._id(found, new=new)
        if stat.S_ISDIR(found.st_mode):
            self._folders.setdefault(own, {})
        else:
            self._files.setdefault(own, b"")
        return own

    # What stands in ------------------------------------------------------------------------------------------

    def _open(self, path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        changes = flags & (os.O_CREAT | os.O_TRUNC)
        if changes:
            self._step()
        new = bool(flags & os.O_CREAT) and not Path(path).exists()
        descriptor = self._real["open"](path, flags, mode, **more)
        if new:
            self._known(Path(path), new=True)
        return descriptor

    def _write(self, descriptor: int, data: Any) -> int:
        if self._torn and self._done + 1 == self._cut:
            self._real["write"](descriptor, bytes(data)[: len(data) // 2])
            self._cut_power()
        self._step()
        return self._real["write"](descriptor, data)

    def _fsync(self, descriptor: int) -> None:
        self._step()
        self._real["fsync"](descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        found = os.fstat(descriptor)
        own = self._id(found)
        if stat.S_ISDIR(found.st_mode):
            self._folders[own] = self._names(path)
        else:
            self._files[own] = path.read_bytes()

    def _mkdir(self, path: Any, mode: int = 0o777, **more: Any) -> None:
        self._step()
        self._real["mkdir"](path, mode, **more)
        self._known(Path(path), new=True)

    def _plain(self, name: str, *arguments: Any, **more: Any) -> None:
        self._step()
        self._real[name](*arguments, **more)

    def _replace(self, *arguments: Any, **more: Any) -> None:
        self._plain("replace", *arguments, **more)

    def _rename(self, *arguments: Any, **more: Any) -> None:
        self._plain("rename", *arguments, **more)

    def _unlink(self, *arguments: Any, **more: Any) -> None:
        self._plain("unlink", *arguments, **more)

    def _rmdir(self, *arguments: Any, **more: Any) -> None:
        self._plain("rmdir", *arguments, **more)


def dies(act: Callable[[], object]) -> bool:
    """Do it in a process of its own: whether that was killed. For a process with one thread."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - told by the exit code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "it failed"
    return False
