"""A chat goes on by mail: what a visitor who left has not seen is sent to their address, once.

The mail's signed reply address leads back into the same conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from channels.contract import Attachment, MessageKind, MessageState
from channels.letters import Party
from gateway.domain.conversation import (
    OUTGOING_KINDS,
    Contact,
    Conversation,
    Message,
    append_internal,
)
from gateway.domain.events import MessageAdded
from gateway.domain.inbox import Inbox
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.addressing import LetterChoice, letter_details
from gateway.services.replies import dispatch
from gateway.services.tickets import Activity

QUIET_MS: Final = 180_000
"""Nobody fetched the newest answer for so long: the visitor left."""
LATEST_MS: Final = 86_400_000
"""What is older is no news any more."""
MOST_FILES: Final = 10
MOST_BYTES: Final = 15_000_000
_MOST: Final = 50  # messages of one mail
_WORDS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "zh-Hans": (
        "您与我们的在线对话",
        "您离开对话窗口后，我们回复了您：",
        "智能客服",
        "直接回复本邮件，就能继续这次对话。",
    ),
    "zh-Hant": (
        "您與我們的線上對話",
        "您離開對話視窗後，我們回覆了您：",
        "智慧客服",
        "直接回覆本郵件，就能繼續這次對話。",
    ),
    "en": (
        "Your chat with us",
        "We answered after you had left the chat:",
        "Assistant",
        "Just reply to this mail to go on with the conversation.",
    ),
}


def mail_unseen(
    uow: UnitOfWork, inbox: Inbox, mail_inbox: Inbox, *, now: int, new_id: NewId, limit: int = 20
) -> int:
    """Sends on by mail what visitors who left a chat have not seen.

    Args:
        uow: the transaction.
        inbox: the chat's.
        mail_inbox: from which the mails go.
        now: ms since the epoch.
        new_id: gives the messages' ids.
        limit: how many conversations at most.

    Returns:
        How many mails were written.
    """
    waiting = uow.mailings.waiting(
        inbox.id, since=now - LATEST_MS, before=now - QUIET_MS, limit=limit
    )
    written = 0
    for unseen in waiting:
        conversation = uow.conversations.get(unseen.conversation_id, lock=True)
        said = uow.messages.page(
            conversation.id, after=unseen.mailed_seq, limit=_MOST, kinds=OUTGOING_KINDS
        )
        said = [m for m in said if m.state is MessageState.SENT]
        # They may be back, or somebody is still writing.
        if not said or said[-1].created_at > now - QUIET_MS:
            continue
        contact = uow.contacts.get(conversation.contact_id)
        _mail(uow, conversation, contact, said, mail_inbox, now=now, new_id=new_id)
        written += 1
    return written


def _mail(
    uow: UnitOfWork,
    conversation: Conversation,
    contact: Contact,
    said: Sequence[Message],
    mail_inbox: Inbox,
    *,
    now: int,
    new_id: NewId,
) -> None:
    """Writes the mail: an activity of the conversation that leaves the house."""
    to = Party(address=contact.email, name=contact.name)
    after = append_internal(conversation)
    words = _WORDS.get(conversation.language, _WORDS["en"])
    choice = LetterChoice(subject=conversation.subject or words[0], to=(to,))
    by_people = any(m.kind is MessageKind.AGENT for m in said)
    mail = Message(
        id=new_id(),
        conversation_id=after.id,
        inbox_id=mail_inbox.id,
        seq=after.last_seq,
        kind=MessageKind.ACTIVITY,
        state=MessageState.PENDING,
        text=_text(said, words),
        created_at=now,
        attachments=_files(said),
        details={
            "activity": Activity.MAILED.value,
            "values": {"actor": "", "address": contact.email, "count": len(said)},
            "letter": letter_details(choice, chat=True, by_people=by_people),
        },
    )
    uow.messages.add([mail])
    uow.conversations.update([after])
    uow.mailings.note(after.id, said[-1].seq)
    dispatch(uow, mail, now)
    uow.emit(MessageAdded(conversation=after, message=mail))


def _text(said: Sequence[Message], words: tuple[str, str, str, str]) -> str:
    _, opening, assistant, closing = words
    lines = [
        f"{m.author_name or assistant}\n{m.text or ', '.join(a.name for a in m.attachments)}"
        for m in said
    ]
    return "\n\n".join((opening, *lines, closing))


def _files(said: Sequence[Message]) -> tuple[Attachment, ...]:
    """The files of what was said, as far as a mail carries them."""
    kept: list[Attachment] = []
    room = MOST_BYTES
    for item in (a for m in said for a in m.attachments):
        if len(kept) < MOST_FILES and item.size <= room:
            kept.append(item)
            room -= item.size
    return tuple(kept)
