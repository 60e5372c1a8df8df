"""How a customer sounds: calm, annoyed or angry. Words and marks, no guess at feelings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.contract import Mood
from intents.text import normalise_text

_ANGRY = re.compile(
    r"垃圾|骗子|气死|忍无可忍|太过分|混蛋|王八|滚|妈的|他妈|操你|傻逼|狗屁|什么破|坑人|不要脸|无耻"
    r"|\b(?:furious|outrage(?:d|ous)|disgust(?:ed|ing)|scam(?:mers?)?|fraud|bullshit|wtf|damn"
    r"|fuck\w*|shit\w*|idiots?|liars?|thieves|useless|ridiculous|unacceptable|worst)\b"
)
_ANNOYED = re.compile(
    r"又(?:是|坏|断|不行)|还要等|等了(?:这么|好|很)久|多少次|第[二三四五六]次|烦死|真烦|太慢|太差|失望|到底"
    r"|\b(?:again|annoy(?:ed|ing)|disappoint(?:ed|ing)|frustrat(?:ed|ing)|how many times"
    r"|still not|waiting for (?:hours|days|weeks)|terrible|awful)\b"
)
_MARKS = re.compile(r"[!！?？]{3,}")


def mood_of(text: str, anger: Mapping[str, Sequence[str]]) -> Mood:
    """Return how a message sounds.

    Args:
        text: what the customer wrote.
        anger: further words of anger, by language.
    """
    flat = normalise_text(text)
    own = [normalise_text(word) for words in anger.values() for word in words]
    if _ANGRY.search(flat) or any(word in flat for word in own):
        return Mood.ANGRY
    letters = [c for c in text if c.isascii() and c.isalpha()]
    shouting = len(letters) >= 12 and sum(map(str.isupper, letters)) > 0.8 * len(letters)
    marks = _MARKS.search(text) is not None
    if shouting and marks:
        return Mood.ANGRY
    return Mood.ANNOYED if shouting or marks or _ANNOYED.search(flat) else Mood.CALM


def worst_mood(texts: Sequence[str], anger: Mapping[str, Sequence[str]]) -> Mood:
    """The worst mood among the last lines of a customer."""
    moods = {mood_of(text, anger) for text in texts}
    return next((m for m in (Mood.ANGRY, Mood.ANNOYED) if m in moods), Mood.CALM)
