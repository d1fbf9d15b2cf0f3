"""verify and checkpoint."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Json, client_of
from gateway.cli.show import complain, print_json, say
from gateway.cli.statuses import Status
from gateway.domain.display import counted, display
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.web.shapes.sessions import Proof


def verify(
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE…]", help="Exported recordings; needs no gateway.")
    ] = None,
    *,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Published checkpoints to hold it against, as a witness keeps them.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="Key that may sign checkpoints, as a verifier; give several.")
    ] = None,
    json: Json = False,
) -> None:
    """Prove that nothing was altered, removed or reordered.

    Without files the gateway proves everything it has: ledger, checkpoints, every recording. With files
    they are proven on this machine alone, offline; the checkpoint is best taken from a witness that the
    gateway can't write. Status 0 when everything fits, 65 when something doesn't; the first block that
    doesn't is named.

    Example:
      glassgate verify
      glassgate verify session-7.jsonl --checkpoint published
    """
    published = _published(checkpoint)
    if files:
        proofs = [_of_file(path, published, key or ()) for path in files]
    else:
        if key:
            raise InvalidInput("--key goes with exported files", hint="glassgate verify FILE --key …")
        proofs = [_of_gateway(ctx, published)]
    if json:
        import msgspec

        shown = [msgspec.to_builtins(proof) for proof in proofs]
        print_json(shown if files else shown[0])
    else:
        for proof in proofs:
            _print(proof)
    if not all(proof.good for proof in proofs):
        raise typer.Exit(Status.PROOF_BROKEN)


def _published(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    from gateway.recordings.witness import read_checkpoints

    found = tuple(read_checkpoints(_text(path)))
    if not found:
        raise InvalidInput(f"{path} holds no checkpoint", hint="glassgate checkpoint > FILE makes one")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {error}") from error


def _of_gateway(ctx: typer.Context, published: tuple[str, ...]) -> Proof:
    from gateway.web.shapes.sessions import Proof, Verify

    lines = client_of(ctx).lines("POST /v1/verify", Verify(checkpoints=published), Proof)
    return list(lines)[-1]


def _of_file(path: Path, published: tuple[str, ...], keys: list[str] | tuple[()]) -> Proof:
    from gateway.recordings.note import Verifier
    from gateway.recordings.verify_file import verify_file
    from gateway.web.handlers.proof import proof_of

    trusted = [Verifier.parse(one) for one in keys]
    try:
        with path.open("rb") as file:
            return proof_of(verify_file(file, published=published, trusted=trusted), of=str(path))
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or error}") from error


def _print(proof: Proof) -> None:
    place = f"{display(proof.of)}: " if proof.of else ""
    if proof.good:
        expired = f", {proof.expired} expired" if proof.expired else ""
        counts = (
            f"{counted(proof.sessions, 'session')}{expired}, {counted(proof.blocks, 'block')}, "
            f"{proof.leaves:,} leaves, {counted(proof.checkpoints, 'checkpoint')}"
        )
        say(f"{place}proven: {counts}", "good")
        if proof.checkpoint:
            print(f"  {display(proof.checkpoint, multiline=True)}")
    else:
        complain(f"{place}{proof.problem}")
        for record in proof.records:
            print(f"  {display(record)}")
    for note in proof.notes:
        say(f"  {display(note, multiline=True)}", "dim")
    sys.stdout.flush()


def checkpoint(ctx: typer.Context, *, json: Json = False) -> None:
    """Print the ledger's latest signed checkpoint.

    Keep it where the gateway can't write: whatever is proven against it later was not rewritten since.

    Example:
      glassgate checkpoint >> published
    """
    from gateway.web.shapes.sessions import Checkpoint

    found = client_of(ctx).call("GET /v1/checkpoint", None, Checkpoint)
    if json:
        print_json({"note": found.note})
        return
    print(found.note, end="" if found.note.endswith("\n\n") else "\n")
