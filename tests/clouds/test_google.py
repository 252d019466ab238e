"""Google Cloud's shape on this machine: a GCS emulator that publishes to Pub/Sub, and functions-framework."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from core.adapters.registry import open_store
from core.declaration import declarations
from core.layout import ZONES
from tests.servers.process import free_port
from tests.servers.programs import fake_gcs

from .hosts import ROOT, process
from .pubsub import PubSub, Subscriber, publisher
from .scenario import play, reference, write_spec

STORE = "gs://acme-{zone}"


@contextmanager
def functions(environ: dict[str, str]) -> Iterator[list[Subscriber]]:
    """A process for each function that events start: one by Eventarc, the others by push subscriptions."""
    with ExitStack() as running:
        subscribers = []
        for name in [each.name for each in declarations().values() if each.kind == "event"]:
            signature = "event" if name == "ingest" else "http"
            port = free_port()
            command = [sys.executable, "-m", "functions_framework", "--source", str(ROOT / "iac" / "gcp" / "main.py")]
            command += ["--target", signature, "--host", "127.0.0.1", "--port", str(port)]
            kind = {"GOOGLE_FUNCTION_SIGNATURE_TYPE": "cloudevent" if signature == "event" else "http"}
            url = running.enter_context(process(command, port, {**environ, **kind, "TIDEMILL_FUNCTION": name}))
            subscribers.append(Subscriber(url, eventarc=signature == "event"))
        yield subscribers


@pytest.mark.slow
def test_rows_dropped_into_gcs_become_predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = PubSub()
    with publisher(topic) as pubsub, fake_gcs(pubsub=pubsub) as gcs:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs)
        client = storage.Client("acme", AnonymousCredentials())
        for zone in ZONES:
            client.create_bucket(f"acme-{zone}")
        google = {"STORAGE_EMULATOR_HOST": gcs, "GOOGLE_CLOUD_PROJECT": "acme"}
        ours = {"TIDEMILL_STORE": STORE, "TIDEMILL_SPECS": str(write_spec(tmp_path)), "TIDEMILL_JOBS": "process://"}
        ours |= {"TIDEMILL_ACCESS": "none", "TIDEMILL_ROUTE_TTL": "0.5"}
        environ = {**google, **ours}
        port = free_port()
        endpoint = [sys.executable, "-m", "uvicorn", "--factory", "functions.realtime_inference.container:app"]
        endpoint += ["--host", "127.0.0.1", "--port", str(port)]
        with functions(environ) as topic.subscribers, process(endpoint, port, environ, "/v2/health/live") as url:
            bucket = client.bucket("acme-landing")
            told = play(
                lambda key, data: bucket.blob(key).upload_from_string(data),
                {zone: open_store(STORE, zone, environ) for zone in ZONES},
                url,
            )
        assert told == reference(tmp_path / "reference")
