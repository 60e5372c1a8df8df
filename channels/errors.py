"""Errors of the channels, by what the caller can do about them."""

from __future__ import annotations


class ChannelError(Exception):
    """Something about a channel went wrong."""


class TransientDeliveryError(ChannelError):
    """The message was not taken now, and may be later.

    Args:
        reason: in words an agent understands.
        retry_after: seconds to wait; None leaves it to the back-off.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class PermanentDeliveryError(ChannelError):
    """The message will never be taken; an agent must see it.

    Args:
        reason: in words an agent understands.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignatureError(ChannelError):
    """The payload's signature, token or time stamp is wrong; answered 401."""


class MalformedPayloadError(ChannelError):
    """The payload cannot be read; answered 400.

    Args:
        message: names the field and the remedy.
        field: JSON pointer or header that is wrong, when one is.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class UnsupportedEventError(ChannelError):
    """A well-formed event that is none of our business; answered 2xx so that nobody retries."""


class SinkFullError(ChannelError):
    """The bus takes no more at present; answered 503 with Retry-After.

    Args:
        retry_after: seconds after which to try again.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the bus is full or out of reach; try again in {retry_after:.0f} s")
        self.retry_after = retry_after


class UnavailableError(ChannelError):
    """What a channel rests on is away for now; answered 503 with Retry-After.

    Args:
        what: what does not answer, in words a visitor understands.
        retry_after: seconds after which to try again.
    """

    def __init__(self, what: str, retry_after: float) -> None:
        super().__init__(f"{what} at present; try again in {retry_after:.0f} s")
        self.retry_after = retry_after


class RateLimitedError(ChannelError):
    """Too much was asked for; answered 429 with Retry-After.

    Args:
        what: what there is too much of, in words a visitor understands.
        retry_after: seconds after which to try again.
    """

    def __init__(self, what: str, retry_after: int) -> None:
        super().__init__(f"too many {what}; try again in {retry_after} s")
        self.retry_after = retry_after


class SettingsError(ChannelError):
    """An inbox's settings are wrong.

    Args:
        field: the setting's name.
        message: what is wrong and how to mend it.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class OversizePayloadError(MalformedPayloadError):
    """The payload is larger than the channel takes; answered 413.

    Args:
        limit: the largest size in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is too large; send at most {limit:,} bytes")
        self.limit = limit
