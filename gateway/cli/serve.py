"""serve: the gateway itself."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.show import say
from gateway.cli.statuses import Status
from gateway.domain.errors import GlassgateError

if TYPE_CHECKING:
    from gateway.server import Running


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="gateway.toml.")],
) -> None:
    """Run the gateway.

    SIGTERM drains: no new sessions, what runs may end, then it ends; Ctrl-C or a second one cuts what runs.
    Without database.url it starts an embedded PostgreSQL as its store. Logs go to standard error, as JSON
    unless that is a terminal.

    Example:
      glassgate serve -c gateway.toml
    """
    gc.disable()  # until the start is over: what it imports and loads stays, and there is much of it
    from gateway import LOOP, log, server
    from gateway.settings import load_settings

    settings = load_settings(config)
    log.configure(level=settings.log_level)
    log.get_logger("server").info("starting", hot_loop=LOOP)

    def told(running: Running) -> None:
        say(f"Glassgate serves https://{settings.public_host}:{running.api_port}", "bold")
        for clients, port in running.ports.items():
            print(f"  {clients:<20} {settings.public_host}:{port}")
        print(f"  authority            {running.fingerprint}")
        if running.administrator:
            print(f"  administrator        login name and one-time password in {running.administrator}")
        if running.interrupted:
            print(f"  sessions interrupted {running.interrupted} (sealed and closed)")
        sys.stdout.flush()

    try:
        with asyncio.Runner(loop_factory=server.event_loop()) as runner:
            runner.run(server.serve(settings, told))
    except GlassgateError:
        raise
    except Exception as error:
        log.get_logger("server").exception("the gateway failed")
        raise typer.Exit(Status.ERROR) from error
