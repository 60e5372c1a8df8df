"""Errors of the bot, by remedy."""


class BotError(Exception):
    """The bot could not take its turn; the conversation goes to a person."""


class ModelMissingError(BotError):
    """No trained model exists for the catalogue; train one with `yingda bot train`."""


class RecogniserError(BotError):
    """A recogniser outside of this process cannot be reached, or answers nonsense."""


class ActionFailedError(BotError):
    """An action raised, or did not end in time."""
