"""A chat goes on by mail when its visitor left."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bot.contract import HandoffReason
from channels.contract import Capabilities, MessageKind, MessageState
from channels.letters import Author, Party
from gateway.domain.records import StateUpdate
from gateway.ports.store import UnitOfWork
from gateway.services.delivery import claim_deliveries
from gateway.services.mailing import LATEST_MS, QUIET_MS, mail_unseen
from gateway.services.replies import Draft, reply
from gateway.wiring.ids import clock, new_id
from gateway.workers.mailing import ChatMailer
from tests.gateway.services.desk import LETTERS, MAILBOX, Desk, ScriptedBot, handoff, inbound
from tests.gateway.services.desk import reply as bot_reply
from tests.gateway.services.staff import ADA, activities

EMAIL = "wang@home.example"


async def chat(desk: Desk, email: str = EMAIL) -> str:
    """A chat that a person answered; its visitor has fetched nothing."""
    asked = inbound(1, "我的订单呢", profile={"name": "王芳", "email": email})
    accepted = await desk.turn(asked, ScriptedBot(handoff(HandoffReason.WISH)))
    await say(desk, accepted.conversation.id, "已经发出")
    return accepted.conversation.id


async def say(desk: Desk, conversation_id: str, text: str, at: int | None = None) -> None:
    await desk.store.write(
        partial(
            reply,
            actor=ADA,
            conversation_id=conversation_id,
            draft=Draft(text=text),
            capabilities_of=lambda _: Capabilities(mailbox=True, max_text=99),
            now=at or clock(),
            new_id=new_id,
        )
    )


async def look(desk: Desk, after: int = QUIET_MS + 1000) -> int:
    work = partial(
        mail_unseen, inbox=MAILBOX, mail_inbox=LETTERS, now=clock() + after, new_id=new_id
    )
    return await desk.store.write(work)


async def test_what_was_not_seen_is_mailed_once(staffed: Desk) -> None:
    conversation_id = await chat(staffed)
    assert await look(staffed, after=1000) == 0, "they may still be there"
    assert await look(staffed) == 1
    assert await look(staffed) == 0
    work = partial(
        claim_deliveries,
        worker="w",
        now=clock() + 2 * QUIET_MS,
        lease=9,
        limit=9,
        busy={},
        letters=[LETTERS.id],
    )
    (ready,) = await staffed.store.write(work)
    assert ready.outbound.inbox_id == LETTERS.id
    assert ready.outbound.message.conversation_id == conversation_id
    assert ready.outbound.message.kind is MessageKind.AGENT
    letter = ready.outbound.letter
    assert letter is not None
    assert letter.to == (Party(address=EMAIL, name="王芳"),)
    assert letter.subject.startswith("Your chat with us [#")
    assert "已经发出" in ready.outbound.message.text
    assert "A colleague will answer." in ready.outbound.message.text
    assert (await activities(staffed, conversation_id))[-1] == "mailed"


async def test_who_came_back_gets_no_mail(staffed: Desk) -> None:
    conversation_id = await chat(staffed)

    def fetch(uow: UnitOfWork) -> None:
        seen = uow.messages.unfetched(conversation_id)
        uow.messages.set_states(
            [StateUpdate(message_id=m.id, state=MessageState.DELIVERED, at=1) for m in seen]
        )

    await staffed.store.write(fetch)
    assert await look(staffed) == 0


async def test_without_an_address_and_for_old_news_there_is_no_mail(staffed: Desk) -> None:
    await chat(staffed, email="")
    assert await look(staffed) == 0


async def test_old_news_is_not_mailed(staffed: Desk) -> None:
    await chat(staffed)
    assert await look(staffed, after=LATEST_MS + 1000) == 0


async def test_somebody_who_still_writes_is_waited_for(staffed: Desk) -> None:
    conversation_id = await chat(staffed)
    await say(staffed, conversation_id, "还有一件事", at=clock() + QUIET_MS)
    assert await look(staffed) == 0
    assert await look(staffed, after=2 * QUIET_MS + 1000) == 1


async def test_the_answer_by_mail_goes_on_in_the_chat(staffed: Desk) -> None:
    conversation_id = await chat(staffed)
    await look(staffed)
    own = Author(address=EMAIL.title(), name="王芳", stranger=True)
    back = replace(inbound(2, "收到了，谢谢你们"), subject="Re: chat", author=own)
    accepted = await staffed.accept(back)
    assert accepted.conversation.id == conversation_id
    assert accepted.message.kind is MessageKind.CUSTOMER
    await say(staffed, conversation_id, "不客气", at=clock() + 60_000)
    assert await look(staffed, after=60_000 + QUIET_MS + 1000) == 1

    def newest(uow: UnitOfWork) -> str:
        (message,) = uow.messages.page(conversation_id, limit=1)
        return message.text

    text = await staffed.store.read(newest)
    assert "不客气" in text
    assert "已经发出" not in text, "that was mailed before"


async def test_the_timer_serves_inboxes_that_are_set_up_for_it(staffed: Desk) -> None:
    await staffed.turn(inbound(1, "hi", profile={"email": EMAIL}), ScriptedBot(bot_reply("hello")))
    later = clock() + QUIET_MS + 1000
    mailer = ChatMailer(staffed.store, lambda: later, new_id, "me")
    assert await mailer.mail() == 0
    linked = replace(MAILBOX, mail_inbox_id=LETTERS.id)
    await staffed.store.write(lambda uow: uow.inboxes.update(linked))
    other = ChatMailer(staffed.store, lambda: later, new_id, "other")
    assert (await mailer.mail(), await other.mail()) == (1, 0)
