"""What the bot is told of customers, and that it is remembered no longer than it is true."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.contract import Customer
from gateway.domain.errors import NotAllowedError
from gateway.domain.events import ContactChanged
from gateway.ports.store import UnitOfWork
from gateway.services import contacts, customers
from gateway.services.customers import CustomerMemory, customers_of
from gateway.wiring.ids import clock
from tests.gateway.services.desk import Desk, ScriptedBot, inbound, reply
from tests.gateway.services.staff import ANN, LEE, audited, waiting


async def test_a_newcomer_has_no_history(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1, profile={"name": "Wang"}))
    assert accepted.customer == Customer(name="Wang")


async def test_tickets_are_counted_and_open_ones_named(staffed: Desk) -> None:
    at = await waiting(staffed)

    def look(uow: UnitOfWork) -> dict[str, Customer]:
        found = uow.conversations.get(at)
        return customers_of(uow, [found.contact_id, "nobody"])

    (known,) = (await staffed.store.read(look)).values()
    assert (known.tickets, known.verified, known.key) == (1, False, False)
    assert [number.isdigit() for number in known.open_tickets] == [True]


async def test_leaders_mark_key_customers(staffed: Desk) -> None:
    at = await waiting(staffed)
    contact = (await staffed.store.read(lambda uow: uow.conversations.get(at))).contact_id

    def mark(uow: UnitOfWork) -> None:
        contacts.change(uow, LEE, contact, {"key": True}, now=clock())

    with pytest.raises(NotAllowedError):
        await staffed.store.write(
            lambda uow: contacts.change(uow, ANN, contact, {"key": True}, now=clock())
        )
    staffed.events.clear()
    await staffed.store.write(mark)
    assert [type(event) for event in staffed.events] == [ContactChanged]
    assert (await audited(staffed))[0] == "contact.changed"
    accepted = await staffed.accept(inbound(2))
    known = await staffed.store.read(lambda uow: customers_of(uow, [contact]))
    assert known[contact].key
    assert accepted.customer is None, "people answer: nothing is read for the bot"


async def test_the_bot_is_told_who_asks(desk: Desk) -> None:
    bot = ScriptedBot(reply("Hi"))
    first = await desk.turn(inbound(1, profile={"name": "Wang"}), bot)

    def mark(uow: UnitOfWork) -> None:
        uow.contacts.update(replace(uow.contacts.get(first.conversation.contact_id), key=True))

    await desk.store.write(mark)
    await desk.turn(inbound(2), bot)
    assert [turn.customer for turn in bot.asked] == [
        Customer(name="Wang"),
        Customer(name="Wang", key=True),
    ]


def test_the_memory_is_bounded_and_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customers, "MOST", 2)
    memory = CustomerMemory()
    for name in ("a", "b", "a", "c"):
        memory.keep(name, Customer(name=name), memory.mark())
    assert memory.get("b") is None
    memory.forget("a")
    assert memory.get("a") is None
    assert memory.get("c") == Customer(name="c")
    memory.clear()
    assert memory.get("c") is None


@pytest.mark.parametrize("change", ["one", "all"])
def test_who_changed_while_being_read_is_not_remembered(change: str) -> None:
    memory = CustomerMemory()
    mark = memory.mark()
    if change == "one":
        memory.forget("a")
    else:
        memory.clear()
    memory.keep("a", Customer(name="as read before the change"), mark)
    assert memory.get("a") is None
    memory.keep("a", Customer(name="read anew"), memory.mark())
    assert memory.get("a") == Customer(name="read anew")


def test_changes_that_are_forgotten_count_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customers, "MOST", 2)
    memory = CustomerMemory()
    mark = memory.mark()
    for name in ("a", "b", "c"):
        memory.forget(name)
    for name in ("a", "x"):
        memory.keep(name, Customer(name=name), mark)
        assert memory.get(name) is None
