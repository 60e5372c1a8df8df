import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.contract import MessageKind
from gateway.domain.conversation import Controller
from gateway.ports.conversations import Scope, SearchHit
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore, open_store
from gateway.store.keys import AesSecretBox
from gateway.store.search import index_words, snippet
from tests.gateway.store import samples

LI = Scope(agent_id="li", everything=False, team_ids=("sales",))


async def index(store: SqlStore) -> None:
    while await store.write(lambda unit: unit.messages.index_pending(100)):
        pass


async def found(
    store: SqlStore, words: str, scope: Scope = samples.EVERYTHING, limit: int = 20
) -> list[SearchHit]:
    return await store.read(lambda unit: unit.conversations.search(scope, words, limit))


async def ids(store: SqlStore, words: str, scope: Scope = samples.EVERYTHING) -> list[str]:
    return [hit.row.conversation.id for hit in await found(store, words, scope)]


TEXTS = {
    "invoice": "请问电子发票的税号填错了怎么改？",
    "refund": "退款什么时候到账，订单号 QD202503040017",
    "mail": "The Outlook add-in can't connect to imap.qingchuan.example, error 0x800CCC0E",
    "trad": "請問發票抬頭可以更改嗎",
    "seal": "电子印章 USB Key 插上不亮",
}


@pytest.fixture
async def shelf(desk: SqlStore) -> SqlStore:
    """A conversation for each text, the later ones newer."""

    def add(unit: UnitOfWork) -> None:
        for n, (name, text) in enumerate(TEXTS.items()):
            unit.conversations.add([samples.conversation(id=name, last_message_at=100 + n)])
            unit.messages.add([samples.message(1, text, id=f"m-{name}", conversation_id=name)])

    await desk.write(add)
    await index(desk)
    return desk


FOUND = {
    "税号": ["invoice"],
    "發票": ["trad", "invoice"],
    "发票": ["trad", "invoice"],
    "发票 税号": ["invoice"],
    "税号填错": ["invoice"],
    "填错 退款": [],
    "税": ["invoice"],
    "吗": ["trad"],
    "电子": ["seal", "invoice"],
    "outlook": ["mail"],
    "ADD-IN": ["mail"],
    "qingchuan.example": ["mail"],
    "0x800ccc0e": ["mail"],
    "outl": ["mail"],
    "in": ["mail"],
    "QD2025": ["refund"],
    "usb key": ["seal"],
    "ＵＳＢ": ["seal"],
    "电子 usb": ["seal"],
    "": [],
    "  ": [],
    "？！": [],
}


async def test_words_are_found(shelf: SqlStore) -> None:
    assert {words: await ids(shelf, words) for words in FOUND} == FOUND


HOSTILE = (
    '"',
    "'",
    "a' OR '1'='1",
    'x" OR "y',
    "税 AND NOT 号",
    "NEAR(a b)",
    "*",
    "a*",
    "words:税",
    "^税",
    "{a} : b",
    "%",
    "_",
    "\\",
    "a\\'b",
    ":*",
    "a & | ! b <-> c",
    "\x00",
    "\ud800",
    "#",
    "#99999999999999999999",
    "-1",
    "税" * 100_000,
    "a" * 100_000,
    "a " * 50_000,
    "١٢٣",
    "e\u0301\u0327",
    "😀",
    "ß ŉ İ",
)


async def test_hostile_words_find_nothing_and_raise_nothing(shelf: SqlStore) -> None:
    for words in HOSTILE:
        assert set(await ids(shelf, words)) <= {*TEXTS, "conversation"}, words[:20]


async def test_whatever_is_typed(url: str, box: AesSecretBox) -> None:
    store = open_store(url, secrets=box)
    await store.write(samples.add_conversation)
    asked: list[str] = []

    @settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.text(max_size=40))
    def collect(words: str) -> None:
        asked.append(words)

    collect()
    for n, words in enumerate(asked):
        await find_what_was_written(store, n + 1, words)
    await store.close()


async def find_what_was_written(store: SqlStore, seq: int, words: str) -> None:
    storable = words.replace("\x00", "").encode("utf-8", "ignore").decode()
    await store.write(lambda unit: unit.messages.add([samples.message(seq, storable)]))
    await index(store)
    hits = await ids(store, words)
    assert hits == (["conversation"] if index_words(words) else [])


async def test_newest_first_one_hit_for_each_conversation(desk: SqlStore) -> None:
    def add(unit: UnitOfWork) -> None:
        for n in range(30):
            unit.conversations.add([samples.conversation(id=f"c{n:02}", last_message_at=n)])
            unit.messages.add(
                [
                    samples.message(seq, f"broadband {seq}", conversation_id=f"c{n:02}")
                    for seq in range(1, 12)
                ]
            )

    await desk.write(add)
    await index(desk)
    hits = await found(desk, "broadband", limit=10)
    assert [hit.row.conversation.id for hit in hits] == [f"c{n}" for n in range(29, 19, -1)]
    assert {hit.snippet for hit in hits} == {"broadband 11"}
    everyone = await found(desk, "broadband", limit=100)
    assert len(everyone) == 30


async def test_only_what_the_agent_may_see(desk: SqlStore) -> None:
    def add(unit: UnitOfWork) -> None:
        owned = ((None, None), ("sales", None), ("care", None), ("care", "li"))
        for number, (team, agent) in enumerate(owned, 10001):
            name = f"{team}-{agent}"
            changed = samples.conversation(
                id=name, team_id=team, agent_id=agent, controller=Controller.QUEUE
            )
            unit.conversations.add([changed])
            unit.messages.add([samples.message(1, "网络很慢", conversation_id=name)])
            unit.tickets.add(samples.ticket(number, conversation_id=name))

    await desk.write(add)
    await index(desk)
    seen = {"None-None", "sales-None", "care-li"}
    assert set(await ids(desk, "很慢", LI)) == seen
    assert set(await ids(desk, "很慢")) == seen | {"care-None"}
    assert await ids(desk, "10003", LI) == []
    assert await ids(desk, "10003") == ["care-None"]


@pytest.mark.parametrize("words", ["10001", "#10001", " 10001 "])
async def test_a_tickets_number_leads(desk: SqlStore, words: str) -> None:
    def add(unit: UnitOfWork) -> None:
        unit.conversations.add([samples.conversation(id="newer", last_message_at=9)])
        unit.messages.add([samples.message(1, "about 10001", conversation_id="newer")])
        unit.messages.add([samples.message(1, "10001 too")])
        unit.tickets.add(samples.ticket(10001))

    await desk.write(add)
    await index(desk)
    assert await ids(desk, words) == ["conversation", "newer"]


async def test_contact_subject_and_ticket(desk: SqlStore) -> None:
    def add(unit: UnitOfWork) -> None:
        person = samples.contact(
            id="p", name="欧阳修", email="ouyang@qingchuan.example", phone="400-555-0199"
        )
        unit.contacts.add([person], [])
        unit.conversations.add(
            [
                samples.conversation(id="theirs", contact_id="p"),
                samples.conversation(id="mail", subject="合同 renewal"),
            ]
        )
        unit.tickets.add(samples.ticket(10001, subject="宽带报修"))

    await desk.write(add)
    await index(desk)
    assert await ids(desk, "欧阳") == ["theirs"]
    assert await ids(desk, "ouyang@qingchuan.example") == ["theirs"]
    assert await ids(desk, "400-555-0199") == ["theirs"]
    assert await ids(desk, "合同") == ["mail"]
    assert await ids(desk, "报修") == ["conversation"]
    hit = (await found(desk, "欧阳"))[0]
    assert (hit.message_id, hit.snippet) == (
        "",
        "欧阳修 · ouyang@qingchuan.example · 400-555-0199",
    )


async def test_what_was_changed_is_found_under_its_new_words_only(desk: SqlStore) -> None:
    def add(unit: UnitOfWork) -> None:
        unit.contacts.update(samples.contact(name="欧阳修"))
        unit.conversations.update([samples.conversation(subject="合同")])
        unit.tickets.add(samples.ticket(10001, subject="报修"))

    def change(unit: UnitOfWork) -> None:
        unit.contacts.update(samples.contact(name="苏东坡"))
        unit.conversations.update([samples.conversation(subject="赔偿")])
        unit.tickets.update(samples.ticket(10001, subject="投诉"))

    await desk.write(add)
    await index(desk)
    for words in ("欧阳", "合同", "报修"):
        assert await ids(desk, words) == ["conversation"]
    await desk.write(change)
    await index(desk)
    for words in ("欧阳", "合同", "报修"):
        assert await ids(desk, words) == []
    for words in ("苏东坡", "赔偿", "投诉"):
        assert await ids(desk, words) == ["conversation"]


async def test_notes_are_found_and_activities_are_not(desk: SqlStore) -> None:
    note = samples.message(1, "客户很着急", kind=MessageKind.NOTE)
    activity = samples.message(2, "已转接", kind=MessageKind.ACTIVITY)
    await desk.write(lambda unit: unit.messages.add([note, activity]))
    await index(desk)
    hits = await found(desk, "着急")
    assert [hit.message_id for hit in hits] == [note.id]
    assert await ids(desk, "转接") == []


async def test_indexing_goes_by_pieces_and_says_how_much(desk: SqlStore) -> None:
    rows = [samples.message(n, f"word{n}") for n in range(1, 8)]
    await desk.write(lambda unit: unit.messages.add(rows))
    done = [await desk.write(lambda unit: unit.messages.index_pending(3)) for _ in range(4)]
    assert done == [3, 3, 1, 0]
    assert await ids(desk, "word7") == ["conversation"]


async def test_what_waits_is_indexed_or_given_up_one_by_one(desk: SqlStore) -> None:
    rows = [samples.message(n, f"word{n}") for n in (1, 2, 3)]
    await desk.write(lambda unit: unit.messages.add(rows))
    waiting = await desk.read(lambda unit: unit.messages.unindexed(9))
    assert [(item.kind, item.ref) for item in waiting] == [("message", row.id) for row in rows]
    assert await desk.read(lambda unit: unit.messages.unindexed(1)) == waiting[:1]
    await desk.write(lambda unit: unit.messages.leave_unindexed(waiting[0].number))
    for _ in range(2):  # the second time it waits no more
        await desk.write(lambda unit: unit.messages.index_one(waiting[1].number))
    assert await desk.read(lambda unit: unit.messages.unindexed(9)) == waiting[2:]
    assert await ids(desk, "word1") == []
    assert await ids(desk, "word2") == ["conversation"]


async def test_two_processes_index_together(migrated_postgres_url: str, box: AesSecretBox) -> None:
    stores = [open_store(migrated_postgres_url, secrets=box) for _ in range(2)]
    await stores[0].write(samples.add_conversation)
    rows = [samples.message(n, f"word{n}") for n in range(1, 101)]
    await stores[0].write(lambda unit: unit.messages.add(rows))
    await asyncio.gather(*(index(opened) for opened in stores))
    for n in (1, 50, 100):
        assert await ids(stores[0], f"word{n}") == ["conversation"]
    for opened in stores:
        await opened.close()


def test_a_very_long_message_has_an_end() -> None:
    assert len(index_words("".join(chr(0x4E00 + n % 20000) for n in range(50_000)))) <= 8_001
    assert max(map(len, index_words("x" * 100_000))) == 64


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("短", "短", "短"),
        ("first\n second\tthird", "third", "first second third"),
        ("前" * 100 + "税号" + "后" * 300, "税号", "…" + "前" * 30 + "税号" + "后" * 88 + "…"),
        ("前" * 100 + "稅號" + "后" * 10, "税号", "…" + "前" * 30 + "稅號" + "后" * 10),
        ("a" * 100 + " Refund now", "REFUND", "…" + "a" * 29 + " Refund now"),
        ("x" * 200, "missing", "x" * 120 + "…"),
        ("", "x", ""),
    ],
)
def test_the_snippet_shows_the_words_in_their_place(text: str, words: str, expected: str) -> None:
    assert snippet(text, words, [words]) == expected
