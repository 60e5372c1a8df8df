"""Letters that came and are not the customer's word: seen by agents alone (H1).

They are stored as notes, so that no bot answers them, no customer reads them and no clock runs on
them. What a person should look at first is held until an agent decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from channels.contract import InboundMessage, MessageKind
from channels.letters import Automatic
from gateway.domain.conversation import (
    Conversation,
    Message,
    append_internal,
)
from gateway.domain.letters import HELD, Aside, Hold
from gateway.ports.store import UnitOfWork

CAP: Final = 10
"""Automatic answers to one sender in a day: ends loops that no header tells of."""
DOMAIN_CAP: Final = 1000
"""Those to one domain: robots write from fresh addresses."""
INBOX_CAP: Final = 5000
"""Those of one inbox."""
CAP_MS: Final = 86_400_000


def set_aside(conversation: Conversation, aside: Aside, team_id: str | None) -> Conversation:
    """The conversation after it.

    An out-of-office changes nothing; of the others agents see that they are there. What begins
    a conversation so is for the inbox's team to decide.
    """
    after = append_internal(conversation)
    if after.last_seq == 1:
        after = replace(after, team_id=team_id)
    return after if aside is Aside.AUTO_REPLY else replace(after, unread=after.unread + 1)


def as_note(message: Message, item: InboundMessage, aside: Aside) -> Message:
    """The stored form of what is set aside."""
    author = item.author
    return replace(
        message,
        kind=MessageKind.NOTE,
        author_id=message.author_id if author is None else None,
        author_name="" if author is None else author.name or author.address,
        details={**message.details, "aside": aside.value},
    )


def is_held(message: Message) -> bool:
    """Whether a new message waits for an agent's decision."""
    return message.kind is MessageKind.NOTE and message.details.get("aside") in HELD


def hold_of(message: Message) -> Hold:
    """The hold of such a message."""
    return Hold(
        message_id=message.id,
        conversation_id=message.conversation_id,
        since=message.created_at,
    )


def why_no_bot(
    uow: UnitOfWork, item: InboundMessage, conversation: Conversation, now: int
) -> str | None:
    """Why people answer a letter and the bot does not; None where it may.

    No automatic answer to automatic mail, whatever the channel made of it; and no more than
    `CAP` to one sender in a day, `DOMAIN_CAP` to one domain, `INBOX_CAP` in an inbox.
    """
    if item.automatic is not Automatic.NONE:
        return "automatic"
    said = uow.messages.said_by_bot(conversation.contact_id, since=now - CAP_MS, limit=CAP)
    if said >= CAP:
        return "mail_cap"
    domain = conversation.handle[conversation.handle.rfind("@") :]
    for ending, cap in ((domain, DOMAIN_CAP), ("", INBOX_CAP)):
        many = uow.messages.said_to_handles(
            conversation.inbox_id, ending, since=now - CAP_MS, limit=cap
        )
        if many >= cap:
            return "mail_cap"
    return None
