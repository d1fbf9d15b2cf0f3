"""The glassgate command: a client of the HTTP API, and the gateway's own commands on its machine."""
