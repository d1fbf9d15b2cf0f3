"""A port in use is said, with the option that changes it."""

from __future__ import annotations

import socket
from dataclasses import astuple

import pytest

from gateway.cli.demo.ports import Ports, free_ports
from gateway.domain.errors import InvalidInput


def test_free_ports_differ_and_are_free() -> None:
    ports = free_ports()
    assert len(set(astuple(ports))) == 7
    ports.check()


def test_a_port_in_use_is_named_with_its_option() -> None:
    ports = free_ports()
    with socket.create_server(("127.0.0.1", ports.postgres)):
        with pytest.raises(InvalidInput, match=f"port {ports.postgres} is in use") as raised:
            ports.check()
        assert "--postgres-port" in raised.value.hint


def test_one_port_for_two_is_said() -> None:
    one = free_ports().api
    with pytest.raises(InvalidInput, match="is also --postgres-port"):
        Ports(one, one, one + 1, one + 2, one + 3, one + 4, one + 5).check()
