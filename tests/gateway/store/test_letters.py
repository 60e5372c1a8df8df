"""What conversations by letter have, on both databases."""

from __future__ import annotations

from dataclasses import replace

from channels.contract import MessageKind, MessageState
from channels.keeping import Thread
from gateway.domain.letters import Hold, Part, Participation
from gateway.domain.people import Team
from gateway.ports.conversations import Scope
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore
from tests.gateway.store.samples import EVERYTHING, contact, conversation, message


def somebody(address: str, part: Part = Part.CC, name: str = "") -> Participation:
    return Participation(conversation_id="conversation", address=address, name=name, part=part)


async def test_participants_stay_as_they_came(talk: SqlStore) -> None:
    first = [somebody("b@x.example", Part.THIRD, "B"), somebody("a@x.example")]
    await talk.write(lambda unit: unit.participants.add(first))
    again = [somebody("b@x.example", Part.TO, "Other"), somebody("c@x.example", Part.TO)]
    await talk.write(lambda unit: unit.participants.add(again))
    found = await talk.read(lambda unit: unit.participants.of("conversation"))
    assert found == [first[1], first[0], again[1]]
    await talk.write(lambda unit: unit.participants.remove("conversation", "a@x.example"))
    found = await talk.read(lambda unit: unit.participants.of("conversation"))
    assert [one.address for one in found] == ["b@x.example", "c@x.example"]


async def test_a_hold_ends_once(talk: SqlStore) -> None:
    def put(unit: UnitOfWork) -> None:
        notes = [message(id=f"m{n}", seq=10 + n, kind=MessageKind.NOTE) for n in (1, 2)]
        unit.messages.add(notes)
        unit.holds.add(
            [Hold(message_id=m.id, conversation_id=m.conversation_id, since=m.seq) for m in notes]
        )

    await talk.write(put)
    held = await talk.read(lambda unit: unit.holds.newest(EVERYTHING, limit=5))
    assert [hold.message_id for hold in held] == ["m2", "m1"]
    assert await talk.write(lambda unit: unit.holds.remove("m2"))
    assert not await talk.write(lambda unit: unit.holds.remove("m2"))
    assert len(await talk.read(lambda unit: unit.holds.newest(EVERYTHING, limit=5))) == 1


async def test_a_note_that_came_is_known_when_it_comes_again(talk: SqlStore) -> None:
    note = message(id="n1", seq=10, kind=MessageKind.NOTE, external_id="<a@b>")
    await talk.write(lambda unit: unit.messages.add([note]))
    found = await talk.read(lambda unit: unit.messages.known([("inbox", "<a@b>")]))
    assert found["inbox", "<a@b>"].id == "n1"


async def test_a_message_is_written_anew(talk: SqlStore) -> None:
    note = message(id="n1", seq=10, kind=MessageKind.NOTE, text="Quittung")
    await talk.write(lambda unit: unit.messages.add([note]))
    word = replace(note, kind=MessageKind.CUSTOMER, details={"decision": {"by": "Ann"}})
    await talk.write(lambda unit: unit.messages.update(word))
    assert await talk.read(lambda unit: unit.messages.get("n1")) == word


async def test_what_the_bot_said_is_counted_up_to_a_limit(talk: SqlStore) -> None:
    def put(unit: UnitOfWork) -> None:
        said = [
            message(id=f"b{n}", seq=20 + n, kind=MessageKind.BOT, created_at=100 + n)
            for n in range(4)
        ]
        unit.messages.add([*said, message(id="a", seq=30, kind=MessageKind.AGENT, created_at=200)])
        found = unit.conversations.get("conversation", lock=True)
        unit.conversations.update([replace(found, last_message_at=200)])

    await talk.write(put)

    async def count(since: int, limit: int = 9) -> int:
        return await talk.read(
            lambda unit: unit.messages.said_by_bot("contact", since=since, limit=limit)
        )

    assert [await count(0), await count(102), await count(0, 2), await count(300)] == [4, 2, 2, 0]


async def test_a_reference_is_tied_to_another_thread(talk: SqlStore) -> None:
    old, new = Thread(inbox_id="inbox", handle="a"), Thread(inbox_id="inbox", handle="b")
    await talk.write(lambda unit: unit.threads.add("inbox", ["r", "s"], old, now=1))
    await talk.write(lambda unit: unit.threads.move("inbox", "r", new))
    found = await talk.read(lambda unit: unit.threads.find("inbox", ["r", "s"]))
    assert found == {"r": new, "s": old}


async def test_chats_wait_to_be_mailed_until_that_is_noted(talk: SqlStore) -> None:
    def put(unit: UnitOfWork) -> None:
        unit.contacts.update(contact(email="wang@x.example"))
        unit.contacts.add([contact(id="nobody")], [])
        unit.conversations.add(
            [conversation(id="silent", contact_id="nobody", last_message_at=100)]
        )
        found = unit.conversations.get("conversation", lock=True)
        unit.conversations.update([replace(found, last_message_at=100)])
        for place, start in (("conversation", 40), ("silent", 1)):
            unit.messages.add(
                [
                    message(
                        id=f"{place}{n}",
                        conversation_id=place,
                        seq=start + n,
                        kind=MessageKind.AGENT,
                        state=MessageState.SENT,
                        created_at=50 + n,
                    )
                    for n in range(2)
                ]
            )

    await talk.write(put)

    async def waiting(since: int = 0, before: int = 90) -> list[tuple[str, int]]:
        found = await talk.read(
            lambda unit: unit.mailings.waiting("inbox", since=since, before=before, limit=9)
        )
        return [(one.conversation_id, one.mailed_seq) for one in found]

    assert await waiting() == [("conversation", 0)], "the other left no address"
    assert await waiting(since=101) == []
    assert await waiting(before=49) == []
    await talk.write(lambda unit: unit.mailings.note("conversation", 40))
    assert await waiting() == [("conversation", 40)]
    await talk.write(lambda unit: unit.mailings.note("conversation", 41))
    assert await waiting() == []


async def test_what_others_have_takes_no_place_in_the_list(talk: SqlStore) -> None:
    """A thousand held messages of another team must not hide the one of ours."""
    ours = Scope(agent_id="li", everything=False, team_ids=("sales",))

    def plant(unit: UnitOfWork) -> None:
        unit.agents.add_team(Team(id="sales", name="Sales"))
        unit.agents.add_team(Team(id="other", name="Other"))
        for number, team in enumerate(("sales", "other", "other"), 1):
            made = conversation(id=f"c{number}", team_id=team)
            unit.conversations.add([made])
            held = message(1, id=f"m{number}", conversation_id=made.id)
            unit.messages.add([held])
            unit.holds.add([Hold(message_id=held.id, conversation_id=made.id, since=number)])

    await talk.write(plant)
    found = await talk.read(lambda unit: unit.holds.newest(ours, limit=1))
    assert [hold.message_id for hold in found] == ["m1"]
    assert await talk.read(lambda unit: unit.holds.count(ours, limit=9)) == 1
    assert await talk.read(lambda unit: unit.holds.count(EVERYTHING, limit=2)) == 2
    elsewhere = await talk.read(
        lambda unit: unit.holds.newest(EVERYTHING, inbox_id="nowhere", limit=9)
    )
    assert elsewhere == []
