"""The Kubernetes door: an API server behind the glass, for kubectl and every other client of its API."""
