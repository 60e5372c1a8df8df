"""Finds catalogue entities by what the annotated examples teach: their words and contexts.

A light sequence matcher: what was annotated is known again; what stands where annotated words
stood (`from ▢ to`, `叫▢吗`) is taken when such a place held nothing else in the examples.
Roles are told by the words around.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple
from unicodedata import normalize

from bot.values.found import Found, overlaps
from intents.model import EntitySpan, Utterance

_TOKEN = re.compile(r"[A-Za-zÀ-ÿ0-9_]+|[^\sA-Za-zÀ-ÿ0-9_]")
_LONGEST = 8  # tokens of a value
_SUPPORT = 2
_PRECISION = 0.8
_EDGE = "\0"

Kind = tuple[str, str | None, str | None]
Context = tuple[tuple[str, ...], str]


class _Token(NamedTuple):
    text: str
    start: int
    end: int


class SpanFinder:
    """Learnt from annotated utterances; immutable."""

    def __init__(self, utterances: Iterable[Utterance]) -> None:
        annotated = [_plain(each) for each in utterances if each.entities]
        self._words: defaultdict[str, set[str]] = defaultdict(set)
        self._shapes: defaultdict[str, set[str]] = defaultdict(set)
        self._roles: defaultdict[tuple[str, str, str], Counter[Kind]] = defaultdict(Counter)
        for utterance in annotated:
            for span in utterance.entities:
                self._learn(utterance.text, span)
        self._first = frozenset(
            next(iter(_tokens(word))).text for words in self._words.values() for word in words
        )
        self._contexts = self._trusted(annotated)
        self._lefts = frozenset(left[-1] for left, _ in self._contexts)
        # What a message holds in which any of this can be found; `_EDGE` stands before them all.
        hints = () if _EDGE in self._lefts else self._first | self._lefts
        self._hints = re.compile("|".join(map(re.escape, sorted(hints))))

    @property
    def entities(self) -> frozenset[str]:
        """The entities that examples taught."""
        return frozenset(self._words)

    def find(self, text: str, taken: Sequence[Found] = ()) -> list[Found]:
        """Return what is known or stands in a known place, outside of what is taken."""
        if not self._words or not self._hints.search(text.casefold()):
            return []
        tokens = _tokens(text)
        found: list[Found] = []
        for kind, start, end in (*self._known(text, tokens), *self._placed(tokens)):
            if not overlaps(start, end, (*taken, *found)):
                entity, role, group = kind
                value = text[start:end]
                found.append(
                    Found(entity=entity, value=value, start=start, end=end, role=role, group=group)
                )
        return sorted(found, key=lambda each: each.start)

    def role(self, entity: str, text: str, start: int, end: int) -> tuple[str | None, str | None]:
        """The role and group that the words around suggest; none when they suggest nothing."""
        left, right = _around(_tokens(text), start, end)
        seen: Counter[Kind] = Counter()
        for near in ((left[-1], right), (left[-1], ""), ("", right)):
            seen = self._roles.get((entity, *near), Counter())
            if seen:
                break
        if not seen:
            return None, None
        kind = seen.most_common(1)[0][0]
        return kind[1], kind[2]

    def _learn(self, text: str, span: EntitySpan) -> None:
        said = text[span.start : span.end]
        kind: Kind = (span.entity, span.role, span.group)
        self._words[span.entity].add(said.casefold())
        self._shapes[span.entity].add(_shape(said))
        left, right = _around(_tokens(text), span.start, span.end)
        for near in ((left[-1], right), (left[-1], ""), ("", right)):
            self._roles[(span.entity, *near)][kind] += 1

    def _known(self, text: str, tokens: Sequence[_Token]) -> Iterator[tuple[Kind, int, int]]:
        """The longest annotated words first."""
        flat = text.casefold()
        hits = []
        for number, token in enumerate(tokens):
            if token.text not in self._first:
                continue
            for last in tokens[number : number + _LONGEST]:
                said = flat[token.start : last.end]
                hits += [
                    (entity, token.start, last.end)
                    for entity, words in self._words.items()
                    if said in words
                ]
        for entity, start, end in sorted(hits, key=lambda hit: (hit[1] - hit[2], hit[1])):
            role, group = self.role(entity, text, start, end)
            yield (entity, role, group), start, end

    def _placed(self, tokens: Sequence[_Token]) -> Iterator[tuple[Kind, int, int]]:
        for context, start, end, shape in _places(tokens, self._lefts):
            kind = self._contexts.get(context)
            if kind is not None and shape in self._shapes[kind[0]]:
                yield kind, start, end

    def _trusted(self, annotated: Sequence[Utterance]) -> dict[Context, Kind]:
        """Contexts that held one kind of value and hardly anything else."""
        right: defaultdict[Context, Counter[Kind]] = defaultdict(Counter)
        owners: defaultdict[Context, set[str]] = defaultdict(set)
        for utterance in annotated:
            tokens = _tokens(utterance.text)
            for span in utterance.entities:
                left, after = _around(tokens, span.start, span.end)
                context = (left, after)
                right[context][(span.entity, span.role, span.group)] += 1
                owners[context].add(utterance.text)
        wanted = {c for c, texts in owners.items() if len(texts) >= _SUPPORT}
        lefts = frozenset(left[-1] for left, _ in wanted)
        taken: Counter[Context] = Counter()
        for utterance in annotated:
            for context, _, _, shape in _places(_tokens(utterance.text), lefts):
                if context in wanted and any(
                    shape in self._shapes[kind[0]] for kind in right[context]
                ):
                    taken[context] += 1
        trusted = {}
        for context in wanted:
            kind, times = right[context].most_common(1)[0]
            if times >= _PRECISION * max(taken[context], 1):
                trusted[context] = kind
        return trusted


def _plain(utterance: Utterance) -> Utterance:
    """The utterance in the form in which messages are looked through (NFKC)."""
    pieces: list[str] = []
    spans = []
    end = 0
    for span in sorted(utterance.entities, key=lambda each: each.start):
        if span.start < end:  # a second entity on the same words
            continue
        before, said = utterance.text[end : span.start], utterance.text[span.start : span.end]
        pieces += [normalize("NFKC", before), normalize("NFKC", said)]
        start = sum(map(len, pieces[:-1]))
        spans.append(replace(span, start=start, end=start + len(pieces[-1])))
        end = span.end
    pieces.append(normalize("NFKC", utterance.text[end:]))
    return replace(utterance, text="".join(pieces), entities=tuple(spans))


def _tokens(text: str) -> list[_Token]:
    return [_Token(m[0].casefold(), *m.span()) for m in _TOKEN.finditer(text)]


def _around(tokens: Sequence[_Token], start: int, end: int) -> Context:
    """The two tokens before a span and the one behind it."""
    before = [token.text for token in tokens if token.end <= start]
    after = next((token.text for token in tokens if token.start >= end), _EDGE)
    return tuple([_EDGE, _EDGE, *before][-2:]), after


def _places(
    tokens: Sequence[_Token], lefts: frozenset[str]
) -> Iterator[tuple[Context, int, int, str]]:
    """Every short run of tokens behind one of `lefts`, with its context and shape."""
    texts = [_EDGE, _EDGE, *(token.text for token in tokens), _EDGE]
    for number, first in enumerate(tokens):
        if texts[number + 1] not in lefts:
            continue
        left = (texts[number], texts[number + 1])
        for last in range(number, min(number + _LONGEST, len(tokens))):
            said = "".join(token.text for token in tokens[number : last + 1])
            yield (left, texts[last + 3]), first.start, tokens[last].end, _shape(said)


def _shape(text: str) -> str:
    """Which kinds of characters a text has: digits, Latin, Han, others."""
    kinds = set()
    for character in text:
        if character.isdigit():
            kinds.add("9")
        elif character.isascii() and character.isalpha():
            kinds.add("a")
        elif character.isalpha():
            kinds.add("字")
        elif not character.isspace():
            kinds.add("-")
    return "".join(sorted(kinds))
