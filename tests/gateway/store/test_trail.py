from gateway.domain.records import TurnRecord
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore
from tests.gateway.store import samples


def hop(message_id: str, kind: Hop, at: int) -> TrailEntry:
    return TrailEntry(
        message_id=message_id, hop=kind, outcome=Outcome.RETRY, reason="busy", ms=3, at=at
    )


async def test_hops_in_order(talk: SqlStore) -> None:
    hops = {n: [hop(f"m{n}", Hop.ACCEPTED, 2**52), hop(f"m{n}", Hop.TURN, 1)] for n in range(1, 6)}

    def add(unit: UnitOfWork) -> None:
        unit.messages.add([samples.message(n, id=f"m{n}") for n in range(1, 7)])
        for step in (0, 1):
            unit.trail.add([hops[n][step] for n in hops])

    await talk.write(add)
    assert await talk.read(lambda unit: unit.trail.of_message("m2")) == hops[2]
    assert await talk.read(lambda unit: unit.trail.of_message("m6")) == []
    some = await talk.read(lambda unit: unit.trail.of_messages(["m3", "none", "m1", "m3", "m6"]))
    assert some == {"m1": hops[1], "m3": hops[3]}
    newest = await talk.read(lambda unit: unit.trail.of_conversation("conversation", 3))
    assert list(newest.items()) == [("m4", hops[4]), ("m5", hops[5])]
    assert await talk.read(lambda unit: unit.trail.of_conversation("none", 3)) == {}


async def test_what_the_bot_decided(talk: SqlStore) -> None:
    turn = TurnRecord(
        message_id="m1",
        conversation_id="conversation",
        intent="refund",
        confidence=0.8125,
        decision="reply",
        reason="answered",
        article="refunds",
        catalogue_version="abc",
        ms=2,
        created_at=2**52,
    )
    bare = TurnRecord(
        message_id="m2",
        conversation_id="conversation",
        intent=None,
        confidence=0.0,
        decision="handoff",
        reason="unknown",
        article=None,
        catalogue_version="abc",
        ms=2,
        created_at=1,
    )

    def add(unit: UnitOfWork) -> None:
        unit.messages.add([samples.message(n, id=f"m{n}") for n in (1, 2)])
        unit.turns.add([turn, bare])

    await talk.write(add)
    assert await talk.read(lambda unit: unit.turns.of_message("m1")) == turn
    assert await talk.read(lambda unit: unit.turns.of_message("m2")) == bare
    assert await talk.read(lambda unit: unit.turns.of_message("m3")) is None
