"""Requests that nobody wrote: whatever they are, nothing but a read is sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from engine_requests import EXEC, ROWS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.http import Request
from gateway.domain.verdict import Decision
from gateway.judge.docker.context import Exec
from gateway.judge.docker.judge import judge
from gateway.judge.docker.judgement import DockerAction

if TYPE_CHECKING:
    from gateway.judge.docker.context import DockerContext

MANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = st.sampled_from(
    [
        *"/.%?&=;:@\\#+~ \t\r\n\0",
        "%2f",
        "%2e",
        "..",
        "//",
        "?",
        "&",
        "stdin=1",
        "exec",
        "kill",
        "/../",
        "\u017f",
        "\u212a",
        "é",
    ]
)
POSTS = {"attach", "wait", "exec", "start", "resize"}


def _spoiled(draw: st.DrawFn, text: str) -> str:
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 4)))
        text = text[:at] + draw(st.one_of(ODD, st.text(max_size=3))) + text[end:]
    return text


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request of a corpus with parts of it spoiled, or exchanged with another's."""
    row, other = draw(st.sampled_from(ROWS)).request, draw(st.sampled_from(ROWS)).request
    method = draw(st.sampled_from([row.method, row.method, other.method, "POST", row.method.lower()]))
    target = _spoiled(draw, draw(st.sampled_from([row.target, row.target, other.target])))
    body = draw(st.sampled_from([row.body, other.body]))
    if body is not None:
        body = _spoiled(draw, body[:500].decode()).encode("utf-8", "surrogatepass")
    return Request(method, target, draw(st.sampled_from([row.headers, other.headers, ()])), body)


@MANY
@given(request=requests())
def test_nothing_but_a_read_is_sent(request: Request, context: DockerContext) -> None:
    mine = replace(context, execs={EXEC: Exec("web", ("ls",), tty=False)})
    judged = judge(request, mine)
    assert (judged.request is not None) is (judged.verdict.decision is Decision.ALLOW)
    sent = judged.request
    if sent is None:
        return
    path, _, query = sent.target.partition("?")
    assert sent.method in ("GET", "HEAD", "POST")
    assert sent.target.isascii()
    assert sent.target.isprintable()
    assert not {"", ".", ".."} & set(path.strip("/").split("/"))
    assert "%" not in path
    assert not set(query) & set(" ;#+\\")
    assert "stdin=1" not in query
    if sent.method == "POST":
        assert path.rsplit("/", 1)[1] in POSTS
    if judged.action in (DockerAction.EXEC_START, DockerAction.EXEC_RESIZE):
        assert f"/exec/{EXEC}/" in path
    if judged.action is not DockerAction.EXEC_CREATE:
        assert judge(sent, mine).request == sent


TEXTS = st.one_of(
    st.sampled_from(["ls", "rm", "touch", "sh", "-c", "/etc/hosts", "root", "", "-rf", "echo x > y"]),
    st.text(),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    TEXTS,
    st.lists(TEXTS, max_size=3),
    st.lists(st.integers(), max_size=3),
)
NAMES = st.one_of(
    st.sampled_from(
        [
            "Cmd",
            "cmd",
            "CMD",
            "Tty",
            "User",
            "u\u017fer",
            "Privileged",
            "privileged",
            "AttachStdin",
            "Env",
            "Wor\u212aingDir",
        ]
    ),
    st.text(max_size=4),
)


@MANY
@given(members=st.lists(st.tuples(NAMES, VALUES), max_size=5))
def test_a_body_is_sent_with_what_was_judged_and_nothing_else(
    members: list[tuple[str, object]], context: DockerContext
) -> None:
    body = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members) + "}"
    request = Request("POST", "/containers/web/exec", (), body.encode())
    judged = judge(request, context)
    if judged.request is None:
        return
    said = dict(members)
    assert len(said) == len(members)
    assert {name for name in said if name.casefold() == "cmd"} == {"Cmd"}
    assert not said.get("User")
    assert not said.get("Privileged")
    assert tuple(json.loads(judged.request.body or b"")["Cmd"]) == judged.argv
