"""The kernel's own read-only enforcement around each command on a host, with nothing installed there."""
