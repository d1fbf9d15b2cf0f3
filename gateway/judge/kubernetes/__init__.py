"""Requests to a Kubernetes API: which of them only read."""
