"""SFTP: each operation judged, reads passed on to the host's server, writes taken into change requests."""
