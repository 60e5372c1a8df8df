"""Errors of the bot, by remedy."""


class BotError(Exception):
    """The bot could not take its turn; the conversation goes to a person."""


class ModelMissingError(BotError):
    """No trained model exists for the catalogue; train one with `yingda bot train`."""


class RecogniserError(BotError):
    """A recogniser outside of this process cannot be reached, or answers nonsense."""


class ActionFailedError(BotError):
    """An action raised, or did not end in time."""


class ChatError(BotError):
    """A language model cannot be reached, or answers nonsense.

    `status` is the HTTP status where that is what is wrong, `retry_after` the header of that name.
    `begun` says that it may have begun to answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: str | None = None,
        begun: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.begun = begun and status is None
