"""Refused writes of a cluster's objects as patches of the manifests that declare them."""
