"""Refused writes on a host as patches: the edit applied to a copy of the file, then to the repository's."""
