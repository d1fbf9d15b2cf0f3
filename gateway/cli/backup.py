"""backup and restore, on the gateway's machine."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.show import say
from gateway.domain.display import display
from gateway.domain.errors import ConfigurationBroken, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.recordings.backup import Manifest, StorePlace
    from gateway.recordings.report import Report
    from gateway.settings import Settings
    from gateway.store.keyring import Keyring

KEYRING_VARIABLE = "GLASSGATE_MASTER_KEY"
Config = Annotated[Path, typer.Option("--config", "-c", help="gateway.toml.")]


def backup(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="To write.")],
    *,
    config: Config,
    with_keys: Annotated[
        bool,
        typer.Option("--with-keys", help="The key ring too: who has the file can then read every recording."),
    ] = False,
) -> None:
    """Write store, recordings and keys into one file.

    The gateway may run meanwhile. Store and ledger are of one moment. The key ring stays out unless it is
    asked for: keep a copy of it elsewhere, for without it nothing can be read.

    Example:
      glassgate backup glassgate-backup -c gateway.toml
    """
    from gateway.settings import load_settings

    manifest = asyncio.run(_backed_up(load_settings(config), archive, with_keys=with_keys))
    say(f"Backed up {manifest.recordings} recordings and the store into {display(str(archive))}", "good")
    if not with_keys:
        say("The key ring is not in it: keep a copy of it elsewhere.", "dim")


async def _backed_up(settings: Settings, archive: Path, *, with_keys: bool) -> Manifest:
    from gateway.recordings import backup as archives
    from gateway.recordings.ledger import Ledger
    from gateway.recordings.vault import FolderVault
    from gateway.store.pool import Store

    keyring = _keyring(settings)
    async with _place(settings) as place, await Store.open(place.dsn) as store:
        return await archives.backup(
            archive,
            store=store,
            place=place,
            ledger=Ledger(store, keyring),
            vault=FolderVault(settings.recordings_folder),
            keyring=keyring,
            with_keys=with_keys,
        )


def restore(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="Of `glassgate backup`.")],
    *,
    config: Config,
) -> None:
    """Bring a backup back into an empty installation.

    The gateway must not run. What is restored is proven first; what doesn't prove itself is not kept. The
    key ring is taken from the file where it is in it, else it must lie in its place already.

    Example:
      glassgate restore glassgate-backup -c gateway.toml
    """
    from gateway.settings import load_settings

    report = asyncio.run(_restored(load_settings(config), archive))
    say(f"Restored and proven: {report.sessions} sessions, {report.leaves} leaves", "good")
    for note in report.notes:
        say(f"  {display(note, multiline=True)}", "dim")


async def _restored(settings: Settings, archive: Path) -> Report:
    from gateway.recordings import backup as archives

    kept = await asyncio.to_thread(archives.read_keys, archive)
    file = settings.master_key_file
    if kept is not None and not file.exists() and not os.environ.get(KEYRING_VARIABLE):
        from gateway.cli.profiles import write_private

        write_private(file, kept)
    keyring = _keyring(settings)
    async with _place(settings, attach=False) as place:
        return await archives.restore(
            archive,
            place=place,
            folder=settings.recordings_folder,
            keyring=keyring,
            replica=settings.replica,
        )


def _keyring(settings: Settings) -> Keyring:
    """Read the key ring that is there; none is made."""
    from gateway.store.keyring import Keyring

    if os.environ.get(KEYRING_VARIABLE):
        return Keyring.load(f"env:{KEYRING_VARIABLE}")
    file = settings.master_key_file
    if not file.exists():
        raise ConfigurationBroken(
            f"{file}: the key ring is missing", hint=f"put it back, or set {KEYRING_VARIABLE}"
        )
    return Keyring.load(file)


@asynccontextmanager
async def _place(settings: Settings, *, attach: bool = True) -> AsyncIterator[StorePlace]:
    """Reach the store: the operator's own, the running gateway's embedded one, or one started for this."""
    from gateway.recordings.backup import StorePlace
    from gateway.store.attached import attached_dsn
    from gateway.store.embedded import EmbeddedPostgres
    from gateway.store.postmaster import wheel_folder

    programs = wheel_folder() / "bin"
    dump, load = programs / "pg_dump", programs / "pg_restore"
    if settings.database.url:
        yield StorePlace(settings.database.url, dump, load)
        return
    folder = settings.data_folder / "store"
    try:
        server = await EmbeddedPostgres.start(folder, name="glassgate store")
    except StoreUnavailable:
        if not attach:
            raise
        yield StorePlace(attached_dsn(folder), dump, load)
        return
    try:
        yield StorePlace(server.dsn(), dump, load)
    finally:
        await server.stop()
