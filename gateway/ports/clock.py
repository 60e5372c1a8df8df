"""Time and ids, as arguments."""

from collections.abc import Callable

Clock = Callable[[], int]
"""Milliseconds since the epoch, UTC."""

NewId = Callable[[], str]
"""A new id: 32 hex digits, rising with time."""
