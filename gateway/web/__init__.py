"""The HTTP API: one table of routes, each with its action, its request and response types and its handler."""
