"""Compiles the hot loop while the package is installed, where a C compiler and Python's headers are at hand.

Without them the plain loop is used; nothing fails. ``python hatch_build.py`` compiles in place.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from types import ModuleType

DIRECTIVES = {"language_level": 3, "annotation_typing": False, "binding": False, "nonecheck": True}
UNIX_FLAGS = ["-O1", "-g0", "-w"]
"""Measured: -O2 takes more than twice as long to compile and is no faster."""


class CompileHook(BuildHookInterface[Any]):
    """Puts the compiled loop into the wheel, or beside the sources of an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; say why not and go on without where that fails."""
        root = Path(self.root)
        try:
            place = compile_into(root)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a toolchain may fail with
            self.app.display_warning(f"the hot loop was not compiled, the plain one is used: {error}")
            return
        if place is not None and version != "editable":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["force_include"][str(place)] = str(place.relative_to(root))


def compile_into(root: Path) -> Path | None:
    """Compile the hot loop's modules from their sources.

    Args:
        root: of the source tree.

    Returns:
        The folder that holds them; None where the plain loop is wanted.
    """
    compiled = _module(root / "gateway" / "compiled.py")
    if os.environ.get(compiled.SWITCH, "0") not in ("", "0") or sys.maxsize < 1 << 32:
        return None  # the C types of lengths hold 32 bits and a sign
    place: Path = compiled.folder(root)
    if place.is_dir():
        return place
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=place.parent) as name:
        built = Path(name) / "built"
        built.mkdir()
        _compile(root, Path(name), compiled.MODULES)
        for module in compiled.MODULES:
            package, _, last = module.rpartition(".")
            made = Path(name, "lib", *package.split("."), compiled.file_of(last))
            made.rename(built / compiled.file_of(module))
        for old in place.parent.iterdir():
            if old.is_dir() and not old.name.startswith("."):
                shutil.rmtree(old, ignore_errors=True)
        built.rename(place)
    return place


def _compile(root: Path, work: Path, modules: tuple[str, ...]) -> None:
    # setuptools replaces distutils, and Cython must see that
    from setuptools import Distribution, Extension  # noqa: PLC0415, I001
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415
    from Cython.Build import cythonize  # noqa: PLC0415

    before = Path.cwd()
    os.chdir(root)  # Cython tells packages by paths from here
    try:
        cores = os.cpu_count() or 1
        flags = [] if sys.platform == "win32" else UNIX_FLAGS
        wanted = [Extension(each, [_source(root, each)], extra_compile_args=flags) for each in modules]
        extensions = cythonize(
            wanted,
            build_dir=str(work / "c"),
            compiler_directives=DIRECTIVES,
            force=True,
            quiet=True,
            nthreads=0,
        )
        command = build_ext(Distribution({"ext_modules": extensions}))
        command.build_lib = str(work / "lib")
        command.build_temp = str(work / "o")
        command.parallel = cores
        command.ensure_finalized()
        command.run()
    finally:
        os.chdir(before)


def _source(root: Path, module: str) -> str:
    stem = Path(*module.split("."))
    twin = stem.with_suffix(".pyx")
    return str(twin if (root / twin).exists() else stem.with_suffix(".py"))


def _module(path: Path) -> ModuleType:
    """Load one file of the package without importing the package."""
    spec = importlib.util.spec_from_file_location("compiled_loop", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.stdout.write(f"{compile_into(Path(__file__).resolve().parent)}\n")
