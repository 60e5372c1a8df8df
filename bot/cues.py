"""What the recogniser sees of a text: countable cues.

Chinese runs give characters and pairs of them; other runs give words, their stems, pairs of
stems and character 3- and 4-grams within word edges; both give the concepts of `bot.concepts` and
the sorts of `bot.sorts`. The first letter of a cue tells its kind.

Chosen on validation splits of three Chinese and five English intent sets. Beside characters and
pairs, jieba's words gained nothing beyond noise (0.0, +0.8, -0.4 points), and words of a
dictionary learnt from the catalogue, triples and pinyin as cues of its own lost up to two, so
that no segmenter is loaded. Pinyin earns its keep in `bot.speller`.
"""

from __future__ import annotations

import re
import threading
from itertools import pairwise

import Stemmer

from bot.concepts import concept_of, concept_of_stem, name_concepts, stem
from bot.sorts import sorts_in, sorts_of_word
from bot.speller import Speller
from intents.text import normalise_text, to_mainland

_RUN = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
_LONG_NUMBER = re.compile(r"\d{4,}")
_CJK = ("\u3400", "\u9fff")
_PIECE_SIZES = (3, 4)
_LONGEST_TEXT = 1000
_LONGEST_WORD = 40


class _Stemmers(threading.local):
    """A stemmer for each thread: one must not be used by two at a time."""

    def __init__(self) -> None:
        self.stem = Stemmer.Stemmer("english").stemWords


_stemmers = _Stemmers()


def cues(text: str, speller: Speller | None = None) -> list[str]:
    """Return the cues of a text, repeated ones repeated.

    Numbers of four digits and more all look alike: which ticket is asked for says nothing
    about what is asked. Only the first 1,000 characters are looked at.

    Args:
        text: what was said.
        speller: adds the cues of known words and pairs in place of unknown ones that look or
            sound like them.
    """
    found: list[str] = []
    words: list[str] = []
    # Half of a surrogate pair, which JSON can carry, is no text.
    sound = text[:_LONGEST_TEXT].encode("utf-8", "ignore").decode()
    plain = normalise_text(to_mainland(sound))
    for run in _RUN.findall(_LONG_NUMBER.sub("0000", plain)):
        if _CJK[0] <= run[0] <= _CJK[1]:
            found += _of_characters(run, speller)
            continue
        word = run[:_LONGEST_WORD]
        found += _of_word(word)
        meant = speller.word(word) if speller is not None else None
        if meant is not None:
            found += _of_word(meant)
        words.append(meant or word)
    stems = _stemmers.stem(words)
    found += ["s" + bare for bare in stems]
    found += [f"b{first} {second}" for first, second in pairwise(stems)]
    named = [concept_of_stem(stem(word)) for word in words]
    found += [f"n{concept}" for concept in named if concept is not None]
    found += [f"k{sort}" for word in words for sort in sorts_of_word(word)]
    return found


def _of_word(word: str) -> list[str]:
    edged = f"_{word}_"
    return [
        "w" + word,
        *(
            "g" + edged[start : start + size]
            for size in _PIECE_SIZES
            for start in range(len(edged) - size + 1)
        ),
    ]


def _of_characters(run: str, speller: Speller | None) -> list[str]:
    pairs = [first + second for first, second in pairwise(run)]
    found = [*("c" + character for character in run), *("c" + pair for pair in pairs)]
    named = [concept_of(character) for character in name_concepts(run)]
    found += [f"n{concept}" for concept in named if concept is not None]
    found += [f"k{sort}" for sort in sorts_in(run)]
    if speller is None:
        return found
    for pair in pairs:
        meant = speller.pair(pair)
        if meant is not None:
            found.append("c" + meant)
            found += ["c" + new for new, old in zip(meant, pair, strict=True) if new != old]
    return found
