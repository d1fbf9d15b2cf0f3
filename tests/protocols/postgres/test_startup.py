"""Start-up packets: what passes, what never does, and what production gets."""

from __future__ import annotations

import pytest

from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings
from gateway.domain.errors import InvalidInput, PeerError
from gateway.domain.ids import EndpointId
from gateway.judge.catalogue import load_postgres
from gateway.protocols.postgres import startup, wire

SETTINGS = load_postgres().settings
LOGIN = {"user": "engineer+orders-db", "database": "shop"}


def read(version: int = wire.PROTOCOL_3_0, **parameters: str) -> startup.Startup:
    return startup.read_startup(wire.startup({**LOGIN, **parameters}, version=version), SETTINGS)


@pytest.mark.parametrize(
    ("options", "pairs"),
    [
        ("-c a=b", [("a", "b")]),
        ("-ca=b  --x-y=z", [("a", "b"), ("x_y", "z")]),
        (r"-c a=b\ c", [("a", "b c")]),
        (r"-c a=b\\c", [("a", r"b\c")]),
        ("-c a=b=c", [("a", "b=c")]),
        ("-c a= ", [("a", "")]),
        ("", []),
    ],
)
def test_options_are_split_as_the_server_does(options: str, pairs: list[tuple[str, str]]) -> None:
    assert startup.split_options(options) == pairs


@pytest.mark.parametrize("options", ["-d 5", "-c", "-c a", "--a", "x", "-B 9", "-W 5", "--=x", "-e"])
def test_other_switches_are_refused(options: str) -> None:
    with pytest.raises(InvalidInput):
        startup.split_options(options)


@pytest.mark.parametrize(
    "parameters",
    [
        {"DEFAULT_TRANSACTION_READ_ONLY": "off"},
        {"default_transaction_read_only": "of"},
        {"options": "-cdefault_transaction_read_only=0"},
        {"options": "--default-transaction-read-only=off"},
        {"options": r"-c default_transaction_read\_only=off"},
        {"options": "-c default_transaction_read_only=on -c default_transaction_read_only=off"},
        {"standard_conforming_strings": "off"},
        {"Role": "postgres"},
        {"session_authorization": "postgres"},
        {"search_path": "evil, pg_catalog"},
        {"client_encoding": "GBK"},
        {"client_encoding": "BIG5"},
        {"local_preload_libraries": "x"},
        {"replication": "true"},
        {"replication": "database"},
    ],
)
def test_what_loosens_the_session_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        read(**parameters)


def test_parameters_win_over_options_and_case_is_folded() -> None:
    got = read(
        options="-c TimeZone=Asia/Tokyo -c IntervalStyle=iso_8601", TIMEZONE="UTC", application_name="x"
    )
    assert got.parameters == {"timezone": "UTC", "intervalstyle": "iso_8601", "application_name": "x"}


def test_production_gets_a_packet_of_our_own() -> None:
    endpoint = Endpoint(
        EndpointId(1), "orders-db", EndpointKind.POSTGRES, {}, "h", 5432, "reader", "verify-full", "", None,
        EndpointSettings(statement_timeout_ms=5000), 1,
    )  # fmt: skip
    got = startup.production_parameters(
        read(search_path="a, b", default_transaction_read_only="on"), endpoint
    )
    assert got == {
        "user": "reader", "database": "shop", "client_encoding": "UTF8", "statement_timeout": "5000",
        "search_path": "a, b", "default_transaction_read_only": "on", "standard_conforming_strings": "on",
        "backslash_quote": "safe_encoding",
    }  # fmt: skip


def test_the_login_name_is_no_database() -> None:
    assert read(database=LOGIN["user"]).database == ""


@pytest.mark.parametrize(
    ("login", "parts"),
    [
        ("engineer+orders-db", ("engineer", "orders-db")),
        ("a+b+orders-db", ("a+b", "orders-db")),
        ("engineer orders-db", ("engineer", "orders-db")),
    ],
)
def test_login_names_are_split_at_the_last_plus(login: str, parts: tuple[str, str]) -> None:
    assert startup.split_login(login) == parts


@pytest.mark.parametrize("login", ["engineer", "engineer+", "+orders-db", ""])
def test_a_login_without_endpoint_says_the_form(login: str) -> None:
    with pytest.raises(InvalidInput, match=r"NAME\+ENDPOINT"):
        startup.split_login(login)


def test_versions_are_negotiated() -> None:
    assert (read().minor, read().negotiate) == (0, None)
    assert (read(wire.PROTOCOL_3_2).minor, read(wire.PROTOCOL_3_2).negotiate) == (2, None)
    newer = read((3 << 16) | 7)
    assert (newer.minor, newer.negotiate) == (2, ())
    assert read(**{"_pq_.command_compression": "on"}).negotiate == ("_pq_.command_compression",)
    with pytest.raises(PeerError):
        read(2 << 16)


def test_every_cut_of_a_packet_is_an_error_not_a_crash() -> None:
    packet = wire.startup({**LOGIN, "application_name": "x"})
    for cut in range(8, len(packet)):
        with pytest.raises((PeerError, InvalidInput)):
            startup.read_startup(packet[:cut], SETTINGS)


def test_cancel_keys_of_both_lengths() -> None:
    for key in (b"1234", b"k" * 32, b"k" * 256):
        assert startup.read_cancel(wire.cancel_request(77, key)) == startup.CancelRequest(77, key)
    for key in (b"", b"123", b"k" * 257):
        with pytest.raises(PeerError):
            startup.read_cancel(wire.cancel_request(77, key))
