"""`python -m localstack`: start a local cloud, deploy to it, seed it, tell the addresses, and stay until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console

from core.declaration import declarations
from iac.package import package

from .cloud import ROOT, Cloud, ask, deploy, running
from .demo import MODEL, Demo

MONTHS = ("2013-01", "2013-02", "2013-03")
PATIENCE = 900.0


def main() -> None:
    """Everything, with progress on stderr."""
    parser = argparse.ArgumentParser(prog="python -m localstack", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="where the local AWS listens; 0 for any free port")
    parser.add_argument("--at", metavar="URL", help="a local AWS that runs already, such as that of the compose file")
    parser.add_argument("--demo", action="store_true", help="run the demo's loop there, and end")
    asked = parser.parse_args()
    specs = ROOT / "models"
    for declared in declarations().values():
        package(declared, specs, ROOT / "build" / "packages", say)
    say("deploying serverless.yml to a local AWS")
    with nullcontext(Cloud(asked.at)) if asked.at else running(asked.port) as cloud:
        deploy(cloud)
        tell(cloud)
        if asked.demo:
            say(json.dumps(Demo(cloud, Console(stderr=True)).run(), indent=2))
            return
        seed(cloud)
        stay()


def seed(cloud: Cloud) -> None:
    """Drop the first months' flights into the landing bucket."""
    client = cloud.client("s3")
    for month in MONTHS:
        source = ROOT / "examples" / "flights" / f"{month}.csv.gz"
        client.upload_file(str(source), cloud.bucket("landing"), f"{MODEL}/rows/{month}.csv.gz")


def tell(cloud: Cloud) -> None:
    """Print the addresses."""
    exports = " ".join(f"{name}={value}" for name, value in cloud.environ.items())
    say(f"AWS        {cloud.url}   (export {exports})")
    say(f"Endpoint   {cloud.endpoint}/v1/models/{MODEL}:predict")
    say(f"Drop files {cloud.bucket('landing')}/{MODEL}/rows/  with any S3 client")


def first_prediction(cloud: Cloud) -> dict[str, Any]:
    """Ask until a version serves, at most for some minutes; the answer."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask(cloud, MODEL, [flight()])
        except urllib.error.HTTPError as error:
            if time.monotonic() > deadline:
                raise
            error.close()
            time.sleep(1)


def flight() -> dict[str, Any]:
    """A flight as a client sends it: the golden one of the docs."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "flight.json").read_text("utf-8"))
    return found


def stay() -> None:
    """Until Ctrl-C."""
    say("Ctrl-C stops it all.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("stopped.")


def say(text: str) -> None:
    """A line for a person."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
