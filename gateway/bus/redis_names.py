"""The keys that the bus uses in Redis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RedisNames:
    """The names of all keys in Redis."""

    prefix: str
    partitions: int

    def stream(self, partition: int) -> str:
        """The entries of a partition."""
        return f"{self.prefix}:entries:{partition}"

    def lease(self, partition: int) -> str:
        """Who reads a partition."""
        return f"{self.prefix}:lease:{partition}"

    @property
    def streams(self) -> list[str]:
        """All partitions' entries."""
        return [self.stream(number) for number in range(self.partitions)]

    @property
    def leases(self) -> list[str]:
        """All partitions' leases."""
        return [self.lease(number) for number in range(self.partitions)]

    @property
    def consumers(self) -> str:
        """Live consumers, by when they are given up (ms)."""
        return f"{self.prefix}:consumers"

    @property
    def hands(self) -> str:
        """How many entries each consumer's workers have in hand."""
        return f"{self.prefix}:hands"

    @property
    def dead(self) -> str:
        """Dead letters."""
        return f"{self.prefix}:dead"

    @property
    def count(self) -> str:
        """Over how many partitions the entries are spread."""
        return f"{self.prefix}:partitions"
