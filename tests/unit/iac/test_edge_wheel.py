"""What a device installs: the modules that it needs and no others, in a wheel of the same bytes each time."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from core.errors import NotFound
from iac.closure import closure
from iac.edge_wheel import build, sources


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = build(tmp_path / "first"), build(tmp_path / "second")
    assert (first.sha256, first.zipped) == (second.sha256, second.zipped)
    assert Path(first.archive).read_bytes() == Path(second.archive).read_bytes()


def test_every_file_is_recorded_as_it_is(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    with zipfile.ZipFile(wheel.archive) as archive:
        names = archive.namelist()
        (record,) = [name for name in names if name.endswith(".dist-info/RECORD")]
        rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
        assert sorted(row[0] for row in rows) == sorted(names)
        for name, digest, size in rows:
            if name != record:
                data = archive.read(name)
                told = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                assert (digest, int(size)) == (f"sha256={told}", len(data))
        metadata = archive.read(record.replace("RECORD", "METADATA")).decode()
        assert b"tidemill-edge = edge.__main__:main" in archive.read(record.replace("RECORD", "entry_points.txt"))
    needed = {line.partition(": ")[2].partition(">")[0] for line in metadata.splitlines() if "Requires-Dist" in line}
    assert needed == {"cryptography", "msgspec", "numpy", "onnxruntime"}


def test_it_holds_what_answers_and_nothing_of_the_cloud() -> None:
    names = set(sources())
    assert {"edge/__main__.py", "edge/runtime/model.py", "edge/agent/run.py", "core/inference/v2_endpoints.py"} <= names
    strange = ("core/adapters", "core/cli", "core/hosts", "core/spec", "core/tables", "core/training", "edge/export")
    assert [name for name in names if name.startswith((*strange, "functions", "iac"))] == []


def test_imports_for_types_alone_do_not_count_and_all_others_do(tmp_path: Path) -> None:
    sources = {
        "core/__init__.py": "",
        "core/one.py": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nfrom .deep import two\n"
        "if TYPE_CHECKING:\n    from .types_alone import Three\n",
        "core/deep/__init__.py": "",
        "core/deep/two.py": "import numpy\ndef late():\n    from ..late import NAME\n    import core.later\n",
        "core/late.py": "NAME = 1\n",
        "core/later.py": "",
        "core/types_alone.py": "",
        "core/nobody.py": "",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = closure(tmp_path, ["core.one"], ["core"])
    assert set(sources) - set(found) == {"core/types_alone.py", "core/nobody.py"}
    with pytest.raises(NotFound, match=r"core\.gone"):
        closure(tmp_path, ["core.gone"], ["core"])
