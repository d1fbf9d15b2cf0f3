"""Glassgate: production behind glass. Engineers look at everything and change nothing."""
