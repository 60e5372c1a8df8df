"""The figures that the gateway counts about itself, for Prometheus.

Labels come from bounded sets only: channel kinds, outcomes, decisions.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One process's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.inbound = Counter(
            "yingda_inbound_total",
            "Inbound messages taken from the bus",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self.turns = Counter(
            "yingda_turns_total", "Turns the bot took", ["decision"], registry=self.registry
        )
        self.turn_seconds = Histogram(
            "yingda_turn_seconds",
            "From receiving a message to storing the bot's answer",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.deliveries = Counter(
            "yingda_deliveries_total",
            "Tries to deliver outgoing messages",
            ["channel", "result"],
            registry=self.registry,
        )
        self.buried = Counter(
            "yingda_buried_total", "Entries moved to the dead letters", registry=self.registry
        )
        self.bus_depth = Gauge(
            "yingda_bus_depth", "Entries on the bus not dealt with", registry=self.registry
        )
        self.bus_oldest_seconds = Gauge(
            "yingda_bus_oldest_seconds", "Age of the oldest such entry", registry=self.registry
        )
        self.dead_letters = Gauge(
            "yingda_dead_letters", "Dead letters waiting for a person", registry=self.registry
        )
        self.outbox_depth = Gauge(
            "yingda_outbox_depth", "Outgoing messages not delivered yet", registry=self.registry
        )
