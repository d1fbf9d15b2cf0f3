"""The compiled loop and the plain one: the same answers, never a stale one, and a choice between them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gateway
from gateway import compiled
from gateway.recordings import frames

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CONVERSATIONS = 700

needs_compiled = pytest.mark.skipif(gateway.LOOP != "compiled", reason=f"the loop in use is {gateway.LOOP}")
ESSENTIAL = (
    "tests/protocols/postgres/test_codec.py",
    "tests/protocols/postgres/test_cuts.py",
    "tests/recordings/test_disk.py",
    "tests/recordings/test_frames.py",
    "tests/recordings/test_recording.py",
)
"""What reads the wire and writes the recording, run with the plain loop too."""


def run(*words: str, root: Path = ROOT, plain: bool = False, seconds: float = 110) -> str:
    """Run this Python on a source tree; returns what it printed."""
    environment = {**os.environ, "PYTHONPATH": f"{root / 'tests'}{os.pathsep}{root}", compiled.SWITCH: "0"}
    if plain:
        environment[compiled.SWITCH] = "1"
    done = subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package, compiled loop included."""
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "gateway", tmp_path / "gateway", ignore=skipped)
    return tmp_path


WHICH = "import gateway; from gateway.recordings import live; print(gateway.LOOP, live.__file__)"


def test_every_module_with_types_is_compiled_and_no_other() -> None:
    found = {path.with_suffix("") for path in (ROOT / "gateway").rglob("*.p[xy][dx]")}
    assert sorted(".".join(stem.relative_to(ROOT).parts) for stem in found) == sorted(compiled.MODULES)


def test_the_loop_is_compiled_where_it_can_be() -> None:
    header = Path(sysconfig.get_paths()["include"], "Python.h")
    if not header.exists() or not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler, or no headers of Python's")
    if gateway.LOOP.startswith(f"plain ({compiled.SWITCH}"):
        pytest.skip(gateway.LOOP)
    assert gateway.LOOP == "compiled", "install again (make does), and look at what the compiler says"


@needs_compiled
def test_an_edited_source_is_never_run_as_it_was_compiled(tree: Path) -> None:
    assert run("-c", WHICH, root=tree).startswith("compiled ")
    for part in (".py", ".pxd"):
        edited = tree / "gateway" / "recordings" / f"live{part}"
        before = edited.read_bytes()
        edited.write_bytes(before + b"\n# edited\n")
        said = run("-c", WHICH, root=tree)
        assert said.startswith("plain (compiled from other sources")
        assert said.endswith("live.py\n")
        edited.write_bytes(before)
    assert run("-c", WHICH, root=tree).startswith("compiled ")


@needs_compiled
def test_what_was_compiled_for_another_system_is_left_alone(tree: Path) -> None:
    (file,) = (tree / "gateway" / "_compiled").glob("*/gateway.recordings.pen.*")
    file.write_bytes(b"\x7fELF for another")
    assert run("-c", WHICH, root=tree).startswith("plain (the compiled one can't be loaded here")


def test_the_plain_loop_can_be_chosen() -> None:
    said = run("-c", WHICH, plain=True)
    assert said.startswith(f"plain ({compiled.SWITCH} is set)")
    assert said.endswith("live.py\n")


@needs_compiled
def test_random_conversations_come_out_alike() -> None:
    words = ("tests/twins.py", str(CONVERSATIONS))
    quick, plain = run(*words), run(*words, plain=True)
    assert quick.startswith("compiled\n")
    assert plain.startswith("plain ")
    assert quick.splitlines()[1:] == plain.splitlines()[1:]
    assert len(plain.splitlines()) == CONVERSATIONS + 1


@needs_compiled
@pytest.mark.timeout(300)
def test_the_plain_loop_passes_what_the_compiled_one_does() -> None:
    said = run("-m", "pytest", "-q", "-n0", *ESSENTIAL, plain=True, seconds=280)
    assert " passed" in said
    assert "skipped" not in said or os.geteuid() != 0


def twins(name: str) -> Iterator[Any]:
    """A module by both its sources, side by side: plain, then compiled."""
    file = str(compiled.folder() / compiled.file_of(name))
    source = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    for loader in (SourceFileLoader(f"plain.{name}", str(source)), ExtensionFileLoader(name, file)):
        spec = spec_from_loader(loader.name, loader)
        assert spec is not None
        module = module_from_spec(spec)
        loader.exec_module(module)
        yield module


@needs_compiled
@given(st.lists(st.binary(min_size=1, max_size=400), min_size=1, max_size=5), st.booleans())
@settings(max_examples=50, deadline=None)
def test_both_pens_write_the_same_frames(payloads: list[bytes], linked: bool) -> None:
    for pen in twins("gateway.recordings.pen"):
        handle = os.memfd_create("frames")  # it has no name
        try:
            times = [pen.append(handle, payload, linked=False) for payload in payloads]
            data = os.pread(handle, 1 << 20, 0)
            assert frames.intact(data) == (len(data), times)
            assert data == b"".join(
                frames.framed(payload, time) for payload, time in zip(payloads, times, strict=True)
            )
            if linked:
                with pytest.raises(OSError, match="folder is gone"):
                    pen.append(handle, payloads[0], linked=True)
        finally:
            os.close(handle)


@needs_compiled
def test_both_pens_say_why_they_can_not_write(tmp_path: Path) -> None:
    for pen in twins("gateway.recordings.pen"):
        with pytest.raises(OSError, match="Bad file descriptor"):
            pen.append(-1, b"x", linked=True)
        with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
            pen.append(full.fileno(), b"x", linked=True)
        with (tmp_path / "named").open("wb", buffering=0) as file:
            assert pen.append(file.fileno(), b"x", linked=True) > 0


@needs_compiled
def test_both_outlets_send_what_is_taken_and_say_when_nobody_listens() -> None:
    for outlet in twins("gateway.transport.outlet"):
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            handle = near.fileno()
            data = bytes(range(256)) * 4096
            sent = 0
            while taken := outlet.send(handle, data[sent:] or data):
                sent += taken
                assert taken <= len(data)
            got = b""
            while len(got) < sent:
                got += far.recv(1 << 20)
            assert got == (data * (sent // len(data) + 1))[:sent]
            far.close()
            with pytest.raises(BrokenPipeError):
                outlet.send(handle, b"x")
        with pytest.raises(OSError, match="Bad file descriptor"):
            outlet.send(-1, b"x")


@needs_compiled
def test_both_pens_keep_blocks_alike(tmp_path: Path) -> None:
    for pen in twins("gateway.recordings.pen"):
        path = tmp_path / "blocks"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            pen.keep(handle, b"one" * 100_000)
            pen.keep(handle, b"")
            pen.keep(handle, b"two")
            assert path.read_bytes() == b"one" * 100_000 + b"two"
            path.unlink()
            with pytest.raises(OSError, match="folder is gone"):
                pen.keep(handle, b"three")
        finally:
            os.close(handle)
        with pytest.raises(OSError, match="Bad file descriptor"):
            pen.keep(-1, b"x")
        with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
            pen.keep(full.fileno(), b"x")


@needs_compiled
@given(st.text("019 aZ_.,(-é").map(str.encode) | st.binary())
@settings(max_examples=1000, deadline=None)
def test_both_masks_take_the_same_integers_out(text: bytes) -> None:
    plain, quick = twins("gateway.judge.postgres.mask")
    assert plain.MASK == quick.MASK
    assert plain.masked(text) == quick.masked(text)
