"""Errors of the services, by what the caller can do about them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable names of errors, part of the API."""

    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    NOT_SIGNED_IN = "not_signed_in"
    CONFLICT = "conflict"
    ALREADY_CLAIMED = "already_claimed"
    INVALID_INPUT = "invalid_input"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


class GatewayError(Exception):
    """A service refused.

    Args:
        detail: what is wrong and what to do, for the person who asked.
        field: JSON pointer to the wrong part of the input (`/text`), when there is one.
        extra: further facts for programs, such as who holds a conversation.
    """

    code = ErrorCode.CONFLICT

    def __init__(self, detail: str, *, field: str | None = None, **extra: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.extra = extra


class NotFoundError(GatewayError):
    """There is no such thing, or the asker may not know of it."""

    code = ErrorCode.NOT_FOUND


class NotAllowedError(GatewayError):
    """The agent's role or team does not give this right (H2.5)."""

    code = ErrorCode.NOT_ALLOWED


class NotSignedInError(GatewayError):
    """No session, or a wrong password."""

    code = ErrorCode.NOT_SIGNED_IN


class ConflictError(GatewayError):
    """The thing changed meanwhile, or is in a state that does not permit this."""

    code = ErrorCode.CONFLICT


class AlreadyClaimedError(GatewayError):
    """Another agent was faster; `extra["agent"]` names them."""

    code = ErrorCode.ALREADY_CLAIMED


class InvalidInputError(GatewayError):
    """A field is wrong.

    Args:
        detail: what is wrong and what to do.
        field: JSON pointer to it.
        words: the detail by language tag, where it is known in more than English.
    """

    code = ErrorCode.INVALID_INPUT

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        words: Mapping[str, str] | None = None,
        **extra: str,
    ) -> None:
        super().__init__(detail, field=field, **extra)
        self.words = words or {}


class RateLimitedError(GatewayError):
    """Too often.

    Args:
        detail: what to do.
        retry_after: seconds to wait.
    """

    code = ErrorCode.RATE_LIMITED

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UnavailableError(GatewayError):
    """A server that we need does not answer; try again soon."""

    code = ErrorCode.UNAVAILABLE
