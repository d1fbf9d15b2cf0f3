"""demo: everything on this machine, for a look; --play lets the story play by itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.show import say, styled
from gateway.cli.statuses import Status
from gateway.domain.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from gateway.cli.demo.ports import Ports
    from gateway.cli.demo.stage import Stage

ApiPort = Annotated[int, typer.Option(min=1, max=65535, help="Of the gateway's HTTP API.")]
PostgresPort = Annotated[int, typer.Option(min=1, max=65535, help="Of the gateway's PostgreSQL door.")]
SshPort = Annotated[int, typer.Option(min=1, max=65535, help="Of the gateway's SSH door.")]
DockerPort = Annotated[int, typer.Option(min=1, max=65535, help="Of the gateway's Docker door.")]
KubernetesPort = Annotated[int, typer.Option(min=1, max=65535, help="Of the gateway's Kubernetes door.")]
ProductionPort = Annotated[int, typer.Option(min=1, max=65535, help="Of sample production.")]
HostPort = Annotated[int, typer.Option(min=1, max=65535, help="Of the sample host's sshd.")]


def demo(
    *,
    play: Annotated[bool, typer.Option("--play", help="Play the whole story by itself, then stop.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --play: print it as Markdown, as it stands in README.md.")
    ] = False,
    api_port: ApiPort = 8443,
    postgres_port: PostgresPort = 6432,
    ssh_port: SshPort = 2222,
    docker_port: DockerPort = 2376,
    kubernetes_port: KubernetesPort = 6443,
    production_port: ProductionPort = 15432,
    host_port: HostPort = 15022,
) -> None:
    """Start a gateway with sample production beside it.

    Real sample production (PostgreSQL with a filled shop database, a host by this machine's own sshd, a
    container where a Docker engine is at hand, their git repositories), a gateway in front of it and three
    accounts; Ctrl-C stops all of it. Everything lies in .demo, or GLASSGATE_DEMO_DIR, and is made anew each
    time. --play takes ports and a folder of its own; its status is 0 only if all came out as told.

    Example:
      glassgate demo
      glassgate demo --api-port 9443
      glassgate demo --play
    """
    from gateway.cli.demo.ports import Ports
    from gateway.cli.demo.terminal import SceneFailed

    began = time.monotonic()
    try:
        if play or markdown:
            asyncio.run(_interruptible(_play(as_markdown=markdown)))
        else:
            doors = (api_port, postgres_port, ssh_port, docker_port, kubernetes_port)
            ports = Ports(*doors, production_port, host_port)
            asyncio.run(_interruptible(_show(ports, began)))
    except SceneFailed as failed:
        print(f"\n\nThe story came out otherwise than told.\n{failed.message}", file=sys.stderr)
        raise typer.Exit(Status.ERROR) from None
    except asyncio.CancelledError:
        say("\nEverything is stopped.")
        if play or markdown:
            raise typer.Exit(Status.INTERRUPTED) from None


async def _interruptible(work: Coroutine[None, None, None]) -> None:
    """Do the work; Ctrl-C and its like cancel it once, so that what it started is stopped in order."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt() -> None:
        for one in signals:
            loop.add_signal_handler(one, lambda: None)
        say("\nstopping …", "dim")
        if task is not None:
            task.cancel()

    for one in signals:
        loop.add_signal_handler(one, interrupt)
    await work


async def _show(ports: Ports, began: float) -> None:
    """Start everything, say what to type, and wait until something ends."""
    from gateway.cli.demo.stage import choose_folder, open_stage

    async with open_stage(choose_folder(), ports, _step) as stage:
        _tell(stage, time.monotonic() - began)
        await _wait(stage)


def _step(text: str) -> None:
    print(styled(f"  {text} …", "dim"), flush=True)


async def _wait(stage: Stage) -> None:
    """Wait for the end of the gateway or of production; while all is well, for ever.

    Raises:
        UpstreamUnavailable: one of them has ended by itself.
    """
    while stage.gateway.poll() is None and stage.running:  # noqa: ASYNC110
        await asyncio.sleep(0.5)  # plain processes have no event to wait on
    who = "sample production" if stage.gateway.poll() is None else "the gateway"
    raise UpstreamUnavailable(f"{who} has ended", hint=f"its log lies in {stage.folder}")


def _tell(stage: Stage, seconds: float) -> None:
    """Print the commands to copy, in the order of the story."""
    from gateway.cli.demo import story
    from gateway.cli.demo.registering import ENDPOINT, ENGINE, HOST

    say(f"\nGlassgate is up after {seconds:.0f} s, with sample production behind it.", "good")
    print(f"In another terminal, first:\n\n  . {stage.folder / 'env'}\n")
    parts = (
        ("Log in as the engineer", "engineer", (story.login("engineer"),)),
        ("Ask to read orders-db", "", ("glassgate endpoints", story.REQUEST)),
        ("Approve it, as the approver", "approver", (story.login("approver"), story.REQUESTS, story.APPROVE)),
        ("Look, then try to fix something by hand", "", (story.CONNECT,)),
        ("  in psql", "", (story.READ, story.WRITE, "\\q")),
        ("See what became of it, and submit it", "", (story.SHOW, story.SUBMIT, story.commit(stage))),
        (
            "Review, as the reviewer",
            "reviewer",
            (story.login("reviewer"), story.SESSIONS, story.REPLAY, story.SEARCH, story.VERIFY),
        ),
        ("Take the grant away", "", (story.REVOKE,)),
    )
    for title, person, commands in parts:
        secret = f" (password: {stage.passwords[person]})" if person else ""
        _print_part(f"{title}{secret}", commands)
    _tell_host(stage)
    _tell_engine(stage)
    print(f"The first login shows the gateway's authority. It must be\n  {stage.fingerprint}\n")
    print("The administrator is logged in already: glassgate --profile admin doctor")
    print(f"For any other PostgreSQL client: glassgate config psql {ENDPOINT}")
    if stage.host is not None:
        print(f"For any other SSH client: glassgate config ssh {HOST} >> ~/.ssh/config, then ssh {HOST}")
    if stage.engine is not None:
        print(f'For any other Docker client: eval "$(glassgate config docker {ENGINE})"')
    print("Ctrl-C stops everything.", flush=True)


def _tell_host(stage: Stage) -> None:
    """Print the commands that look at the sample host, or why there is none."""
    from gateway.cli.demo import story

    if stage.host is None:
        _print_part(f"There is no sample host to look at: {stage.without}", ())
        return
    asked = (story.REQUEST_HOST, story.APPROVE_HOST.format(number="NUMBER"), story.CONNECT_HOST)
    typed = (
        story.logs(stage.host),
        story.COUNT,
        story.configuration(stage.host),
        story.TIMEOUTS,
        story.EDIT,
        "exit",
    )
    _print_part("The same on a host", asked)
    _print_part("  in its shell", typed)
    _print_part(
        "See the patch, and submit it",
        (
            "glassgate changes",
            "glassgate change show NUMBER",
            story.SUBMIT_HOST.format(number="NUMBER"),
            story.commit_host(stage),
        ),
    )


def _tell_engine(stage: Stage) -> None:
    """Print the commands that look at the sample container, or why there is none."""
    from gateway.cli.demo import story

    if stage.engine is None:
        _print_part(f"There is no sample container to look at: {stage.without_engine}", ())
        return
    asked = (story.REQUEST_ENGINE, story.APPROVE_HOST.format(number="NUMBER"))
    _print_part("The same in a container", (*asked, story.LIST, story.LOGS, story.INSIDE))
    written = (story.TUNE, story.RESTART, "glassgate changes", story.SHOW_ENGINE.format(number="NUMBER"))
    _print_part("Then try to fix it by hand", written)


def _print_part(title: str, commands: tuple[str, ...]) -> None:
    print(styled(title, "bold"))
    for command in commands:
        print(f"  {command}")
    print()


async def _play(*, as_markdown: bool) -> None:
    """Play the story in a folder and on ports of its own, and remove them."""
    from gateway.cli.demo.play import Player, markdown
    from gateway.cli.demo.ports import free_ports
    from gateway.cli.demo.stage import open_stage
    from gateway.cli.demo.steady import steady
    from gateway.cli.demo.story import play_story

    folder = Path(tempfile.mkdtemp(prefix="glassgate-play-", dir="/tmp"))
    try:
        async with open_stage(folder, free_ports(), (lambda _: None) if as_markdown else _step) as stage:
            environment = {**stage.environment, **_QUIET, "TZ": _zone_of_noon()}
            player = Player(environment, folder, (lambda _: None) if as_markdown else _print_now)
            await play_story(player, stage)
            if stage.host is None:
                print(f"There was no sample host to look at: {stage.without}", file=sys.stderr)
            if stage.engine is None:
                print(f"There was no container to look at: {stage.without_engine}", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if as_markdown:
        print(markdown(player.scenes, lambda text: steady(text, stage)), end="")
    else:
        say(f"\n{len(player.scenes)} scenes, all as told. Everything is stopped.", "good")


def _print_now(text: str) -> None:
    print(text, end="", flush=True)


def _zone_of_noon() -> str:
    """Return a time zone in which it is about noon: tables show times of today, and look the same all day."""
    behind = datetime.now(UTC).hour - 12
    return f"NOON{behind:+d}"


_QUIET: Final = {
    "TERM": "xterm",
    "NO_COLOR": "1",
    "LANG": "C.UTF-8",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "PSQLRC": os.devnull,
    "PSQL_HISTORY": os.devnull,
    "INPUTRC": os.devnull,
}
"""Variables that keep a person's own settings out of what is shown."""
