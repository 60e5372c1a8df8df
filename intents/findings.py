"""Mistakes found in a catalogue, in an editor's words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: errors forbid publishing, notes tell what has no effect."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake: where it is, what is wrong and what an editor can do about it."""

    severity: Severity
    place: str
    message: str
    remedy: str


def error(place: str, message: str, remedy: str) -> Finding:
    """A finding that must be mended."""
    return Finding(severity=Severity.ERROR, place=place, message=message, remedy=remedy)


def warning(place: str, message: str, remedy: str) -> Finding:
    """A finding that should be looked at."""
    return Finding(severity=Severity.WARNING, place=place, message=message, remedy=remedy)
