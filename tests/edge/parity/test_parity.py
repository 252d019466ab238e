"""One release, the same answers everywhere: on the flights' holdout, with nulls and with categories never seen."""

import csv
import io
import json

import httpx
import pytest

from edge.agent import commands
from edge.agent.config import Device
from edge.runtime.model import Model
from edge.runtime.server import Server
from edge.runtime.serving import Serving

from . import flights as setting
from . import runtimes

pytestmark = pytest.mark.slow

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    return setting.learn(tmp_path_factory.mktemp("flights"))


def assert_same(given, flights):
    assert [answer["label"] for answer in given] == [answer["label"] for answer in flights.answers]
    off = [
        abs(probability - expected["probabilities"][name])
        for answer, expected in zip(given, flights.answers, strict=True)
        for name, probability in answer["probabilities"].items()
    ]
    assert len(off) == 2 * len(flights.rows)
    assert max(off) <= TOLERANCE


def test_the_rows_are_a_fair_question(flights):
    assert len(flights.rows) > 4000
    assert {answer["label"] for answer in flights.answers} == {"true", "false"}
    nulls = sum(row["temp"] is None for row in flights.rows)
    unseen = sum(row["carrier"] in setting.UNSEEN for row in flights.rows)
    assert min(nulls, unseen) > 300


@pytest.fixture(scope="module")
def device(flights, tmp_path_factory):
    """A device that runs the release, beside nothing else."""
    root = tmp_path_factory.mktemp("device") / "root"
    settings = {"device": "pi-7", "port": 0, "log_mode": "off"}
    commands.install(root, flights.release, trust=flights.trust.read_bytes(), settings=settings)
    return root


def test_a_device_answers_in_process_as_the_cloud(flights, device):
    with Model.open(device) as model:
        assert_same(model.predict(flights.rows), flights)


def test_a_device_answers_over_http_as_the_cloud(flights, device):
    given = []
    with Server(Serving(device, Device.read(device)), port=0) as server:
        url = f"{server.url}/v1/models/{setting.MODEL}:predict"
        for first in range(0, len(flights.rows), setting.BATCH):
            body = json.dumps({"instances": flights.rows[first : first + setting.BATCH]})
            answer = httpx.post(url, content=body, headers={"content-type": "application/json"})
            given += answer.raise_for_status().json()["predictions"]
    assert_same(given, flights)


def test_node_answers_as_the_cloud(flights):
    done = runtimes.node(flights.release, flights.trust, flights.rows)
    assert done.returncode == 0, done.stderr
    assert_same([json.loads(line) for line in done.stdout.splitlines()], flights)


@pytest.mark.parametrize("kind", ["rows.jsonl", "rows.csv"])
def test_a_browser_answers_as_the_cloud(flights, kind, tmp_path):
    site = runtimes.pack(flights.release, flights.trust, tmp_path / "site")
    text = runtimes.table(flights.rows) if kind.endswith("csv") else runtimes.lines(flights.rows)
    (tmp_path / kind).write_text(text)
    with runtimes.serving(site) as url, runtimes.Browser() as browser:
        assert browser.do("open", url)["problem"] == ""
        scored = browser.do("score", str(tmp_path / kind))
    assert scored["told"] == f"{len(flights.rows)} rows answered."
    assert_same([json.loads(line) for line in scored["answers"].splitlines()], flights)


def test_c_answers_as_the_cloud(flights, tmp_path):
    done = runtimes.c(runtimes.build_c(tmp_path), flights.release, flights.rows)
    assert done.returncode == 0, done.stderr
    found = csv.reader(io.StringIO(done.stdout))
    answers = [{"label": label, "probabilities": {"false": float(no), "true": float(yes)}} for label, no, yes in found]
    assert_same(answers, flights)
