"""What conversations by letter have beside their messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql

from channels.contract import MessageState
from gateway.domain.conversation import OUTGOING_KINDS
from gateway.domain.letters import Hold, Part, Participation, Unseen
from gateway.ports.conversations import Scope
from gateway.store.letter_tables import holds, mailings, participants
from gateway.store.lists import owners
from gateway.store.rows import insert_into, pick
from gateway.store.session import Session, Statement
from gateway.store.tables import SHELVES, contacts, conversations, messages

_PARTICIPANT = ("conversation_id", "address", "name", "part")
_OF = Statement(
    select(*pick(participants, _PARTICIPANT))
    .where(participants.c.conversation_id == bindparam("conversation_id"))
    .order_by(participants.c.address),
    "conversation_id",
)
_JOIN: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _PARTICIPANT}
_ADD = Statement(
    # SQLite understands PostgreSQL's words for it.
    postgresql.insert(participants).inline().values(_JOIN).on_conflict_do_nothing(),
    *(f"new_{name}" for name in _PARTICIPANT),
)
_LEAVE = Statement(
    delete(participants).where(
        participants.c.conversation_id == bindparam("conversation_id"),
        participants.c.address == bindparam("address"),
    ),
    "conversation_id",
    "address",
)
_HOLD = ("message_id", "conversation_id", "since")
_ADD_HOLD = insert_into(holds, _HOLD)
_END_HOLD = Statement(
    delete(holds).where(holds.c.message_id == bindparam("message_id")), "message_id"
)
_SET_MAILED = Statement(
    update(mailings)
    .where(mailings.c.conversation_id == bindparam("conversation_id"))
    .values(seq=bindparam("new_seq")),
    "new_seq",
    "conversation_id",
)
_ADD_MAILED = insert_into(mailings, ("conversation_id", "seq"))


class SqlParticipants:
    """`gateway.ports.letters.Participants`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, conversation_id: str) -> list[Participation]:
        """Everybody, by address."""
        return [
            Participation(conversation_id=row[0], address=row[1], name=row[2], part=Part(row[3]))
            for row in self._session.rows(_OF, (conversation_id,))
        ]

    def add(self, found: Sequence[Participation]) -> None:
        """Inserts those that are not there; the others stay as they are."""
        rows = [(one.conversation_id, one.address, one.name, one.part.value) for one in found]
        self._session.run_many(_ADD, rows)

    def remove(self, conversation_id: str, address: str) -> None:
        """Deletes, if there."""
        self._session.run(_LEAVE, (conversation_id, address))


class SqlHolds:
    """`gateway.ports.letters.Holds`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, holds: Sequence[Hold]) -> None:
        """Inserts."""
        rows = [(hold.message_id, hold.conversation_id, hold.since) for hold in holds]
        self._session.run_many(_ADD_HOLD, rows)

    def remove(self, message_id: str) -> bool:
        """Deletes; whether it was there."""
        return self._session.run(_END_HOLD, (message_id,)) > 0

    def newest(self, scope: Scope, *, inbox_id: str | None = None, limit: int) -> list[Hold]:
        """Those that wait in what an agent may see, newest first; of one inbox or of all."""
        found = _held(scope).order_by(holds.c.since.desc(), holds.c.message_id).limit(limit)
        if inbox_id is not None:
            found = found.where(conversations.c.inbox_id == inbox_id)
        return [
            Hold(message_id=row[0], conversation_id=row[1], since=row[2])
            for row in self._session.select(found)
        ]

    def count(self, scope: Scope, *, limit: int) -> int:
        """How many wait in what an agent may see, counted up to a limit."""
        some = _held(scope).limit(limit).subquery()
        count: int = self._session.select(select(func.count()).select_from(some))[0][0]
        return count


def _held(scope: Scope) -> Select[Any]:
    seen = or_(*(and_(true(), *conditions) for conditions in owners(conversations, scope)))
    return (
        select(*pick(holds, _HOLD))
        .join(conversations, conversations.c.id == holds.c.conversation_id)
        .where(seen)
    )


class SqlMailings:
    """`gateway.ports.letters.Mailings`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def waiting(self, inbox_id: str, *, since: int, before: int, limit: int) -> list[Unseen]:
        """Conversations of whom has an address, with answers that nobody fetched or mailed."""
        mailed = func.coalesce(mailings.c.seq, literal_column("0"))
        kinds = sorted(kind.value for kind in OUTGOING_KINDS)
        unseen = (
            select(messages.c.id)
            .where(
                messages.c.conversation_id == conversations.c.id,
                messages.c.state == literal_column(f"'{MessageState.SENT}'"),
                messages.c.kind.in_(kinds),
                messages.c.seq > mailed,
                messages.c.created_at <= before,
            )
            .exists()
        )
        query = (
            select(conversations.c.id, mailed)
            .join(contacts, contacts.c.id == conversations.c.contact_id)
            .outerjoin(mailings, mailings.c.conversation_id == conversations.c.id)
            .where(
                conversations.c.inbox_id == inbox_id,
                conversations.c.shelf.in_(SHELVES),
                conversations.c.last_message_at >= since,
                contacts.c.email != literal_column("''"),
                unseen,
            )
            .order_by(conversations.c.last_message_at)
            .limit(limit)
        )
        return [
            Unseen(conversation_id=row[0], mailed_seq=row[1])
            for row in self._session.select(query)
        ]

    def note(self, conversation_id: str, seq: int) -> None:
        """Everything up to `seq` was mailed."""
        if not self._session.run(_SET_MAILED, (seq, conversation_id)):
            self._session.run(_ADD_MAILED, (conversation_id, seq))
