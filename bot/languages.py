"""In which language a turn is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from bot.contract import Speaker, Turn
from intents.model import Catalogue, Language
from intents.text import detect_language

_LOOKED_AT = 6
_LENGTH = 500
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")
# Words that nearly every English message holds one of, whatever it is about.
_COMMON = frozenset(
    """
    a about after again all also always am an and any anything are as ask at back bad be because
    been before bye call can cannot cant change check come could day did do does dont down each
    else even every find fine first for from get give go good got great had has have he hello
    help her here hey hi him his how i if in into is it its just keep know last let like long
    look made make many may me mean more most much must my need never new next nice no none not
    now of off ok old on once one only open or other our out over please problem question really
    right said same say see send she should show since so some something sorry still stop such
    sure take tell than thank thanks that the their them then there these they thing think this
    those time to today tomorrow too try two up us use used very wait want was way we well went
    were what when where which who why will with without work works would wrong yes yesterday
    you your
    """.split()  # noqa: SIM905 -- a list of two hundred words is read as words
)


class LanguageReader:
    """Tells the language of a turn; knows the English words of its catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._english = _COMMON | {
            word for text in _english_texts(catalogue) for word in _WORD.findall(text.casefold())
        }

    def read(self, turn: Turn, text: str) -> Language:
        """The language of the message; of the conversation when the message does not tell.

        Latin letters that are no English word say nothing: in a Chinese conversation the
        answer to `asdf qwer` is Chinese.
        """
        default = turn.language
        if default is None:
            default = Language.ZH_HANS
            for line in turn.lines[-_LOOKED_AT:]:
                if line.speaker is Speaker.CUSTOMER:
                    default = detect_language(line.text[:_LENGTH], default)
        if turn.payload is not None and turn.language is not None:
            return default
        return _followed(text, default, self._english)


def follow_language(text: str, current: Language) -> Language:
    """The language of a conversation after a message to which the bot does not answer.

    Args:
        text: what the customer wrote.
        current: the conversation's language so far; it stays when the message does not tell.
    """
    return _followed(text[:_LENGTH], current, _COMMON)


def _followed(text: str, current: Language, english: Set[str]) -> Language:
    found = detect_language(text, current)
    if found is Language.EN and current is not Language.EN:
        said = any(word in english for word in _WORD.findall(text.casefold()))
        return found if said else current
    return found


def _english_texts(catalogue: Catalogue) -> Iterator[str]:
    for intent in catalogue.intents:
        yield from (each.text for each in intent.utterances if each.language == "en")
    for variants in catalogue.responses.values():
        yield from (each.text for each in variants if each.language == "en")
    for article in catalogue.articles:
        if article.language == "en":
            yield from (article.title, article.body, *article.questions)
