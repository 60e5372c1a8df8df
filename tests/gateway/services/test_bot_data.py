"""What the bot's actions may read: a ticket, and only its own customer's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.contract import HandoffReason
from gateway.domain.ticket import Ticket
from gateway.services.bot_data import StoreActionContext
from gateway.services.intake import Accepted
from gateway.wiring.ids import clock
from intents.model import Language
from tests.gateway.services.desk import Desk, ScriptedBot, handoff, inbound


async def handed_off(desk: Desk, handle: str) -> tuple[Accepted, Ticket]:
    bot = ScriptedBot(handoff(HandoffReason.WISH))
    accepted = await desk.turn(inbound(1, "my line is down", handle=handle), bot)
    conversation = await desk.conversation(accepted)
    ticket = await desk.store.read(lambda uow: uow.tickets.get(conversation.ticket_id or ""))
    return accepted, ticket


async def test_the_customers_own_ticket(desk: Desk) -> None:
    accepted, ticket = await handed_off(desk, "lin")
    found = await StoreActionContext(desk.store, clock).find_ticket(
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
    context = StoreActionContext(desk.store, clock)
    for number in (str(ticket.number), "99999"):
        assert (
            await context.find_ticket(conversation_id=mei.conversation.id, number=number) is None
        )


@pytest.mark.parametrize("number", ["", "abc", "1" * 13, "९९", "一"])
async def test_what_is_no_number_finds_nothing(desk: Desk, number: str) -> None:
    accepted, _ = await handed_off(desk, "lin")
    context = StoreActionContext(desk.store, clock)
    found = await context.find_ticket(conversation_id=accepted.conversation.id, number=number)
    assert found is None


class Mail:
    """A mail that keeps what it was to send."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Language]] = []

    async def send_code(self, address: str, code: str, language: Language) -> bool:
        self.sent.append((address, code, language))
        return True


async def test_a_code_goes_to_the_address_on_file_only(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1, profile={"email": "lin@example.com"}))
    other = await desk.accept(inbound(1, handle="nobody"))
    mail = Mail()
    context = StoreActionContext(desk.store, clock, mail)
    wanted = {"conversation_id": accepted.conversation.id, "code": "123456"}
    assert await context.mail_code(**wanted, language=Language.EN)
    assert mail.sent == [("lin@example.com", "123456", Language.EN)]
    without = {"conversation_id": other.conversation.id, "code": "123456"}
    assert not await context.mail_code(**without, language=Language.EN)
    nowhere = {"conversation_id": "0" * 32, "code": "123456"}
    assert not await context.mail_code(**nowhere, language=Language.EN)
    no_mail = StoreActionContext(desk.store, clock)
    assert not await no_mail.mail_code(**wanted, language=Language.EN)


async def test_contact_data_are_changed_and_audited(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1, profile={"phone": "13800138000"}))
    at = accepted.conversation.id
    context = StoreActionContext(desk.store, clock)
    await context.change_contact(conversation_id=at, field="phone", value="13900139000")
    found = await context.find_contact(conversation_id=at)
    assert found == {"name": "", "email": "", "phone": "13900139000", "company": ""}
    entries = await desk.store.read(lambda uow: uow.audit.page(before=None, limit=5))
    assert [(e.action, e.after) for _, e in entries] == [
        ("contact.changed", {"phone": "13900139000"})
    ]
    with pytest.raises(ValueError, match="cannot be changed"):
        await context.change_contact(conversation_id=at, field="name", value="x")
