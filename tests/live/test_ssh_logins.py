"""Who comes in at the SSH door and who doesn't, and what they are told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from live_gateway import Beginning, LiveGateway
from live_ssh import LiveSsh, until
from servers import free_port
from sshd import Sshd

from gateway.cli.main import main
from gateway.domain.errors import Conflict, GlassgateError, InvalidInput, NotAuthorised, NotFound
from gateway.web.shapes.endpoints import (
    AcceptHostKey,
    EndpointCheck,
    EndpointFacts,
    EndpointName,
    HostAddress,
    HostKeyFacts,
)
from gateway.web.shapes.identity import Done, NewSshKey, PersonName, SshKeyFacts, SshKeyId, SshKeyList
from gateway.web.shapes.shape import Nothing

DENIED = b"Permission denied"


def test_a_registered_key_comes_in_and_is_recorded_as_its_owner(ssh: LiveSsh) -> None:
    ssh.add_person("kay")
    assert ssh.ssh("echo in", person="kay").stdout == b"in\n"
    (session,) = ssh.sessions("kay")
    assert session.endpoint == "web-1"
    assert "OpenSSH" in session.client


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys_serve_too(ssh: LiveSsh, kind: str) -> None:
    person = f"k-{kind}"
    ssh.add_person(person)
    ssh.add_key(person, kind=kind)
    assert ssh.ssh("echo in", person=person).stdout == b"in\n"


def test_a_token_is_the_password(ssh: LiveSsh) -> None:
    assert ssh.by_token(ssh.gateway.database_token(), "echo in").stdout == b"in\n"


def test_a_wrong_token_and_a_strangers_key_stay_out(ssh: LiveSsh) -> None:
    assert DENIED in ssh.by_token("ggd_wrong", "echo in").stderr
    ssh.add_person("mallory")
    of_mallory = ssh.argv("echo in", person="mallory")
    as_engineer = [word.replace("mallory+", "engineer+") for word in of_mallory]
    refused = subprocess.run(as_engineer, capture_output=True, check=False)
    assert refused.returncode == 255
    assert DENIED in refused.stderr
    theirs = ssh.gateway.database_token("mallory")
    assert DENIED in ssh.by_token(theirs, "echo in", person="engineer").stderr


def test_a_login_token_or_password_of_the_api_is_no_password_here(ssh: LiveSsh) -> None:
    assert DENIED in ssh.by_token(ssh.gateway.tokens["engineer"], "echo in").stderr
    assert DENIED in ssh.by_token(ssh.gateway.passwords["engineer"], "echo in").stderr


def test_a_removed_key_stays_out_and_its_owners_keys_go_with_them(ssh: LiveSsh) -> None:
    ssh.add_person("leo")
    client = ssh.gateway.client("leo")
    (key,) = client.call("GET /v1/ssh-keys", Nothing(), SshKeyList).keys
    client.call("DELETE /v1/ssh-keys/{id}", SshKeyId(id=key.id), Done)
    assert DENIED in ssh.ssh("echo in", person="leo").stderr
    line = (ssh.folder / "leo" / "id.pub").read_text()
    client.call("POST /v1/ssh-keys", NewSshKey(line=line), SshKeyFacts)
    assert ssh.ssh("echo in", person="leo").returncode == 0
    ssh.gateway.client("admin").call("DELETE /v1/people/{name}", PersonName(name="leo"), Done)
    assert DENIED in ssh.ssh("echo in", person="leo").stderr
    ssh.gateway.client("engineer").call("POST /v1/ssh-keys", NewSshKey(line=line), SshKeyFacts)


def test_a_key_is_one_persons_and_only_a_login_registers_it(ssh: LiveSsh) -> None:
    ssh.add_person("one")
    ssh.add_person("two")
    line = (ssh.folder / "one" / "id.pub").read_text()
    with pytest.raises(Conflict, match="registered already"):
        ssh.gateway.client("two").call("POST /v1/ssh-keys", NewSshKey(line=line), SshKeyFacts)
    with pytest.raises(NotAuthorised, match="another person's key"):
        ssh.gateway.client("admin").call("POST /v1/ssh-keys", NewSshKey(line=line, name="two"), SshKeyFacts)
    (key,) = ssh.gateway.client("one").call("GET /v1/ssh-keys", Nothing(), SshKeyList).keys
    with pytest.raises(NotFound):
        ssh.gateway.client("two").call("DELETE /v1/ssh-keys/{id}", SshKeyId(id=key.id), Done)
    everybodys = ssh.gateway.client("admin").call("GET /v1/ssh-keys", Nothing(), SshKeyList).keys
    assert {"one", "two"} <= {each.name for each in everybodys}


def test_without_access_a_command_says_what_to_type_and_ends_with_77(ssh: LiveSsh) -> None:
    ssh.add_person("nora", grant=False)
    refused = ssh.ssh("uptime", person="nora")
    assert refused.returncode == 77
    assert b"glassgate request web-1 --for" in refused.stderr
    assert refused.stdout == b""
    assert not ssh.sessions("nora")
    nowhere = ssh.ssh("uptime", person="nora", endpoint="nowhere")
    assert nowhere.returncode == 77
    assert b"no endpoint nowhere that you may look at" in nowhere.stderr


def test_a_login_name_without_an_endpoint_is_told_how_to_write_it(ssh: LiveSsh) -> None:
    argv = [word.replace("engineer+web-1@", "engineer@") for word in ssh.argv("uptime")]
    refused = subprocess.run(argv, capture_output=True, check=False)
    assert refused.returncode != 0
    assert b"ssh engineer+ENDPOINT@GATEWAY" in refused.stderr


def test_a_changed_host_key_is_refused_until_it_is_accepted(ssh: LiveSsh) -> None:
    gateway, sshd = ssh.gateway, ssh.sshd
    admin = gateway.client("admin")
    was = sshd.host_key
    sshd.vanish()
    sshd.new_host_key()
    sshd.launch()
    refused = ssh.ssh("uptime")
    assert refused.returncode == 69
    assert b"another host key" in refused.stderr
    assert b"glassgate endpoint accept-key web-1" in refused.stderr
    shown = admin.call("GET /v1/endpoints/{name}/host-key", EndpointName(name="web-1"), HostKeyFacts)
    assert shown.fingerprint.encode() in refused.stderr
    assert shown.line == sshd.host_key
    assert shown.registered != (shown.fingerprint,)
    stale = AcceptHostKey(name="web-1", fingerprint=shown.registered[0])
    with pytest.raises(Conflict, match="not the key that you looked at"):
        admin.call("POST /v1/endpoints/{name}/host-key", stale, EndpointFacts)
    question = AcceptHostKey(name="web-1", fingerprint=shown.fingerprint)
    accepted = admin.call("POST /v1/endpoints/{name}/host-key", question, EndpointFacts)
    assert accepted.ca == sshd.host_key != was
    assert ssh.ssh("echo in").stdout == b"in\n"


def test_a_host_is_looked_at_before_it_is_registered(ssh: LiveSsh) -> None:
    admin = ssh.gateway.client("admin")
    question = HostAddress(host=ssh.sshd.host, port=ssh.sshd.port)
    found = admin.call("POST /v1/host-keys", question, HostKeyFacts)
    assert (found.line, found.kind) == (ssh.sshd.host_key, "ssh-ed25519")
    told = subprocess.run(
        ["ssh-keygen", "-lf", str(ssh.sshd.folder / "host_ed25519.pub")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert found.fingerprint in told
    with pytest.raises(GlassgateError, match="can't be reached"):
        admin.call("POST /v1/host-keys", HostAddress(host="127.0.0.1", port=free_port()), HostKeyFacts)


def test_a_registration_that_can_t_be_is_refused(ssh: LiveSsh) -> None:
    with pytest.raises(InvalidInput, match="no public key"):
        ssh.register(name="web-9", host_key="ssh-ed25519 AAAA")
    with pytest.raises(InvalidInput, match="the option guard"):
        ssh.register(name="web-9", options={"guard": "maybe"})
    with pytest.raises(InvalidInput, match="the option sudo"):
        ssh.register(name="web-9", options={"sudo": "always"})


def test_a_password_opens_the_host_as_well_and_a_wrong_credential_says_so(ssh: LiveSsh) -> None:
    if not ssh.sshd.password:
        pytest.skip("only root can make an account with a password")
    ssh.register(name="web-2", password=ssh.sshd.password)
    ssh.gateway.grant("web-2")
    assert ssh.ssh("echo in", endpoint="web-2").stdout == b"in\n"
    ssh.register(name="web-3", password="wrong")
    ssh.gateway.grant("web-3")
    refused = ssh.ssh("echo in", endpoint="web-3")
    assert refused.returncode == 69
    assert b"refuses the gateway's credential" in refused.stderr
    found = ssh.gateway.client("admin").call(
        "POST /v1/endpoints/{name}/check", EndpointName(name="web-3"), EndpointCheck
    )
    assert not found.good


def test_a_host_that_is_away_says_so(ssh: LiveSsh) -> None:
    ssh.register(name="web-4")
    ssh.gateway.grant("web-4")
    ssh.sshd.halt()
    try:
        refused = ssh.ssh("echo in", endpoint="web-4")
        assert refused.returncode == 69
        assert b"can't be reached" in refused.stderr
    finally:
        ssh.sshd.launch()


def test_many_wrong_tokens_pause_their_source(
    tmp_path_factory: pytest.TempPathFactory, sshd: Sshd, fresh_beginning: Beginning
) -> None:
    gateway = LiveGateway.start(tmp_path_factory.mktemp("limits"), beginning=fresh_beginning)
    try:
        ssh = LiveSsh(gateway, sshd, tmp_path_factory.mktemp("people"))
        ssh.register()
        ssh.add_key("engineer")
        gateway.grant("web-1")
        for _ in range(22):
            assert DENIED in ssh.by_token("ggd_wrong", "true").stderr
        until(lambda: "logins paused" in gateway.log)
        assert ssh.ssh("echo in").stdout == b"in\n"
        assert ssh.by_token(gateway.database_token(), "echo in").stdout == b"in\n"
    finally:
        gateway.stop()


def test_the_command_line_registers_keys_and_hosts(
    ssh: LiveSsh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gateway = ssh.gateway
    monkeypatch.setenv("GLASSGATE_URL", f"https://localhost:{gateway.api_port}")
    monkeypatch.setenv("GLASSGATE_CA", str(gateway.ca))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GLASSGATE_TOKEN", gateway.tokens["admin"])

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(words)
        return int(left.value.code or 0), *capsys.readouterr()

    fingerprint = gateway.client("admin").call(
        "POST /v1/host-keys", HostAddress(host=ssh.sshd.host, port=ssh.sshd.port), HostKeyFacts
    ).fingerprint  # fmt: skip
    add = ("endpoint", "add", "web-5", "--kind", "ssh", "--host", ssh.sshd.host, "--port", str(ssh.sshd.port),
           "--user", ssh.sshd.account, "--key-file", str(ssh.sshd.key))  # fmt: skip
    status, out, err = run(*add)
    assert status != 0
    assert "nobody has compared" in err
    assert fingerprint in out + err
    status, out, err = run(*add, "--host-key", "SHA256:other")
    assert "shows another key" in err
    assert run(*add, "--host-key", fingerprint)[0] == 0
    status, out, err = run("endpoint", "check", "web-5")
    assert status == 0, err
    assert "guard:" in out
    status, out, err = run("endpoint", "harden", "web-5")
    assert ssh.sshd.account in out
    assert run("endpoint", "accept-key", "web-5")[1].startswith("web-5 shows the key that is registered")
    public = ssh.folder / "engineer" / "id.pub"
    ssh.gateway.add_person("tim", "engineer")
    monkeypatch.setenv("GLASSGATE_TOKEN", gateway.tokens["tim"])
    assert "registered already" in run("key", "add", str(public))[2]
    assert "private key" in run("key", "add", str(public.with_suffix("")))[2]
    monkeypatch.setenv("GLASSGATE_TOKEN", gateway.tokens["engineer"])
    status, out, _ = run("key", "list")
    assert "ssh-ed25519" in out
    assert "engineer's" in out
