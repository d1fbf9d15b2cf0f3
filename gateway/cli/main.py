"""The glassgate command: one table of commands, each in its group's file, imported when it is run."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from gateway.cli.statuses import MEANING, Status, status_of
from gateway.domain.errors import GlassgateError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """One command of the table.

    Attributes:
        name: as typed.
        place: ``module:name`` of a function, or of the typer app of a group, within ``gateway.cli``.
        summary: one line, the same as the docstring's first.
        section: of the help.
    """

    name: str
    place: str
    summary: str
    section: str


COMMANDS: Final = (
    Entry("login", "login:login", "Log in, and pin the gateway's authority the first time.", "Start"),
    Entry("logout", "login:logout", "End this login at once, everywhere.", "Start"),
    Entry("whoami", "login:whoami", "Say who the gateway takes you for, and what you may do.", "Start"),
    Entry("demo", "demo.command:demo", "Start a gateway with sample production beside it.", "Start"),
    Entry("endpoints", "endpoints:endpoints", "List what you may look at or ask for.", "Look"),
    Entry("request", "requests:request", "Ask to read an endpoint, for a reason, for so long.", "Look"),
    Entry("withdraw", "requests:withdraw", "Take an access request of your own back.", "Look"),
    Entry("connect", "connect:connect", "Look at an endpoint with its usual client.", "Look"),
    Entry("config", "connect:app", "Print what native clients need to connect by themselves.", "Look"),
    Entry(
        "credential",
        "credential:app",
        "Print a credential for a client that fetches it by itself.",
        "Look",
    ),
    Entry("token", "tokens:app", "Make and list tokens for clients and machines.", "Look"),
    Entry("key", "keys:app", "Register, list and remove your public keys for the SSH door.", "Look"),
    Entry("grants", "grants:grants", "List grants: what may be read, by whom, until when.", "Look"),
    Entry("drop", "grants:drop", "Give a grant of your own back.", "Look"),
    Entry(
        "requests", "requests:requests", "List access requests, yours and those you may decide.", "Approve"
    ),
    Entry("approve", "requests:approve", "Approve an access request.", "Approve"),
    Entry("deny", "requests:deny", "Deny an access request.", "Approve"),
    Entry("revoke", "grants:revoke", "Take a grant away; its sessions end within a second.", "Approve"),
    Entry("changes", "changes:changes", "List change requests.", "Change"),
    Entry("change", "changes:app", "Show, submit or withdraw a change request.", "Change"),
    Entry("sessions", "sessions:sessions", "List sessions, live and past.", "Review"),
    Entry("watch", "sessions:watch", "Watch a live session.", "Review"),
    Entry("kill", "sessions:kill", "End a live session now.", "Review"),
    Entry("replay", "replay:replay", "Show what was run in a session, with verdicts and times.", "Review"),
    Entry("search", "replay:search", "Find what was run, by whom and where.", "Review"),
    Entry("export", "replay:export", "Take a recording out as a file.", "Review"),
    Entry("verify", "proof:verify", "Prove that nothing was altered, removed or reordered.", "Review"),
    Entry("checkpoint", "proof:checkpoint", "Print the ledger's latest signed checkpoint.", "Review"),
    Entry("judge", "judge:app", "Print the verdict on a text, its rule and the reason.", "Review"),
    Entry("serve", "serve:serve", "Run the gateway.", "Operate"),
    Entry("doctor", "doctor:doctor", "Say what is wrong, and how to mend it.", "Operate"),
    Entry("endpoint", "endpoint:app", "Register, check and harden endpoints.", "Operate"),
    Entry("person", "people:person", "Add, list and remove those who may log in.", "Operate"),
    Entry("role", "people:role", "Give and take roles.", "Operate"),
    Entry("policy", "policy:app", "Show, test and reload the policy.", "Operate"),
    Entry("backup", "backup:backup", "Write store, recordings and keys into one file.", "Operate"),
    Entry("restore", "backup:restore", "Bring a backup back into an empty installation.", "Operate"),
    Entry("completion", "completion:completion", "Print the completion script of your shell.", "Operate"),
    Entry(
        "licences", "licences:licences", "List the licences of everything Glassgate is built on.", "Operate"
    ),
)
"""Every command; the help is made from it without importing what it names."""

HELP: Final = """Look at everything in production, change nothing.

Ask for access, read with the usual clients, and have every attempted write become a change request.

Example:
  glassgate --url https://gateway.example:8443 login
  glassgate request orders-db --for 1h --reason "INC-42: checkout is slow" --wait
  glassgate connect orders-db
"""


class Table(TyperGroup):
    """The group whose commands are the table's, each loaded when it is run."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        """Return the names in the order of the table."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # noqa: ARG002
        """Return the command by its name and summary alone, for help and completion."""
        entry = _entry(cmd_name)
        return TyperCommand(entry.name, help=entry.summary) if entry else None

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Load the command that is to be run."""
        entry = _entry(args[0])
        if entry is None:
            return super().resolve_command(ctx, args)
        return entry.name, load(entry), args[1:]

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """Write the table by section, and the exit statuses."""
        for section in dict.fromkeys(entry.section for entry in COMMANDS):
            with formatter.section(section):
                formatter.write_dl([(e.name, e.summary) for e in COMMANDS if e.section == section])
        with formatter.section("Exit statuses"):
            formatter.write_dl([(str(int(status)), MEANING[status]) for status in Status])


def _entry(name: str) -> Entry | None:
    return next((entry for entry in COMMANDS if entry.name == name), None)


def load(entry: Entry) -> Any:
    """Import a command of the table.

    Args:
        entry: its row.
    """
    module, _, name = entry.place.partition(":")
    found = getattr(import_module(f"gateway.cli.{module}"), name)
    if not isinstance(found, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(
            entry.name,
            context_settings=getattr(found, "context_settings", None),
            no_args_is_help=False,
        )(found)
        found = app
    command = get_command(found)
    command.name = entry.name
    _keep_examples(command)
    return command


def _keep_examples(command: Any) -> None:
    """Keep the lines of examples as they are written: the formatter would run them together.

    In a group's list each command's first line stands whole: the formatter would cut it.
    """
    words = command.help or ""
    command.short_help = " ".join(words.partition("\n\n")[0].split())
    command.help = words.replace("\n\nExample:", "\n\n\b\nExample:")
    for below in getattr(command, "commands", {}).values():
        _keep_examples(below)


cli = typer.Typer(
    cls=Table,
    help=HELP,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from gateway import LOOP

        print(f"glassgate {version('glassgate')}, hot loop {LOOP}")
        raise typer.Exit


@cli.callback()
def before(
    profile: Annotated[
        str, typer.Option(envvar="GLASSGATE_PROFILE", help="Whose login to use, where there are several.")
    ] = "default",
    url: Annotated[str, typer.Option(help="The gateway; else GLASSGATE_URL, else the profile's.")] = "",
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Take what is typed before the command; ``options.py`` reads it from the context."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.

    Args:
        arguments: words after the program's name; None: those of the process.
    """
    try:
        whole = get_command(cli)
        _keep_examples(whole)
        whole.main(args=arguments, prog_name="glassgate")
    except GlassgateError as error:
        from gateway.cli.show import complain

        complain(error.message, error.hint)
        sys.exit(status_of(error))
    except BrokenPipeError:
        # The reader of our output went away (head, less): nothing to say, and nothing more to flush.
        sys.stderr.close()
        sys.exit(Status.ERROR)
    except Exception as error:
        if os.environ.get("GLASSGATE_DEBUG"):
            raise
        from gateway.cli.show import complain

        complain(
            f"a fault of glassgate itself: {type(error).__name__}: {error}",
            "set GLASSGATE_DEBUG=1 to see where, and report it",
        )
        sys.exit(Status.ERROR)


if __name__ == "__main__":
    main()
