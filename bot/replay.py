"""Plays a saved conversation to a bot and tells where it goes otherwise than expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.contract import Bot, BotState, Handoff, Line, Speaker, Turn
from bot.values.contacts import EMAIL, PHONE, find_emails, find_phones
from intents.model import Language

_STAND_INS = {EMAIL: "customer@example.com", PHONE: "13800000000"}
_BETWEEN = 5_000  # ms from one message of the customer to the next


class NoTickets:
    """Implements `bot.contract.ActionContext` for turns that no customer takes.

    It knows nothing and writes nothing.
    """

    async def find_contact(self, *, conversation_id: str) -> Mapping[str, str] | None:
        """None: nobody is there."""
        del conversation_id
        return None

    async def mail_code(self, *, conversation_id: str, code: str, language: Language) -> bool:
        """False: nothing is mailed."""
        del conversation_id, code, language
        return False

    async def change_contact(self, *, conversation_id: str, field: str, value: str) -> None:
        """Changes nobody."""
        del conversation_id, field, value

    async def find_ticket(self, *, conversation_id: str, number: str) -> Mapping[str, str] | None:
        """None: nobody's tickets are looked at."""
        del conversation_id, number
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A customer's message and what is expected of the bot.

    `decision` is `reply` or `handoff`; `intent` and `article` None mean: none.
    """

    text: str
    payload: str | None = None
    intent: str | None = None
    decision: str = "reply"
    article: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What went otherwise: the field of the step, what was expected, what was found."""

    step: int
    said: str
    field: str
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a conversation went; `texts` are the bot's words at each step."""

    differences: tuple[Difference, ...]
    texts: tuple[tuple[str, ...], ...]


async def replay(bot: Bot, steps: Sequence[Step], *, language: str, channel: str) -> Played:
    """Play the customer's part to a bot; nothing is written anywhere.

    Args:
        bot: who answers.
        steps: what the customer says, in order.
        language: the contact's language (BCP 47), "" when it is not known.
        channel: the kind of channel.

    Raises:
        BotError: the bot could not decide.
    """
    known = {each.value: each for each in Language}.get(language)
    state, lines = BotState(), list[Line]()
    differences: list[Difference] = []
    texts: list[tuple[str, ...]] = []
    for number, step in enumerate(steps):
        turn = Turn(
            conversation_id="",
            sender="replay",
            channel=channel,
            text=step.text,
            payload=step.payload,
            language=known,
            lines=tuple(lines),
            state=state,
            now=(number + 1) * _BETWEEN,
        )
        decision = await bot.respond(turn)
        found = {
            "intent": decision.understanding.intent,
            "decision": "handoff" if isinstance(decision, Handoff) else "reply",
            "article": next((m.article for m in decision.messages if m.article), None),
        }
        differences += _compare(number, step, found)
        said = tuple(message.text for message in decision.messages)
        texts.append(said)
        lines.append(Line(speaker=Speaker.CUSTOMER, text=step.text))
        lines += [Line(speaker=Speaker.BOT, text=text) for text in said]
        state, known = decision.state, decision.language
    return Played(differences=tuple(differences), texts=tuple(texts))


def _compare(number: int, step: Step, found: Mapping[str, Any]) -> Iterator[Difference]:
    for field in ("intent", "decision", "article"):
        expected = getattr(step, field)
        if expected != found[field]:
            yield Difference(
                step=number, said=step.text, field=field, expected=expected, found=found[field]
            )


def redact(text: str) -> str:
    """Return the text with mail addresses and telephone numbers replaced by stand-ins."""
    found = sorted((*find_emails(text), *find_phones(text)), key=lambda each: each.start)
    pieces: list[str] = []
    end = 0
    for each in found:
        if each.start >= end:
            pieces += [text[end : each.start], _STAND_INS[each.entity]]
            end = each.end
    return "".join(pieces) + text[end:]
