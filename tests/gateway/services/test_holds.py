"""What agents decide about letters that are held."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from bot.contract import HandoffReason
from channels.contract import MessageKind
from channels.keeping import Thread
from channels.letters import Author, Doubt
from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.errors import ConflictError, NotFoundError
from gateway.domain.letters import Part
from gateway.ports.store import UnitOfWork
from gateway.services import conversations, holds
from gateway.services.intake import Accepted
from gateway.wiring.ids import clock, new_id
from tests.gateway.services.desk import PUSH, Desk, ScriptedBot, handoff, reply
from tests.gateway.services.staff import ADA, ANN, CAI, activities, audited, standing
from tests.gateway.services.test_letters import mail

STRANGER = Author(address="zhao@elsewhere.example", name="赵六", stranger=True)


async def held(desk: Desk, *, bot: bool = False) -> Accepted:
    """A stranger's letter into a conversation that the bot or the queue has."""
    said = reply("hi") if bot else handoff(HandoffReason.WISH)
    await desk.turn(mail(1), ScriptedBot(said))
    return await desk.accept(mail(2, "我是她的同事", author=STRANGER))


async def test_a_stranger_joins_and_what_they_wrote_counts(staffed: Desk) -> None:
    stranger = await held(staffed)
    conversation_id = stranger.conversation.id
    word = await staffed.store.write(
        partial(holds.let_join, actor=ADA, message_id=stranger.message.id, now=9, new_id=new_id)
    )
    assert (word.kind, word.seq) == (MessageKind.CUSTOMER, stranger.message.seq)
    assert word.details["author"]["stranger"] is False
    assert "aside" not in word.details
    people = await staffed.store.read(lambda uow: uow.participants.of(conversation_id))
    assert [(one.address, one.part) for one in people] == [(STRANGER.address, Part.CC)]
    found, _ = await standing(staffed, conversation_id)
    assert (found.preview, found.unread) == ("我是她的同事", 2)
    assert (await activities(staffed, conversation_id))[-1] == "joined"
    assert "message.joined" in await audited(staffed)
    again = await staffed.accept(mail(3, "danke", author=STRANGER))
    assert again.message.kind is MessageKind.CUSTOMER
    with pytest.raises(ConflictError):
        await staffed.store.write(
            partial(holds.discard, actor=ADA, message_id=word.id, reason="x", now=9)
        )


async def test_who_joins_while_the_bot_is_in_charge_gets_a_person(staffed: Desk) -> None:
    stranger = await held(staffed, bot=True)
    await staffed.store.write(
        partial(holds.let_join, actor=ANN, message_id=stranger.message.id, now=9, new_id=new_id)
    )
    found, ticket = await standing(staffed, stranger.conversation.id)
    assert found.controller is Controller.QUEUE
    assert ticket is not None
    assert ticket.reason == "joined"
    assert found.turned_seq >= stranger.message.seq


async def test_joining_reopens_what_was_solved(staffed: Desk) -> None:
    stranger = await held(staffed)
    await staffed.store.write(
        partial(
            conversations.solve,
            actor=ADA,
            conversation_id=stranger.conversation.id,
            now=clock(),
            new_id=new_id,
        )
    )
    await staffed.store.write(
        partial(holds.let_join, actor=ADA, message_id=stranger.message.id, now=9, new_id=new_id)
    )
    found, ticket = await standing(staffed, stranger.conversation.id)
    assert found.status is ConversationStatus.OPEN
    assert ticket is not None
    assert ticket.state.value == "open"


async def test_a_stranger_goes_apart(staffed: Desk) -> None:
    stranger = await held(staffed)
    ref = stranger.message.external_id or ""
    old = Thread(inbox_id=PUSH.id, handle="wang@qingchuan.example")
    await staffed.store.write(lambda uow: uow.threads.add(PUSH.id, [ref], old, now=1))
    own = await staffed.store.write(
        partial(holds.separate, actor=ADA, message_id=stranger.message.id, now=9, new_id=new_id)
    )
    assert own.id != stranger.conversation.id
    assert (own.handle, own.controller) == (STRANGER.address, Controller.QUEUE)
    (word,) = await staffed.store.read(lambda uow: uow.messages.page(own.id, limit=9))
    assert (word.id, word.kind, word.seq) == (stranger.message.id, MessageKind.CUSTOMER, 1)
    assert word.author_id == own.contact_id
    contact = await staffed.store.read(lambda uow: uow.contacts.get(own.contact_id))
    assert (contact.name, contact.email) == ("赵六", STRANGER.address)
    tied = await staffed.store.read(lambda uow: uow.threads.find(PUSH.id, [ref]))
    assert tied[ref] == Thread(inbox_id=PUSH.id, handle=own.handle, thread=own.thread)
    left, _ = await standing(staffed, stranger.conversation.id)
    assert left.unread == 1, "the handed-over question"
    assert (await activities(staffed, left.id))[-1] == "separated"


async def test_both_names_of_a_separated_letter_lead_to_its_own_conversation(
    staffed: Desk,
) -> None:
    await staffed.turn(mail(1), ScriptedBot(handoff(HandoffReason.WISH)))
    letter = replace(mail(2, author=STRANGER), external_id="s1@x 0123456789ab")
    stranger = await staffed.accept(letter)
    refs = [letter.external_id, "s1@x", "other@x"]
    old = Thread(inbox_id=PUSH.id, handle=letter.handle)
    await staffed.store.write(lambda uow: uow.threads.add(PUSH.id, refs, old, now=1))
    own = await staffed.store.write(
        partial(holds.separate, actor=ADA, message_id=stranger.message.id, now=9, new_id=new_id)
    )
    tied = await staffed.store.read(lambda uow: uow.threads.find(PUSH.id, refs))
    new = Thread(inbox_id=PUSH.id, handle=own.handle, thread=own.thread)
    assert tied == {refs[0]: new, refs[1]: new, refs[2]: old}


async def test_a_conversation_of_nothing_but_what_was_discarded_is_done_with(
    staffed: Desk,
) -> None:
    doubtful = await staffed.accept(mail(1, "", doubt=Doubt.UNREADABLE))
    message_id = doubtful.message.id
    await staffed.store.write(
        partial(holds.discard, actor=ANN, message_id=message_id, reason="广告", now=9)
    )
    assert (await staffed.conversation(doubtful)).status is ConversationStatus.SOLVED
    await staffed.store.write(partial(holds.restore, actor=ANN, message_id=message_id, now=10))
    assert (await staffed.conversation(doubtful)).status is ConversationStatus.OPEN


async def test_the_second_of_two_decisions_is_refused(staffed: Desk) -> None:
    stranger = await held(staffed)
    decide = partial(
        holds.separate, actor=ADA, message_id=stranger.message.id, now=9, new_id=new_id
    )
    await staffed.store.write(decide)
    with pytest.raises(ConflictError, match="any more"):
        await staffed.store.write(decide)


async def test_discarded_and_held_again(staffed: Desk) -> None:
    stranger = await held(staffed)
    before = await staffed.conversation(stranger)
    discarded = await staffed.store.write(
        partial(holds.discard, actor=ANN, message_id=stranger.message.id, reason="广告", now=9)
    )
    assert discarded.details["decision"] == {
        "verdict": "discarded",
        "by": "Ann",
        "at": 9,
        "reason": "广告",
    }
    assert discarded.kind is MessageKind.NOTE
    assert await staffed.conversation(stranger) == before
    assert await staffed.store.read(lambda uow: holds.held_messages(uow, ADA, 9)) == []
    await staffed.store.write(
        partial(holds.restore, actor=ANN, message_id=stranger.message.id, now=10)
    )
    (again,) = await staffed.store.read(lambda uow: holds.held_messages(uow, ADA, 9))
    assert "decision" not in again.details
    with pytest.raises(ConflictError, match="Only a discarded"):
        await staffed.store.write(
            partial(holds.restore, actor=ANN, message_id=stranger.message.id, now=10)
        )


async def test_a_doubtful_letter_is_released_or_not_let_in_as_a_stranger(staffed: Desk) -> None:
    doubtful = await staffed.accept(mail(1, "很大的邮件", doubt=Doubt.OVERSIZE))
    with pytest.raises(ConflictError, match="release or discard"):
        await staffed.store.write(
            partial(
                holds.let_join, actor=ADA, message_id=doubtful.message.id, now=9, new_id=new_id
            )
        )
    await staffed.store.write(
        partial(holds.release, actor=ADA, message_id=doubtful.message.id, now=9, new_id=new_id)
    )
    found, ticket = await standing(staffed, doubtful.conversation.id)
    assert (found.controller, found.preview) == (Controller.QUEUE, "很大的邮件")
    assert ticket is not None
    assert ticket.subject == "登录失败"
    with pytest.raises(ConflictError):
        await staffed.store.write(
            partial(holds.release, actor=ADA, message_id=doubtful.message.id, now=9, new_id=new_id)
        )


async def test_another_teams_letters_are_not_there(staffed: Desk) -> None:
    stranger = await held(staffed)

    def move(uow: UnitOfWork) -> None:
        found = uow.conversations.get(stranger.conversation.id, lock=True)
        uow.conversations.update([replace(found, team_id="first")])

    await staffed.store.write(move)
    assert await staffed.store.read(lambda uow: holds.held_messages(uow, CAI, 9)) == []
    with pytest.raises(NotFoundError):
        await staffed.store.write(
            partial(holds.discard, actor=CAI, message_id=stranger.message.id, reason="x", now=9)
        )
