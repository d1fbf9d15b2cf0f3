"""The straight line that every session follows, and the sessions that are live on it."""
