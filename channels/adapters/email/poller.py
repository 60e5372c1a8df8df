"""Fetches mail from one mailbox: folder by folder by UID, then waits for news.

What was taken is remembered as the highest UID of each folder, written after the mails are
durable; a crash in between fetches the last few again, and their ids show that. When a folder's
UIDVALIDITY changes, UIDs mean nothing any more: what came since shortly before is looked at again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from channels.adapters.email.errors import (
    FAULT,
    WAITS,
    FolderError,
    LostError,
    MailServerError,
    SignInError,
    in_words,
    left_out,
)
from channels.adapters.email.health import HealthKeeper
from channels.adapters.email.imap import IDLE_SECONDS, Folder, ImapSession
from channels.adapters.email.oauth import Tokens
from channels.adapters.email.receiver import Receiver, Taken
from channels.adapters.email.settings import EmailSettings
from channels.adapters.email.tls import tls_context
from channels.errors import SinkFullError, UnavailableError
from channels.keeping import ChannelState, Leases
from channels.letters import Doubt

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH: Final = 20  # mails that are fetched at once
BATCH_BYTES: Final = 8_000_000
SIZES_AT_ONCE: Final = 100
AT_ONCE: Final = 16  # mails that wait for the bus
MARGIN: Final = 2 * 86_400_000  # ms before the last look that a new UIDVALIDITY makes us look at
LOOK_SECONDS: Final = 15.0  # between looks for a wish to catch up
PAUSES: Final = (1, 2, 5, 10, 20, 40, 60)  # seconds before the next connection
REFUSED_PAUSES: Final = (60, 120, 300, 900)  # the same when we were turned away
GIVEN_UP: Final = 9  # trouble after which a message is shown by its head, twice: by its UID
REFUSED: Final = 3  # the trouble of a message that was asked for alone, and not given
BROKEN: Final = 1  # the same where the line broke, which may be the line's fault
CATCH_UP: Final = "catch_up"
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a folder was read, and when; earlier mail than of `since` is none of ours.

    Times in ms since the epoch.
    """

    validity: int
    uid: int
    at: int
    since: int


class Poller:
    """One mailbox's loop.

    Args:
        settings: where the mailbox is.
        receiver: what takes the mails.
        state: where the cursors lie.
        tokens: for OAuth.
        health: learns how it goes.
        now: ms since the epoch.
    """

    def __init__(
        self,
        *,
        settings: EmailSettings,
        receiver: Receiver,
        state: ChannelState,
        tokens: Tokens,
        health: HealthKeeper,
        now: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._receiver = receiver
        self._state = state
        self._tokens = tokens
        self._health = health
        self._now = now
        self._nudged = asyncio.Event()
        self._worked = False  # whether the present connection was of use
        self._troubles: dict[tuple[str, int, int], int] = {}  # of messages that were not given
        self._next_uid: int | None = None  # of the first folder, when it was last looked at

    def nudge(self) -> None:
        """Looks at once, if it waits."""
        self._nudged.set()

    async def run_leased(self, leases: Leases) -> None:
        """Fetches until cancelled, in one process at a time, whatever ends it."""
        ends = 0
        while True:
            try:
                await leases.run("mailbox", self.run)
            except Exception:
                log.exception("fetching mail ended", extra={"action": "mailbox_ended"})
                await self._health.fail(FAULT)
            await asyncio.sleep(PAUSES[min(ends, len(PAUSES) - 1)])
            ends += 1

    async def run(self) -> None:
        """Fetches until cancelled, over however many connections."""
        failures = refusals = 0
        while True:
            self._worked = False
            try:
                async with self._connected() as session:
                    await self._stay(session)
            except SignInError as error:
                await self._health.fail(error.words)
                pause: float = REFUSED_PAUSES[min(refusals, len(REFUSED_PAUSES) - 1)]
                refusals += 1
            except (MailServerError, OSError, SinkFullError, UnavailableError) as error:
                failures = 0 if self._worked else failures
                pause = PAUSES[min(failures, len(PAUSES) - 1)]
                failures += 1
                await self._note(error)
            except Exception:  # whatever a server makes the library do
                log.exception("fetching mail failed", extra={"action": "mail_failed"})
                await self._health.fail(FAULT)
                pause = PAUSES[-1]
            if self._worked:
                refusals = 0
            await self._rest(pause * random.uniform(0.8, 1.2))

    async def _note(self, error: Exception) -> None:
        if isinstance(error, SinkFullError | UnavailableError):
            log.warning("mail waits: %s", error, extra={"action": "mail_waits"})
            await self._health.fail(WAITS)
            return
        where = (self._settings.imap_host, self._settings.imap_port)
        await self._health.fail(in_words(error, *where), lost=isinstance(error, LostError))

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        self._nudged.clear()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ImapSession]:
        session = await open_session(self._settings, self._tokens)
        try:
            yield session
        finally:
            await session.logout()

    async def _stay(self, session: ImapSession) -> None:
        """Looks and waits by turns, until the connection breaks."""
        while True:
            await self._look(session)
            self._worked = True
            await self._catch_up(session)
            await self._wait(session)

    async def _look(self, session: ImapSession) -> None:
        """Fetches what is new in each folder; a missing one does not keep us from the others."""
        broken: FolderError | None = None
        for name in self._settings.folders:
            try:
                folder = await session.open(name)
                if name == self._settings.folders[0]:
                    self._next_uid = folder.next_uid
                await self._read(session, folder)
            except FolderError as error:
                broken = error
        if broken is not None:
            await self._health.fail(broken.words)
        else:
            await self._health.heard()

    async def _read(self, session: ImapSession, folder: Folder) -> None:
        cursor = await self._cursor(folder.name)
        if cursor is None:
            cursor = await self._begin(session, folder)
            await self._keep(folder.name, cursor)
        elif cursor.validity != folder.validity:
            log.warning("folder %s has new UIDs", folder.name, extra={"action": "mail_new_uids"})
            top = await self._top(session, folder)
            since = max(cursor.at - MARGIN, cursor.since)
            await self._take(session, folder, await self._since(session, since))
            cursor = replace(cursor, validity=folder.validity, uid=top, at=self._now())
            await self._keep(folder.name, cursor)
        await self._read_on(session, folder, cursor)

    async def _begin(self, session: ImapSession, folder: Folder) -> Cursor:
        """Where reading begins: at what comes from now on, or some days ago."""
        now = self._now()
        since = now - self._settings.first_days * 86_400_000
        top = await self._top(session, folder)
        if since < now:
            top = min([top, *(uid - 1 for uid in await self._since(session, since))])
        return Cursor(validity=folder.validity, uid=top, at=now, since=since)

    async def _top(self, session: ImapSession, folder: Folder) -> int:
        """The highest UID that was given so far."""
        if folder.next_uid:
            return folder.next_uid - 1
        return max(await session.search("ALL"), default=0)

    async def _read_on(self, session: ImapSession, folder: Folder, cursor: Cursor) -> None:
        found = await session.search(f"UID {cursor.uid + 1}:*")
        new = [uid for uid in found if uid > cursor.uid]  # n:* always names the last one
        await self._take(session, folder, new, cursor)

    async def _take(
        self,
        session: ImapSession,
        folder: Folder,
        uids: Sequence[int],
        cursor: Cursor | None = None,
    ) -> None:
        """Takes mails in the order of their UIDs; moves the folder's cursor, if there is one."""
        for start in range(0, len(uids), SIZES_AT_ONCE):
            piece = uids[start : start + SIZES_AT_ONCE]
            for batch in await self._batches(session, folder, piece):
                await self._take_batch(session, folder, batch)
                if cursor is not None:
                    moved = replace(cursor, uid=batch.uids[-1], at=self._now())
                    await self._keep(folder.name, moved)
                self._worked = True
                await self._health.alive()
                for uid in batch.uids:
                    self._troubles.pop(_key(folder, uid), None)
                await self._put_away(session, batch.uids)

    async def _batches(
        self, session: ImapSession, folder: Folder, uids: Sequence[int]
    ) -> list[Batch]:
        """Cuts messages into batches; who made trouble is asked for alone."""
        alone = {uid for uid in uids if _key(folder, uid) in self._troubles}
        sizes: dict[int, int] = {}
        asked = [[uid] for uid in alone if self._trouble(folder, uid) < GIVEN_UP]
        for group in ([uid for uid in uids if uid not in alone], *asked):
            if group:
                sizes |= await self._ask(session, folder, group, session.sizes)
        sizes |= {uid: 0 for uid in alone if self._trouble(folder, uid) >= GIVEN_UP}
        return _cut(uids, sizes, self._settings.max_mail_bytes, alone)

    async def _take_batch(self, session: ImapSession, folder: Folder, batch: Batch) -> None:
        trouble = max(self._trouble(folder, uid) for uid in batch.uids)
        doubt = Doubt.OVERSIZE if batch.oversize else Doubt.NONE
        if trouble >= GIVEN_UP:
            doubt = Doubt.UNREADABLE
        if trouble >= 2 * GIVEN_UP:  # not even its head comes
            mails = {uid: _stand_in(folder, uid) for uid in batch.uids}
        else:
            ask = session.fetch_heads if doubt else session.fetch
            mails = await self._ask(session, folder, batch.uids, ask)
        taken = [
            await self._receiver.take(mails[uid], doubt=doubt)
            for uid in batch.uids
            if uid in mails
        ]
        await deliver_all(taken)
        if taken:
            self._health.message()

    async def _ask(
        self,
        session: ImapSession,
        folder: Folder,
        uids: Sequence[int],
        ask: Callable[[Sequence[int]], Awaitable[dict[int, T]]],
    ) -> dict[int, T]:
        """Asks for messages. What the answer lacks is gone, or it is trouble as a refusal is."""
        try:
            found = await ask(uids)
            if missing := {uid for uid in uids if uid not in found}:
                named = ",".join(str(uid) for uid in sorted(missing))
                if there := missing.intersection(await session.search(f"UID {named}")):
                    raise MailServerError(left_out(sorted(there)))
        except (MailServerError, TimeoutError) as error:
            more = 0 if len(uids) > 1 else BROKEN if isinstance(error, LostError) else REFUSED
            for uid in uids:
                self._troubles[_key(folder, uid)] = self._trouble(folder, uid) + more
            raise
        return found

    def _trouble(self, folder: Folder, uid: int) -> int:
        return self._troubles.get(_key(folder, uid), 0)

    async def _put_away(self, session: ImapSession, uids: Sequence[int]) -> None:
        """Leaves the mailbox as found, unless told otherwise; failing at it loses nothing."""
        settings = self._settings
        try:
            if settings.after_fetch == "flag":
                await session.flag(uids)
            elif settings.after_fetch == "move":
                await session.move(uids, settings.move_to)
        except LostError:
            raise
        except MailServerError as error:
            await self._health.fail(error.words)

    async def _since(self, session: ImapSession, since: int) -> list[int]:
        day = datetime.fromtimestamp(max(0, since) / 1000, UTC)
        return await session.search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    async def _catch_up(self, session: ImapSession) -> None:
        """Fetches again what came since the time that somebody asked for."""
        wish = await self._state.get(CATCH_UP)
        if not wish:
            return
        for name in self._settings.folders:
            try:
                folder = await session.open(name)
            except FolderError:
                continue
            await self._take(session, folder, await self._since(session, int(wish)))
        await self._state.swap(CATCH_UP, wish, "")

    async def _wait(self, session: ImapSession) -> None:
        """Until something new is likely: by IDLE in the first folder where the server can."""
        seconds = float(self._settings.poll_seconds)
        watching = asyncio.create_task(self._watch_for_wishes())
        try:
            news = await self._news(session)
            if news is None:
                await self._rest(seconds)
            if news is not False:
                return
            alone = len(self._settings.folders) == 1
            await session.wait_for_news(IDLE_SECONDS if alone else seconds, self._nudged)
            self._nudged.clear()
        finally:
            watching.cancel()

    async def _news(self, session: ImapSession) -> bool | None:
        """Opens the first folder for IDLE; None where that is not possible.

        What came since the last look is told here and not by IDLE, which begins with the folder
        as it was opened.
        """
        if not session.can("IDLE"):
            return None
        try:
            folder = await session.open(self._settings.folders[0])
        except FolderError:
            return None
        return folder.next_uid != self._next_uid

    async def _watch_for_wishes(self) -> None:
        """Somebody may press the button in another process."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(UnavailableError):
                if await self._state.get(CATCH_UP):
                    self._nudged.set()

    async def _cursor(self, name: str) -> Cursor | None:
        kept = await self._state.get(f"cursor:{name}")
        return Cursor(**json.loads(kept)) if kept else None

    async def _keep(self, name: str, cursor: Cursor) -> None:
        await self._state.put(f"cursor:{name}", json.dumps(asdict(cursor)))
        self._health.fact(f"cursor {name}", f"{cursor.validity}/{cursor.uid}")


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that are fetched by one command; of those that are too large only the heads."""

    uids: list[int]
    oversize: bool


def _key(folder: Folder, uid: int) -> tuple[str, int, int]:
    return folder.name, folder.validity, uid


def _stand_in(folder: Folder, uid: int) -> bytes:
    """What is shown of a message that cannot be fetched: where it lies."""
    where = f"{folder.name}: UID {uid} (UIDVALIDITY {folder.validity})"
    return f"Subject: {where}\r\n\r\n".encode()


def _cut(uids: Sequence[int], sizes: dict[int, int], largest: int, alone: set[int]) -> list[Batch]:
    """Cuts messages into batches of bounded number and size, in order."""
    batches: list[Batch] = []
    filled = 0
    for uid in uids:
        if uid not in sizes:
            continue  # it went meanwhile
        oversize = sizes[uid] > largest
        last = batches[-1] if batches else None
        fits = (
            last is not None
            and last.oversize is oversize
            and alone.isdisjoint((uid, last.uids[-1]))
            and len(last.uids) < BATCH
            and filled + sizes[uid] <= BATCH_BYTES
        )
        if last is not None and fits:
            last.uids.append(uid)
            filled += sizes[uid]
        else:
            batches.append(Batch([uid], oversize))
            filled = sizes[uid]
    return batches


async def deliver_all(taken: Sequence[Taken]) -> None:
    """Brings mails to their conversations: each conversation's in order, several at a time.

    Raises:
        SinkFullError: the bus took some, and is full; what it took is known when it comes again.
    """
    lanes: dict[str, list[Taken]] = {}
    for one in taken:
        lanes.setdefault(one.key, []).append(one)
    room = asyncio.Semaphore(AT_ONCE)

    async def deliver(lane: Sequence[Taken]) -> None:
        for one in lane:
            async with room:
                await one.deliver()

    results = await asyncio.gather(
        *(deliver(lane) for lane in lanes.values()), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def open_session(settings: EmailSettings, tokens: Tokens) -> ImapSession:
    """Connects and signs in, with a new token when the one at hand is refused.

    Raises:
        SignInError: the server refuses who we are.
        MailServerError: it cannot be reached, or does not do what it should.
    """
    session = await ImapSession.connect(
        settings.imap_host, settings.imap_port, tls_context(settings)
    )
    try:
        if not settings.oauth:
            await session.sign_in(settings.user, str(settings.password))
            return session
        token = await tokens.get()
        try:
            await session.sign_in_by_token(settings.user, token)
        except SignInError:
            await tokens.forget(token)
            await session.logout()
            session = await ImapSession.connect(
                settings.imap_host, settings.imap_port, tls_context(settings)
            )
            await session.sign_in_by_token(settings.user, await tokens.get())
    except BaseException:
        session.close()
        raise
    return session
