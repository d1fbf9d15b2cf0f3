"""Short-lived certificates with the real ssh: they open the door, for their name, until they are over."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from live_ssh import LiveSsh

from gateway.cli.main import main
from gateway.web.shapes.identity import (
    Done,
    MachineTokenId,
    NewPassword,
    NewSshCertificate,
    SshCertificate,
    SshKeyList,
)
from gateway.web.shapes.shape import Nothing

DENIED = b"Permission denied"


def new_person(ssh: LiveSsh, name: str) -> Path:
    """Add an engineer with access and a key that is not registered; return the key."""
    ssh.gateway.add_person(name, "engineer")
    ssh.gateway.grant(ssh.endpoint, person=name)
    folder = ssh.folder / name
    folder.mkdir()
    key = folder / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (folder / "known_hosts").write_text(
        f"[localhost]:{ssh.gateway.ssh_port} {(ssh.gateway.data / 'ssh' / 'host_ed25519.pub').read_text()}"
    )
    return key


def certified(ssh: LiveSsh, name: str, key: Path) -> SshCertificate:
    question = NewSshCertificate(line=key.with_suffix(".pub").read_text())
    made = ssh.gateway.client(name).call("POST /v1/ssh-certificates", question, SshCertificate)
    Path(f"{key}-cert.pub").write_text(made.line + "\n")
    return made


def keygen(key: Path, *options: str, ca: Path) -> None:
    """Sign a key by ssh-keygen instead of the gateway."""
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(ca), *options, str(key.with_suffix(".pub"))], check=True, text=True
    )


def key_id(key: Path) -> str:
    shown = subprocess.run(
        ["ssh-keygen", "-L", "-f", f"{key}-cert.pub"], capture_output=True, check=True, text=True
    ).stdout
    return shown.split('Key ID: "')[1].split('"')[0]


def test_a_certificate_opens_the_door_and_is_over_with_its_login(ssh: LiveSsh) -> None:
    key = new_person(ssh, "c-anna")
    assert DENIED in ssh.ssh("echo in", person="c-anna").stderr
    made = certified(ssh, "c-anna", key)
    assert made.principal == "c-anna"
    assert made.expires_at <= datetime.now(UTC) + timedelta(hours=12)
    assert ssh.ssh("echo in", person="c-anna").stdout == b"in\n"
    assert ssh.sessions("c-anna")
    shown = subprocess.run(
        ["ssh-keygen", "-L", "-f", f"{key}-cert.pub"], capture_output=True, check=True, text=True
    ).stdout
    assert f"Serial: {made.serial}" in shown
    assert "user certificate" in shown
    assert "Critical Options: (none)" in shown
    ssh.gateway.client("c-anna").call("POST /v1/logout", Nothing(), Done)
    assert DENIED in ssh.ssh("echo in", person="c-anna").stderr


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys_are_signed_too(ssh: LiveSsh, kind: str) -> None:
    key = new_person(ssh, f"c-{kind}")
    for each in (key, key.with_suffix(".pub")):
        each.unlink()
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key)], check=True)
    certified(ssh, f"c-{kind}", key)
    assert ssh.ssh("echo in", person=f"c-{kind}").stdout == b"in\n"


def test_a_certificate_is_revoked_at_once_by_its_number_or_a_new_password(ssh: LiveSsh) -> None:
    key = new_person(ssh, "c-bo")
    made = certified(ssh, "c-bo", key)
    assert ssh.ssh("echo in", person="c-bo").returncode == 0
    admin = ssh.gateway.client("admin")
    admin.call("DELETE /v1/machine-tokens/{id}", MachineTokenId(id=made.serial), Done)
    assert DENIED in ssh.ssh("echo in", person="c-bo").stderr
    certified(ssh, "c-bo", key)
    assert ssh.ssh("echo in", person="c-bo").returncode == 0
    admin.call("PUT /v1/people/{name}/password", NewPassword(name="c-bo", password="another one"), Done)
    assert DENIED in ssh.ssh("echo in", person="c-bo").stderr


def test_a_certificate_is_for_its_name_and_its_key_alone(ssh: LiveSsh) -> None:
    key = new_person(ssh, "c-cy")
    other = new_person(ssh, "c-di")
    certified(ssh, "c-cy", key)
    argv = [word.replace("c-cy+", "c-di+") for word in ssh.argv("echo in", person="c-cy")]
    assert DENIED in subprocess.run(argv, capture_output=True, check=False).stderr
    Path(f"{other}-cert.pub").write_text(Path(f"{key}-cert.pub").read_text())
    assert DENIED in ssh.ssh("echo in", person="c-di").stderr


def test_what_the_authority_itself_would_sign_otherwise_is_refused(ssh: LiveSsh) -> None:
    """With the authority's own key in hand: each certificate says something that the gateway never signs."""
    key = new_person(ssh, "c-eve")
    certified(ssh, "c-eve", key)
    known, ca = key_id(key), ssh.gateway.data / "ssh" / "user_ca_ed25519"
    stolen = ssh.folder / "user_ca"
    stolen.write_bytes(ca.read_bytes())
    stolen.chmod(0o600)
    good = ("-I", known, "-n", "c-eve", "-V", "-5m:+1h")
    keygen(key, *good, ca=stolen)
    assert ssh.ssh("echo in", person="c-eve").returncode == 0
    for bad in (
        ("-I", "glassgate:unknown", "-n", "c-eve", "-V", "-5m:+1h"),
        ("-I", known, "-V", "-5m:+1h"),
        ("-I", known, "-n", "c-eve,admin", "-V", "-5m:+1h"),
        ("-I", known, "-n", "admin", "-V", "-5m:+1h"),
        ("-I", known, "-n", "c-eve", "-V", "-2h:-1h"),
        ("-I", known, "-n", "c-eve", "-V", "+1h:+2h"),
        (*good, "-O", "force-command=id"),
        (*good, "-O", "source-address=127.0.0.0/8"),
        (*good, "-O", "critical:x@example.com=1"),
        (*good, "-h"),
    ):
        keygen(key, *bad, ca=stolen)
        assert DENIED in ssh.ssh("echo in", person="c-eve").stderr, bad


def test_other_authorities_and_altered_certificates_are_refused(ssh: LiveSsh, tmp_path: Path) -> None:
    key = new_person(ssh, "c-fay")
    certified(ssh, "c-fay", key)
    path, line = Path(f"{key}-cert.pub"), Path(f"{key}-cert.pub").read_text()
    own = tmp_path / "ca"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(own)], check=True)
    keygen(key, "-I", key_id(key), "-n", "c-fay", "-V", "-5m:+1h", ca=own)
    assert DENIED in ssh.ssh("echo in", person="c-fay").stderr
    kind, encoded = line.split()[:2]
    middle = len(encoded) - 30
    changed = "A" if encoded[middle] != "A" else "B"
    path.write_text(f"{kind} {encoded[:middle]}{changed}{encoded[middle + 1 :]}\n")
    assert DENIED in ssh.ssh("echo in", person="c-fay").stderr
    path.write_text(line)
    assert ssh.ssh("echo in", person="c-fay").returncode == 0


def test_a_certificate_asks_for_access_and_is_no_password_of_the_api(ssh: LiveSsh) -> None:
    key = new_person(ssh, "c-gil")
    made = certified(ssh, "c-gil", key)
    assert DENIED in ssh.by_token(key_id(key), "echo in", person="c-gil").stderr
    assert DENIED in ssh.by_token(made.line[:64], "echo in", person="c-gil").stderr


def test_the_authority_is_kept_for_the_gateways_eyes_only(ssh: LiveSsh) -> None:
    path = ssh.gateway.data / "ssh" / "user_ca_ed25519"
    assert path.stat().st_mode & 0o777 == 0o600


def test_login_signs_the_profiles_key_and_config_ssh_uses_it(
    ssh: LiveSsh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gateway = ssh.gateway
    gateway.add_person("c-hal", "engineer")
    gateway.grant(ssh.endpoint, person="c-hal")
    monkeypatch.setenv("GLASSGATE_URL", f"https://localhost:{gateway.api_port}")
    monkeypatch.setenv("GLASSGATE_CA", str(gateway.ca))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GLASSGATE_PASSWORD", gateway.passwords["c-hal"])
    monkeypatch.delenv("GLASSGATE_TOKEN", raising=False)
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(words)
        return int(left.value.code or 0), *capsys.readouterr()

    try:
        end = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        status, out, err = run("login", "--name", "c-hal", "--ssh")
        assert status == 0, err
        assert "SSH certificate of c-hal until" in out + err
        status, config, err = run("config", "ssh", "web-1")
        assert status == 0, err
        path = tmp_path / "ssh_config"
        path.write_text(config)
        argv = ["ssh", "-F", str(path), "-o", "ControlPath=none", "web-1", "echo in"]
        assert subprocess.run(argv, capture_output=True, check=False).stdout == b"in\n"
        held = subprocess.run(
            ["ssh-add", "-l"], capture_output=True, check=True, env=os.environ.copy()
        ).stdout
        assert b"ED25519-CERT" in held
        keys = gateway.client("c-hal").call("GET /v1/ssh-keys", Nothing(), SshKeyList).keys
        assert keys == ()
        by_agent = [
            "ssh", "-F", "none", "-o", f"UserKnownHostsFile={ssh.folder}/engineer/known_hosts",
            "-p", str(gateway.ssh_port), "c-hal+web-1@localhost", "echo in",
        ]  # fmt: skip
        assert subprocess.run(by_agent, capture_output=True, check=False).stdout == b"in\n"
        (certificate,) = tmp_path.rglob("*-cert.pub")
        assert run("logout")[0] == 0
        assert not certificate.exists()
        assert DENIED in subprocess.run(argv, capture_output=True, check=False).stderr
    finally:
        agent.kill()
        agent.wait()
