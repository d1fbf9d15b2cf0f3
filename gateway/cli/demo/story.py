"""The story of a refused write, as people live it: asked, approved, read, refused, committed, reviewed.

Then once more, on a host, and in a container.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.cli.demo.registering import ENDPOINT, ENGINE, HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.cli.demo.host import SampleHost
    from gateway.cli.demo.play import Player
    from gateway.cli.demo.stage import Stage

SHELL: Final = r"shop=[>#*!] $"
"""psql's prompt."""
GLASS: Final = rf"^{HOST} ◇ \S+ \S+ \$ $"
"""The governed shell's."""

LOGIN: Final = "glassgate{profile} login --name {name}"
REQUEST: Final = f'glassgate request {ENDPOINT} --for 1h --reason "INC-42: checkout is slow"'
REQUESTS: Final = "glassgate --profile approver requests"
APPROVE: Final = "glassgate --profile approver approve 1 --for 30m"
CONNECT: Final = f"glassgate connect {ENDPOINT}"
READ: Final = "SELECT status, count(*) FROM orders GROUP BY status ORDER BY 2 DESC;"
LOOK: Final = "SELECT id, status, total FROM orders WHERE id = 23991;"
WRITE: Final = "UPDATE orders SET status = 'paid' WHERE id = 23991;"
SHOW: Final = "glassgate change show 1"
SUBMIT: Final = (
    'glassgate change submit 1 --reason "INC-42: mark the paid order" '
    '--no-way-back "the order was paid, nothing to undo"'
)
SESSIONS: Final = "glassgate --profile reviewer sessions"
REPLAY: Final = "glassgate --profile reviewer replay 1"
SEARCH: Final = 'glassgate --profile reviewer search "update orders"'
VERIFY: Final = "glassgate --profile reviewer verify"
GRANTS: Final = "glassgate --profile approver grants"
REVOKE: Final = 'glassgate --profile approver revoke 1 --reason "INC-42 is solved"'
LONG: Final = "SELECT count(*) FROM orders a, orders b, orders c WHERE a.total + b.total = c.total;"

REQUEST_HOST: Final = f'glassgate request {HOST} --for 1h --reason "INC-44: checkout times out"'
APPROVE_HOST: Final = "glassgate --profile approver approve {number}"
CONNECT_HOST: Final = f"glassgate connect {HOST}"
COUNT: Final = "awk '$9 == 504 {print $7}' access.log | sort | uniq -c"
TIMEOUTS: Final = "grep -n timeout nginx.conf"
EDIT: Final = "sed -i 's/proxy_read_timeout 5s/proxy_read_timeout 30s/' nginx.conf"
SUBMIT_HOST: Final = 'glassgate change submit {number} --reason "INC-44: give the shop more time"'

REQUEST_ENGINE: Final = f'glassgate request {ENGINE} --for 1h --reason "INC-45: mails are not sent"'
LIST: Final = f"glassgate connect {ENGINE} -- docker ps"
LOGS: Final = f"glassgate connect {ENGINE} -- docker logs mailer"
SETTINGS: Final = f"glassgate connect {ENGINE} -- docker exec mailer cat /app/mailer.toml"
TUNE: Final = (
    f"glassgate connect {ENGINE} -- docker exec mailer sed -i 's/timeout = 2/timeout = 20/' /app/mailer.toml"
)
INSIDE: Final = f"glassgate connect {ENGINE} -- docker exec -it mailer sh"
SHOW_ENGINE: Final = "glassgate change show {number}"
RESTART: Final = f"glassgate connect {ENGINE} -- docker restart mailer"
WIDE: Final = 200
"""Columns of a terminal in which no line of the host's scene is folded, however long the demo's folder is."""


def login(name: str) -> str:
    """Return the command that logs one of the accounts in; the engineer's profile is the default one."""
    return LOGIN.format(profile="" if name == "engineer" else f" --profile {name}", name=name)


def commit(stage: Stage) -> str:
    """Return the git command that shows the pushed commit."""
    return f"git --git-dir {stage.repository} log -1 --stat --branches='change/*'"


def logs(host: SampleHost) -> str:
    """Return the line that goes to the sample host's logs."""
    return f"cd {host.files}/var/log/nginx"


def configuration(host: SampleHost) -> str:
    """Return the line that goes to the sample host's configuration of nginx."""
    return f"cd {host.files}/etc/nginx"


def commit_host(stage: Stage) -> str:
    """Return the git command that shows the patch that was pushed."""
    return f"git --git-dir {stage.web_repository} log -1 --format=%an:%n%B -p --branches='change/*'"


async def play_story(player: Player, stage: Stage) -> None:
    """Play all of it.

    Args:
        player: types it.
        stage: everything that must stand.

    Raises:
        SceneFailed: a scene came out otherwise than told.
    """
    try:
        await _ask(player, stage)
        await _approve(player, stage)
        await _read_and_write(player)
        await _submit(player, stage)
        await _review(player, stage)
        await _revoke(player)
        await _ask_again(player)
        if stage.host is not None:
            await _look_at_host(player, stage.host)
            await _submit_patch(player, stage)
        if stage.engine is not None:
            await _look_at_container(player, after=0 if stage.host is None else 1)
    finally:
        player.close()


def answers(stage: Stage, name: str) -> Mapping[str, str]:
    """Return what the first login asks, and what is typed there."""
    return {r"operator says\? \[y/N\]: ": "y", "Password: ": stage.passwords[name]}


async def _ask(player: Player, stage: Stage) -> None:
    player.scene(
        "The engineer asks",
        "Nobody has standing access. The first login shows the gateway's authority once and pins it.",
    )
    await player.run(login("engineer"), "Logged in as engineer", typed=answers(stage, "engineer"))
    await player.run("glassgate endpoints", rf"{ENDPOINT}\s+postgres", "request")
    await player.run(REQUEST, r"Request 1: .* is waiting for an approver")


async def _approve(player: Player, stage: Stage) -> None:
    player.scene(
        "The approver approves",
        "Half of what was asked for. The clock starts at the first connection; nobody approves their own.",
    )
    await player.run(login("approver"), typed=answers(stage, "approver"), shown=False)
    await player.run(REQUESTS, "engineer", ENDPOINT, "pending", "INC-42")
    await player.run(APPROVE, "Request 1 .* is approved")


async def _read_and_write(player: Player) -> None:
    player.scene(
        "The engineer reads, then tries to fix it by hand",
        "It is the usual psql, over verified TLS. The write is not sent; it has become a change request.",
    )
    psql = player.start(CONNECT)
    await psql.until(SHELL)
    await psql.type(READ, "delivered", "shipped", until=SHELL)
    await psql.type(LOOK, "23991", until=SHELL)
    await psql.type(
        WRITE, "ERROR:", "DETAIL:.*change request 1", "HINT:.*glassgate change submit 1", until=SHELL
    )
    await psql.type(LOOK, "23991", until=SHELL)
    psql.terminal.send("\\q\n")
    await psql.ended(status=0)


async def _submit(player: Player, stage: Stage) -> None:
    player.scene(
        "The write becomes a commit",
        "The patch is a numbered migration in the service's repository, with the engineer as its author.",
    )
    await player.run(SHOW, "UPDATE orders", "migrations/0004_", r"\+UPDATE orders SET status = 'paid'")
    await player.run(SUBMIT, "submitted", r"change/1-", "commit")
    await player.run(
        commit(stage), "Author: Erin Engineer", "Change-Request: 1", "migrations/0004_update-orders.sql"
    )


async def _review(player: Player, stage: Stage) -> None:
    player.scene(
        "The reviewer reviews",
        "Every statement with its verdict, and the proof that nothing was altered, removed or reordered.",
    )
    await player.run(login("reviewer"), typed=answers(stage, "reviewer"), shown=False)
    await player.run(SESSIONS, "engineer", ENDPOINT, "client")
    await player.run(REPLAY, "allow +1 +SELECT status", "change +3 +UPDATE orders", "ended")
    await player.run(SEARCH, "engineer", "UPDATE orders SET status = 'paid'")
    await player.run(VERIFY, "^proven: ")


async def _revoke(player: Player) -> None:
    player.scene(
        "Time is up",
        "Revoking cuts the engineer's session within a second, in the middle of a query, which is cancelled "
        "on the server.",
    )
    psql = player.start(CONNECT)
    await psql.until(SHELL)
    psql.terminal.send(f"{LONG}\n")
    await psql.until(r"c\.total;\n")
    await player.run(GRANTS, "engineer", ENDPOINT, "active")
    await player.run(REVOKE, "Grant 1 is revoked")
    await psql.until(r"^FATAL: .*INC-42 is solved.*\n", seconds=5)
    psql.close()


async def _ask_again(player: Player) -> None:
    player.scene(
        "Or all in one go",
        "Without a grant, `glassgate connect` asks for the reason, waits for the approver and goes on.",
    )
    psql = player.start(CONNECT)
    await psql.until(r"Reason: ")
    psql.terminal.send("INC-43: slow again\n")
    await psql.until(r"Request 2: .*\(glassgate approve 2\)", line=True)
    await player.run("glassgate --profile approver approve 2", "Request 2 .* is approved")
    await psql.terminal.until(r"(?=Request 2: .* is approved)")
    await psql.until(SHELL)
    await psql.type("SELECT count(*) FROM open_orders;", r"\d+", until=SHELL)
    psql.terminal.send("\\q\n")
    await psql.ended(status=0)


async def _look_at_host(player: Player, host: SampleHost) -> None:
    player.scene(
        "The same on a host",
        "It is the usual ssh. Each line is judged and recorded before the host runs it, under a guard of the "
        "host's own kernel. The edit is made to a copy in the gateway: the host's file stays as it was.",
    )
    await player.run(REQUEST_HOST, r"Request 3: .* is waiting for an approver")
    await player.run(APPROVE_HOST.format(number=3), "Request 3 .* is approved")
    ssh = player.start(CONNECT_HOST, columns=WIDE)
    await ssh.until(GLASS)
    await ssh.type(logs(host), until=GLASS)
    await ssh.type(COUNT, r"\d+ /checkout", until=GLASS)
    await ssh.type(configuration(host), until=GLASS)
    await ssh.type(TIMEOUTS, "proxy_read_timeout 5s", until=GLASS)
    await ssh.type(
        EDIT,
        "it was not run",
        r"^\+ +proxy_read_timeout 30s;$",
        "change request 2",
        "glassgate change submit 2",
        until=GLASS,
    )
    await ssh.type(TIMEOUTS, "proxy_read_timeout 5s", until=GLASS)
    ssh.terminal.send("exit\n")
    await ssh.ended(status=0)


async def _submit_patch(player: Player, stage: Stage) -> None:
    player.scene(
        "The edit becomes a patch",
        "It stands where the file comes from: the endpoint's mapping says which of the host's paths is which "
        "of the repository's.",
    )
    await player.run(SUBMIT_HOST.format(number=2), "submitted", r"change/2-", "commit")
    await player.run(
        commit_host(stage),
        "Erin Engineer",
        "Change-Request: 2",
        r"ansible/files/nginx/nginx\.conf",
        r"^-\s+proxy_read_timeout 5s;$",
        r"^\+\s+proxy_read_timeout 30s;$",
    )


async def _look_at_container(player: Player, *, after: int) -> None:
    """Play the scene of the sample container.

    Args:
        player: types it.
        after: how many requests and changes there were beside the database's.
    """
    player.scene(
        "And in a container",
        "It is the usual docker, with a certificate that is gone when the command ends. The engine gets what "
        "reads; the rest has become change requests.",
    )
    request, change = 3 + after, 2 + after
    await player.run(REQUEST_ENGINE, rf"Request {request}: .* is waiting for an approver")
    await player.run(APPROVE_HOST.format(number=request), f"Request {request} .* is approved")
    await player.run(LIST, r"mailer:1 .* mailer$")
    await player.run(LOGS, "smtp.example.com timed out after 2 s")
    await player.run(SETTINGS, "^timeout = 2$")
    await player.run(
        TUNE, "it was not run", f"change request {change} ", f"glassgate change submit {change} ", status=1
    )
    await player.run(RESTART, "it was not run", f"change request {change + 1} ", status=1)
    await player.run(
        SHOW_ENGINE.format(number=change), r"app/mailer\.toml", "^-timeout = 2$", r"^\+timeout = 20$"
    )
