from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.adapters import registry
from core.adapters.registry import ADAPTERS, FALLBACK, Adapter, open_store, open_url
from core.adapters.store_fsspec import FsspecStore
from core.adapters.store_local import LocalStore
from core.adapters.store_memory import MemoryStore
from core.errors import BadInput, Unsupported


def test_a_zone_is_put_into_the_template(tmp_path: Path) -> None:
    open_store(f"file://{tmp_path}/{{zone}}/x", "models").create("m/route.json", b"{}")
    assert (tmp_path / "models/x/m/route.json").read_bytes() == b"{}"


def test_memory_stores_of_one_url_are_one_store() -> None:
    template = "memory://registry-{zone}"
    open_store(template, "models").create("k", b"x")
    assert open_store(template, "models").get("k").data == b"x"
    assert open_store(template, "landing") is not open_store(template, "models")
    assert isinstance(open_store(template, "models"), MemoryStore)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("s3://acme", "{zone}"),
        ("", "{zone}"),
        ("/data/{zone}", "URL"),
        ("file://{zone}", "three slashes"),
        ("file://data/{zone}", "three slashes"),
        ("s3:///{zone}", "names no bucket"),
        ("gs:///{zone}", "names no bucket"),
        ("az:///{zone}", "names no bucket"),
        ("nonsense://{zone}", "'nonsense' is not known"),
    ],
)
def test_a_template_that_cannot_be(template: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        open_store(template, "models")


def test_a_path_with_spaces_and_percent_signs_is_taken_as_it_is(tmp_path: Path) -> None:
    open_store(f"file://{tmp_path}/my%20data (1)/{{zone}}", "models").put("k", b"x")
    assert (tmp_path / "my%20data (1)/models/k").is_file()


def test_any_other_scheme_is_given_to_fsspec(tmp_path: Path) -> None:
    assert isinstance(open_store(f"local://{tmp_path}/{{zone}}", "landing"), FsspecStore)
    assert isinstance(open_store(f"file://{tmp_path}/{{zone}}", "landing"), LocalStore)


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ADAPTERS", {"s3": Adapter("no_such_package.stores:open", "pip install obstore")})
    with pytest.raises(Unsupported, match=r"no_such_package.*pip install obstore"):
        open_url("s3://bucket", {})


def test_a_scheme_of_another_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "acme_stores-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-stores\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidemill.stores]\nacme = acme_stores:open_acme\n")
    (tmp_path / "acme_stores.py").write_text(
        "from core.adapters.store_memory import MemoryStore\n"
        "def open_acme(url, environ):\n"
        "    store = MemoryStore()\n"
        "    store.put('opened', f'{url} {environ[\"ACME\"]}'.encode())\n"
        "    return store\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    store = open_store("acme://x/{zone}", "edge", {"ACME": "yes"})
    assert store.get("opened").data == b"acme://x/edge yes"


@pytest.mark.parametrize("adapter", [*ADAPTERS.values(), FALLBACK], ids=lambda adapter: adapter.factory)
def test_every_factory_is_there(adapter: Adapter) -> None:
    module, _, name = adapter.factory.partition(":")
    assert find_spec(module)
    assert callable(registry._load(f"{module}:{name}"))


OPEN = """
import sys
from core.adapters.registry import open_store
open_store(sys.argv[1], "models", {"AWS_ACCESS_KEY_ID": "x"})
heavy = {"boto3", "botocore", "google.cloud.storage", "fsspec", "azure", "obstore", "pydantic", "pyarrow"}
print(" ".join(sorted(heavy & set(sys.modules))))
"""


@pytest.mark.parametrize(("template", "imported"), [("s3://acme-{zone}", ["obstore"]), ("memory://{zone}", [])])
def test_a_scheme_imports_what_it_needs_only(template: str, imported: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", OPEN, template], capture_output=True, text=True, check=True)
    assert done.stdout.split() == imported
