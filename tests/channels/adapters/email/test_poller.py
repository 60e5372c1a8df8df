"""A mailbox whose server gives some messages only badly, or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from channels.adapters.email.errors import LOST, LostError, MailServerError, unexpected
from channels.adapters.email.health import FETCHING, HealthKeeper
from channels.adapters.email.imap import Folder, ImapSession
from channels.adapters.email.poller import Cursor, Poller
from channels.letters import Doubt
from tests.channels.adapters.email.post import WANG, mail
from tests.channels.adapters.email.test_receiving import Desk


class Box:
    """A session whose server does as it is told; of `bad` mails it gives no body."""

    def __init__(self, *numbers: int, **faults: Any) -> None:
        self.mails = {number: mail(number, str(number)) for number in numbers}
        self.bad: dict[int, Exception] = faults.get("bad", {})
        self.headless: set[int] = faults.get("headless", set())
        self.omitted: set[int] = faults.get("omitted", set())
        self.unsized: set[int] = faults.get("unsized", set())
        self.next_uid: int | None = faults.get("next_uid", max(numbers) + 1)
        self.validity: int = faults.get("validity", 1)

    async def open(self, name: str) -> Folder:
        return Folder(name=name, validity=self.validity, next_uid=self.next_uid)

    async def search(self, criteria: str) -> list[int]:
        return [] if criteria.startswith("SINCE") else sorted(self.mails)

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        return {uid: len(self.mails[uid]) for uid in uids if uid not in self.unsized}

    async def fetch(self, uids: Sequence[int]) -> dict[int, bytes]:
        for uid in uids:
            if uid in self.bad:
                raise self.bad[uid]
        return {uid: self.mails[uid] for uid in uids if uid not in self.omitted}

    async def fetch_heads(self, uids: Sequence[int]) -> dict[int, bytes]:
        if self.headless.intersection(uids):
            raise MailServerError(unexpected("NO"))
        return {uid: self.mails[uid].partition(b"\r\n\r\n")[0] for uid in uids}


class Fetching:
    """A poller over services in memory that looks when it is told."""

    def __init__(self) -> None:
        self.desk = Desk(imap_host="imap.shop.example")
        bench = self.desk.bench
        self.poller = Poller(
            settings=self.desk.settings,
            receiver=self.desk.receiver,
            state=bench.context.state,
            tokens=SimpleNamespace(),  # type: ignore[arg-type]
            health=HealthKeeper(bench.context.state, bench.context.now, FETCHING),
            now=bench.context.now,
        )

    async def look(self, box: Box, times: int = 1, *, uid: int = 0) -> None:
        if "cursor:INBOX" not in self.desk.bench.state.values:
            now = self.desk.bench.now()
            cursor = Cursor(validity=1, uid=uid, at=now, since=now)
            await self.poller._keep("INBOX", cursor)
        for _ in range(times):
            with suppress(MailServerError, TimeoutError):
                await self.poller._look(box)  # type: ignore[arg-type]

    @property
    def got(self) -> list[tuple[str, Doubt]]:
        return [(one.text.strip(), one.doubt) for one in self.desk.bench.sink.messages]

    @property
    def read_to(self) -> int:
        return int(json.loads(self.desk.bench.state.values["cursor:INBOX"])["uid"])


REFUSAL = MailServerError(unexpected("NO [SERVERBUG] cannot fetch"))


@pytest.mark.parametrize(
    ("error", "looks"), [(REFUSAL, 4), (TimeoutError(), 4), (LostError(LOST), 10)]
)
async def test_a_message_that_is_not_given_is_shown_by_its_head(
    error: Exception, looks: int
) -> None:
    fetching = Fetching()
    box = Box(1, 2, 3, bad={2: error})
    await fetching.look(box, looks)
    assert fetching.got == [("1", Doubt.NONE)], "it is asked for several times"
    assert fetching.read_to == 1
    await fetching.look(box)
    assert fetching.got == [("1", Doubt.NONE), ("", Doubt.UNREADABLE), ("3", Doubt.NONE)]
    assert fetching.desk.bench.sink.messages[1].handle == WANG
    assert fetching.read_to == 3


async def test_of_a_message_without_even_a_head_the_uid_is_shown() -> None:
    fetching = Fetching()
    await fetching.look(Box(1, 2, 3, bad={2: REFUSAL}, headless={2}), 9)
    assert [doubt for _, doubt in fetching.got] == [Doubt.NONE, Doubt.UNREADABLE, Doubt.NONE]
    assert "UID 2" in fetching.desk.bench.sink.messages[1].subject


async def test_a_message_that_is_given_at_last_is_read() -> None:
    fetching = Fetching()
    box = Box(1, 2, 3, bad={2: REFUSAL})
    await fetching.look(box, 3)
    box.bad.clear()
    await fetching.look(box)
    assert [text for text, _ in fetching.got] == ["1", "2", "3"]


@pytest.mark.parametrize("fault", ["omitted", "unsized"])
async def test_what_an_answer_leaves_out_is_not_passed_over(fault: str) -> None:
    fetching = Fetching()
    faults: dict[str, Any] = {fault: {2}}
    box = Box(1, 2, 3, **faults)
    await fetching.look(box, 2)
    assert fetching.read_to < 2
    getattr(box, fault).clear()
    await fetching.look(box)
    assert [text for text, _ in fetching.got] == ["1", "2", "3"]


async def test_what_is_never_in_an_answer_holds_up_nothing() -> None:
    fetching = Fetching()
    await fetching.look(Box(1, 2, 3, unsized={2}), 9)
    assert [doubt for _, doubt in fetching.got] == [Doubt.NONE, Doubt.UNREADABLE, Doubt.NONE]
    assert fetching.read_to == 3


async def test_what_went_meanwhile_is_none() -> None:
    fetching = Fetching()
    box = Box(1, 2, 3, omitted={2})
    searched = box.search

    async def search(criteria: str) -> list[int]:
        return [] if criteria == "UID 2" else await searched(criteria)

    box.search = search  # type: ignore[method-assign]
    await fetching.look(box)
    assert [text for text, _ in fetching.got] == ["1", "3"]


async def test_new_uids_without_a_next_one_import_no_old_mail() -> None:
    fetching = Fetching()
    box = Box(1, 2, 3, validity=2, next_uid=None)
    await fetching.look(box, uid=50)
    assert fetching.got == []
    box.mails[4] = mail(4, "4")
    await fetching.look(box)
    assert [text for text, _ in fetching.got] == ["4"]


async def test_only_lines_of_the_search_count() -> None:
    class Client:
        async def uid_search(self, criteria: str, charset: None) -> Any:
            lines = [
                b"2 3",
                b"* 23 EXISTS",
                b"* SEARCH 4",
                b"* 1 RECENT",
                b"23 EXISTS",
                b"",
                b"5 OK",
            ]
            return SimpleNamespace(result="OK", lines=lines)

    session = ImapSession("imap.shop.example", 993)
    session._client = Client()
    assert await session.search("ALL") == [2, 3, 4]
