"""Letters that are not the customer's word: strangers, doubtful ones, out of office."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.contract import Reply, Understanding
from channels.contract import Attachment, MessageKind
from channels.letters import Author, Automatic, Doubt, Participant, Party
from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.letters import Part
from gateway.ports.store import UnitOfWork
from gateway.services import asides, conversations
from gateway.services.asides import CAP
from gateway.services.intake import Accepted, receive_batch
from gateway.services.letters import usual_recipients
from gateway.services.participants import join
from gateway.wiring.ids import clock, new_id
from tests.gateway.services.desk import LETTERS, Desk, ScriptedBot, inbound, reply, texts_of
from tests.gateway.services.staff import ADA
from tests.gateway.services.test_letters import LI, mail
from tests.gateway.store.samples import EVERYTHING

STRANGER = Author(address="Zhao@elsewhere.example", name="赵六", stranger=True)


async def test_a_strangers_word_is_shown_to_agents_alone(desk: Desk) -> None:
    bot = ScriptedBot(reply("hi"))
    first = await desk.turn(mail(1), bot)
    before = await desk.conversation(first)
    accepted = await desk.accept(mail(2, "let me in", author=STRANGER))
    assert not accepted.owes_turn
    message = accepted.message
    assert (message.kind, message.author_name) == (MessageKind.NOTE, "赵六")
    assert message.details["aside"] == "stranger"
    after = await desk.conversation(first)
    assert (after.waiting_since, after.preview) == (before.waiting_since, before.preview)
    assert (after.unread, after.controller) == (before.unread + 1, Controller.BOT)
    held = await desk.store.read(lambda uow: uow.holds.newest(EVERYTHING, limit=9))
    assert [hold.message_id for hold in held] == [message.id]
    recent = await desk.store.read(lambda uow: uow.messages.recent([after.id], 9))
    assert "let me in" not in [line.text for line in recent[after.id]], "the bot is not told"


async def test_a_letter_that_comes_again_is_stored_once(desk: Desk) -> None:
    await desk.turn(mail(1), ScriptedBot(reply("hi")))
    stranger = mail(2, "let me in", author=STRANGER)
    first, second = await desk.accept(stranger), await desk.accept(stranger)
    assert (second.new, second.owes_turn) == (False, False)
    assert second.message.id == first.message.id
    assert len(await desk.messages(first)) == 3


async def test_whoever_got_the_customers_letter_is_no_stranger(desk: Desk) -> None:
    copied = Participant(address="LI@qingchuan.example", name="李强", role="cc")
    first = await desk.turn(mail(1, participants=(copied,)), ScriptedBot(reply("hi")))
    accepted = await desk.accept(mail(2, "me too", author=replace(LI, stranger=True)))
    assert accepted.message.kind is MessageKind.CUSTOMER
    assert accepted.message.details["author"]["stranger"] is False
    people = await desk.store.read(lambda uow: uow.participants.of(first.conversation.id))
    assert [(one.address, one.part) for one in people] == [("li@qingchuan.example", Part.CC)]


async def test_the_contacts_own_other_address_is_theirs(desk: Desk) -> None:
    chat = inbound(1, handle="visitor", profile={"email": "wang@home.example"})
    await desk.turn(chat, ScriptedBot(reply("hi")))
    own = Author(address="Wang@Home.example", stranger=True)
    by_mail = replace(inbound(2, "I am back"), subject="Re: chat", author=own)
    accepted = await desk.accept(by_mail)
    assert accepted.message.kind is MessageKind.CUSTOMER
    assert "author" not in accepted.message.details


@pytest.mark.parametrize("solved", [False, True])
async def test_an_out_of_office_changes_nothing(staffed: Desk, *, solved: bool) -> None:
    first = await staffed.turn(mail(1), ScriptedBot(reply("hi")))
    if solved:
        await staffed.store.write(
            lambda uow: conversations.solve(
                uow, ADA, first.conversation.id, now=clock(), new_id=new_id
            )
        )
    before = await staffed.conversation(first)
    for number in (2, 3):
        away = mail(number, "我在休假", automatic=Automatic.AUTO_REPLY)
        accepted = await staffed.accept(away)
        assert not accepted.owes_turn
        assert accepted.message.kind is MessageKind.NOTE
    after = await staffed.conversation(first)
    assert after == replace(before, last_seq=before.last_seq + 2)
    assert await staffed.store.read(lambda uow: uow.holds.newest(EVERYTHING, limit=9)) == []


async def test_what_looks_automatic_and_answers_nothing_of_ours_is_held(desk: Desk) -> None:
    """The subject "Holiday" alone must not hide a customer's question."""
    accepted = await desk.accept(mail(1, "my booking", automatic=Automatic.AUTO_REPLY))
    found = await desk.conversation(accepted)
    assert (found.status, found.unread) == (ConversationStatus.OPEN, 1)
    assert accepted.message.details["aside"] == "automatic"
    (hold,) = await desk.store.read(lambda uow: uow.holds.newest(EVERYTHING, limit=9))
    assert hold.message_id == accepted.message.id


async def test_whoever_a_third_party_copies_is_a_stranger(desk: Desk) -> None:
    """The channel knows the colleague from the third party's letter; the customer does not."""
    first = await desk.turn(mail(1), ScriptedBot(reply("hi")))
    conversation_id = first.conversation.id
    supplier = Party(address="supplier@third.example")
    await desk.store.write(lambda uow: join(uow, first.conversation, [(supplier, Part.THIRD)]))
    colleague = Participant(address="colleague@third.example", role="cc")
    third = Author(address=supplier.address)
    answer = await desk.accept(mail(2, "spare part", author=third, participants=(colleague,)))
    assert answer.message.details["aside"] == "third"
    accepted = await desk.accept(mail(3, "and me", author=Author(address=colleague.address)))
    assert accepted.message.details["aside"] == "stranger"
    people = await desk.store.read(lambda uow: uow.participants.of(conversation_id))
    assert [one.address for one in people] == [supplier.address]
    found = await desk.conversation(first)
    usual = await desk.store.read(lambda uow: usual_recipients(uow, found))
    assert [one.address for one in (*usual.to, *usual.cc)] == [found.handle]


@pytest.mark.parametrize("doubt", list(Doubt)[1:])
async def test_a_doubtful_letter_joins_nobody_and_waits_for_the_team(
    staffed: Desk, doubt: Doubt
) -> None:
    inbox = replace(LETTERS, team_id="shop")
    context = replace(staffed.context(), inboxes={LETTERS.id: inbox})
    eve = Participant(address="eve@evil.example", role="cc")
    item = replace(inbound(1, "hi", LETTERS), doubt=doubt, participants=(eve,))

    def work(uow: UnitOfWork) -> Accepted:
        (accepted,) = receive_batch(uow, [item], context)
        return accepted

    accepted = await staffed.store.write(work)
    assert accepted.conversation.team_id == "shop"
    assert not accepted.owes_turn
    people = await staffed.store.read(lambda uow: uow.participants.of(accepted.conversation.id))
    assert people == []


@pytest.mark.parametrize("automatic", [Automatic.LIST, Automatic.GENERATED])
async def test_generated_mail_goes_to_people_unanswered(desk: Desk, automatic: Automatic) -> None:
    accepted = await desk.accept(mail(1, "disk full", automatic=automatic))
    assert not accepted.owes_turn
    found = await desk.conversation(accepted)
    assert found.controller is Controller.QUEUE
    ticket = await desk.store.read(lambda uow: uow.tickets.get(found.ticket_id or ""))
    assert (ticket.reason, ticket.subject) == ("automatic", "登录失败")
    assert texts_of(await desk.messages(accepted), MessageKind.BOT) == []


@pytest.mark.parametrize("doubt", [Doubt.UNREADABLE, Doubt.OVERSIZE])
async def test_what_is_doubtful_is_held(desk: Desk, doubt: Doubt) -> None:
    accepted = await desk.accept(mail(1, "", doubt=doubt, raw="b1"))
    assert (accepted.message.kind, accepted.owes_turn) == (MessageKind.NOTE, False)
    assert accepted.message.details["aside"] == doubt.value
    assert len(await desk.store.read(lambda uow: uow.holds.newest(EVERYTHING, limit=9))) == 1


async def test_a_sender_gets_so_many_automatic_answers_a_day(desk: Desk) -> None:
    bot = ScriptedBot(reply("hi"))
    last: Accepted | None = None
    for number in range(CAP + 1):
        message = replace(
            inbound(number, "loop", LETTERS, handle="robot@x.example", thread=f"t{number}"),
            subject="loop",
        )
        last = await desk.accept(message)
        if last.owes_turn:
            await desk.apply(await desk.take(bot, last))
    assert bot.was_asked(CAP)
    assert last is not None
    found = await desk.conversation(last)
    ticket = await desk.store.read(lambda uow: uow.tickets.get(found.ticket_id or ""))
    assert ticket.reason == "mail_cap"


@pytest.mark.parametrize("cap", ["DOMAIN_CAP", "INBOX_CAP"])
async def test_robots_with_fresh_addresses_are_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, cap: str
) -> None:
    monkeypatch.setattr(asides, cap, 2)
    bot = ScriptedBot(reply("hi"))
    for number in range(3):
        domain = "x.example" if cap == "DOMAIN_CAP" else f"x{number}.example"
        message = replace(
            inbound(number, "loop", LETTERS, handle=f"r{number}@{domain}"), subject="loop"
        )
        last = await desk.accept(message)
        if last.owes_turn:
            await desk.apply(await desk.take(bot, last))
    assert bot.was_asked(2)


async def test_thanks_for_what_is_solved_opens_nothing(staffed: Desk) -> None:
    first = await staffed.turn(mail(1), ScriptedBot(reply("hi")))
    await staffed.store.write(
        lambda uow: conversations.solve(
            uow, ADA, first.conversation.id, now=clock(), new_id=new_id
        )
    )
    thanks = await staffed.accept(mail(2, "好的，谢谢！"))
    assert not thanks.owes_turn
    assert thanks.message.kind is MessageKind.CUSTOMER
    assert (await staffed.conversation(first)).status is ConversationStatus.SOLVED
    file = Attachment(blob="b", name="a.png", mime="image/png", size=1)
    await staffed.accept(mail(3, "谢谢", attachments=(file,)))
    assert (await staffed.conversation(first)).status is ConversationStatus.OPEN


async def test_a_letter_may_need_no_answer(desk: Desk) -> None:
    silent = Reply(
        messages=(),
        state=reply("x").state,
        language=reply("x").language,
        catalogue_version="v1",
        understanding=Understanding(intent="thanks", confidence=0.9),
    )
    accepted = await desk.turn(mail(1, "谢谢"), ScriptedBot(silent))
    found = await desk.conversation(accepted)
    assert (found.waiting_since, found.unread, found.turned_seq) == (None, 0, 1)
    assert len(await desk.messages(accepted)) == 1


async def test_a_letter_is_answered_by_the_same_bot_days_later(desk: Desk) -> None:
    """Mail is slow: what the bot said yesterday is what today's mail answers."""
    bot = ScriptedBot(reply("hi"))
    first = replace(inbound(1, "a", LETTERS, handle="w@x.example"), subject="s")
    accepted = await desk.turn(first, bot)

    def age(uow: UnitOfWork) -> None:
        found = uow.conversations.get(accepted.conversation.id, lock=True)
        uow.conversations.update([replace(found, last_message_at=clock() - 2 * 86_400_000)])

    await desk.store.write(age)
    again = await desk.accept(replace(first, external_id="later", text="still not"))
    await desk.take(bot, again)
    assert bot.asked[-1].state.turns == 1
    assert bot.asked[-1].letter
