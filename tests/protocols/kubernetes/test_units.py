"""What of a request stands in the recording."""

from __future__ import annotations

import pytest

from gateway.domain.http import Request
from gateway.judge.kubernetes.catalogue import load_kubernetes
from gateway.judge.kubernetes.context import KubernetesContext
from gateway.judge.kubernetes.judge import judge
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.protocols.kubernetes.units import text_of

CONTEXT = KubernetesContext(load_kubernetes(), ShellContext(load_shell()), dry_runs=True, secrets=True)
BODY = b'{"kind":"Secret","data":{"key":"aHVudGVyMg=="}}'
JSON = ("content-type", "application/json")
OBJECT = "/api/v1/namespaces/shop/secrets/told"


@pytest.mark.parametrize(
    ("method", "target", "header"),
    [
        ("PUT", OBJECT, JSON),
        ("PATCH", OBJECT, ("content-type", "application/merge-patch+json")),
        ("POST", "/api/v1/namespaces/shop/secrets?dryRun=All", JSON),
        ("PUT", OBJECT, ("impersonate-user", "root")),
        ("PUT", "/api/v1/namespaces/shop/%73ecrets/told", JSON),
        ("PUT", "/api/v1/namespaces/shop/configmaps/../Secrets/told", JSON),
        ("POST", OBJECT, ("content-encoding", "gzip")),
        ("BREW", OBJECT, JSON),
    ],
)
def test_no_body_of_a_secret_is_recorded_understood_or_not(
    method: str, target: str, header: tuple[str, str]
) -> None:
    request = Request(method, target, (header,), BODY)
    text = text_of(request, judge(request, CONTEXT))
    assert text.startswith(f"{method} {target}\n".encode())
    assert b"aHVudGVyMg==" not in text


def test_other_bodies_are() -> None:
    request = Request("PUT", "/api/v1/namespaces/shop/configmaps/told", (JSON,), b'{"data":{"a":"b"}}')
    assert b'"a":"b"' in text_of(request, judge(request, CONTEXT))
