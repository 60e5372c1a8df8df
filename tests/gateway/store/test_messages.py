from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from channels.contract import Attachment, MessageKind, MessageState, QuickReply
from gateway.domain.conversation import PUBLIC_KINDS, Message
from gateway.domain.errors import ConflictError, NotFoundError
from gateway.domain.records import Mark, PastLine, StateUpdate
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore
from tests.gateway.store import samples


def adding(*messages: Message) -> Callable[[UnitOfWork], None]:
    return lambda unit: unit.messages.add(messages)


async def get(store: SqlStore, message_id: str) -> Message:
    return await store.read(lambda unit: unit.messages.get(message_id))


async def test_every_field_comes_back(talk: SqlStore) -> None:
    picture = Attachment(
        blob="0" * 64,
        name="图.png",
        mime="image/png",
        size=9,
        width=1,
        height=2,
        thumbnail="1" * 64,
    )
    file = Attachment(blob="2" * 64, name="a.pdf", mime="application/pdf", size=2**40)
    full = samples.reply(
        3,
        "答案\n第二行",
        state=MessageState.SENT,
        author_id="li",
        author_name="李",
        payload="/yes",
        choices=(QuickReply(title="是", payload="/yes"), QuickReply(title="否", payload="/no")),
        attachments=(picture, file),
        article="refunds",
        external_id="x-1",
        in_reply_to="x-0",
        failure="gone",
        sent_at=2**52,
        details={"intent": "refund", "confidence": 0.25, "list": [1, None], "名": "值"},
    )
    await talk.write(adding(full))
    assert await get(talk, full.id) == full


async def test_several_by_id(talk: SqlStore) -> None:
    first, second = samples.message(1), samples.message(2)
    await talk.write(adding(first, second))
    wanted = [second.id, "missing", first.id, first.id]
    found = await talk.read(lambda unit: unit.messages.by_ids(wanted))
    assert found == {first.id: first, second.id: second}
    with pytest.raises(NotFoundError):
        await get(talk, "missing")


async def test_known_are_customers_messages_of_the_inbox(talk: SqlStore) -> None:
    asked = samples.message(1, external_id="x")
    answered = samples.reply(2, external_id="y")
    await talk.write(adding(asked, answered, samples.message(3, external_id="z")))
    pairs = [("inbox", "x"), ("inbox", "y"), ("other", "x"), ("inbox", "x"), ("inbox", "")]
    assert await talk.read(lambda unit: unit.messages.known(pairs)) == {("inbox", "x"): asked}
    assert await talk.read(lambda unit: unit.messages.known([])) == {}


async def test_a_customers_external_id_comes_once(talk: SqlStore) -> None:
    await talk.write(adding(samples.message(1, external_id="x")))
    with pytest.raises(ConflictError):
        await talk.write(adding(samples.message(2, external_id="x")))
    ours = [samples.reply(n, external_id="x") for n in (2, 3)]
    await talk.write(adding(*ours, samples.message(4), samples.message(5)))


async def test_a_seq_comes_once_in_a_conversation(talk: SqlStore) -> None:
    await talk.write(adding(samples.message(1)))
    with pytest.raises(ConflictError):
        await talk.write(adding(samples.reply(1)))


async def test_pages(talk: SqlStore) -> None:
    kinds = [MessageKind.CUSTOMER, MessageKind.NOTE, MessageKind.BOT]
    await talk.write(adding(*(samples.message(n, kind=kinds[n % 3]) for n in range(1, 31))))

    async def seqs(**asked: Any) -> list[int]:
        rows = await talk.read(lambda unit: unit.messages.page("conversation", **asked))
        return [row.seq for row in rows]

    assert await seqs(limit=3) == [28, 29, 30]
    assert await seqs(limit=3, before=28) == [25, 26, 27]
    assert await seqs(limit=3, after=4) == [5, 6, 7]
    assert await seqs(limit=9, after=4, before=7) == [5, 6]
    assert await seqs(limit=3, after=30) == []
    public = await talk.read(
        lambda unit: unit.messages.page("conversation", limit=4, kinds=PUBLIC_KINDS)
    )
    assert [row.seq for row in public] == [26, 27, 29, 30]
    assert await talk.read(lambda unit: unit.messages.page("missing", limit=4)) == []


async def test_recent_are_the_newest_public_ones(talk: SqlStore) -> None:
    other = samples.conversation(id="other")
    await talk.write(lambda unit: unit.conversations.add([other]))
    mine = [samples.message(n) for n in (1, 2, 3)]
    note = samples.message(4, kind=MessageKind.NOTE)
    theirs = samples.message(1, conversation_id="other")
    await talk.write(adding(*mine, note, theirs))
    wanted = ["conversation", "other", "none", "other"]
    found = await talk.read(lambda unit: unit.messages.recent(wanted, 2))
    lines = [PastLine(item.seq, item.kind, item.text) for item in (*mine[1:], theirs)]
    assert found == {"conversation": lines[:2], "other": lines[2:], "none": []}


async def test_unfetched_are_outgoing_ones_that_were_sent(talk: SqlStore) -> None:
    pending, sent = samples.reply(2), samples.reply(3, state=MessageState.SENT)
    later = samples.reply(5, state=MessageState.SENT, kind=MessageKind.AGENT)
    asked = samples.message(1, state=MessageState.SENT)
    await talk.write(adding(later, sent, pending, asked))
    assert await talk.read(lambda unit: unit.messages.unfetched("conversation")) == [sent, later]
    assert await talk.read(lambda unit: unit.messages.unfetched("none")) == []


async def test_marks_raise_what_is_below_them(talk: SqlStore) -> None:
    other = samples.conversation(id="other", key="web\x1fother\x1f")
    mine = samples.conversation(id="mine", key="web\x1fmine\x1f")
    await talk.write(lambda unit: unit.conversations.add([mine, other]))

    def said(seq: int, state: MessageState, conversation: str = "mine", **more: Any) -> Message:
        return samples.reply(
            seq,
            id=f"{conversation}{seq}",
            conversation_id=conversation,
            state=state,
            in_reply_to=f"x{seq}",
            **more,
        )

    await talk.write(
        adding(
            samples.message(1, id="asked", conversation_id="mine", state=MessageState.SENT),
            said(2, MessageState.SENT),
            said(3, MessageState.DELIVERED, sent_at=5),
            said(4, MessageState.FAILED, failure="gone"),
            said(5, MessageState.SENT, kind=MessageKind.AGENT),
            said(6, MessageState.SENT),
            said(2, MessageState.SENT, "other"),
            said(3, MessageState.SENT, "other"),
        )
    )
    marks = [
        Mark("web", "mine", 5, MessageState.READ),
        Mark("web", "other", 9, MessageState.DELIVERED, in_reply_to="x3"),
        Mark("web", "nobody", 9, MessageState.READ),
    ]
    raised = await talk.write(lambda unit: unit.messages.raise_states(marks, 20))
    assert [{one.message_id for one in several} for several in raised] == [
        {"mine2", "mine3", "mine5"},
        {"other3"},
        set(),
    ]
    assert {one.conversation_id for one in raised[0]} == {"mine"}
    rows = await talk.read(lambda unit: unit.messages.by_ids(["mine2", "mine3", "mine4", "mine6"]))
    assert {key: (m.state, m.sent_at) for key, m in rows.items()} == {
        "mine2": (MessageState.READ, 20),
        "mine3": (MessageState.READ, 5),
        "mine4": (MessageState.FAILED, None),
        "mine6": (MessageState.SENT, None),
    }
    again = await talk.write(lambda unit: unit.messages.raise_states(marks, 30))
    assert again == [[], [], []], "nothing goes back or on twice"


async def test_how_far_messages_got(talk: SqlStore) -> None:
    one, two = samples.reply(1), samples.reply(2)
    await talk.write(adding(one, two))

    async def mark(*updates: StateUpdate) -> list[Message]:
        await talk.write(lambda unit: unit.messages.set_states(updates))
        return await talk.read(lambda unit: unit.messages.page("conversation", limit=9))

    failed = StateUpdate(message_id=two.id, state=MessageState.FAILED, at=10, failure="gone")
    sent = StateUpdate(message_id=one.id, state=MessageState.SENT, at=10, external_id="x")
    one = replace(one, state=MessageState.SENT, external_id="x", sent_at=10)
    two = replace(two, state=MessageState.FAILED, failure="gone")
    assert await mark(sent, failed) == [one, two]
    assert await talk.read(lambda unit: unit.messages.failed(9)) == [two]
    one = replace(one, state=MessageState.READ)
    two = replace(two, state=MessageState.DELIVERED, failure=None, sent_at=30)
    assert await mark(
        StateUpdate(message_id=one.id, state=MessageState.READ, at=20),
        StateUpdate(message_id=two.id, state=MessageState.DELIVERED, at=30),
    ) == [one, two]
    assert await talk.read(lambda unit: unit.messages.failed(9)) == []


async def test_failed_newest_first(talk: SqlStore) -> None:
    made = [samples.reply(n, state=MessageState.FAILED, created_at=n // 2) for n in range(1, 8)]
    await talk.write(adding(*made))
    found = await talk.read(lambda unit: unit.messages.failed(3))
    assert found == sorted(made, key=lambda m: (m.created_at, m.id), reverse=True)[:3]
