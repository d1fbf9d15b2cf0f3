"""doctor: what is wrong, seen from here and from the gateway, and how to mend it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Json, profile_of
from gateway.cli.show import print_json, say, styled
from gateway.cli.statuses import Status
from gateway.domain.display import display
from gateway.domain.errors import AuthenticationFailed, GlassgateError, NotAuthorised

if TYPE_CHECKING:
    from gateway.cli.profiles import Profile
    from gateway.web.shapes.gateway import Finding


def doctor(
    ctx: typer.Context,
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="On the gateway's machine: its gateway.toml as well."),
    ] = None,
    json: Json = False,
) -> None:
    """Say what is wrong, and how to mend it.

    Looks at this machine (profile, trust, client programs), at the gateway where policy lets you (store,
    recordings, ledger, policy, every endpoint), and with -c at the gateway's own configuration.

    Example:
      glassgate doctor
      glassgate doctor -c gateway.toml
    """
    findings = _machine() if config is not None else [*_machine(), *_gateway(profile_of(ctx))]
    if config is not None:
        from gateway.cli.premises import look

        findings += look(config)
    if json:
        import msgspec

        print_json(msgspec.json.encode(findings))
    else:
        for finding in findings:
            _print(finding)
    if not all(finding.good for finding in findings):
        raise typer.Exit(Status.ERROR)


def _print(finding: Finding) -> None:
    mark = styled("ok  ", "good") if finding.good else styled("bad ", "bad")
    print(f"{mark} {display(finding.part)}: {display(finding.message)}")
    if finding.mend:
        say(f"     → {display(finding.mend)}", "dim")


def _machine() -> list[Finding]:
    """Look at what is installed here: the hot loop, and the programs that connect needs."""
    from gateway import LOOP
    from gateway.web.shapes.gateway import Finding

    mend = "" if LOOP == "compiled" else "for more speed: a C compiler, Python's headers, and install again"
    return [Finding(part="hot loop", good=True, message=LOOP, mend=mend), *_programs()]


def _programs() -> list[Finding]:
    from gateway.store.postmaster import wheel_folder
    from gateway.web.shapes.gateway import Finding

    if found := shutil.which("psql"):
        return [Finding(part="psql", good=True, message=found)]
    try:
        carried = wheel_folder() / "bin" / "psql"
    except GlassgateError as error:
        return [Finding(part="psql", good=False, message=error.message, mend="install the PostgreSQL client")]
    return [Finding(part="psql", good=True, message=f"{carried} (comes with the embedded server)")]


def _gateway(profile: Profile) -> list[Finding]:
    """Ask the gateway, step by step; the first step that fails is the last."""
    from gateway.cli.client import Client
    from gateway.web.shapes.gateway import Diagnosis, Finding, Health
    from gateway.web.shapes.identity import WhoAmI

    client = Client(profile)
    findings = []
    step = "gateway"
    try:
        alive = client.call("GET /healthz", None, Health)
        told = f"{profile.url} answers, version {alive.version}"
        findings.append(Finding(part=step, good=True, message=told))
        step = "login"
        if not profile.token:
            raise AuthenticationFailed("not logged in", hint="glassgate login")
        me = client.call("GET /v1/whoami", None, WhoAmI)
        findings.append(Finding(part=step, good=True, message=f"{me.name}, roles {', '.join(me.roles)}"))
        step = "diagnosis"
        findings += client.call("GET /v1/doctor", None, Diagnosis).findings
    except NotAuthorised:
        told = "the gateway's own parts are shown to observers and administrators only"
        findings.append(Finding(part=step, good=True, message=told))
    except GlassgateError as error:
        findings.append(Finding(part=step, good=False, message=error.message, mend=error.hint))
    return findings
