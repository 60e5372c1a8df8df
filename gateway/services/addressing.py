"""Whom agents' letters go to, and what else a letter has beyond its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from channels.letters import Party
from gateway.domain.conversation import Conversation, Message
from gateway.domain.errors import InvalidInputError
from gateway.domain.letters import Part, address_key
from gateway.ports.store import UnitOfWork
from gateway.services.letters import usual_recipients
from gateway.services.participants import join

MOST_RECIPIENTS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterChoice:
    """What an agent chose for a letter.

    `to` of None means whoever gets it usually; `cc` and `bcc` go with `to`. `html` is clean;
    without a `subject` the conversation's serves.
    """

    subject: str = ""
    to: tuple[Party, ...] | None = None
    cc: tuple[Party, ...] = ()
    bcc: tuple[Party, ...] = ()
    html: str = ""


def chosen_letter(
    uow: UnitOfWork, conversation: Conversation, choice: LetterChoice | None
) -> dict[str, Any]:
    """The choice as a message's details keep it; whoever is addressed openly takes part.

    Raises:
        InvalidInputError: there is nobody to write to, or too many.
    """
    choice = choice or LetterChoice()
    to, cc = choice.to, choice.cc
    if to is None:
        usual = usual_recipients(uow, conversation)
        to, cc = usual.to, usual.cc
    check_recipients(to, cc, choice.bcc)
    join(uow, conversation, [*((one, Part.TO) for one in to), *((one, Part.CC) for one in cc)])
    return letter_details(replace(choice, to=to, cc=cc))


def letter_details(choice: LetterChoice, **more: Any) -> dict[str, Any]:
    """A choice as JSON values, without what is empty."""
    found: dict[str, Any] = {
        "subject": choice.subject,
        "to": _as_json(choice.to or ()),
        "cc": _as_json(choice.cc),
        "bcc": _as_json(choice.bcc),
        "html": choice.html,
        **more,
    }
    return {name: value for name, value in found.items() if value}


def _as_json(people: Sequence[Party]) -> list[dict[str, str]]:
    found = {address_key(one.address): one for one in people}
    return [{"address": one.address, "name": one.name} for one in found.values()]


def check_recipients(
    to: Sequence[Party], cc: Sequence[Party] = (), bcc: Sequence[Party] = ()
) -> None:
    """Refuses a letter to nobody, and to a crowd.

    Raises:
        InvalidInputError: names the field.
    """
    if not to:
        raise InvalidInputError("Say to whom the letter goes.", field="/letter/to")
    number = len(to) + len(cc) + len(bcc)
    if number > MOST_RECIPIENTS:
        raise InvalidInputError(
            f"A letter goes to at most {MOST_RECIPIENTS} people; these are {number}.",
            field="/letter/to",
        )


def readdress(
    uow: UnitOfWork, conversation: Conversation, message: Message, to: Sequence[Party]
) -> None:
    """Sends a letter that failed to other people than before; its Cc stays.

    Raises:
        InvalidInputError: the message is no letter, or the people are too many.
    """
    letter = message.details.get("letter")
    if letter is None:
        raise InvalidInputError("This message has no recipients to correct.", field="/to")
    check_recipients(to)
    part = Part.THIRD if letter.get("third") else Part.TO
    join(uow, conversation, [(one, part) for one in to])
    details = {**message.details, "letter": {**letter, "to": _as_json(to)}}
    uow.messages.update(replace(message, details=details))
