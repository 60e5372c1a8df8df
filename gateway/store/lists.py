"""The console's lists: a page, a row, the counts.

A list is the union of stretches of one index each (one for each shelf and each owner whose
conversations the agent may see), every one read backwards from the page's start and no
further than the page is long. So a page costs the same at 100 conversations and at 100,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, bindparam, func, literal_column, select, tuple_, union
from sqlalchemy.sql.expression import ColumnElement, CompoundSelect

from gateway.ports.conversations import ConversationFilter, ConversationRow, ListView, Scope
from gateway.store.conversation_rows import COLUMNS, to_conversation
from gateway.store.rows import pick
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import (
    SHELVES,
    agents,
    contacts,
    conversations,
    inboxes,
    teams,
    tickets,
)

Conditions = list[ColumnElement[bool]]

_MOST_COUNTED = 1000
_SHELVES: dict[ListView, tuple[str, ...]] = {
    ListView.MINE: ("agent",),
    ListView.UNASSIGNED: ("queue",),
    ListView.BOT: ("bot",),
    ListView.ALL: SHELVES,
    ListView.SOLVED: ("solved",),
}
_NEWEST_FIRST = (conversations.c.last_message_at.desc(), conversations.c.id.desc())
_NOTHING: ColumnElement[str] = literal_column("''")
_ROW = Statement(
    select(
        *pick(conversations, COLUMNS),
        contacts.c.name,
        inboxes.c.name,
        inboxes.c.kind,
        func.coalesce(agents.c.name, _NOTHING),
        func.coalesce(teams.c.name, _NOTHING),
        tickets.c.number,
        tickets.c.severity,
        tickets.c.state,
        tickets.c.kind,
    )
    .join(contacts, contacts.c.id == conversations.c.contact_id)
    .join(inboxes, inboxes.c.id == conversations.c.inbox_id)
    .outerjoin(agents, agents.c.id == conversations.c.agent_id)
    .outerjoin(teams, teams.c.id == conversations.c.team_id)
    .outerjoin(tickets, tickets.c.id == conversations.c.ticket_id)
    .where(conversations.c.id == bindparam("id")),
    "id",
)


def owners(table: Table, scope: Scope) -> list[Conditions]:
    """What the agent may see of conversations or tickets, as one condition for each index."""
    if scope.everything:
        return [[]]
    return [
        [table.c.team_id.is_(None)],
        *([table.c.team_id == team_id] for team_id in scope.team_ids),
        [table.c.agent_id == scope.agent_id],
    ]


def page(session: Session, query: ConversationFilter) -> list[ConversationRow]:
    """One page of a list."""
    conditions: Conditions = []
    if query.inbox_id is not None:
        conditions.append(conversations.c.inbox_id == query.inbox_id)
    if query.severity is not None:
        conditions.append(conversations.c.severity == query.severity)
    if query.before is not None:
        place = tuple_(conversations.c.last_message_at, conversations.c.id)
        conditions.append(place < tuple_(*query.before))
    found = _stretches(
        query.view, _owners(query.scope, query.view, query.team_id), conditions, query.limit
    )
    newest = found.order_by(*(found.selected_columns[n].desc() for n in (0, 1)))
    ids = [row[1] for row in session.select(newest.limit(query.limit))]
    return rows(session, ids)


def counts(session: Session, scope: Scope) -> dict[ListView, int]:
    """How many conversations each list holds; each count stops at 1,000."""
    counted = {}
    for view in ListView:
        found = _stretches(view, _owners(scope, view, None), [], _MOST_COUNTED)
        some = found.limit(_MOST_COUNTED).subquery()
        counted[view] = session.select(select(func.count()).select_from(some))[0][0]
    return counted


def rows(session: Session, conversation_ids: Sequence[str]) -> list[ConversationRow]:
    """The rows of these conversations, in the order of the ids."""
    found = session.each(_ROW, [(item,) for item in conversation_ids])
    return [_to_row(each[0]) for each in found if each]


def _owners(scope: Scope, view: ListView, team_id: str | None) -> list[Conditions]:
    own = conversations.c.agent_id == scope.agent_id
    if view is ListView.MINE:
        return [[own] if team_id is None else [own, conversations.c.team_id == team_id]]
    if team_id is None:
        return owners(conversations, scope)
    of_team = conversations.c.team_id == team_id
    seen = scope.everything or team_id in scope.team_ids
    return [[of_team] if seen else [own, of_team]]


def _stretches(
    view: ListView, owned: Sequence[Conditions], conditions: Conditions, limit: int
) -> CompoundSelect[Any]:
    """The newest of each shelf and owner: at most `limit` places of each."""
    places = (conversations.c.last_message_at, conversations.c.id)
    return union(
        *(
            select(
                select(*places)
                .where(conversations.c.shelf == shelf, *owner, *conditions)
                .order_by(*_NEWEST_FIRST)
                .limit(limit)
                .subquery()
            )
            for shelf in _SHELVES[view]
            for owner in owned
        )
    )


def _to_row(row: Row) -> ConversationRow:
    width = len(COLUMNS)
    contact, inbox, kind, agent, team, number, severity, state, ticket_kind = row[width:]
    return ConversationRow(
        conversation=to_conversation(row),
        contact_name=contact,
        inbox_name=inbox,
        inbox_kind=kind,
        agent_name=agent,
        team_name=team,
        ticket_number=number,
        severity=severity,
        ticket_state=state,
        ticket_kind=ticket_kind,
    )
