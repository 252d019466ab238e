"""The compose file, as far as it can be looked at without Docker: one service, for this machine alone."""

from __future__ import annotations

import yaml

from localstack.cloud import ROOT


def test_the_local_aws_is_offered_to_this_machine_alone() -> None:
    composed = yaml.safe_load((ROOT / "localstack" / "docker-compose.yml").read_text("utf-8"))
    assert list(composed) == ["services"]
    (service,) = composed["services"].values()
    assert service["ports"] == ["127.0.0.1:4566:4566"], "where `python -m localstack` looks, and nowhere else"
    assert all(isinstance(value, str) for value in service["environment"].values())
