"""The doors: one room a protocol; none imports another."""
