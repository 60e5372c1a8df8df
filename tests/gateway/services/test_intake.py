"""The way in: contacts, conversations, reopened work, and messages that come again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from bot.contract import HandoffReason
from channels.contract import Attachment, InboundMessage, MessageKind, MessageState
from gateway.domain.conversation import Contact, Controller, Conversation, ConversationStatus
from gateway.domain.errors import ConflictError
from gateway.domain.events import ConversationChanged, MessageAdded, TicketChanged, TurnDone
from gateway.domain.ticket import Severity, TicketKind, TicketState, move
from gateway.domain.trail import Hop, Outcome
from gateway.ports.store import UnitOfWork
from gateway.services.accepting import Incoming, accept_batch
from gateway.services.intake import Accepted, language_of
from intents.model import Language
from tests.gateway.services.desk import (
    MAILBOX,
    PUSH,
    Desk,
    ScriptedBot,
    handoff,
    inbound,
    reply,
    texts_of,
)

WISH = ScriptedBot(handoff(HandoffReason.WISH))


async def accept(desk: Desk, *batch: InboundMessage) -> list[Accepted]:
    incoming = [Incoming(message) for message in batch]
    work = partial(accept_batch, batch=incoming, context=desk.context())
    return [accepted for accepted, _ in await desk.store.write(work)]


async def contact_of(desk: Desk, accepted: Accepted) -> Contact:
    contact_id = accepted.conversation.contact_id
    return await desk.store.read(lambda uow: uow.contacts.get(contact_id))


async def put_ticket(desk: Desk, accepted: Accepted, *states: TicketState) -> None:
    """Moves the ticket through these states, and its conversation with it."""

    def work(uow: UnitOfWork) -> None:
        conversation = uow.conversations.get(accepted.conversation.id, lock=True)
        ticket = uow.tickets.get(conversation.ticket_id or "", lock=True)
        for state in states:
            ticket = move(ticket, state, 5)
        uow.tickets.update(ticket)
        pending = states[-1] is TicketState.PENDING
        status = ConversationStatus.PENDING if pending else ConversationStatus.SOLVED
        uow.conversations.update([replace(conversation, status=status)])

    await desk.store.write(work)


async def ticket_states(desk: Desk, accepted: Accepted) -> list[TicketState]:
    """Of all the contact's tickets, oldest first."""
    contact_id = accepted.conversation.contact_id
    found = await desk.store.read(lambda uow: uow.tickets.of_contact(contact_id, 10))
    return [ticket.state for ticket in reversed(found)]


async def test_a_newcomer_gets_contact_handle_and_conversation(desk: Desk) -> None:
    (accepted,) = await accept(desk, inbound(1, "hello"))
    contact = await contact_of(desk, accepted)
    handles = await desk.store.read(lambda uow: uow.contacts.handles(contact.id))
    assert [(h.inbox_id, h.value) for h in handles] == [(MAILBOX.id, "visitor")]
    stored = await desk.conversation(accepted)
    assert (stored.controller, stored.status) == (Controller.BOT, ConversationStatus.OPEN)
    assert (stored.last_seq, stored.unread, stored.preview) == (1, 1, "hello")
    assert stored.waiting_since == stored.last_message_at
    (message,) = await desk.messages(accepted)
    assert (message.seq, message.kind, message.state) == (
        1,
        MessageKind.CUSTOMER,
        MessageState.DELIVERED,
    )
    assert accepted.owes_turn
    added = [e for e in desk.events if isinstance(e, MessageAdded)]
    assert [e.message.id for e in added] == [message.id]


async def test_a_profile_fills_the_contact(desk: Desk) -> None:
    profile = {
        "name": "林",
        "email": "lin@example.com",
        "phone": "138",
        "company": "晴川",
        "language": "zh-TW",
        "plan": "gold",
    }
    message = replace(inbound(1, "?", profile=profile), verified=True)
    (accepted,) = await accept(desk, message)
    contact = await contact_of(desk, accepted)
    assert (contact.name, contact.email, contact.phone) == ("林", "lin@example.com", "138")
    assert (contact.company, contact.language, contact.verified) == ("晴川", "zh-TW", True)
    assert contact.attributes == {"plan": "gold"}
    assert (await desk.conversation(accepted)).language == "zh-Hant", "as the profile says"


async def test_a_second_message_goes_into_the_same_conversation(desk: Desk) -> None:
    (first,) = await accept(desk, inbound(1, "one"))
    (second,) = await accept(desk, inbound(2, "two"))
    assert second.conversation.id == first.conversation.id
    assert [m.seq for m in await desk.messages(first)] == [1, 2]
    stored = await desk.conversation(second)
    assert (stored.unread, stored.preview) == (2, "two")
    assert stored.waiting_since == first.conversation.waiting_since, "waits since the first"


@pytest.mark.parametrize(
    ("text", "profile", "language"),
    [
        ("我的宽带连不上了,请帮我看看", {}, "zh-Hans"),
        ("我的寬頻連不上了,請幫我看看", {}, "zh-Hant"),
        ("My line is down since this morning", {}, "en"),
        ("12345", {}, "en"),  # nothing to see: the inbox's own
        ("12345", {"language": "zh-HK"}, "zh-Hant"),
        ("My line is down since this morning", {"language": "zh-CN"}, "en"),
    ],
)
async def test_the_language_is_what_was_written(
    desk: Desk, text: str, profile: dict[str, str], language: str
) -> None:
    (accepted,) = await accept(desk, inbound(1, text, profile=profile))
    assert (await desk.conversation(accepted)).language == language


@pytest.mark.parametrize(
    ("wanted", "default", "language"),
    [
        ("zh", "en", Language.ZH_HANS),
        ("zh-SG", "en", Language.ZH_HANS),
        ("zh-mo", "en", Language.ZH_HANT),
        ("zh-Hant-TW", "en", Language.ZH_HANT),
        ("zh-hans-CN", "en", Language.ZH_HANS),
        ("en-GB", "zh", Language.EN),
        ("", "zh-TW", Language.ZH_HANT),
        ("fr", "zh", Language.ZH_HANS),
        ("fr", "de", Language.EN),
        ("", "", Language.EN),
    ],
)
def test_tags_of_languages(wanted: str, default: str, language: Language) -> None:
    assert language_of(wanted, default) is language


async def test_two_threads_of_one_handle_are_two_conversations_of_one_contact(
    desk: Desk,
) -> None:
    one, two = await accept(
        desk,
        inbound(1, "about the invoice", PUSH, thread="invoice"),
        inbound(1, "about the line", PUSH, thread="line"),
    )
    assert one.conversation.id != two.conversation.id
    assert one.conversation.contact_id == two.conversation.contact_id
    assert [m.text for m in await desk.messages(one)] == ["about the invoice"]
    assert [m.text for m in await desk.messages(two)] == ["about the line"]
    handles = await desk.store.read(lambda uow: uow.contacts.handles(one.conversation.contact_id))
    assert len(handles) == 1


async def test_one_handle_in_two_inboxes_is_two_contacts(desk: Desk) -> None:
    one, two = await accept(desk, inbound(1, "a", PUSH), inbound(1, "b", MAILBOX))
    assert one.conversation.contact_id != two.conversation.contact_id


async def test_a_batch_keeps_its_order_and_its_customers_apart(desk: Desk) -> None:
    batch = [inbound(1, f"I am {n}", handle=f"visitor {n}") for n in range(20)]
    accepted = await accept(desk, *batch)
    assert [a.inbound for a in accepted] == batch
    for item in accepted:
        assert [m.text for m in await desk.messages(item)] == [item.inbound.text]


async def test_the_lines_before_a_message_are_the_newest_ones(desk: Desk) -> None:
    for number in range(1, 6):
        await desk.turn(inbound(number, f"ask {number}"), ScriptedBot(reply(f"say {number}")))
    (accepted,) = await accept(desk, inbound(6, "ask 6"))
    assert [line.text for line in accepted.lines] == [
        "ask 3",
        "say 3",
        "ask 4",
        "say 4",
        "ask 5",
        "say 5",
    ]


async def test_a_message_that_comes_again_sees_the_same_lines_before_it(desk: Desk) -> None:
    await desk.turn(inbound(1, "ask 1"), ScriptedBot(reply("say 1")))
    await accept(desk, inbound(2, "ask 2"))
    (again,) = await accept(desk, inbound(2, "ask 2"))
    assert again.owes_turn
    assert [line.text for line in again.lines] == ["ask 1", "say 1"]


async def test_duplicates_among_new_messages_change_nothing(desk: Desk) -> None:
    (first,) = await accept(desk, inbound(1, "one", handle="lin"))
    desk.events.clear()
    again, new = await accept(
        desk, inbound(1, "one", handle="lin"), inbound(1, "uno", handle="mei")
    )
    assert again.message.id == first.message.id
    assert (await desk.conversation(first)).unread == 1
    added = [e.message.id for e in desk.events if isinstance(e, MessageAdded)]
    assert added == [new.message.id]
    trail = await desk.store.read(lambda uow: uow.trail.of_message(first.message.id))
    assert [(t.hop, t.outcome) for t in trail] == [
        (Hop.ACCEPTED, Outcome.OK),
        (Hop.DUPLICATE, Outcome.DROPPED),
    ]


async def test_a_repeat_after_its_turn_lets_whoever_waits_go_on(desk: Desk) -> None:
    await desk.turn(inbound(1), ScriptedBot(reply("Hi")))
    desk.events.clear()
    (again,) = await accept(desk, inbound(1))
    assert not again.owes_turn
    (done,) = [e for e in desk.events if isinstance(e, TurnDone)]
    assert done.external_id == again.inbound.external_id


@pytest.mark.parametrize("known", [True, False])
async def test_an_id_of_another_customers_message_is_refused(desk: Desk, known: bool) -> None:
    (first,) = await accept(desk, inbound(1, "my secret", PUSH, handle="lin"))
    if known:
        await accept(desk, inbound(1, "hello", PUSH, handle="mei"))
    stolen = replace(
        inbound(2, "give me that", PUSH, handle="mei"), external_id=first.inbound.external_id
    )
    with pytest.raises(ConflictError):
        await accept(desk, stolen)
    assert [m.text for m in await desk.messages(first)] == ["my secret"]


async def test_the_same_id_in_two_inboxes_is_two_messages(desk: Desk) -> None:
    one, two = inbound(1, "a", PUSH), inbound(1, "b", MAILBOX)
    assert one.external_id == two.external_id
    accepted = await accept(desk, one, two)
    assert accepted[0].message.id != accepted[1].message.id


async def test_files_and_buttons_are_kept(desk: Desk) -> None:
    file = Attachment(blob="0" * 64, name="photo.png", mime="image/png", size=10)
    message = replace(
        inbound(1, ""), attachments=(file,), payload="/menu", sent_at=77, raw="1" * 64
    )
    (accepted,) = await accept(desk, message)
    (stored,) = await desk.messages(accepted)
    assert (stored.attachments, stored.payload, stored.sent_at) == ((file,), "/menu", 77)
    assert stored.details == {"raw": "1" * 64}
    assert (await desk.conversation(accepted)).preview == "photo.png"


def said(events: Sequence[object], kind: type) -> list[object]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("state", [TicketState.PENDING, TicketState.SOLVED])
async def test_a_customers_word_reopens_the_ticket(desk: Desk, state: TicketState) -> None:
    first = await desk.turn(inbound(1, "a person, please"), WISH)
    await put_ticket(desk, first, state)
    desk.events.clear()
    (second,) = await accept(desk, inbound(2, "it broke again"))
    assert not second.owes_turn, "people had it, people get it back"
    stored = await desk.conversation(second)
    assert (stored.status, stored.controller) == (ConversationStatus.OPEN, Controller.QUEUE)
    assert stored.version > first.conversation.version
    assert stored.turned_seq == second.message.seq
    assert await ticket_states(desk, second) == [TicketState.OPEN]
    messages = await desk.messages(second)
    assert [m.seq for m in messages] == list(range(1, stored.last_seq + 1))
    assert texts_of(messages, MessageKind.ACTIVITY)[-1] == "The system reopened the ticket"
    assert len(said(desk.events, TicketChanged)) == 1
    (changed,) = [e for e in desk.events if isinstance(e, ConversationChanged)]
    assert changed.conversation == stored


async def test_a_reopened_ticket_goes_back_to_its_agent(desk: Desk) -> None:
    first = await desk.turn(inbound(1, "a person, please"), WISH)
    await desk.claim(first)
    await put_ticket(desk, first, TicketState.SOLVED)
    desk.events.clear()
    (second,) = await accept(desk, inbound(2, "it broke again"))
    stored = await desk.conversation(second)
    assert (stored.controller, stored.agent_id) == (Controller.AGENT, "agent-1")
    (changed,) = [e for e in desk.events if isinstance(e, ConversationChanged)]
    assert changed.agent_name == "Lin"


async def test_after_a_closed_ticket_the_bot_begins_anew(desk: Desk) -> None:
    first = await desk.turn(inbound(1, "a person, please"), WISH)
    await desk.claim(first)
    await put_ticket(desk, first, TicketState.SOLVED, TicketState.CLOSED)
    (second,) = await accept(desk, inbound(2, "something else"))
    assert second.owes_turn
    stored = await desk.conversation(second)
    assert (stored.controller, stored.agent_id, stored.ticket_id) == (Controller.BOT, None, None)
    await desk.apply(await desk.take(WISH, second))
    assert await ticket_states(desk, second) == [TicketState.CLOSED, TicketState.NEW]


async def test_a_solved_conversation_without_a_ticket_goes_to_the_bot(desk: Desk) -> None:
    first = await desk.turn(inbound(1), ScriptedBot(reply("Hi")))

    def solve(uow: UnitOfWork) -> Conversation:
        found = uow.conversations.get(first.conversation.id, lock=True)
        uow.conversations.update([replace(found, status=ConversationStatus.SOLVED)])
        return found

    await desk.store.write(solve)
    (second,) = await accept(desk, inbound(2))
    assert second.owes_turn
    stored = await desk.conversation(second)
    assert (stored.status, stored.controller) == (ConversationStatus.OPEN, Controller.BOT)


async def test_messages_to_an_agent_owe_no_turn_and_count_as_unread(desk: Desk) -> None:
    first = await desk.turn(inbound(1), WISH)
    await desk.claim(first)
    await accept(desk, inbound(2, "are you there?"))
    (third,) = await accept(desk, inbound(3, "hello?"))
    assert not third.owes_turn
    stored = await desk.conversation(third)
    assert (stored.unread, stored.controller) == (3, Controller.AGENT)


@pytest.mark.parametrize(
    ("text", "kind", "severity"),
    [
        ("any news?", TicketKind.FAULT, Severity.IMPORTANT),
        ("this takes too long, I want to complain", TicketKind.COMPLAINT, Severity.IMPORTANT),
    ],
)
async def test_a_complaint_in_the_queue_changes_the_waiting_ticket(
    desk: Desk, text: str, kind: TicketKind, severity: Severity
) -> None:
    first = await desk.turn(inbound(1, "my line is down"), WISH)
    (second,) = await accept(desk, inbound(2, text))
    (ticket,) = await desk.store.read(
        lambda uow: uow.tickets.of_contact(first.conversation.contact_id, 10)
    )
    assert (ticket.kind, ticket.severity) == (kind, severity)
    kinds = [m.details.get("activity") for m in await desk.messages(first)]
    assert kinds.count("kind_changed") == (kind is TicketKind.COMPLAINT)
    stored = await desk.conversation(first)
    assert stored.last_seq == (await desk.messages(first))[-1].seq
    assert stored.turned_seq == second.message.seq


async def test_the_language_follows_the_customer_while_people_answer(desk: Desk) -> None:
    first = await desk.turn(
        inbound(1, "a person please"), ScriptedBot(handoff(HandoffReason.WISH))
    )
    assert (await desk.conversation(first)).language == "en"
    said = [
        ("你们什么时候处理我的问题？", None, "zh-Hans"),
        ("asdf qwer", None, "zh-Hans"),
        ("Talk to a person", "/human_handoff", "zh-Hans"),
        ("12345", None, "zh-Hans"),
        ("請問處理好了嗎？", None, "zh-Hant"),
        ("please answer me", None, "en"),
    ]
    for number, (text, payload, language) in enumerate(said, start=2):
        await desk.accept(replace(inbound(number, text), payload=payload))
        assert (await desk.conversation(first)).language == language, text


async def test_a_pressed_button_does_not_tell_the_language(desk: Desk) -> None:
    pressed = replace(
        inbound(1, "Talk to a person", profile={"language": "zh-Hans"}), payload="/human_handoff"
    )
    assert (await desk.accept(pressed)).conversation.language == "zh-Hans"
