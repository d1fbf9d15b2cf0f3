"""Judges in code, for commands whose arguments a plain table of options can't describe."""
