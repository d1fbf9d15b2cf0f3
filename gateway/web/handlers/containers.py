"""What clients of Docker engines and Kubernetes clusters prove themselves by."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.domain.errors import InvalidInput
from gateway.web.shapes import identity as i

if TYPE_CHECKING:
    from gateway.web.routes import Call
    from gateway.web.shapes.shape import Nothing


async def certify(call: Call, question: i.NewDockerCertificate) -> i.DockerCertificate:
    """Sign a public key of one's own for some hours and one Docker engine."""
    try:
        lives = timedelta(hours=question.hours)
    except OverflowError as error:
        raise InvalidInput(f"{question.hours} hours is longer than anything") from error
    made = await call.parts.client_certificates.issue(
        call.identity, question.endpoint, question.public_key, lives
    )
    return i.DockerCertificate(
        certificate=made.pem,
        endpoint=question.endpoint,
        id=made.token,
        expires_at=made.expires_at,
    )


async def cluster_token(call: Call, _question: Nothing) -> i.ClusterToken:
    """Make a short bearer token for Kubernetes clients; it ends with the login it is made with."""
    issued = await call.parts.tokens.cluster(call.identity)
    return i.ClusterToken(token=issued.secret.reveal().decode(), expires_at=issued.expires_at)
