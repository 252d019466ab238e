"""What the function `report` needs wherever it runs: its templates, and nothing but its own dependencies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from core.declaration import declarations
from iac.package import sources

ROOT = Path(__file__).parents[3]

ALONE = """
import sys

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"onnxruntime", "pandas", "pyarrow", "scipy"}:
            raise ImportError(name)

sys.meta_path.insert(0, Closed())
from core.adapters.store_memory import MemoryStore
from core.usecases.write_site import write_site
import functions.report.handler

print(len(write_site(*(MemoryStore() for _ in range(5)), model="m").written))
"""


def test_its_archive_has_the_templates():
    packed = {name for name, _ in sources(declarations()["report"], ROOT / "models")}
    templates = {path.name for path in (ROOT / "core" / "report" / "templates").iterdir()}
    assert "style.css" in templates
    assert {f"core/report/templates/{name}" for name in templates} <= packed


def test_it_runs_without_what_its_group_has_not():
    done = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "11", done.stderr
