"""Letters: who gets them, what they answer, what they name."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from channels.contract import InboundMessage, MessageKind
from channels.letters import Author, Automatic, Doubt, Letter, Participant, Party, Quoted
from gateway.domain.conversation import Conversation
from gateway.ports.store import UnitOfWork
from gateway.services.delivery import Ready, claim_deliveries
from gateway.services.letters import letter_of
from gateway.services.wire import decode_inbound, encode_inbound
from gateway.wiring.ids import clock
from tests.gateway.services.desk import PUSH, Desk, ScriptedBot, inbound, reply

HANDLE = "wang@qingchuan.example"
WANG = Party(address=HANDLE, name="王芳")
LI = Author(address="li@qingchuan.example", name="李强")


def mail(number: int, text: str = "hello", **changes: Any) -> InboundMessage:
    made = inbound(number, text, PUSH, handle=HANDLE, profile={"name": "王芳"})
    return replace(made, subject="登录失败", sent_at=1000 + number, **changes)


async def claim(desk: Desk, *letters: str) -> list[Ready]:
    work = partial(
        claim_deliveries,
        worker="w",
        now=clock(),
        lease=90_000,
        limit=9,
        busy={},
        letters=letters,
    )
    return await desk.store.write(work)


async def letter(desk: Desk, conversation: Conversation, **details: Any) -> Letter:
    def work(uow: UnitOfWork) -> Letter:
        (message,) = uow.messages.page(
            conversation.id, limit=1, kinds=frozenset({MessageKind.BOT})
        )
        chosen = {"letter": details} if details else {}
        written = replace(message, kind=MessageKind.AGENT, details=chosen)
        return letter_of(uow, conversation, written)

    return await desk.store.read(work)


async def test_only_letter_channels_get_letters(desk: Desk) -> None:
    await desk.turn(mail(1), ScriptedBot(reply("hi")))
    (ready,) = await claim(desk)
    assert ready.outbound.letter is None


async def test_a_letter_answers_the_customers_message(desk: Desk) -> None:
    accepted = await desk.turn(mail(1, "密码忘了"), ScriptedBot(reply("hi")))
    assert accepted.conversation.subject == "登录失败"
    (ready,) = await claim(desk, PUSH.id)
    assert ready.outbound.letter == Letter(
        subject="登录失败",
        to=(WANG,),
        references=(accepted.message.external_id or "",),
        quoted=Quoted(author=WANG, at=1001, text="密码忘了"),
    )


async def test_a_participant_is_answered_and_the_customer_reads_it(desk: Desk) -> None:
    copied = Participant(address=LI.address, name=LI.name, role="cc")
    await desk.turn(mail(1, participants=(copied,)), ScriptedBot(reply("hi")))
    accepted = await desk.turn(mail(2, author=LI), ScriptedBot(reply("hi")))
    found = await letter(desk, accepted.conversation)
    assert (found.to, found.cc) == ((Party(address=LI.address, name=LI.name),), (WANG,))


async def test_a_stranger_gets_nothing(desk: Desk) -> None:
    stranger = replace(LI, stranger=True)
    accepted = await desk.turn(mail(1, author=stranger), ScriptedBot(reply("hi")))
    found = await letter(desk, accepted.conversation)
    assert (found.to, found.cc) == ((WANG,), ())


async def test_an_agents_choice_stands(desk: Desk) -> None:
    accepted = await desk.turn(mail(1, author=LI), ScriptedBot(reply("hi")))
    found = await letter(
        desk,
        accepted.conversation,
        subject="Re: 登录",
        to=[{"address": "a@b.example", "name": "A"}],
        bcc=[{"address": "c@d.example"}],
        html="<p>hi</p>",
    )
    assert (found.subject, found.html) == ("Re: 登录", "<p>hi</p>")
    assert found.to == (Party(address="a@b.example", name="A"),)
    assert (found.cc, found.bcc) == ((), (Party(address="c@d.example"),))


async def test_what_a_letter_brings_is_kept_with_the_message(desk: Desk) -> None:
    message = mail(
        1,
        raw="a1",
        html="b2",
        automatic=Automatic.LIST,
        doubt=Doubt.OVERSIZE,
        author=LI,
        participants=(Participant(address="cc@qingchuan.example", role="cc"),),
        facts={"spf": "pass"},
    )
    assert decode_inbound(encode_inbound(message)) == message
    accepted = await desk.accept(message)
    stored = await desk.store.read(lambda uow: uow.messages.get(accepted.message.id))
    assert stored.details == {
        "raw": "a1",
        "html": "b2",
        "subject": "登录失败",
        "automatic": "list",
        "doubt": "oversize",
        "author": {"address": LI.address, "name": LI.name, "stranger": True},
        "participants": [{"address": "cc@qingchuan.example", "name": "", "role": "cc"}],
        "facts": {"spf": "pass"},
        "aside": "oversize",
    }


async def test_the_first_subject_stays(desk: Desk) -> None:
    await desk.turn(inbound(1, inbox=PUSH, handle=HANDLE), ScriptedBot(reply("hi")))
    await desk.turn(mail(2), ScriptedBot(reply("hi")))
    accepted = await desk.turn(replace(mail(3), subject="other"), ScriptedBot(reply("hi")))
    assert accepted.conversation.subject == "登录失败"
