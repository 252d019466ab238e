"""Batch parts and search on a real cluster: the same bytes, whatever dies in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, get_task_stream

from core.adapters.engine_clusters import MANAGERS
from core.adapters.engines import CLUSTERS, joblib_on, open_engine
from core.domain.learning import Plan, Rows
from core.errors import BadInput, Unsupported
from core.training.learner import SklearnLearner
from tests.unit.adapters.dask_cluster import ROOT, Cluster, cluster
from tests.unit.usecases.onnx_site import publish, write
from tests.unit.usecases.site import SPEC, rows

ROWS, GROUP, BAD = 1_120_000, 140_000, 70
# two groups are more than a part, so each is one


def test_an_engine_is_the_url_of_a_scheduler() -> None:
    with pytest.raises(BadInput, match="must be the URL of a Dask scheduler"):
        open_engine("http://example.org")
    with pytest.raises(BadInput, match="must be the URL of a Dask scheduler"):
        joblib_on("8786")


def test_every_cluster_that_can_be_named_can_be_started() -> None:
    assert set(CLUSTERS) == set(MANAGERS)


def test_a_cluster_whose_manager_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_cloudprovider", None)
    with (
        pytest.raises(Unsupported, match=r"pip install dask-cloudprovider\[aws\]"),
        open_engine("fargate://?n_workers=2"),
    ):
        raise AssertionError


def test_parameters_that_a_cluster_does_not_take_are_told() -> None:
    url = "local://?processes=false&dashboard_address=null&workers=2"
    with pytest.raises(BadInput, match=r"does not take.*workers"), open_engine(url):
        raise AssertionError


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, a file to score, and what comes of it here."""
    folder = tmp_path_factory.mktemp("site")
    publish(folder)
    write(folder / "rows.parquet", ROWS, GROUP, BAD)
    assert batch(folder, "here").wait() == 0
    return folder


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as made:
        yield made


def batch(site: Path, output: str, engine: str = "") -> subprocess.Popen[bytes]:
    """`tidemill batch` as a process."""
    environ = {**os.environ, "TIDEMILL_STORE": f"{site}/{{zone}}", "TIDEMILL_ENGINE": engine, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "core.cli", "batch", "m", "--input", "rows.parquet", "--output", output, "--json"]
    return subprocess.Popen(command, cwd=site, env=environ, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def written(folder: Path) -> dict[str, bytes]:
    """Everything but when it was answered, and by which code: others may be at work on that."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in ("_SUCCESS", "_start.json"):
        files[name] = json.dumps({**json.loads(files[name]), "answered_at": "", "code": ""}).encode()
    return files


def parts(folder: Path) -> int:
    return len(list((folder / "_done").glob("*.json")))


def wait_for_parts(folder: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    while parts(folder) < count:
        assert process.poll() is None, "it ended before it could be disturbed"
        time.sleep(0.005)


@pytest.mark.slow
def test_the_same_bytes_as_without_it(site: Path, dask: Cluster) -> None:
    assert batch(site, "elsewhere", dask.url).wait() == 0
    assert written(site / "elsewhere") == written(site / "here")
    success = json.loads((site / "here" / "_SUCCESS").read_bytes())
    assert (success["rows"], success["quarantined"]) == (ROWS - ROWS // BAD, ROWS // BAD)
    assert parts(site / "here") == ROWS // GROUP


@pytest.mark.slow
def test_a_cluster_is_started_for_the_run_and_ended_behind_it(site: Path) -> None:
    url = "local://?n_workers=2&threads_per_worker=1&dashboard_address=null"
    assert batch(site, "started", url).wait() == 0
    assert written(site / "started") == written(site / "here")


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_and_doubles_nothing(site: Path, dask: Cluster) -> None:
    run = batch(site, "worker-killed", dask.url)
    wait_for_parts(site / "worker-killed", 1, run)
    dask.workers[0].kill()
    dask.add_worker()
    assert run.wait() == 0
    assert written(site / "worker-killed") == written(site / "here")


@pytest.mark.slow
def test_a_driver_that_is_killed_is_started_again(site: Path, dask: Cluster) -> None:
    run = batch(site, "driver-killed", dask.url)
    wait_for_parts(site / "driver-killed", 1, run)
    run.kill()
    run.wait()
    assert not (site / "driver-killed" / "_SUCCESS").exists()
    assert batch(site, "driver-killed", dask.url).wait() == 0
    assert written(site / "driver-killed") == written(site / "here")


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_part_goes_on(site: Path) -> None:
    """kill -9 behind each part, until one run gets through."""
    for count in range(1, parts(site / "here") + 2):
        run = batch(site, "killed")
        try:
            wait_for_parts(site / "killed", min(count, parts(site / "here")), run)
        except AssertionError:
            break
        run.kill()
        run.wait()
    assert batch(site, "killed").wait() == 0
    assert written(site / "killed") == written(site / "here")


@pytest.mark.slow
def test_a_search_on_the_engine_finds_the_same(dask: Cluster) -> None:
    """The whole learning: the same parameters, and the same bytes of the model."""
    plan = Plan(
        replace(SPEC.columns, id=None, time=None),
        "hist-gradient-boosting",
        {"max_iter": 5},
        {"space": {"max_leaf_nodes": [3, 7], "learning_rate": {"low": 0.05, "high": 0.5}}, "budget": 3, "cv": 2},
        7,
        "roc_auc",
        in_order=False,
    )
    columns = rows(400)
    target = np.where(np.nan_to_num(columns["x"]) > 0, "yes", "no").astype(object)
    given = Rows(columns, target)
    here = SklearnLearner().learn(plan, given, given, len)
    with Client(dask.url, set_as_default=False) as watcher, get_task_stream(client=watcher) as done:
        there = SklearnLearner(lambda: joblib_on(dask.url)).learn(plan, given, given, len)
    assert len({each["worker"] for each in done.data}) == len(dask.workers)
    assert there.params == here.params
    assert there.onnx == here.onnx
