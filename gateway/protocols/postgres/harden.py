from gateway.domain.endpoint import Endpoint


def harden(endpoint: Endpoint) -> str:
    """Return SQL."""
    return ""
