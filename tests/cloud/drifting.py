"""The clock finds drift by itself, and what follows from it."""

from __future__ import annotations

from typing import Any

from localstack.cloud import Cloud
from localstack.demo import MODEL
from localstack.watch import clock_strikes_often, content, drop, keys, until

from .arrivals import flights
from .stack import contents, dead, settle


def the_clock_finds_drift_and_a_retrained_version_is_promoted(cloud: Cloud) -> None:
    """August was scored by a version that knows only winter; with the rows of spring it is learned anew, and better."""
    route = _route(cloud)
    assert not _reports(cloud, route["champion"])
    with clock_strikes_often(cloud, "drift_check"):
        (report,) = until(lambda: _reports(cloud, route["champion"]))
        assert content(cloud, "reports", report)["drifted"]
        drop(cloud, {f"{MODEL}/rows/spring.csv": _months("04", "05", "06", "07")})
        until(lambda: _route(cloud)["champion"] != route["champion"])
    claim = _claim_that_heeds(cloud, report)
    assert "drift" in claim["reason"]
    result = content(cloud, "models", f"{MODEL}/claims/{claim['training']}/result.json")
    assert (result["version"], result["promoted"]) == (_route(cloud)["champion"], True)
    settle(cloud)
    assert dead(cloud) == {}


def _months(*months: str) -> bytes:
    """Several months as one file."""
    found = [flights(month) for month in months]
    return b"".join([found[0][0], *(row for _, rows in found for row in rows)])


def _route(cloud: Cloud) -> dict[str, Any]:
    route: dict[str, Any] = content(cloud, "models", f"{MODEL}/route.json")
    return route


def _reports(cloud: Cloud, version: str) -> list[str]:
    return keys(cloud, "reports", f"{MODEL}/drift/{version}-")


def _claim_that_heeds(cloud: Cloud, report: str) -> dict[str, Any]:
    claims = [key for key in keys(cloud, "models", f"{MODEL}/claims/") if key.endswith("/claim.json")]
    (claim,) = [claim for claim in contents(cloud, "models", claims) if report in claim["heeded"]]
    return dict(claim)
