from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.access.registration import check_registration
from gateway.domain.endpoint import EndpointKind, EndpointSettings, Repository
from gateway.domain.errors import InvalidInput
from gateway.store.endpoints import Registration

PLAIN = Registration(
    name="shop-db", kind=EndpointKind.POSTGRES, labels={}, host="db.example.com", port=5432, username="reader"
)


@pytest.mark.parametrize(
    "members",
    [
        {"name": "Shop"},
        {"name": "a+b"},
        {"name": "-x"},
        {"labels": {"name": "x"}},
        {"labels": {"env": "a b"}},
        {"labels": {"Env": "prod"}},
        {"labels": {"env": ""}},
        {"labels": {f"k{n}": "v" for n in range(201)}},
        {"host": ""},
        {"host": "a b"},
        {"host": "db.example.com\n"},
        {"host": "-oProxyCommand=x"},
        {"port": 0},
        {"port": 70000},
        {"username": ""},
        {"username": "a\x00b"},
        {"tls": "prefer"},
        {"tls": "off"},
        {"ca": "no certificate"},
        {"repository": Repository("")},
        {"repository": Repository("git\x1b")},
        {"repository": Repository("git", branch="../x")},
        {"repository": Repository("git", convention="alembic")},
        {"repository": Repository("git", migrations="../../etc")},
        {"repository": Repository("git", migrations=".git/hooks")},
        {"settings": EndpointSettings(keep_days=0)},
        {"settings": EndpointSettings(idle_seconds=0)},
        {"settings": EndpointSettings(max_recording_bytes=1)},
        {"settings": EndpointSettings(statement_timeout_ms=-1)},
        {"settings": EndpointSettings(lists={"functions": ("x\n",)})},
    ],
)
def test_what_can_not_be_registered(members) -> None:
    with pytest.raises(InvalidInput):
        check_registration(replace(PLAIN, **members))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"host": "10.0.0.7"},
        {"host": "2001:db8::1"},
        {"host": "/var/run/postgresql", "tls": "off"},
        {"labels": {"env": "prod", "team": "payments", "k8s.io/zone": "eu-1"}},
        {"username": "gateway reader"},
        {"repository": Repository("https://git.example.com/shop.git", migrations="db/migrations")},
    ],
)
def test_what_can_be_registered(members) -> None:
    check_registration(replace(PLAIN, **members))


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0nJg2ZL+6p+SedHyZlzR3N+X1mnHJZA/R386bJkm0r"
HOST = replace(PLAIN, name="web-1", kind=EndpointKind.SSH, port=22, ca=KEY)


@pytest.mark.parametrize(
    "members",
    [
        {"ca": "no key"},
        {"ca": f"{KEY}\nno key"},
        {"ca": "-----BEGIN CERTIFICATE-----"},
        {"host": "/var/run/sshd"},
        {"host": "-oProxyCommand=x"},
        {"tls": "off", "host": "127.0.0.1"},
        {"username": ""},
        {"repository": Repository("git", paths={"etc/nginx": "files"})},
        {"repository": Repository("git", paths={"/etc/nginx/**": "../files/**"})},
        {"repository": Repository("git", paths={"/etc/nginx/**": "**"})},
        {"repository": Repository("git", paths={"/etc\n": "files"})},
        {"repository": Repository("git", image=".git/config")},
        {"repository": Repository("git", image="/etc/Dockerfile")},
        {"settings": EndpointSettings(options={"guard": "maybe"})},
        {"settings": EndpointSettings(options={"sudo": "always"})},
        {"settings": EndpointSettings(options={"stateful-reads": ""})},
    ],
)
def test_what_can_not_be_registered_of_a_host(members) -> None:
    with pytest.raises(InvalidInput):
        check_registration(replace(HOST, **members))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"ca": ""},
        {"ca": f"{KEY}\n{KEY} a comment"},
        {"host": "2001:db8::1"},
        {"repository": Repository("git", paths={"/etc/nginx/**": "ansible/files/nginx/**", "/": "rootfs"})},
        {"repository": Repository("git", image="ansible/tasks/main.yml")},
        {
            "settings": EndpointSettings(
                options={"guard": "require", "sudo": "off", "stateful-reads": "refuse"}
            )
        },
    ],
)
def test_what_can_be_registered_of_a_host(members) -> None:
    check_registration(replace(HOST, **members))
