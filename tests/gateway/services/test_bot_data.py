"""What the bot's actions may read: a ticket, and only its own customer's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.contract import HandoffReason
from gateway.domain.ticket import Ticket
from gateway.services.bot_data import StoreActionContext
from gateway.services.intake import Accepted
from tests.gateway.services.desk import Desk, ScriptedBot, handoff, inbound


async def handed_off(desk: Desk, handle: str) -> tuple[Accepted, Ticket]:
    bot = ScriptedBot(handoff(HandoffReason.WISH))
    accepted = await desk.turn(inbound(1, "my line is down", handle=handle), bot)
    conversation = await desk.conversation(accepted)
    ticket = await desk.store.read(lambda uow: uow.tickets.get(conversation.ticket_id or ""))
    return accepted, ticket


async def test_the_customers_own_ticket(desk: Desk) -> None:
    accepted, ticket = await handed_off(desk, "lin")
    found = await StoreActionContext(desk.store).find_ticket(
        conversation_id=accepted.conversation.id, number=f"#{ticket.number}."
    )
    assert found is not None
    assert {k: found[k] for k in ("number", "status", "subject")} == {
        "number": str(ticket.number),
        "status": "new",
        "subject": "my line is down",
    }
    at = datetime.fromisoformat(found["updated_at"])
    assert at == datetime.fromtimestamp(ticket.updated_at // 1000, UTC)


async def test_another_customers_ticket_is_as_if_it_were_not_there(desk: Desk) -> None:
    _, ticket = await handed_off(desk, "lin")
    mei, _ = await handed_off(desk, "mei")
    context = StoreActionContext(desk.store)
    for number in (str(ticket.number), "99999"):
        assert (
            await context.find_ticket(conversation_id=mei.conversation.id, number=number) is None
        )


@pytest.mark.parametrize("number", ["", "abc", "1" * 13, "९९", "一"])
async def test_what_is_no_number_finds_nothing(desk: Desk, number: str) -> None:
    accepted, _ = await handed_off(desk, "lin")
    context = StoreActionContext(desk.store)
    found = await context.find_ticket(conversation_id=accepted.conversation.id, number=number)
    assert found is None
