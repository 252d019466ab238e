"""What a deployment is asked for, as CloudFormation's conditions. Parameters are osls's: `--param=name=value`."""

from __future__ import annotations

from .encryption import HAS_KEY
from .functions import RESERVES
from .names import TLS_ONLY, Json
from .network import IN_VPC


def _is_given(parameter: str, nothing: str = "") -> Json:
    return {"Fn::Not": [{"Fn::Equals": [f"${{param:{parameter}, '{nothing}'}}", nothing]}]}


def _is_true(parameter: str) -> Json:
    return {"Fn::Equals": [f"${{param:{parameter}}}", "true"]}


CONDITIONS: Json = {
    TLS_ONLY: _is_true("tls"),
    RESERVES: _is_true("reserve"),
    HAS_KEY: _is_given("kmsKey"),
    IN_VPC: _is_given("vpcSubnets"),
    "HasAlerts": _is_given("alerts"),
    "HasBudget": _is_given("budget", "0"),
}
