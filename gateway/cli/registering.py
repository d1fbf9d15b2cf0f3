"""endpoint add: register an endpoint of any kind, or change its registration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import host_keys
from gateway.cli.options import Json, client_of
from gateway.cli.show import print_json, say
from gateway.domain.errors import InvalidInput

Several = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Give several.")]


def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As people will type it.")],
    *,
    host: Annotated[
        str, typer.Option(help="Address; the folder of its unix socket (postgres), its path (docker).")
    ] = "",
    username: Annotated[
        str, typer.Option("--username", "--user", help="The gateway's own login there (postgres, ssh).")
    ] = "",
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Else the protocol's: 5432, 22 (ssh), 2376 (docker)."),
    ] = None,
    kind: Annotated[str, typer.Option(help="Protocol: postgres, ssh, docker or kubernetes.")] = "postgres",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read that login's password from standard input.")
    ] = False,
    key_file: Annotated[
        Path | None, typer.Option(help="Private key of that login, without a passphrase (ssh).")
    ] = None,
    host_key: Annotated[
        str,
        typer.Option(metavar="SHA256:…", help="The host must show it (ssh); else you are asked."),
    ] = "",
    server: Annotated[str, typer.Option(metavar="URL", help="The cluster's API server (kubernetes).")] = "",
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Server, authority and credential are read from it (kubernetes).")
    ] = None,
    context: Annotated[str, typer.Option(help="Of the kubeconfig; else its current one.")] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="Bearer token of the gateway's reader (kubernetes).")
    ] = None,
    client_certificate: Annotated[
        Path | None, typer.Option(help="PEM of the gateway's certificate there (docker, kubernetes).")
    ] = None,
    client_key: Annotated[Path | None, typer.Option(help="PEM of its key.")] = None,
    in_cluster: Annotated[
        bool,
        typer.Option("--in-cluster", help="Use the service account of the gateway's pod (kubernetes)."),
    ] = False,
    dry_run_token_file: Annotated[
        Path | None, typer.Option(help="Bearer token that serves for dry-runs alone (kubernetes).")
    ] = None,
    label: Several = None,
    tls: Annotated[
        str, typer.Option(help="verify-full, require, or off (unix sockets, loopback); else verify-full.")
    ] = "",
    ca_file: Annotated[
        Path | None,
        typer.Option(
            "--ca-file", "--ca", help="PEM of the authority that signed its certificate; else the system's."
        ),
    ] = None,
    repository: Annotated[str, typer.Option(help="Git URL that changes go to.")] = "",
    branch: Annotated[str, typer.Option(help="Changes are based on it.")] = "main",
    convention: Annotated[str, typer.Option(help="Of migrations: plain, flyway or dbmate.")] = "plain",
    migrations: Annotated[str, typer.Option(help="Their folder.")] = "migrations",
    repository_path: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST=REPO", help="Path of production and its place there; give several."),
    ] = None,
    image: Annotated[
        str,
        typer.Option(metavar="FILE", help="There: Dockerfile or Ansible tasks (ssh), compose file (docker)."),
    ] = "",
    require: Annotated[
        str, typer.Option(help="What the server must enforce: role or default; else role where env=prod.")
    ] = "",
    record_results: Annotated[
        bool | None,
        typer.Option("--record-results/--no-record-results", help="Else only what commands print is."),
    ] = None,
    keep_days: Annotated[int, typer.Option(min=1, help="Age at which recordings expire.")] = 365,
    max_recording: Annotated[int, typer.Option(min=1, help="MiB at which a session ends.")] = 1024,
    idle: Annotated[str, typer.Option(help="A session without traffic ends after.")] = "1h",
    statement_timeout: Annotated[int, typer.Option(min=0, help="Ceiling in ms; 0: none.")] = 0,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="LIST=ITEM", help="Item of a judge's allowlist, such as functions=report(int)."),
    ] = None,
    option: Several = None,
    json: Json = False,
) -> None:
    r"""Register an endpoint, or change its registration.

    The password or key is kept where none is given anew; it never leaves the gateway. `database=NAME` as an
    --option is what `glassgate connect` opens. The host key of an SSH host is shown and pinned; its options
    are guard=require|prefer|off, sudo=off|judged and stateful-reads=allow|refuse. A Docker engine is reached
    by its socket or by TLS, a cluster by its URL or as a kubeconfig says.

    Example:
      glassgate endpoint add orders-db --host db.internal --username glassgate --password-stdin \
        --label env=prod --label team=payments --ca-file ca.pem \
        --repository ssh://git@git.internal/shop.git --option database=shop < password
      glassgate endpoint add web-1 --kind ssh --host web-1.internal --user glassgate --key-file id_ed25519 \
        --label env=prod --repository ssh://git@git.internal/web.git --image ansible/tasks/main.yml \
        --repository-path '/etc/nginx/**=ansible/files/nginx/**'
      glassgate endpoint add prod-docker --kind docker --host tcp://docker.internal:2376 \
        --ca-file ca.pem --client-certificate cert.pem --client-key key.pem --label env=prod
      glassgate endpoint add prod-k8s --kind kubernetes --server https://k8s.internal:6443 \
        --ca-file ca.crt --token-file reader.token --dry-run-token-file tries.token --label env=prod
    """
    import msgspec

    from gateway.cli.credentials import file_text
    from gateway.cli.durations import parse_duration
    from gateway.cli.places import Told, place_of
    from gateway.web.shapes.endpoints import EndpointFacts, PutEndpoint, RepositoryFacts, SettingsFacts

    client = client_of(ctx)
    place = place_of(
        kind,
        Told(
            host=host,
            port=port,
            tls=tls,
            ca_file=ca_file,
            client_certificate=client_certificate,
            client_key=client_key,
            server=server,
            kubeconfig=kubeconfig,
            context=context,
            token_file=token_file,
            in_cluster=in_cluster,
            dry_run_token_file=dry_run_token_file,
        ),
    )
    ca = place.ca
    if kind == "ssh" and not ca:
        ca = host_keys.ask(client, name, place.host, place.port, host_key)
    password = place.secret
    if password is None:
        password = file_text(key_file) or _password(from_stdin=password_stdin)
    settings = SettingsFacts(
        require=require,
        record_results=record_results,
        max_recording_bytes=max_recording << 20,
        keep_days=keep_days,
        idle_seconds=parse_duration(idle),
        statement_timeout_ms=statement_timeout,
        lists=_lists(allow or ()),
        options=_pairs(option or (), "--option"),
    )
    where = RepositoryFacts(
        url=repository,
        branch=branch,
        convention=convention,
        migrations=migrations,
        paths=_paths(repository_path or ()),
        image=image,
    )
    question = PutEndpoint(
        name=name,
        kind=kind,
        labels=_pairs(label or (), "--label"),
        host=place.host,
        port=place.port,
        username=username,
        password=password,
        tls=place.tls,
        ca=ca,
        repository=where if repository else None,
        settings=settings,
    )
    body = client.body("PUT /v1/endpoints/{name}", question)
    if json:
        print_json(body)
        return
    made = msgspec.json.decode(body, type=EndpointFacts)
    say(f"Registered {made.name} (version {made.version}); glassgate endpoint check {made.name}", "good")


def _password(*, from_stdin: bool) -> str | None:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return None


def _pairs(given: list[str] | tuple[()], option: str) -> dict[str, str]:
    pairs = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise InvalidInput(f"{one!r} is not KEY=VALUE", hint=f"{option} env=prod")
        pairs[key] = value
    return pairs


def _paths(given: list[str] | tuple[()]) -> dict[str, str]:
    paths = _pairs(given, "--repository-path")
    for path in paths:
        if not path.startswith("/"):
            raise InvalidInput(
                f"{path!r} is no absolute path of production",
                hint="--repository-path '/etc/nginx/**=ansible/files/nginx/**'",
            )
    return paths


def _lists(given: list[str] | tuple[()]) -> dict[str, tuple[str, ...]]:
    lists: dict[str, tuple[str, ...]] = {}
    for one in given:
        key, sign, item = one.partition("=")
        if not sign or not key:
            raise InvalidInput(f"{one!r} is not LIST=ITEM", hint="--allow functions=report(int)")
        lists[key] = (*lists.get(key, ()), item)
    return lists
