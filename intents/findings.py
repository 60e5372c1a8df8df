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
    """One mistake: where it is, what is wrong and what an editor can do about it.

    `at` is the place within the document as a JSON pointer (RFC 6901), "" for all of it; `zh`
    says message and remedy in Simplified Chinese.
    """

    severity: Severity
    place: str
    message: str
    remedy: str
    zh: str = ""
    at: str = ""


def error(place: str, message: str, remedy: str, *, zh: str, at: str = "") -> Finding:
    """A finding that must be mended."""
    return Finding(
        severity=Severity.ERROR, place=place, message=message, remedy=remedy, zh=zh, at=at
    )


def warning(place: str, message: str, remedy: str, *, zh: str, at: str = "") -> Finding:
    """A finding that should be looked at."""
    return Finding(
        severity=Severity.WARNING, place=place, message=message, remedy=remedy, zh=zh, at=at
    )
