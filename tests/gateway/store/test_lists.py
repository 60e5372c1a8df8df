"""Pages and counts, with ten thousand conversations."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event

from gateway.domain.conversation import Controller, Conversation, ConversationStatus
from gateway.domain.ticket import Severity
from gateway.ports.conversations import ConversationFilter, ConversationRow, ListView, Scope
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore
from tests.gateway.store import samples

MANY = 10_000
LI = Scope(agent_id="li", everything=False, team_ids=("sales",))
NEW = Scope(agent_id="new", everything=False, team_ids=())
KINDS = (
    (Controller.BOT, ConversationStatus.OPEN, None, None),
    (Controller.QUEUE, ConversationStatus.OPEN, "sales", None),
    (Controller.QUEUE, ConversationStatus.PENDING, "care", None),
    (Controller.AGENT, ConversationStatus.OPEN, "sales", "li"),
    (Controller.AGENT, ConversationStatus.OPEN, "care", "wang"),
    (Controller.AGENT, ConversationStatus.PENDING, "care", "li"),
    (Controller.BOT, ConversationStatus.SOLVED, None, None),
    (Controller.AGENT, ConversationStatus.SOLVED, "sales", "li"),
)


def made(number: int, kind: int, at: int, inbox_id: str = "inbox") -> Conversation:
    controller, status, team_id, agent_id = KINDS[kind]
    return samples.conversation(
        id=f"{number:08}",
        inbox_id=inbox_id,
        controller=controller,
        status=status,
        team_id=team_id,
        agent_id=agent_id,
        last_message_at=at,
    )


def expected(
    items: list[Conversation], scope: Scope, view: ListView, **filters: str
) -> list[Conversation]:
    """What a list is, in plain words."""

    def belongs(item: Conversation) -> bool:
        solved = item.status is ConversationStatus.SOLVED
        seen = (
            scope.everything
            or item.team_id is None
            or item.team_id in scope.team_ids
            or item.agent_id == scope.agent_id
        )
        of_view = {
            ListView.MINE: not solved
            and item.controller is Controller.AGENT
            and item.agent_id == scope.agent_id,
            ListView.UNASSIGNED: not solved and item.controller is Controller.QUEUE,
            ListView.BOT: not solved and item.controller is Controller.BOT,
            ListView.ALL: True,
            ListView.SOLVED: solved,
        }[view]
        return (
            seen
            and of_view
            and all(getattr(item, name) == value for name, value in filters.items())
        )

    found = filter(belongs, items)
    return sorted(found, key=lambda item: (item.last_message_at, item.id), reverse=True)


def query(scope: Scope, view: ListView, **changes: Any) -> ConversationFilter:
    return ConversationFilter(**{"scope": scope, "view": view, "limit": 50, **changes})


async def page(store: SqlStore, asked: ConversationFilter) -> list[ConversationRow]:
    return await store.read(lambda unit: unit.conversations.page(asked))


async def walk(store: SqlStore, first: ConversationFilter, pages: int) -> list[str]:
    """The ids of some pages, one after the other."""
    found: list[str] = []
    before = None
    for _ in range(pages):
        asked = query(
            first.scope,
            first.view,
            limit=first.limit,
            before=before,
            inbox_id=first.inbox_id,
            team_id=first.team_id,
            severity=first.severity,
        )
        rows = await page(store, asked)
        found.extend(row.conversation.id for row in rows)
        if len(rows) < first.limit:
            break
        last = rows[-1].conversation
        before = (last.last_message_at, last.id)
    return found


@pytest.fixture
async def few(desk: SqlStore) -> tuple[SqlStore, list[Conversation]]:
    """300 conversations of all kinds in two inboxes, many with the same time."""
    dice = random.Random(7)
    items = [
        made(n, dice.randrange(len(KINDS)), dice.randrange(60), dice.choice(["inbox", "mail"]))
        for n in range(300)
    ]

    def add(unit: UnitOfWork) -> None:
        unit.inboxes.add(samples.inbox(id="mail", kind="email", name="Mail"))
        unit.agents.add(samples.agent("new"), "hash")
        unit.conversations.add(items)

    await desk.write(add)
    return desk, [*items, samples.conversation()]


async def test_each_list_holds_what_it_should(
    few: tuple[SqlStore, list[Conversation]],
) -> None:
    store, items = few
    for scope in (samples.EVERYTHING, LI, NEW):
        counts = await store.read(partial(counted, scope))
        for view in ListView:
            for filters in ({}, {"inbox_id": "mail"}, {"team_id": "sales"}, {"team_id": "care"}):
                wanted = [item.id for item in expected(items, scope, view, **filters)]
                found = await walk(store, query(scope, view, limit=7, **filters), 100)
                assert found == wanted, (scope, view, filters)
            assert counts[view] == len(expected(items, scope, view))


def counted(scope: Scope, unit: UnitOfWork) -> dict[ListView, int]:
    return unit.conversations.counts(scope)


async def test_filter_by_the_tickets_severity(desk: SqlStore) -> None:
    def add(unit: UnitOfWork) -> None:
        for n, severity in enumerate([Severity.URGENT, Severity.GENERAL, Severity.URGENT]):
            unit.conversations.add([made(n, 1, n)])
            number = 10001 + n
            unit.tickets.add(samples.ticket(number, conversation_id=f"{n:08}", severity=severity))
            unit.conversations.update([replace(made(n, 1, n), ticket_id=f"ticket-{number}")])

    await desk.write(add)
    asked = query(samples.EVERYTHING, ListView.UNASSIGNED, severity="urgent")
    assert await walk(desk, asked, 1) == [f"{n:08}" for n in (2, 0)]
    lowered = samples.ticket(10003, conversation_id="00000002", severity=Severity.IMPORTANT)
    await desk.write(lambda unit: unit.tickets.update(lowered))
    assert await walk(desk, asked, 1) == ["00000000"]


async def test_an_older_ticket_does_not_change_the_conversations_severity(desk: SqlStore) -> None:
    urgent = samples.ticket(10002, severity=Severity.URGENT)

    def change(unit: UnitOfWork) -> None:
        unit.tickets.add(samples.ticket(10001))
        unit.tickets.add(urgent)
        unit.conversations.update([samples.conversation(ticket_id=urgent.id)])
        unit.tickets.update(samples.ticket(10001, severity=Severity.CRITICAL))

    await desk.write(change)
    asked = query(samples.EVERYTHING, ListView.BOT, severity="urgent")
    assert await walk(desk, asked, 1) == ["conversation"]


@pytest.fixture
async def many(desk: SqlStore) -> SqlStore:
    items = [made(n, n % len(KINDS), 1000 + n // 3) for n in range(MANY)]
    await desk.write(lambda unit: unit.conversations.add(items))
    return desk


async def test_pages_of_ten_thousand_stay_in_step_while_new_ones_come(many: SqlStore) -> None:
    asked = query(samples.EVERYTHING, ListView.ALL, limit=100)
    whole = await walk(many, asked, MANY)
    assert len(whole) == len(set(whole)) == MANY + 1
    before: tuple[int, str] | None = None
    found: list[str] = []
    for n in range(20):
        rows = await page(many, query(samples.EVERYTHING, ListView.ALL, limit=100, before=before))
        found.extend(row.conversation.id for row in rows)
        last = rows[-1].conversation
        before = (last.last_message_at, last.id)
        newcomer = made(MANY + n, 0, 1_000_000 + n)
        await add(many, newcomer)
    assert found == whole[:2000]


async def add(store: SqlStore, item: Conversation) -> None:
    await store.write(lambda unit: unit.conversations.add([item]))


async def test_counts_stop_at_a_thousand(many: SqlStore) -> None:
    counts = await many.read(lambda unit: unit.conversations.counts(samples.EVERYTHING))
    assert counts == {view: 0 if view is ListView.MINE else 1000 for view in ListView}


@pytest.fixture
def executed(many: SqlStore) -> Iterator[list[tuple[str, Any]]]:
    """The selects that readers run."""
    found: list[tuple[str, Any]] = []

    def note(_: Connection, __: object, text: str, values: Any, *___: object) -> None:
        if text.startswith("SELECT"):
            found.append((text, values))

    event.listen(many._read_engine, "before_cursor_execute", note)
    yield found
    event.remove(many._read_engine, "before_cursor_execute", note)


async def test_a_page_reads_stretches_of_an_index_and_sorts_no_table(
    many: SqlStore, executed: list[tuple[str, Any]]
) -> None:
    def explain(text: str, values: Any, unit: UnitOfWork) -> str:
        connection = unit.conversations._session.connection  # type: ignore[attr-defined]
        on_sqlite = connection.dialect.name == "sqlite"
        if not on_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explaining = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
        rows = connection.exec_driver_sql(explaining + text, values).fetchall()
        return "\n".join(str(row[-1]) for row in rows)

    for scope in (samples.EVERYTHING, LI):
        for view in ListView:
            for before in (None, (2000, "x")):
                executed.clear()
                asked = query(scope, view, before=before)
                await page(many, asked)
                plan = await many.read(partial(explain, *executed[0]))
                assert "SCAN conversations\n" not in plan, plan
                assert "Seq Scan on conversations" not in plan, plan
                assert "_list" in plan, plan


async def test_pages_are_quick(many: SqlStore) -> None:
    """A first page, and one from the middle, within 20 ms on an idle machine."""
    slowest = {}
    for scope, name in ((samples.EVERYTHING, "all"), (LI, "li"), (NEW, "new")):
        for view in ListView:
            for before in (None, (2500, "x")):
                asked = query(scope, view, before=before)
                times = []
                for _ in range(5):
                    began = time.perf_counter()
                    await page(many, asked)
                    times.append(time.perf_counter() - began)
                slowest[name, view.value, before] = min(times)
    assert max(slowest.values()) < 0.2, slowest
