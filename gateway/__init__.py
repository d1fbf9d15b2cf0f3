"""Glassgate: production behind glass. Engineers look at everything and change nothing."""

from importlib.metadata import PackageNotFoundError, version

from gateway import compiled

LOOP = compiled.use()
"""Which hot loop is in use: ``compiled``, or ``plain`` and why."""

try:
    __version__ = version("glassgate")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"
