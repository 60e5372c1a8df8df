"""Errors of the channels, by what the caller can do about them."""

from __future__ import annotations

from typing import NamedTuple


class ChannelError(Exception):
    """Something about a channel went wrong."""


class TransientDeliveryError(ChannelError):
    """The message was not taken now, and may be later.

    Args:
        reason: in words an agent understands.
        retry_after: seconds to wait; None leaves it to the back-off.
        attempted: whether the platform was asked; a turn waited for is no try.
    """

    def __init__(
        self, reason: str, *, retry_after: float | None = None, attempted: bool = True
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.attempted = attempted


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


class Words(NamedTuple):
    """What is wrong and how to mend it, in the languages that administrators read."""

    en: str
    zh_hans: str
    zh_hant: str

    def by_language(self) -> dict[str, str]:
        """The words by language tag."""
        return {"en": self.en, "zh-Hans": self.zh_hans, "zh-Hant": self.zh_hant}

    def in_language(self, tag: str) -> str:
        """The words in a language (BCP 47), English where there are none in it."""
        lowered = tag.lower()
        if not lowered.startswith("zh"):
            return self.en
        traditional = {"hant", "tw", "hk", "mo"} & set(lowered.split("-"))
        return self.zh_hant if traditional else self.zh_hans


class WrongValueError(ValueError):
    """A value that somebody typed in cannot be used.

    Args:
        words: what is wrong and how to mend it.
    """

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class SettingsError(ChannelError):
    """An inbox's settings are wrong.

    Args:
        field: the setting's name.
        words: what is wrong and how to mend it.
    """

    def __init__(self, field: str, words: Words) -> None:
        super().__init__(f"{field}: {words.en}")
        self.field = field
        self.words = words

    @property
    def message(self) -> str:
        """The words in English, for logs and programs."""
        return self.words.en


def check_range(field: str, value: int, low: int, high: int) -> None:
    """A setting that is a number must lie from `low` to `high`.

    Raises:
        SettingsError: it does not.
    """
    if not low <= value <= high:
        raise SettingsError(
            field,
            Words(
                f"choose a number from {low} to {high:,}",
                f"请选择 {low} 到 {high:,} 之间的数",
                f"請選擇 {low} 到 {high:,} 之間的數",
            ),
        )


class OversizePayloadError(MalformedPayloadError):
    """The payload is larger than the channel takes; answered 413.

    Args:
        limit: the largest size in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is too large; send at most {limit:,} bytes")
        self.limit = limit
