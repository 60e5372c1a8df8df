"""Text functions for Chinese and English: normalising, language, script, search tokens.

Pure, and quick enough for every message: a sentence costs some microseconds. OpenCC is loaded
at the first use.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol, cast

from intents.model import Language

_HAN = r"㐀-䶿一-鿿豈-﫿\U00020000-\U0003fffd〇"
_CJK = rf"{_HAN}ぁ-ゖァ-ヺー가-힣"
_HAN_CHARACTER = re.compile(rf"[{_HAN}]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+(?:['’][A-Za-z]+)*")
# Repeats that something must follow are bounded: a long word of a hostile message would else be
# walked again from each of its letters.
_ADDRESS = (
    r"(?:https?://|www\.)[^\s<>\"'，。；！？、（）《》]+"
    r"|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
)
_BRACED = r"\{[^{}]{0,200}\}"
_NO_LANGUAGE = re.compile(
    rf"{_ADDRESS}|{_BRACED}|[A-Za-z]{{0,20}}\d[\w-]*|[A-Za-z]{{1,20}}-(?=\d)"
)
_KEPT = re.compile(rf"({_ADDRESS}|{_BRACED}|`[^`]{{0,200}}`)")
_TOKEN_RUN = re.compile(rf"(?P<cjk>[{_CJK}]+)|(?P<word>[^\W_{_CJK}]+)")
_NEUTRAL = frozenset({"ok", "okay", "okey", "hi", "bye", "vip", "usb", "pdf", "vpn", "app", "id"})
_HAN_SHARE = 0.3
# OpenCC takes 天后 for the queen of heaven; after a number it is "days later".
_DAYS_LATER = re.compile(r"([\d一二两三四五六七八九十百几数多]\s*)天后")
# Taiwan's standard of OpenCC keeps 賬 and 臺; people there write 帳 and 台 in these words, and
# quote with corner brackets.
_PREFERRED = str.maketrans({"賬": "帳", "臺": "台", "“": "「", "”": "」"})


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


@lru_cache(maxsize=4)
def _converter(name: str) -> _Converter:
    import opencc

    return cast("_Converter", opencc.OpenCC(name))


def to_simplified(text: str) -> str:
    """Return `text` with Traditional Chinese characters turned into Simplified ones."""
    return _converter("t2s").convert(text)


def to_mainland(text: str) -> str:
    """Return Traditional text in Simplified characters and mainland words (`網路` as `网络`).

    Text without a Traditional character comes back unchanged, but for 帐, which is written 账
    as catalogues write it.
    """
    if to_simplified(text) != text:
        text = _converter("tw2sp").convert(text)
    return text.replace("帐", "账")


@lru_cache(maxsize=2048)
def to_traditional(text: str) -> str:
    """Return `text` in Traditional Chinese with Taiwan's words.

    Addresses, `{placeholders}` and `code` are left as they are.
    """
    converter = _converter("s2twp")
    pieces = _KEPT.split(text)
    for number in range(0, len(pieces), 2):
        converted = converter.convert(_DAYS_LATER.sub(r"\1天後", pieces[number]))
        preferred = converted.translate(_PREFERRED)
        pieces[number] = preferred.replace("電子郵箱", "電子信箱").replace("郵箱", "信箱")
    return "".join(pieces)


# Several parts of one turn ask for the same text.
@lru_cache(maxsize=256)
def normalise_text(text: str) -> str:
    """Return the form in which texts are compared and recognised.

    NFKC, case folded, Simplified characters, one blank between words; characters that cannot
    be seen (zero width, direction marks, controls) are dropped.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if not folded.isascii():
        folded = to_simplified(folded)
    line = " ".join(folded.split())
    if line.isprintable():
        return line
    return " ".join("".join(_visible(line)).split())


def _visible(text: str) -> Iterator[str]:
    for character in text:
        category = unicodedata.category(character)
        if character.isspace() or category not in {"Cc", "Cf", "Co", "Cs", "Cn"}:
            yield character


@lru_cache(maxsize=1024)
def detect_language(text: str, default: Language) -> Language:
    """Return the language of a message.

    Args:
        text: what the customer wrote.
        default: the answer for text that has no language, such as digits or `OK`.
    """
    bare = _NO_LANGUAGE.sub(" ", unicodedata.normalize("NFKC", text))
    han = len(_HAN_CHARACTER.findall(bare))
    words = [word.casefold() for word in _LATIN_WORD.findall(bare)]
    if han and han >= _HAN_SHARE * (han + len(words)):
        return _script(bare, default)
    if not any(len(word) > 2 and word not in _NEUTRAL for word in words):
        foreign = any(character.isalpha() for character in _LATIN_WORD.sub("", bare))
        return Language.EN if foreign and not han else default
    return Language.EN


def _script(text: str, default: Language) -> Language:
    """Simplified or Traditional: which conversion changes more characters."""
    traditional = _changes(text, "t2s")
    simplified = _changes(text, "s2t")
    if traditional == simplified:
        return Language.ZH_HANS if default is Language.EN else default
    return Language.ZH_HANT if traditional > simplified else Language.ZH_HANS


def _changes(text: str, conversion: str) -> int:
    converted = _converter(conversion).convert(text)
    return sum(a != b for a, b in zip(text, converted, strict=False))


def tokens(text: str) -> list[str]:
    """Return the search tokens of `text`: pairs of neighbouring CJK characters, and words.

    A lone CJK character is its own token. Traditional and Simplified give the same tokens.
    """
    found: list[str] = []
    for match in _TOKEN_RUN.finditer(normalise_text(text)):
        run = match[0]
        if match["word"] is not None or len(run) == 1:
            found.append(run)
        else:
            found.extend(run[n : n + 2] for n in range(len(run) - 1))
    return found
