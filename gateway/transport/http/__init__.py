"""Strict HTTP/1.1, both sides: readers and writers without I/O, and what carries an exchange between two."""
