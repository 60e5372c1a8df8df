"""Puts what the bot says into the customer's language and script.

Catalogue texts exist in Chinese and English; Traditional Chinese is converted. Placeholders
(`{name}`) are filled here, and one that cannot be filled never reaches a customer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from bot.contract import BotMessage, Choice, HandoffReason
from bot.grounding import Grounded
from bot.knowledge import ArticleIndex
from bot.playbook import (
    ARTICLE_PAYLOAD,
    HANDOFF_PAYLOAD,
    HELPED_PAYLOAD,
    NONE_PAYLOAD,
    UNHELPED_PAYLOAD,
)
from bot.texts import (
    ARTICLE_SOURCE,
    ARTICLE_WORDED,
    DID_YOU_MEAN,
    FALLBACK,
    GLAD,
    GREETING,
    HELPED,
    HOLDING,
    LETTER_FOOTER,
    LETTER_GREETING,
    LETTER_GREETING_NAMED,
    LETTER_RECEIVED,
    LETTER_SORRY,
    NONE_OF_THESE,
    NOT_UNDERSTOOD,
    SORRY,
    TALK_TO_PERSON,
    TITLE,
    UNHELPED,
)
from intents.model import Button, Catalogue, Language, ResponseVariant
from intents.text import to_traditional

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.-]*)\}", re.A)
_SENTENCE = re.compile(r"[^。！？!?\n]*?(?:[。！？!?]+|\.(?=\s|$)|\n|$)")
_VALUE_LENGTH = 200
# Senders choose how they are called: no addresses, no advertisements.
_NAME = re.compile(r"[^\W\d_]+(?:[ .·'’-]{1,2}[^\W\d_]+){0,4}[.]?")

Values = Mapping[str, Any]


class Replies:
    """Renders the responses of one catalogue; immutable."""

    def __init__(self, catalogue: Catalogue, index: ArticleIndex) -> None:
        self._responses = catalogue.responses
        self._index = index
        self._rendered = lru_cache(maxsize=4096)(partial(self._render, values={}))

    def greeting(self, language: Language) -> BotMessage:
        """The first words on a channel (H1.3)."""
        return self.own(GREETING, language)

    def holding(self, reason: HandoffReason, language: Language, channel: str = "") -> BotMessage:
        """What the customer is told while a person takes over (H1.4)."""
        return self.own(f"{HOLDING}{reason.value}", language, channel)

    def not_understood(self, language: Language, channel: str = "") -> BotMessage:
        """The request to say it in other words, with the way to a person."""
        message = self.own(NOT_UNDERSTOOD, language, channel)
        if message.choices:
            return message
        return BotMessage(text=message.text, choices=(self.choice(HANDOFF_PAYLOAD, language),))

    def offer(self, payloads: Iterable[str], language: Language, channel: str = "") -> BotMessage:
        """The question which of these was meant."""
        text = self.own(DID_YOU_MEAN, language, channel).text
        return BotMessage(text=text, choices=tuple(self.choice(p, language) for p in payloads))

    def letter(
        self, said: Sequence[BotMessage], language: Language, *, name: str, help_url: str
    ) -> BotMessage:
        """An answer as one letter: greeting, what is said, where to read on, how to go on.

        Args:
            said: the answer; its choices are left out.
            language: the customer's.
            name: theirs, or "".
            help_url: where articles are read, with `{slug}`; "" when nobody said where.
        """
        article = next((m.article for m in said if m.article), None)
        parts = [self._letter_greeting(name, language), *(m.text for m in said)]
        if article is not None and help_url:
            parts[-1] = f"{parts[-1]}\n{help_url.replace('{slug}', article)}"
        parts.append(self.own(LETTER_FOOTER, language).text)
        return BotMessage(text="\n\n".join(parts), article=article)

    def letter_received(
        self, reason: HandoffReason, language: Language, *, name: str, due: str | None
    ) -> BotMessage:
        """The acknowledgement of a letter that people answer (H3.4).

        Args:
            reason: why people answer it.
            language: the customer's.
            name: theirs, or "".
            due: until when they answer, in words; None where nobody can say.
        """
        sorry = reason in {HandoffReason.COMPLAINT, HandoffReason.ANGER}
        name_of_text = LETTER_SORRY if sorry else LETTER_RECEIVED
        text = self.own(name_of_text, language, values={"due": due}).text
        return BotMessage(text=f"{self._letter_greeting(name, language)}\n\n{text}")

    def _letter_greeting(self, name: str, language: Language) -> str:
        """With the name, if it is one that a person may bear."""
        if not _NAME.fullmatch(name):
            return self.own(LETTER_GREETING, language).text
        return self.own(LETTER_GREETING_NAMED, language, values={"name": name}).text

    def choice(self, payload: str, language: Language) -> Choice:
        """The quick reply for a payload, titled in the customer's language."""
        return Choice(title=self.title(payload, language), payload=payload)

    def title(self, payload: str, language: Language) -> str:
        """What a payload is called: the intent's or article's title; never empty."""
        if payload == NONE_PAYLOAD:
            return self.own(NONE_OF_THESE, language).text
        if payload == HANDOFF_PAYLOAD:
            return self.own(TALK_TO_PERSON, language).text
        for start, name in ((HELPED_PAYLOAD, HELPED), (UNHELPED_PAYLOAD, UNHELPED)):
            if payload.startswith(start):
                return self.own(name, language).text
        name = payload.removeprefix("/")
        if payload.startswith(ARTICLE_PAYLOAD):
            slug = payload.removeprefix(ARTICLE_PAYLOAD)
            return _scripted(self._index.title(slug, language) or slug, language)
        found = self.response(f"{TITLE}{name}", language)
        return found.text if found is not None else name.replace("_", " ").replace("/", ": ")

    def article(self, slug: str, question: str, language: Language) -> BotMessage | None:
        """An answer from an article, with its source (H1.5); None when it does not exist."""
        passage = self._index.passage(slug, question, language)
        if passage is None:
            return None
        return self.sourced(BotMessage(text=_scripted(passage, language)), slug, language)

    def thanks_for_feedback(self, *, helped: bool, language: Language, channel: str) -> BotMessage:
        """What is said to a customer whom an article helped, or did not: then with a person."""
        message = self.own(GLAD if helped else SORRY, language, channel)
        if helped or message.choices:
            return message
        return BotMessage(text=message.text, choices=(self.choice(HANDOFF_PAYLOAD, language),))

    def sourced(self, message: BotMessage, slug: str, language: Language) -> BotMessage:
        """The message with the line that names its article, and the question if it helped.

        Unchanged if there is no such article.
        """
        if self._index.title(slug, language) is None:
            return message
        asked = self._asks_whether_it_helped(slug, language)
        return BotMessage(
            text=f"{message.text}\n\n{self._source_line(slug, language)}",
            choices=(*message.choices, *asked),
            article=slug,
        )

    def worded(self, answer: Grounded, language: Language) -> BotMessage:
        """A model's answer with the articles that it rests on, and that a model worded it."""
        several = len(answer.slugs) > 1
        lines = [
            f"[{place}] {line}" if several else line
            for place, slug in enumerate(answer.slugs, 1)
            for line in (self._source_line(slug, language),)
        ]
        told = self.own(ARTICLE_WORDED, language).text
        return BotMessage(
            text="\n".join((f"{answer.text}\n", *lines, told)),
            choices=self._asks_whether_it_helped(answer.slugs[0], language),
            article=answer.slugs[0],
            worded=True,
        )

    def _source_line(self, slug: str, language: Language) -> str:
        title = self._index.title(slug, language) or slug
        return self.own(ARTICLE_SOURCE, language, values={"title": title}).text

    def _asks_whether_it_helped(self, slug: str, language: Language) -> tuple[Choice, ...]:
        starts = (HELPED_PAYLOAD, UNHELPED_PAYLOAD)
        return tuple(self.choice(f"{start}{slug}", language) for start in starts)

    def response(
        self,
        name: str,
        language: Language,
        channel: str = "",
        values: Values | None = None,
        turn: int = 0,
    ) -> BotMessage | None:
        """Render a response.

        Args:
            name: its name, `utter_…`.
            language: the customer's; the other language's text is taken when there is none.
            channel: the channel kind; a variant for it goes before general ones.
            values: what placeholders stand for.
            turn: picks among equal variants, so that a repeated answer may be worded anew.

        Returns:
            The message, or None when the catalogue and the built-in texts have no such
            response, or nothing of it is left without its placeholders.
        """
        if not values:  # most are rendered without, and then look the same each time
            return self._rendered(name, language, channel, turn)
        return self._render(name, language, channel, turn, values)

    def _render(
        self, name: str, language: Language, channel: str, turn: int, values: Values
    ) -> BotMessage | None:
        variants = self._variants(name, language, channel, values)
        whole = [v for v in variants if _can_fill(v.text, values)]
        for variant in (*_turned(whole, turn), *variants):
            text = _scripted(fill(variant.text, values), language)
            if text and variant.image is not None:
                text = f"{text}\n{variant.image}"
            if text:
                return BotMessage(text=text, choices=_choices(variant.buttons, language, values))
        return None

    def topic(self, name: str, language: Language) -> str:
        """What an intent is about, in words; its name when the catalogue has no title."""
        found = self.response(f"{TITLE}{name}", language)
        return found.text if found is not None else name

    def words(self, text: str, language: Language) -> BotMessage:
        """A text of the catalogue that is no response, in the customer's script."""
        return BotMessage(text=_scripted(text, language))

    def own(
        self,
        name: str,
        language: Language,
        channel: str = "",
        values: Values | None = None,
        base: str | None = None,
    ) -> BotMessage:
        """A response that has a built-in text; the catalogue's, if it can be rendered.

        `base` names the built-in text when that is not called like the response.
        """
        found = self.response(name, language, channel, values)
        if found is not None:
            return found
        built_in = fill(FALLBACK[base or name][language.training], values or {})
        return BotMessage(text=_scripted(built_in, language))

    def _variants(
        self, name: str, language: Language, channel: str, values: Values
    ) -> list[ResponseVariant]:
        """Those for the channel whose conditions hold; own language and special ones first."""
        everyone = self._responses.get(name, ())
        if not everyone and name in FALLBACK:
            texts = FALLBACK[name]
            everyone = tuple(ResponseVariant(text=texts[own], language=own) for own in texts)
        fitting = [
            v
            for v in everyone
            if (v.channel is None or v.channel == channel)
            and all(condition.holds(values) for condition in v.conditions)
        ]
        own = [v for v in fitting if v.language == language.training] or fitting
        own = [v for v in own if v.channel is not None] or own
        return [v for v in own if v.conditions] or own


@lru_cache(maxsize=1)
def _feedback_titles() -> frozenset[str]:
    titles = {title for name in (HELPED, UNHELPED) for title in FALLBACK[name].values()}
    return frozenset(titles | {to_traditional(title) for title in titles})


def is_feedback_press(text: str) -> bool:
    """Whether a customer's text is a pressed feedback button: its payload or built-in title."""
    return text.startswith((HELPED_PAYLOAD, UNHELPED_PAYLOAD)) or text in _feedback_titles()


def fill(text: str, values: Values) -> str:
    """Put values in for `{placeholders}`; a sentence with one that has no value is left out.

    Values are put in as they are and are not read for placeholders again; braces around a name
    in them are dropped, so that a customer's own text cannot look like an unfilled one.
    """
    if "{" not in text:
        return text
    kept = [
        sentence
        for sentence in _SENTENCE.findall(text)
        if sentence and _can_fill(sentence, values)
    ]
    return _PLACEHOLDER.sub(lambda match: _shown(values[match[1]]), "".join(kept)).strip()


def _can_fill(text: str, values: Values) -> bool:
    return all(_shown(values.get(name)) for name in _PLACEHOLDER.findall(text))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    flat = " ".join(str(value).split())[:_VALUE_LENGTH]
    return _PLACEHOLDER.sub(r"\1", flat)


def _turned(variants: list[ResponseVariant], turn: int) -> list[ResponseVariant]:
    if not variants:
        return []
    first = turn % len(variants)
    return [*variants[first:], *variants[:first]]


def _choices(buttons: Iterable[Button], language: Language, values: Values) -> tuple[Choice, ...]:
    return tuple(
        Choice(title=title, payload=button.payload)
        for button in buttons
        if (title := _scripted(fill(button.title, values), language))
    )


def _scripted(text: str, language: Language) -> str:
    return to_traditional(text) if language is Language.ZH_HANT else text
