"""Conversations, one by one and by key; the lists are in `gateway.store.lists`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, bindparam, func, literal_column, null, select, update

from gateway.domain.conversation import Controller, Conversation
from gateway.domain.errors import NotFoundError
from gateway.ports.conversations import (
    ConversationFilter,
    ConversationRow,
    ListView,
    Scope,
    SearchHit,
)
from gateway.store import lists, search
from gateway.store.conversation_rows import (
    COLUMNS,
    STANDING,
    identity,
    shelf,
    standing,
    to_conversation,
)
from gateway.store.rows import insert_into, pick, select_by, update_by
from gateway.store.session import Session, Statement
from gateway.store.tables import conversations, tickets

_SOLVED: ColumnElement[str] = literal_column("'solved'")  # the shelf's name and the state's
_BY_ID = select_by(conversations, COLUMNS, "id")
_BY_ID_LOCKED = select_by(conversations, COLUMNS, "id", lock=True)
_BY_KEY = select_by(conversations, COLUMNS, "key")
_BY_KEY_LOCKED = select_by(conversations, COLUMNS, "key", lock=True)
_IDS_BY_KEY = select_by(conversations, ("id",), "key")
_INSERT = insert_into(conversations, (*COLUMNS, "shelf"))
_UPDATE = update_by(conversations, (*STANDING, "shelf"), "id")
_CHANGED_SUBJECT = Statement(
    select(*pick(conversations, ("id",))).where(
        conversations.c.id == bindparam("id"), conversations.c.subject != bindparam("subject")
    ),
    "id",
    "subject",
)
_WAITING = Statement(
    select(conversations.c.team_id, func.count())
    .where(
        conversations.c.shelf == literal_column(f"'{Controller.QUEUE.value}'"),
        conversations.c.waiting_since.is_not(None),
    )
    .group_by(conversations.c.team_id)
)
_RELEASE_SOLVED = Statement(
    update(conversations)
    .where(conversations.c.agent_id == bindparam("key"), conversations.c.shelf == _SOLVED)
    .values(
        controller=literal_column(f"'{Controller.QUEUE.value}'"),
        agent_id=null(),
        version=conversations.c.version + literal_column("1"),
    ),
    "key",
)
_RELEASE_SOLVED_TICKETS = Statement(
    update(tickets)
    .where(tickets.c.agent_id == bindparam("key"), tickets.c.state == _SOLVED)
    .values(agent_id=null()),
    "key",
)


class SqlConversations:
    """`gateway.ports.conversations.Conversations`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, conversation_id: str, *, lock: bool = False) -> Conversation:
        """One conversation; with `lock` nobody else changes it until the commit."""
        row = self._session.row(_BY_ID_LOCKED if lock else _BY_ID, (conversation_id,))
        if row is None:
            raise NotFoundError("There is no such conversation.")
        return to_conversation(row)

    def by_ids(
        self, conversation_ids: Sequence[str], *, lock: bool = False
    ) -> dict[str, Conversation]:
        """Those that exist, by id; locked in id order."""
        keys = [(item,) for item in sorted(set(conversation_ids))]
        found = self._session.each(_BY_ID_LOCKED if lock else _BY_ID, keys)
        return {rows[0][0]: to_conversation(rows[0]) for rows in found if rows}

    def by_keys(self, keys: Sequence[str], *, lock: bool = False) -> dict[str, Conversation]:
        """Those that exist, by conversation key; locked in id order."""
        wanted = [(key,) for key in dict.fromkeys(keys)]
        if lock and len(wanted) > 1 and not self._session.on_sqlite:
            # Keys stand in another order than ids: find first, then lock.
            ids = [rows[0][0] for rows in self._session.each(_IDS_BY_KEY, wanted) if rows]
            return {item.key: item for item in self.by_ids(ids, lock=True).values()}
        found = self._session.each(_BY_KEY_LOCKED if lock else _BY_KEY, wanted)
        return {rows[0][1]: to_conversation(rows[0]) for rows in found if rows}

    def add(self, conversations: Sequence[Conversation]) -> None:
        """Inserts."""
        values = [
            (*identity(item), *standing(item), item.created_at, shelf(item))
            for item in conversations
        ]
        self._session.run_many(_INSERT, values)
        search.enqueue(self._session, "subject", [c.id for c in conversations if c.subject])

    def update(self, conversations: Sequence[Conversation]) -> None:
        """Writes how rows read under lock stand now; what identifies them never changes."""
        with_subject = [(item.id, item.subject) for item in conversations if item.subject]
        if with_subject:
            changed = self._session.each(_CHANGED_SUBJECT, with_subject)
            search.enqueue(self._session, "subject", [rows[0][0] for rows in changed if rows])
        values = [(*standing(item), shelf(item), item.id) for item in conversations]
        self._session.run_many(_UPDATE, values)

    def release_solved(self, agent_id: str) -> None:
        """Takes the agent's solved conversations out of their hands, with their tickets."""
        self._session.run(_RELEASE_SOLVED, (agent_id,))
        self._session.run(_RELEASE_SOLVED_TICKETS, (agent_id,))

    def page(self, query: ConversationFilter) -> list[ConversationRow]:
        """One page of a list."""
        return lists.page(self._session, query)

    def row(self, conversation_id: str) -> ConversationRow:
        """One conversation with its names."""
        found = lists.rows(self._session, [conversation_id])
        if not found:
            raise NotFoundError("There is no such conversation.")
        return found[0]

    def rows(self, conversation_ids: Sequence[str]) -> dict[str, ConversationRow]:
        """Those that exist with their names, by id."""
        found = lists.rows(self._session, list(dict.fromkeys(conversation_ids)))
        return {row.conversation.id: row for row in found}

    def counts(self, scope: Scope) -> dict[ListView, int]:
        """How many conversations each list holds; each count stops at 1,000."""
        return lists.counts(self._session, scope)

    def waiting(self) -> dict[str | None, int]:
        """How many customers wait in each team's queue, by team id."""
        return dict(self._session.rows(_WAITING))

    def search(self, scope: Scope, words: str, limit: int) -> list[SearchHit]:
        """Where messages, contact, subject or ticket number match, newest first."""
        return search.find(self._session, scope, words, limit)
