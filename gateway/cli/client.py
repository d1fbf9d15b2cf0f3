"""The HTTP API as the commands call it: typed requests out, typed answers in, errors of the tree raised."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from gateway.domain import errors
from gateway.domain.errors import GlassgateError, InvalidInput, UpstreamUnavailable
from gateway.web.problems import STATUS, Problem, ProblemAnswer, code_of
from gateway.web.shapes.shape import Nothing

if TYPE_CHECKING:
    from gateway.cli.profiles import Profile
    from gateway.web.shapes.shape import Question

ANSWER_SECONDS = 120.0
"""Checks of many endpoints and proofs take a while; streams send an empty line every ten seconds."""

KNOWN = {code_of(kind): kind for kind in STATUS}
"""Code in an answer → the error it is."""

T = TypeVar("T")


class Client:
    """Calls one gateway as one identity.

    Args:
        profile: which gateway, which token, which authority.
        unverified: trust whoever answers. For ``trust.py`` alone, which asks for nothing but the authority
            and has a person compare it; a profile with a token is refused.
    """

    def __init__(self, profile: Profile, *, unverified: bool = False) -> None:
        self.profile = profile
        self._unverified = unverified
        parts = urlsplit(profile.url)
        if not parts.hostname:
            raise InvalidInput(f"{profile.url} is not a URL", hint="--url https://HOST:PORT")
        self._host = parts.hostname
        self._port = parts.port or 443
        self._prefix = parts.path.rstrip("/")

    def call(self, spot: str, question: Question | None, gives: type[T]) -> T:
        """Call a route and return its answer.

        Args:
            spot: method and path template, such as ``POST /v1/requests/{id}/approve``.
            question: its members; None where the route takes none.
            gives: type of the answer.

        Raises:
            GlassgateError: what the gateway answered, or that it can't be reached.
        """
        return self._decoded(self.body(spot, question), gives)

    def body(self, spot: str, question: Question | None) -> bytes:
        """Call a route and return its answer as it came."""
        connection, response = self._send(spot, question)
        try:
            return response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._broken_off() from error
        finally:
            connection.close()

    def lines(self, spot: str, question: Question | None, gives: type[T]) -> Iterator[T]:
        """Call a route and yield its lines as they come."""
        for line in self.json_lines(spot, question):
            yield self._decoded(line, gives)

    def json_lines(self, spot: str, question: Question | None) -> Iterator[bytes]:
        """Call a route and yield its lines as they came, without heartbeats."""
        connection, response = self._send(spot, question)
        try:
            for line in response:
                text = line.strip()
                if text.startswith(b'{"error":'):
                    raise _raised(self._decoded(text, ProblemAnswer).error)
                if text:
                    yield text
        except (OSError, http.client.HTTPException) as error:
            raise self._broken_off() from error
        finally:
            connection.close()

    def chunks(self, spot: str, question: Question | None) -> Iterator[bytes]:
        """Call a route and yield its bytes as they come."""
        connection, response = self._send(spot, question)
        try:
            while chunk := response.read(64 << 10):
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise self._broken_off() from error
        finally:
            connection.close()

    def _send(
        self, spot: str, question: Question | None
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        method, target, body = self._written(spot, question or Nothing())
        headers = {"Accept": "application/json, application/x-ndjson, */*", "User-Agent": "glassgate"}
        if self.profile.token:
            headers["Authorization"] = f"Bearer {self.profile.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=ANSWER_SECONDS, context=self._trust()
        )
        try:
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error
        if response.status >= 400:
            with closing(connection):
                raise self._problem(response)
        return connection, response

    def _written(self, spot: str, question: Question) -> tuple[str, str, bytes | None]:
        """Spread a request's members over path, query and body, as its route expects them."""
        method, path = spot.split(" ")
        members = msgspec.to_builtins(question)
        for name in list(members):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", quote(str(members.pop(name)), safe=""))
        if method in {"POST", "PUT", "PATCH"}:
            return method, self._prefix + path, msgspec.json.encode(members)
        given = {name: _query_value(value) for name, value in members.items() if value is not None}
        query = urlencode(given, doseq=True)
        return method, self._prefix + path + (f"?{query}" if query else ""), None

    def _trust(self) -> ssl.SSLContext:
        """Trust the pinned authority and no other; without one, the system's."""
        if self._unverified:
            if self.profile.token:
                raise errors.GlassgateError("a token is never sent to an unverified gateway")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        if not self.profile.ca:
            return ssl.create_default_context()
        try:
            return ssl.create_default_context(cafile=self.profile.ca)
        except (OSError, ssl.SSLError) as error:
            raise errors.ConfigurationBroken(
                f"{self.profile.ca}: no usable certificate", hint="glassgate login pins it again"
            ) from error

    def _problem(self, response: http.client.HTTPResponse) -> GlassgateError:
        data = response.read(1 << 20)
        try:
            return _raised(msgspec.json.decode(data, type=ProblemAnswer).error)
        except msgspec.DecodeError:
            message = (
                f"{self.profile.url} answered {response.status} {response.reason}, not as a gateway does"
            )
            return GlassgateError(message, hint="is this the gateway's URL?")

    def _decoded(self, data: bytes, gives: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=gives)
        except msgspec.DecodeError as error:
            raise GlassgateError(
                f"{self.profile.url} answered something else than expected: {error}",
                hint="is this the gateway's URL, and of the same version? (glassgate doctor)",
            ) from error

    def _unreachable(self, error: Exception) -> GlassgateError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return UpstreamUnavailable(
                f"{self.profile.url}: its certificate is not trusted: {error.verify_message}",
                hint="glassgate login shows the authority's fingerprint and pins it",
            )
        if isinstance(error, socket.gaierror):
            return UpstreamUnavailable(f"{self._host}: no such host", hint="--url https://HOST:PORT")
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return UpstreamUnavailable(
            f"{self.profile.url} can't be reached: {why or type(error).__name__}",
            hint="is the gateway running, and is this its address? (--url, GLASSGATE_URL)",
        )

    def _broken_off(self) -> GlassgateError:
        return UpstreamUnavailable(f"{self.profile.url} broke the answer off", hint="try again")


def _query_value(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _raised(told: Problem) -> GlassgateError:
    return KNOWN.get(told.code, GlassgateError)(told.message, hint=told.hint)
