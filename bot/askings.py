"""Several views of a question, each of which finds likenesses that the others miss.

*Letters* are its characters and words as written; *sense* is the same with the many ways to ask
made one (`咋`, `如何` and `怎么办` become `怎么`); *concepts* stand for words that mean the same;
*sound* is its syllables in pinyin, so that 登陆 is 登录, and the pieces of Latin words, so
that `recieve` is nearly `receive`. *Pairs* (characters, their pairs, words and pieces) are for
long texts.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import add

from bot.concepts import concept_of, concept_of_stem, name_concepts, stem
from intents.text import to_mainland

_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
_OTHER_RUN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*|[^\W_a-z0-9\u3400-\u9fff]+")
_RUN = re.compile(f"{_HAN_RUN.pattern}|{_OTHER_RUN.pattern}")
_HAN = ("\u3400", "\u9fff")
_LATIN_BREAK = re.compile(r"[._-]")
_PIECES = (3, 4)
_PIECE_WEIGHT = 0.5
_PAIR_WEIGHT = 0.3
_LONGEST_WORD = 40
# Stands between texts that are read at one go; it survives normalising.
_BETWEEN = "¦"

_WAYS_TO_ASK = [
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (
            r"请问(?:一下|下)?|[你您]好|谢谢|麻烦|帮忙|帮我|帮|告诉我|我?想问(?:一下|下)?"
            r"|问(?:一下|下)|咨询(?:一下|下)?|哈喽|亲(?![情属人戚])|一下",
            "",
        ),
        (
            r"[怎咋]么?回事儿?|[啥什]么?情况|[啥什]么?原因|什么意思|何故|干[嘛吗]"
            r"|为(?:什么|啥|何|毛)|怎么会|凭什么",
            "为什么",
        ),
        (r"(?:怎么|咋)(?=[不没还就又总老会未无只才说是]|显示)", "为什么"),
        (r"怎么?样|如何|咋样|[怎咋]么?[办弄]|咋个?", "怎么"),
        (r"能不能够?|可不可以|[能可]否|是否可以|是否能够?|可以|能够", "能"),
        (
            r"不能|[无没]法|没有?办法|不可以?|不行|[不没]成功|失败|不[了上起]"
            r"|不好使|没能",
            "不能",
        ),
        (r"[什啥]么?(?:时候|时间)|几时|何时|几点", "什么时候"),
        (r"多久|要?多长(?:时间)?|多少天|几天|多少时间", "多久"),
        (r"哪[里儿]|在哪|[哪什]么?个?地方|啥地方|何处", "哪里"),
        (r"多少|几多|好多(?=钱)", "多少"),
        (r"没有|木有|未|没", "没"),
        (r"啥|什么|神马", "什么"),
        (r"是否|是不是|有没有|会不会|要不要", ""),
    )
]

_ENGLISH = """
    a about after again all also am an and any anyone anything are as at be because been before
    being but by can cannot could did do does doing done for from get got had has have he hello
    help her here hi him his how i if in into is it its just know let like long me more most my
    need no not now of off on once one only or our out over own please re same she should so some
    something tell than that the their them then there these they thing things this those to too
    under until up us very want was way we were what when where which while who why will with
    would you your don didn doesn isn won ve ll s t m d
"""
_FUNCTION_WORDS = frozenset(_ENGLISH.split())


@dataclass(slots=True)
class Asking:
    """A question in its views: feature to how often; `concepts` is a set, bit by bit."""

    letters: Counter[str] = field(default_factory=Counter)
    sense: Counter[str] = field(default_factory=Counter)
    concepts: Counter[str] = field(default_factory=Counter)
    sound: Counter[str] = field(default_factory=Counter)
    named: int = 0


@dataclass(slots=True)
class Reading:
    """A long text in its views."""

    pairs: Counter[str] = field(default_factory=Counter)
    concepts: Counter[str] = field(default_factory=Counter)


def is_function_word(word: str) -> bool:
    """Whether an English word says nothing about what a text is about."""
    return word in _FUNCTION_WORDS


def plain(text: str) -> str:
    """The text in lower case, Simplified characters and ordinary widths."""
    return to_mainland(unicodedata.normalize("NFKC", text).casefold())


def ask(text: str) -> Asking:
    """The views of one question."""
    return ask_all([text])[0]


def ask_all(texts: Iterable[str]) -> list[Asking]:
    """The views of questions, read at one go."""
    joined = plain(_BETWEEN.join(text.replace(_BETWEEN, " ") for text in texts))
    askings = [_as_written(part) for part in joined.split(_BETWEEN)]
    meant = joined
    for pattern, meaning in _WAYS_TO_ASK:
        meant = pattern.sub(meaning, meant)
    for asking, part in zip(askings, meant.split(_BETWEEN), strict=True):
        for run in _RUN.findall(part):
            if _is_han(run):
                asking.sense.update(run)
                for number in range(len(run) - 1):
                    asking.sense[run[number : number + 2]] += _PAIR_WEIGHT  # type: ignore[assignment]
    return askings


def _is_han(run: str) -> bool:
    return _HAN[0] <= run[0] <= _HAN[1]


def _as_written(text: str) -> Asking:
    found = Asking()
    for run in _RUN.findall(text):
        if not _is_han(run):
            _ask_latin(found, run[:_LONGEST_WORD])
            continue
        found.letters.update(run)
        found.sound.update(syllables(run))
        for character in name_concepts(run):
            found.concepts[character] += 1
            concept = concept_of(character)
            if concept is not None:
                found.named |= 1 << concept
    return found


def _ask_latin(found: Asking, run: str) -> None:
    for word in _words(run):
        found.letters[f"w{word}"] += 1
        if word in _FUNCTION_WORDS:
            continue
        bare = stem(word)
        found.sense[f"w{bare}"] += 1
        concept = concept_of_stem(bare)
        found.concepts[f"w{bare}" if concept is None else f"#{concept}"] += 1
        if concept is not None:
            found.named |= 1 << concept
    for piece in _pieces(run):
        found.sound[piece] += _PIECE_WEIGHT  # type: ignore[assignment]


def _words(run: str) -> list[str]:
    parts = [part for part in _LATIN_BREAK.split(run) if part]
    return [*parts, run] if len(parts) > 1 else parts


@lru_cache(maxsize=8192)
def _pieces(run: str) -> tuple[str, ...]:
    """The pieces of three and four letters of a word's parts, with their edges."""
    found = []
    for part in _LATIN_BREAK.split(run):
        if part and part not in _FUNCTION_WORDS:
            edged = f"_{part}_"
            for size in _PIECES:
                found += [f"g{edged[n : n + size]}" for n in range(len(edged) - size + 1)]
    return tuple(found)


def read(text: str) -> Reading:
    """The views of a long text."""
    flat = plain(text)
    han = _HAN_RUN.findall(flat)
    found: list[str] = []
    for run in han:
        found += run
        found += map(add, run, run[1:])
    named = list(name_concepts(_BETWEEN.join(han)))
    pieces: list[str] = []
    for run in _OTHER_RUN.findall(flat):
        words, own, parts = _latin(run[:_LONGEST_WORD])
        found += words
        named += own
        pieces += parts
    pairs: Counter[str] = Counter(found)
    # No piece is there yet, and a counter would look.
    weighed = {piece: count * _PIECE_WEIGHT for piece, count in Counter(pieces).items()}
    dict.update(pairs, weighed)
    concepts: Counter[str] = Counter(named)
    concepts.pop(_BETWEEN, None)
    return Reading(pairs, concepts)


@lru_cache(maxsize=16384)
def _latin(run: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Words, concepts and pieces of a run of Latin letters and digits."""
    words = [word for word in _words(run) if word not in _FUNCTION_WORDS]
    return tuple(f"w{word}" for word in words), tuple(map(_named, words)), _pieces(run)


def _named(word: str) -> str:
    bare = stem(word)
    concept = concept_of_stem(bare)
    return f"w{bare}" if concept is None else f"#{concept}"


@lru_cache(maxsize=1)
def _readings() -> dict[int, str]:
    # Characters alone are read, so that the 20 times larger list of phrases stays unread.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin.pinyin_dict import pinyin_dict

    return pinyin_dict


@lru_cache(maxsize=8192)
def _syllable(character: str) -> str:
    reading = _readings().get(ord(character), character).partition(",")[0]
    bare = unicodedata.normalize("NFD", reading)
    return "p" + "".join(letter for letter in bare if not unicodedata.combining(letter))


def syllables(run: str) -> list[str]:
    """The pinyin of Chinese characters, one by one and without tones (`登陆`: deng, lu)."""
    return [_syllable(character) for character in run]
