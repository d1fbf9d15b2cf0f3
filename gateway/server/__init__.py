"""One running gateway: its parts built from the settings, its doors opened, drained and closed."""

from gateway.server.building import ADMINISTRATOR_FILE
from gateway.server.core import KEYRING_VARIABLE
from gateway.server.serving import Running, running, serve
from gateway.server.starting import event_loop

__all__ = ["ADMINISTRATOR_FILE", "KEYRING_VARIABLE", "Running", "event_loop", "running", "serve"]
