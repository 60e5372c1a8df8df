from dataclasses import replace

import pytest

from gateway.domain.errors import ConflictError, NotFoundError
from gateway.domain.ticket import FIRST_NUMBER, Severity, TicketKind, TicketState
from gateway.ports.conversations import Scope
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore, open_store
from gateway.store.keys import AesSecretBox
from tests.gateway.store import samples

LI = Scope(agent_id="li", everything=False, team_ids=("sales",))


async def test_numbers_rise_and_none_is_given_for_work_that_failed(store: SqlStore) -> None:
    def fail(unit: UnitOfWork) -> None:
        unit.tickets.next_number()
        raise NotFoundError("no")

    assert await store.write(lambda unit: unit.tickets.next_number()) == FIRST_NUMBER
    with pytest.raises(NotFoundError):
        await store.write(fail)
    numbers = await store.write(lambda unit: [unit.tickets.next_number() for _ in range(3)])
    assert numbers == [FIRST_NUMBER + n for n in (1, 2, 3)]


async def test_two_processes_share_the_numbers(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    stores = [open_store(migrated_postgres_url, secrets=box) for _ in range(2)]
    taken = [await stores[n % 2].write(lambda unit: unit.tickets.next_number()) for n in range(10)]
    assert taken == [FIRST_NUMBER + n for n in range(10)]
    for opened in stores:
        await opened.close()


async def test_every_field_comes_back_and_changes(desk: SqlStore) -> None:
    full = samples.ticket(
        10001,
        team_id="sales",
        agent_id="li",
        kind=TicketKind.FAULT,
        severity=Severity.CRITICAL,
        state=TicketState.PENDING,
        subject="发票",
        summary="问了什么",
        card={"topic": "发票", "asked": ["开票?"], "customer": None},
        reason="asked_for_person",
        created_at=2**52,
        updated_at=3,
        solved_at=4,
        closed_at=5,
    )
    await desk.write(lambda unit: unit.tickets.add(full))
    for lock in (False, True):
        found = await desk.write(lambda unit, lock=lock: unit.tickets.get(full.id, lock=lock))  # type: ignore[misc]
        assert found == full
    assert await desk.read(lambda unit: unit.tickets.by_number(10001)) == full
    changed = replace(
        full,
        team_id=None,
        agent_id=None,
        kind=TicketKind.BUG,
        severity=Severity.GENERAL,
        state=TicketState.OPEN,
        subject="s",
        summary="t",
        reason="r",
        updated_at=9,
        solved_at=None,
        closed_at=None,
    )
    await desk.write(lambda unit: unit.tickets.update(changed))
    assert await desk.read(lambda unit: unit.tickets.by_ids([full.id, "none"])) == {
        full.id: changed
    }


async def test_none_there_and_numbers_once(desk: SqlStore) -> None:
    assert await desk.read(lambda unit: unit.tickets.by_number(10001)) is None
    with pytest.raises(NotFoundError):
        await desk.read(lambda unit: unit.tickets.get("none"))
    await desk.write(lambda unit: unit.tickets.add(samples.ticket(10001)))
    with pytest.raises(ConflictError):
        await desk.write(lambda unit: unit.tickets.add(samples.ticket(10001, id="again")))


async def test_pages_by_falling_number(desk: SqlStore) -> None:
    teams = [None, "sales", "care", "care"]
    agents = [None, None, None, "li"]
    states = [TicketState.NEW, TicketState.SOLVED]
    made = [
        samples.ticket(n, team_id=teams[n % 4], agent_id=agents[n % 4], state=states[n % 3 == 0])
        for n in range(1, 41)
    ]

    def add(unit: UnitOfWork) -> None:
        for item in made:
            unit.tickets.add(item)

    await desk.write(add)

    async def numbers(scope: Scope, state: TicketState | None, before: int | None) -> list[int]:
        found = await desk.read(
            lambda unit: unit.tickets.page(scope, state=state, before=before, limit=6)
        )
        return [item.number for item in found]

    for scope in (samples.EVERYTHING, LI):
        for state in (None, TicketState.SOLVED, TicketState.CLOSED):
            for before in (None, 30, 3, 1):
                expected = [
                    n
                    for n in range(40, 0, -1)
                    if (scope.everything or n % 4 != 2)
                    and (state is None or made[n - 1].state is state)
                    and (before is None or n < before)
                ]
                assert await numbers(scope, state, before) == expected[:6]


async def test_a_contacts_tickets(desk: SqlStore) -> None:
    def add(unit: UnitOfWork) -> None:
        unit.contacts.add([samples.contact(id="other")], [])
        for n in range(1, 6):
            unit.tickets.add(samples.ticket(n, contact_id="other" if n == 2 else "contact"))

    await desk.write(add)
    found = await desk.read(lambda unit: unit.tickets.of_contact("contact", 3))
    assert [item.number for item in found] == [5, 4, 3]
