"""What may be looked at, and its registration."""

from __future__ import annotations

from datetime import datetime

from gateway.web.shapes.shape import Question, Shape


class ListEndpoints(Question, frozen=True, kw_only=True):
    """Which endpoints to list.

    Attributes:
        text: part of a name, label or kind.
        label: ``key=value``, all of which must stand on the endpoint.
    """

    text: str = ""
    label: tuple[str, ...] = ()


class EndpointLine(Shape, frozen=True, kw_only=True):
    """An endpoint as whoever may ask for it sees it.

    Attributes:
        name: as people type it.
        kind: protocol.
        labels: such as ``env=prod``.
        may: what the caller may do there: request, connect, approve, review, …
        access: ``ready``, ``until TIME``, ``pending`` or empty: what the caller holds there.
        ends_at: when the caller's access ends; None until its clock has started, or without access.
    """

    name: str
    kind: str
    labels: dict[str, str]
    may: tuple[str, ...]
    access: str = ""
    ends_at: datetime | None = None


class EndpointList(Shape, frozen=True, kw_only=True):
    """Endpoints.

    Attributes:
        endpoints: by name.
    """

    endpoints: tuple[EndpointLine, ...]


class EndpointName(Question, frozen=True, kw_only=True):
    """One endpoint.

    Attributes:
        name: as people type it.
    """

    name: str


class Connection(Shape, frozen=True, kw_only=True):
    """How a native client reaches an endpoint through the gateway.

    Attributes:
        endpoint: its name.
        kind: protocol.
        host: of the gateway's door.
        port: of the gateway's door.
        user: login name, ``NAME+ENDPOINT``.
        database: the usual one; empty: none is known.
        access: ``ready``, ``active``, ``pending`` or empty: what the caller holds there.
        request: the pending request's number.
        ends_at: when the caller's access ends; None until its clock has started, or without access.
        secrets: whether what the caller holds includes the values of a cluster's Secrets.
        host_key: public key that the SSH door shows, as OpenSSH writes it; empty: TLS proves the door.
        ssh_port: of the SSH door, where the endpoint is reached by another and by that one too; else 0.
    """

    endpoint: str
    kind: str
    host: str
    port: int
    user: str
    database: str
    access: str
    request: int | None
    ends_at: datetime | None
    secrets: bool = False
    host_key: str = ""
    ssh_port: int = 0


class RepositoryFacts(Shape, frozen=True, kw_only=True):
    """Where an endpoint's artifacts are built from.

    Attributes:
        url: any git URL.
        branch: changes are based on it.
        convention: plain, flyway or dbmate.
        migrations: folder of the migrations.
        paths: production path prefix → path in the repository.
        image: file that defines the image of a host.
    """

    url: str
    branch: str = "main"
    convention: str = "plain"
    migrations: str = "migrations"
    paths: dict[str, str] = {}
    image: str = ""


class SettingsFacts(Shape, frozen=True, kw_only=True):
    """What an operator decides about an endpoint.

    Attributes:
        require: ``role`` or ``default``; empty: ``role`` where ``env=prod``.
        record_results: whether result rows and output of commands are recorded; None: those of commands are.
        max_recording_bytes: a session ends at this size.
        keep_days: age at which a recording's key is destroyed.
        idle_seconds: a session without traffic ends after.
        statement_timeout_ms: ceiling of clients' timeouts; 0: none.
        lists: allowlists of the judge, such as ``functions``.
        options: settings that only the kind's own room reads.
    """

    require: str = ""
    record_results: bool | None = None
    max_recording_bytes: int = 1 << 30
    keep_days: int = 365
    idle_seconds: int = 3600
    statement_timeout_ms: int = 0
    lists: dict[str, tuple[str, ...]] = {}
    options: dict[str, str] = {}


class PutEndpoint(Question, frozen=True, kw_only=True):
    """Register an endpoint, or change its registration.

    Attributes:
        name: as people type it.
        kind: protocol.
        labels: such as ``env=prod``.
        host: address, or the folder of its unix socket; that socket's path for docker.
        port: TCP port; 0 for a socket of docker.
        username: the gateway's own login there; empty for docker and kubernetes.
        password: of that login, or its private key in PEM for ssh; for docker and kubernetes JSON that holds
            ``token``, or ``certificate`` and ``key``; None keeps the one that is registered.
        tls: verify-full, require or off.
        ca: PEM of the authority that signed the server's certificate; the host's public keys for ssh.
        repository: where changes go.
        settings: the operator's choices.
    """

    name: str
    kind: str = "postgres"
    labels: dict[str, str] = {}
    host: str
    port: int = 0
    username: str = ""
    password: str | None = None
    tls: str = "verify-full"
    ca: str = ""
    repository: RepositoryFacts | None = None
    settings: SettingsFacts = SettingsFacts()


class EndpointFacts(Shape, frozen=True, kw_only=True):
    """A registration, without its secret.

    Attributes:
        name: as people type it.
        kind: protocol.
        labels: such as ``env=prod``.
        host: address, or the folder of its unix socket.
        port: TCP port.
        username: the gateway's own login there.
        tls: verify-full, require or off.
        ca: PEM of the authority that signed the server's certificate.
        repository: where changes go.
        settings: the operator's choices.
        require: what the server must enforce by itself, as it follows from settings and labels.
        version: grows with each change.
    """

    name: str
    kind: str
    labels: dict[str, str]
    host: str
    port: int
    username: str
    tls: str
    ca: str
    repository: RepositoryFacts | None
    settings: SettingsFacts
    require: str
    version: int


class HostAddress(Question, frozen=True, kw_only=True):
    """An SSH host that is yet to be registered.

    Attributes:
        host: name or address.
        port: TCP port.
    """

    host: str
    port: int = 22


class HostKeyFacts(Shape, frozen=True, kw_only=True):
    """The key that an SSH host shows now.

    Attributes:
        line: as OpenSSH writes it, to be pinned.
        kind: such as ssh-ed25519.
        fingerprint: to be compared with what its owner says.
        registered: fingerprints that are pinned.
    """

    line: str
    kind: str
    fingerprint: str
    registered: tuple[str, ...] = ()


class AcceptHostKey(Question, frozen=True, kw_only=True):
    """Pin the key that an SSH host shows now.

    Attributes:
        name: of the endpoint.
        fingerprint: of the key that was looked at; another than that is not pinned.
    """

    name: str
    fingerprint: str


class EndpointCheck(Shape, frozen=True, kw_only=True):
    """What the gateway found when it dialled.

    Attributes:
        endpoint: its name.
        good: whether sessions can be opened.
        level: what production enforces by itself.
        layers: layers in force there.
        findings: what the probe saw.
        problem: why not; empty where good.
        hint: how to mend it.
    """

    endpoint: str
    good: bool
    level: str = ""
    layers: tuple[str, ...] = ()
    findings: dict[str, str] = {}
    problem: str = ""
    hint: str = ""


class Hardening(Shape, frozen=True, kw_only=True):
    """What makes the right role on the server.

    Attributes:
        endpoint: its name.
        script: to be read, and run by the server's owner.
    """

    endpoint: str
    script: str


class JudgeTexts(Question, frozen=True, kw_only=True):
    """Judge texts by an endpoint's own catalogue, each as a session's first unit.

    Attributes:
        name: of the endpoint.
        texts: at most 1,000.
    """

    name: str
    texts: tuple[str, ...]


class VerdictLine(Shape, frozen=True, kw_only=True):
    """One verdict.

    Attributes:
        verdict: allow, change or refuse.
        rule: that decided.
        reason: one sentence.
    """

    verdict: str
    rule: str
    reason: str


class Verdicts(Shape, frozen=True, kw_only=True):
    """Verdicts, in the order of the texts.

    Attributes:
        verdicts: one a text.
    """

    verdicts: tuple[VerdictLine, ...]
