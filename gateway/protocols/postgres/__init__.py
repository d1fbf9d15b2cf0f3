"""The PostgreSQL door: its wire, its units, its refusals, production on the other side."""
