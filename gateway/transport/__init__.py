"""Byte streams with back-pressure and caps, TLS and its authority, accepting; knows no other protocol."""
