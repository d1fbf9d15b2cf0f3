"""The gateway itself: health, trust, policy, what is wrong."""

from __future__ import annotations

from gateway.web.shapes.shape import Question, Shape


class Health(Shape, frozen=True, kw_only=True):
    """The process is alive.

    Attributes:
        status: ``ok``.
        version: of the gateway.
    """

    status: str
    version: str


class Readiness(Shape, frozen=True, kw_only=True):
    """Whether new sessions can be opened.

    Attributes:
        ready: all parts answer.
        parts: part → ``ok`` or what is wrong.
    """

    ready: bool
    parts: dict[str, str]


class Authority(Shape, frozen=True, kw_only=True):
    """The authority that signed the gateway's certificate.

    Attributes:
        pem: its certificate.
        fingerprint: SHA-256 of it, in hexadecimal.
    """

    pem: str
    fingerprint: str


class PolicyFacts(Shape, frozen=True, kw_only=True):
    """The policy in force.

    Attributes:
        version: grows with each reload that changed something.
        files: name → text.
        broken: why the files as they lie there are not in force; empty where they are.
    """

    version: int
    files: dict[str, str]
    broken: str = ""


class TryPolicy(Question, frozen=True, kw_only=True):
    """Ask what policy would say.

    Attributes:
        name: login name.
        action: such as ``request``.
        endpoint: name; empty: on any.
    """

    name: str
    action: str
    endpoint: str = ""


class PolicySays(Shape, frozen=True, kw_only=True):
    """What policy would say.

    Attributes:
        allowed: whether it may.
        why: one sentence.
    """

    allowed: bool
    why: str


class Finding(Shape, frozen=True, kw_only=True):
    """Something that was looked at.

    Attributes:
        part: configuration, store, recordings, ledger, endpoint NAME, …
        good: whether it is as it should be.
        message: what was seen.
        mend: what to do; empty where good.
    """

    part: str
    good: bool
    message: str
    mend: str = ""


class Diagnosis(Shape, frozen=True, kw_only=True):
    """What is wrong, and how to mend it.

    Attributes:
        findings: in the order they were looked at.
    """

    findings: tuple[Finding, ...]
