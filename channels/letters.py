"""What letters have beyond chat: a subject, several people, a rich text, a history.

Mail is one kind of letter; whatever else has subjects and recipients exchanges the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Automatic(StrEnum):
    """What made a message, when it was no person.

    `auto-reply` answers without being read (out of office, "we got your mail"), `list` went
    to a mailing list, `generated` was made by a program (an alarm, an invoice).
    """

    NONE = ""
    AUTO_REPLY = "auto-reply"
    LIST = "list"
    GENERATED = "generated"


class Doubt(StrEnum):
    """Why a person should look at a message before it counts as the customer's word.

    `unreadable`: it could not be fetched or parsed, `oversize`: only its head was fetched,
    `suspicious`: a filter on its way took it for spam, or its sender is not who is named.
    """

    NONE = ""
    UNREADABLE = "unreadable"
    OVERSIZE = "oversize"
    SUSPICIOUS = "suspicious"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody with an address; `name` may be empty."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author(Party):
    """Who wrote a message, when it is not the conversation's customer.

    A `stranger` is nobody whom the conversation knew: an agent decides whether they join.
    """

    stranger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant(Party):
    """Somebody who got the message too; `role` is `to` or `cc`."""

    role: str = "to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """The customer's message that a letter answers; `at` in ms since the epoch."""

    author: Party
    at: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What an outgoing message is as a letter.

    `references` are the external ids of the conversation's earlier messages, oldest first, but
    what the letter answers stands last; `html` is the rich text of what the message says in
    plain text, already safe.
    """

    subject: str
    to: tuple[Party, ...]
    cc: tuple[Party, ...] = ()
    bcc: tuple[Party, ...] = ()
    html: str = ""
    references: tuple[str, ...] = ()
    quoted: Quoted | None = None
