"""Sample production, and the story played on it by real clients."""
