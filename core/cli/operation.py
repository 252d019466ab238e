"""Commands that run the bundle: demo, up, drain."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ..hosts.local.host import LocalHost, Tally
from ..hosts.local.jobs import QueuedJobs
from ..specfile import spec_files
from ..telemetry import configure
from .command import Result, Session, command

if TYPE_CHECKING:
    from ..hosts.asgi import Server


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, example="tidemill demo")(demo)
    command(app, example="tidemill up --port 8080")(up)
    command(app, example="tidemill drain")(drain)


def demo(session: Session) -> Result:
    """Show the whole loop on real data, in a fresh store: which flights will arrive late."""
    from .demo import run_demo  # noqa: PLC0415 - no other command needs it

    return run_demo(session)


def up(
    session: Session,
    port: Annotated[
        int, typer.Option(help="Where the endpoint listens; 0 for any free port.", min=0, max=65535)
    ] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> Result:
    """Run the whole bundle on this machine: storage events, schedules, endpoint, report pages. Ctrl-C stops it."""
    from ..hosts.local.up import has_site, run_up  # noqa: PLC0415 - a server's imports are slow

    configure(json_lines=not sys.stderr.isatty(), level=session.settings.log_level)
    session.settings = replace(session.settings, serve=tuple(path.stem for path in spec_files(session.settings.specs)))
    session.runtime.jobs = QueuedJobs(session.queue)
    addresses: dict[str, str] = {}

    def ready(server: Server) -> None:
        addresses.update(endpoint=server.url, store=session.settings.store)
        session.progress(f"Endpoint  {server.url}  (what it answers: {server.url}/openapi.json)")
        if has_site(session.runtime):
            addresses["site"] = f"{server.url}/"
            session.progress(f"Reports   {server.url}/")
        session.progress(f"Store     {session.settings.store}")
        session.progress("Drop files with `tidemill put`, or copy them into the landing folder. Ctrl-C stops.")

    run_up(session.runtime, session.queue, host, port, ready)
    return Result(addresses, "Stopped.")


def drain(
    session: Session,
    retry_dead: Annotated[bool, typer.Option("--retry-dead", help="Try again what was given up, too.")] = False,
) -> Result:
    """Handle every pending event until nothing is left, then stop. Schedules do not fire."""
    session.runtime.jobs = QueuedJobs(session.queue)
    host = LocalHost(session.runtime, session.queue)
    if retry_dead:
        host.revive()
    return _told(host.drain())


def _told(tally: Tally) -> Result:
    lines = [f"{tally.handled} events handled, {len(tally.failed)} failed."]
    lines += [f"{failure['event']}: {failure['error']}" for failure in tally.failed]
    return Result({"handled": tally.handled, "failed": tally.failed}, "\n".join(lines), ok=not tally.failed)
