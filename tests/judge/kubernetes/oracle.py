"""What an API server would do with a request, written down a second time and leniently, as Go reads it.

``net/url`` decodes a path before it is cut; a pair of the query with a semicolon is dropped; names are exact.
"""

from __future__ import annotations

import json
from urllib.parse import unquote, unquote_plus

from gateway.domain.http import Request

CONNECTS = {"exec", "attach", "portforward", "proxy"}
ASKS = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}


def go_query(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if pair and ";" not in pair:
            name, _, value = pair.partition("=")
            found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return found


def writes(request: Request) -> str:
    """Say what the server would do beyond reading; empty where it only reads."""
    path, _, query = request.target.partition("?")
    parts = [each for each in unquote(path).strip("/").split("/") if each]
    pairs = go_query(query)
    if parts[:1] in (["logs"], ["debug"]) and "api_priority_and_fairness" not in path:
        return "files or profiles of the control plane"
    at = 2 if parts[:1] == ["api"] else 3
    rest = parts[at:] if parts[:1] in (["api"], ["apis"]) else []
    if rest[:1] == ["proxy"]:
        return "proxy"
    if rest[:1] == ["watch"]:
        rest = rest[1:]
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        rest = rest[2:]
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource in CONNECTS:
        return "" if subresource == "exec" and pairs.get("command") else subresource
    if request.method in ("GET", "HEAD"):
        return ""
    if request.method == "POST" and len(rest) == 1 and rest[0] in ASKS:
        return ""
    if len(rest) > 2 or rest[:1] in (["secrets"], ["bindings"]):
        return f"{request.method} of {rest}"
    if request.method == "DELETE":
        body = json.loads(request.body or b"{}")
        dry = body.get("dryRun") if request.body else pairs.get("dryRun")
        return "" if dry == ["All"] and len(rest) == 2 else "deletes"
    return "" if pairs.get("dryRun") == ["All"] else "writes"
