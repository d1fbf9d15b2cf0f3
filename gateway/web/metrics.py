"""What Prometheus scrapes of the API itself; other rooms register their own in the same registry."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)


class WebMetrics:
    """Counts answers of the API.

    Args:
        registry: the process's registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._answers = Counter(
            "glassgate_http_answers",
            "Answers of the HTTP API",
            ["method", "route", "status"],
            registry=registry,
        )
        self._sessions = Gauge("glassgate_sessions", "Live sessions of this gateway", registry=registry)
        ProcessCollector(registry=registry)
        self._seconds = Histogram(
            "glassgate_http_seconds",
            "Time to answer a request of the HTTP API",
            ["method", "route"],
            registry=registry,
        )

    def follow(self, sessions: Callable[[], int]) -> None:
        """Show how many sessions live in this gateway.

        Args:
            sessions: counts them; asked at each scrape.
        """
        self._sessions.set_function(sessions)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer.

        Args:
            method: HTTP method.
            route: path template, ``-`` where none matched.
            status: of the answer.
            seconds: from the request's head to the answer's end.
        """
        known = method if route != "-" else "-"
        self._answers.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def text(self) -> bytes:
        """Return everything in the registry, in Prometheus' text format."""
        return generate_latest(self._registry)
