"""docs/aws.md: every parameter is told, and the costs add up to what is deployed. The image has what archives have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.declaration import declarations
from iac.package import sources
from tests.docs.markdown import ROOT, rows, sections

PAGE = sections(ROOT / "docs" / "aws.md")
RENDERED = ROOT / "iac" / "rendered" / "aws"
COSTS = [row for row in rows(PAGE["What it costs"]) if not row[0].startswith("**")]


def test_every_parameter_is_told_and_every_one_told_is_there() -> None:
    told = {name for row in rows(PAGE["Deploy"]) for name in re.findall(r"`(\w+)`", row[0])}
    template = (ROOT / "serverless.yml").read_text("utf-8")
    texts = [template, *(path.read_text("utf-8") for path in RENDERED.iterdir())]
    read = {name for text in texts for name in re.findall(r"\$\{param:(\w+)", text)}
    assert told == read
    defaults = yaml.safe_load(template)["params"]["default"]
    assert set(defaults) <= read
    shown = {name: row[1].strip("`") for row in rows(PAGE["Deploy"]) for name in re.findall(r"`(\w+)`", row[0][:12])}
    for name in ("runtime", "packages", "jobs", "train", "logDays", "tls", "log"):
        assert shown[name] == str(defaults[name])


@pytest.mark.parametrize("row", COSTS, ids=lambda row: row[0])
def test_each_cost_is_its_count_times_its_price(row: list[str]) -> None:
    _, count, _, price, cost = row
    assert float(cost) == pytest.approx(float(count) * float(price), abs=0.005)


def test_the_costs_add_up_and_count_what_is_deployed() -> None:
    (total,) = re.findall(r"in all\*\* \|.*\*\*([\d.]+)\*\*", PAGE["What it costs"])
    assert float(total) == pytest.approx(sum(float(row[4]) for row in COSTS), abs=0.005)
    resources: dict[str, Any] = json.loads((RENDERED / "resources.json").read_text("utf-8"))["Resources"]
    resources |= json.loads((RENDERED / "jobs-lambda.json").read_text("utf-8"))["resources"]["Resources"]
    alarms = sum(each["Type"] == "AWS::CloudWatch::Alarm" for each in resources.values())
    counts = {row[0].split(":")[0]: float(row[1]) for row in COSTS}
    assert counts["alarms"] == alarms
    queues = sum(declared.is_queued for declared in declarations().values())
    assert counts["queues being asked whether there is something"] == pytest.approx(queues * 0.65)


def test_the_image_holds_what_the_archive_holds() -> None:
    lines = (ROOT / "iac" / "aws" / "Dockerfile").read_text("utf-8").splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY")]
    job = declarations()["train"]
    assert f"requirements/{job.group}.txt" in copied
    for name, _ in sources(job, ROOT / "models"):
        assert any(Path(name).is_relative_to(each) for each in copied), name
    (function,) = json.loads((RENDERED / "train-image.json").read_text("utf-8")).values()
    assert f"CMD {json.dumps(function['image']['command'])}" in lines
