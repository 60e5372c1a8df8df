"""Letters that agents write: chosen recipients, first words, forwarding, corrected addresses."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot.contract import HandoffReason
from channels.contract import Attachment, Capabilities, DeliveryReport, MessageKind, MessageState
from channels.letters import Author, Letter, Participant, Party
from gateway.domain.conversation import Controller
from gateway.domain.errors import InvalidInputError
from gateway.domain.letters import Part
from gateway.ports.store import UnitOfWork
from gateway.services.addressing import MOST_RECIPIENTS, LetterChoice
from gateway.services.outreach import Forward, begin, forward
from gateway.services.replies import Draft, reply, resend
from gateway.services.reports import note_report
from gateway.wiring.ids import clock, new_id
from tests.gateway.services.desk import PUSH, Desk, ScriptedBot, handoff
from tests.gateway.services.staff import ADA, ANN, standing
from tests.gateway.services.test_letters import WANG, claim, mail
from tests.gateway.store.samples import EVERYTHING

CAN = Capabilities(letters=True, attachments=True, max_text=5000, max_files_bytes=1000)
LI = Party(address="li@qingchuan.example", name="李强")
EXPERT = Party(address="expert@maker.example", name="Expert")
FILE = Attachment(blob="b1", name="scan.png", mime="image/png", size=10)


def letters(_: str) -> Capabilities:
    return CAN


async def write(desk: Desk, work: Any, **more: Any) -> Any:
    arguments = {"capabilities_of": letters, "now": clock(), "new_id": new_id, **more}
    return await desk.store.write(partial(work, actor=ADA, **arguments))


async def asked(desk: Desk, **changes: Any) -> str:
    """The id of a conversation by letter that waits for people."""
    accepted = await desk.turn(mail(1, **changes), ScriptedBot(handoff(HandoffReason.WISH)))
    await claim(desk, PUSH.id)  # the bot's own letter is out of the way
    await desk.store.write(lambda uow: uow.outbox.remove([1]))
    return accepted.conversation.id


async def letter_out(desk: Desk) -> Letter:
    (ready,) = await claim(desk, PUSH.id)
    assert ready.outbound.letter is not None
    return ready.outbound.letter


async def test_an_inbox_of_another_team_is_not_written_from(staffed: Desk) -> None:
    def give(uow: UnitOfWork) -> None:
        uow.inboxes.update(replace(uow.inboxes.get(PUSH.id), team_id="second"))

    await staffed.store.write(give)
    draft = Draft(text="您好", letter=LetterChoice(subject="s", to=(WANG,)))
    more: dict[str, Any] = {"capabilities_of": letters, "now": clock(), "new_id": new_id}
    with pytest.raises(InvalidInputError, match="another team's"):
        await staffed.store.write(partial(begin, actor=ANN, inbox_id=PUSH.id, draft=draft, **more))


async def test_an_answer_goes_to_everybody_and_carries_the_number(staffed: Desk) -> None:
    copied = Participant(address=LI.address, name=LI.name, role="cc")
    conversation_id = await asked(staffed, participants=(copied,))
    await write(staffed, reply, conversation_id=conversation_id, draft=Draft(text="好了"))
    _, ticket = await standing(staffed, conversation_id)
    assert ticket is not None
    letter = await letter_out(staffed)
    assert (letter.to, letter.cc) == ((WANG,), (LI,))
    assert letter.subject == f"登录失败 [#{ticket.number}]"


async def test_a_chosen_letter_stands_and_its_readers_take_part(staffed: Desk) -> None:
    conversation_id = await asked(staffed)
    choice = LetterChoice(
        subject="您的密码", to=(WANG,), cc=(LI,), bcc=(EXPERT,), html="<p>好了</p>"
    )
    draft = Draft(text="好了", letter=choice)
    message = await write(staffed, reply, conversation_id=conversation_id, draft=draft)
    assert message.details["letter"]["bcc"] == [{"address": EXPERT.address, "name": "Expert"}]
    letter = await letter_out(staffed)
    assert (letter.to, letter.cc, letter.bcc) == ((WANG,), (LI,), (EXPERT,))
    assert letter.subject.startswith("您的密码 [#")
    assert letter.html == "<p>好了</p>"
    people = await staffed.store.read(lambda uow: uow.participants.of(conversation_id))
    assert [(one.address, one.part) for one in people] == [(LI.address, Part.CC)], "not the Bcc"


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        (LetterChoice(to=()), "/letter/to"),
        (LetterChoice(to=(WANG,) * (MOST_RECIPIENTS + 1)), "/letter/to"),
    ],
)
async def test_a_letter_to_nobody_or_to_a_crowd_is_refused(
    staffed: Desk, choice: LetterChoice, field: str
) -> None:
    conversation_id = await asked(staffed)
    with pytest.raises(InvalidInputError) as error:
        await write(
            staffed,
            reply,
            conversation_id=conversation_id,
            draft=Draft(text="x", letter=choice),
        )
    assert error.value.field == field


async def test_a_chat_takes_no_letter(staffed: Desk) -> None:
    conversation_id = await asked(staffed)
    with pytest.raises(InvalidInputError, match="no subject"):
        await write(
            staffed,
            reply,
            conversation_id=conversation_id,
            draft=Draft(text="x", letter=LetterChoice()),
            capabilities_of=lambda _: Capabilities(),
        )


async def test_an_agent_writes_first(staffed: Desk) -> None:
    choice = LetterChoice(subject="回访", to=(Party(address="Neu@X.example", name="Neu"), LI))
    draft = Draft(text="您好", letter=choice)
    message = await write(staffed, begin, inbox_id=PUSH.id, draft=draft)
    found, ticket = await standing(staffed, message.conversation_id)
    assert (found.controller, found.agent_id) == (Controller.AGENT, ADA.id)
    assert (found.handle, found.subject) == ("neu@x.example", "回访")
    assert ticket is not None
    letter = await letter_out(staffed)
    assert (letter.to, letter.references, letter.quoted) == (choice.to, (), None)
    again = await write(staffed, begin, inbox_id=PUSH.id, draft=draft)
    other, _ = await standing(staffed, again.conversation_id)
    assert other.id != found.id
    assert other.contact_id == found.contact_id


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        (LetterChoice(subject="x"), "/letter/to"),
        (LetterChoice(to=(LI,)), "/letter/subject"),
    ],
)
async def test_first_words_need_a_reader_and_a_subject(
    staffed: Desk, choice: LetterChoice, field: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        await write(staffed, begin, inbox_id=PUSH.id, draft=Draft(text="x", letter=choice))
    assert error.value.field == field


async def test_a_third_party_is_asked_and_answers_to_agents_alone(staffed: Desk) -> None:
    conversation_id = await asked(staffed, text="密码忘了", attachments=(FILE,))
    before, _ = await standing(staffed, conversation_id)
    (question,) = await staffed.store.read(
        lambda uow: uow.messages.page(
            conversation_id, limit=1, kinds=frozenset({MessageKind.CUSTOMER})
        )
    )
    sent = await write(
        staffed, forward, message_id=question.id, wish=Forward(to=(EXPERT,), text="请看")
    )
    assert (sent.kind, sent.attachments) == (MessageKind.NOTE, (FILE,))
    assert sent.text.startswith("请看")
    assert "王芳 <wang@qingchuan.example>" in sent.text
    assert "密码忘了" in sent.text
    after, _ = await standing(staffed, conversation_id)
    assert (after.waiting_since, after.unread) == (before.waiting_since, before.unread)
    (ready,) = await claim(staffed, PUSH.id)
    letter = ready.outbound.letter
    assert letter is not None
    assert (letter.to, letter.references, letter.quoted) == ((EXPERT,), (), None)
    assert letter.subject.startswith("Fwd: 登录失败 [#")
    assert ready.outbound.message.kind is MessageKind.AGENT, "no automatic mail"
    answer = await staffed.accept(
        mail(2, "It is broken", author=Author(address=EXPERT.address, stranger=True))
    )
    assert answer.message.kind is MessageKind.NOTE
    assert answer.message.details["aside"] == "third"
    assert await staffed.store.read(lambda uow: uow.holds.newest(EVERYTHING, limit=9)) == []
    await write(staffed, reply, conversation_id=conversation_id, draft=Draft(text="好了"))
    await staffed.store.write(lambda uow: uow.outbox.remove([ready.delivery.id]))
    letter = await letter_out(staffed)
    assert EXPERT.address not in {one.address for one in (*letter.to, *letter.cc)}


async def test_a_bounce_of_a_forward_is_shown_on_it(staffed: Desk) -> None:
    conversation_id = await asked(staffed)
    (question, *_) = await staffed.store.read(
        lambda uow: uow.messages.page(conversation_id, limit=9)
    )
    sent = await write(staffed, forward, message_id=question.id, wish=Forward(to=(EXPERT,)))
    report = DeliveryReport(
        inbox_id=PUSH.id, state=MessageState.FAILED, reason="5.1.1 no", message_id=sent.id
    )
    assert await staffed.store.write(partial(note_report, report=report, now=clock()))
    found = await staffed.store.read(lambda uow: uow.messages.get(sent.id))
    assert (found.state, found.failure) == (MessageState.FAILED, "5.1.1 no")


async def test_a_failed_letter_goes_to_the_right_address(staffed: Desk) -> None:
    conversation_id = await asked(staffed)
    message = await write(
        staffed, reply, conversation_id=conversation_id, draft=Draft(text="好了")
    )
    report = DeliveryReport(
        inbox_id=PUSH.id, state=MessageState.FAILED, reason="no", message_id=message.id
    )
    await staffed.store.write(partial(note_report, report=report, now=clock()))
    await staffed.store.write(lambda uow: uow.outbox.remove(range(1, 9)))
    right = Party(address="wang@right.example", name="王芳")
    await staffed.store.write(
        partial(resend, actor=ADA, message_id=message.id, to=(right,), now=clock())
    )
    letter = await letter_out(staffed)
    assert letter.to == (right,)
    assert letter.quoted is not None
    back = Author(address=right.address, stranger=True)
    answer = await staffed.accept(mail(2, "danke", author=back))
    assert answer.message.kind is MessageKind.CUSTOMER, "whom we wrote to is no stranger"


async def test_what_is_no_letter_has_no_address_to_correct(staffed: Desk) -> None:
    conversation_id = await asked(staffed)
    (*_, said) = await staffed.store.read(
        lambda uow: uow.messages.page(conversation_id, limit=9, kinds=frozenset({MessageKind.BOT}))
    )
    report = DeliveryReport(
        inbox_id=PUSH.id, state=MessageState.FAILED, reason="no", message_id=said.id
    )
    await staffed.store.write(partial(note_report, report=report, now=clock()))
    with pytest.raises(InvalidInputError, match="no recipients"):
        await staffed.store.write(
            partial(resend, actor=ADA, message_id=said.id, to=(LI,), now=clock())
        )
