"""The advice on an engine's socket: who may reach it, and what may stand before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint


def harden(endpoint: Endpoint) -> str:
    """Return what an operator reads, and the parts that can be run.

    Args:
        endpoint: whose engine it is.
    """
    name = " ".join(endpoint.name.split())
    where = endpoint.host if endpoint.host.startswith("/") else f"{endpoint.host}:{endpoint.port}"
    return f"""#!/bin/sh
# The engine behind {name} ({where}). An engine has no login that can only read: whoever reaches its
# socket is root on that host. What the gateway lets through is judged, and nothing else stands behind that
# judgement, unless you put something there.
set -eu

# 1. Nobody but the gateway reaches the engine: no person is left in the group that its socket belongs to.
getent group docker

# 2. Over the network it asks for a client certificate, of an authority that signs for the gateway alone.
#    /etc/docker/daemon.json:
#      "hosts": ["fd://", "tcp://0.0.0.0:2376"], "tlsverify": true,
#      "tlscacert": "/etc/docker/ca.pem", "tlscert": "/etc/docker/cert.pem", "tlskey": "/etc/docker/key.pem"

# 3. Where nobody needs docker exec, let a proxy before the socket pass GET and HEAD alone, and register that
#    one. With nginx on the engine's host (its user in the group of docker.sock):
cat <<'NGINX'
server {{
    listen unix:/run/docker-reads.sock;
    location / {{
        limit_except GET {{ deny all; }}
        proxy_pass http://unix:/run/docker.sock;
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_read_timeout 1d;
    }}
}}
NGINX
# Then sessions say "{name}: role" in the place of "judge-only", and require = "role" can be set.

# and look whether all is right: glassgate endpoint check {name}
"""
