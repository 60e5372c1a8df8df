"""Letters as questions: the sentences of a mail that may ask what the bot knows.

A mail greets, tells, asks and closes; what it asks stands in a sentence or two, or in its subject.
"""

from __future__ import annotations

import re
from typing import Final

from bot.phrases import is_question, is_thanks

MOST: Final = 8
_READ: Final = 4_000  # characters
_WHOLE: Final = 300  # characters up to which a mail is asked as a whole, too
_SHORTEST: Final = 2
_LONGEST: Final = 200
_FIRST: Final = 3  # sentences that are tried though they do not look like questions
_SENTENCE: Final = re.compile(r"[^。！？!?\n]+[。！？!?]*")
_ENGLISH_END: Final = re.compile(r"(?<=[a-z0-9)][.])\s+(?=[A-Z])")
_GREETS: Final = re.compile(
    r"(?:尊敬的|亲爱的)?[^，,。:：\s]{0,12}(?:您好|你好|大家好)[，,。：:！!\s]*"
    r"|(?:dear|hi|hello|hey)\b[^,.:!?\n]{0,40}[,.:!]?\s*"
    r"|good (?:morning|afternoon|evening)[^,.:!?\n]{0,30}[,.:!]?\s*",
    re.IGNORECASE,
)
_CLOSES: Final = re.compile(
    r"\s*(?:此致|敬礼|敬禮|顺祝|順祝|祝好|祝商祺|(?:best|kind|warm) regards|regards|sincerely"
    r"|yours\b|cheers\b|thanks,|thanks and|many thanks,|thank you,).{0,40}",
    re.IGNORECASE,
)
_AS_ABOVE: Final = re.compile(
    r"如[题題]|同[标標][题題]|见[标標][题題]|see subject|as above", re.IGNORECASE
)
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_EMPTY_SUBJECT: Final = re.compile(
    r"(?:re|fwd?|回复|回覆|答复|转发|轉寄)?[：:\s]*"
    r"(?:问题|問題|咨询|諮詢|请教|求助|帮助|反馈|你好|您好|help|question|hi|hello|support|request"
    r"|urgent|紧急|無主題|无主题|no subject)?[!！?？.。\s]*",
    re.IGNORECASE,
)


def questions_of(subject: str, text: str) -> tuple[str, ...]:
    """The parts of a letter that may ask something, likeliest first, at most `MOST`.

    Args:
        subject: without "Re:" and the like.
        text: what its writer wrote, without quotation and signature.
    """
    sentences = _sentences(text)
    asking = [s for s in sentences if is_question(s)]
    topic = "" if _EMPTY_SUBJECT.fullmatch(subject) else subject.strip()[:_LONGEST]
    body = " ".join(sentences)
    found = [body] if len(body) <= _WHOLE else []
    if asking:
        before = sentences.index(asking[0]) - 1
        found += asking[:_FIRST]
        found += [f"{sentences[before]} {asking[0]}"] if before >= 0 else []
        found += [f"{topic} {asking[0]}"] if topic else []
    else:
        found += [topic] if _tells(topic) or _AS_ABOVE.search(body[:20]) else []
        found += sentences[:_FIRST]
        found += [f"{topic} {sentences[0]}"] if topic and sentences else []
    return tuple(dict.fromkeys(one for one in found if one))[:MOST]


def _tells(topic: str) -> bool:
    """Whether a subject says by itself what is asked; one word says little."""
    return len(_HAN.findall(topic)) >= 4 or len(topic.split()) >= 3


def _sentences(text: str) -> list[str]:
    """What is said between greeting and closing."""
    found: list[str] = []
    for line in text[:_READ].splitlines():
        if _CLOSES.fullmatch(line):
            break
        for piece in _ENGLISH_END.split(line):
            found += [s for match in _SENTENCE.finditer(piece) if (s := _said(match[0]))]
    return found


def _said(sentence: str) -> str:
    """The sentence without a greeting before it; nothing of thanks alone."""
    greeting = _GREETS.match(sentence.strip())
    rest = sentence.strip()[greeting.end() :] if greeting else sentence.strip()
    if len(rest) < _SHORTEST or is_thanks(rest) or not any(map(str.isalpha, rest)):
        return ""
    return rest[:_LONGEST]
