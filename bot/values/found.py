"""One value found in a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What stands where: `value` is what it means, `role` and `group` as in Rasa."""

    entity: str
    value: str
    start: int
    end: int
    role: str | None = None
    group: str | None = None


def first_values(found: Iterable[Found]) -> dict[str, str]:
    """The first value of each kind."""
    values: dict[str, str] = {}
    for each in found:
        values.setdefault(each.entity, each.value)
    return values


def overlaps(start: int, end: int, taken: Sequence[Found]) -> bool:
    """Whether a span touches one that is taken."""
    return any(start < each.end and each.start < end for each in taken)
