"""The command line: a client of the API, and the programs that start things."""
