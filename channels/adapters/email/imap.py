"""A session with an IMAP server, on aioimaplib 2.0 and around its faults.

Of these: after the connection broke every command waits for its time limit, so each waits here
for the loss as well, and the session is thrown away; NO and BAD are returned, not raised; user and
folder names are not quoted; a search asks for a charset that some servers refuse; many untagged
lines exhaust the stack, so few messages are asked for at a time; a refused XOAUTH2 waits for a
line of ours that is never sent.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aioimaplib import aioimaplib

from channels.adapters.email.errors import (
    LOST,
    FolderError,
    LostError,
    MailServerError,
    SignInError,
    in_words,
    no_folder,
    refused,
    unexpected,
)

T = TypeVar("T")

COMMAND_SECONDS: Final = 30.0
FETCH_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 300.0  # NATs and providers drop sooner than the 29 minutes of RFC 2177
_GROUP: Final = re.compile(rb"\d+ FETCH ")
_UID: Final = re.compile(rb"\bUID (\d+)")
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE (\d+)")
_VALIDITY: Final = re.compile(rb"UIDVALIDITY (\d+)")
_LISTED: Final = re.compile(rb"(?:\* SEARCH)?([\d ]*)(?:\(MODSEQ \d+\))?\s*", re.IGNORECASE)
_NEXT: Final = re.compile(rb"UIDNEXT (\d+)")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that was opened; `next_uid` is what the server will give next, if it says."""

    name: str
    validity: int
    next_uid: int | None


class ImapSession:
    """One connection; whatever raises leaves it unusable.

    All methods raise `LostError` when the connection breaks, `MailServerError` when the server
    refuses, and `TimeoutError` when it does not answer.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._client: Any = None
        self._lost = asyncio.Event()

    @classmethod
    async def connect(cls, host: str, port: int, context: ssl.SSLContext) -> ImapSession:
        """Connects by TLS and waits for the greeting.

        Raises:
            MailServerError: it cannot be reached; says why.
        """
        session = cls(host, port)
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                session._client = aioimaplib.IMAP4(
                    host,
                    port,
                    timeout=COMMAND_SECONDS,
                    conn_lost_cb=lambda _: session._lost.set(),
                    ssl_context=context,
                )
                await session._unless_lost(session._client.wait_hello_from_server())
        except (OSError, aioimaplib.AioImapException, LostError) as error:
            session.close()
            raise MailServerError(in_words(error, host, port)) from error
        except BaseException:
            session.close()
            raise
        return session

    def close(self) -> None:
        """Drops the connection."""
        if self._client is not None:
            self._client._client_task.cancel()
            if self._client.protocol.transport is not None:
                self._client.protocol.transport.abort()

    async def logout(self) -> None:
        """Says goodbye, within reason, and drops the connection."""
        if self._client.has_pending_idle():  # the library would wait for its end
            self.close()
            return
        try:
            with suppress(MailServerError, TimeoutError, aioimaplib.AioImapException):
                async with asyncio.timeout(2):
                    await self._unless_lost(self._client.logout())
        finally:
            self.close()

    async def sign_in(self, user: str, password: str) -> None:
        """Signs in with a password.

        Raises:
            SignInError: the server refuses.
        """
        answer = await self._run(lambda: self._client.login(_quote(user), password))
        if answer.result != "OK":
            raise SignInError(refused(_said(answer)))
        await self._introduce()

    async def sign_in_by_token(self, user: str, token: str) -> None:
        """Signs in with an access token.

        Raises:
            SignInError: the server refuses.
        """
        helper = asyncio.create_task(self._end_refusal())
        try:
            answer = await self._run(lambda: self._client.xoauth2(user, token))
        finally:
            helper.cancel()
        if answer.result != "OK":
            raise SignInError(refused(_said(answer)))
        await self._introduce()

    async def _end_refusal(self) -> None:
        """A server says why it refuses in a line of its own, and waits for an empty one."""
        while True:
            await asyncio.sleep(0.05)
            pending = self._client.protocol.pending_sync_command
            if pending is not None and pending.name == "AUTHENTICATE" and pending.response.lines:
                self._client.protocol.send("")
                return

    async def _introduce(self) -> None:
        """Learns what the server can do for us; NetEase opens no folder to the nameless."""
        await self._run(self._client.protocol.capability)
        if self.can("ID"):
            await self._run(lambda: self._client.id(name="yingda", version="1"))

    def can(self, capability: str) -> bool:
        """Whether the server announced it."""
        return bool(self._client.has_capability(capability))

    async def open(self, name: str) -> Folder:
        """Opens a folder.

        Raises:
            FolderError: it is not there, or may not be opened.
        """
        answer = await self._run(lambda: self._client.select(quote_folder(name)))
        if answer.result != "OK":
            raise FolderError(no_folder(name, _said(answer)))
        text = b"\n".join(line for line in answer.lines if isinstance(line, bytes))
        validity, following = _VALIDITY.search(text), _NEXT.search(text)
        return Folder(
            name=name,
            validity=int(validity[1]) if validity else 0,
            next_uid=int(following[1]) if following else None,
        )

    async def search(self, criteria: str) -> list[int]:
        """UIDs of the messages that meet the criteria, rising."""
        answer = await self._run(lambda: self._client.uid_search(criteria, charset=None))
        self._expect(answer)
        found = set()
        for line in answer.lines[:-1]:
            listed = _LISTED.fullmatch(line) if isinstance(line, bytes) else None
            if listed:  # other news of the folder may come in between
                found |= {int(word) for word in listed[1].split()}
        return sorted(found)

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """The size of each message in bytes; those that are gone are missing."""
        answer = await self._fetch(uids, "(UID RFC822.SIZE)")
        found = {}
        for group in _groups(answer.lines):
            text = _text(group)
            uid, size = _UID.search(text), _SIZE.search(text)
            if uid and size:
                found[int(uid[1])] = int(size[1])
        return found

    async def fetch(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Whole messages; those that are gone are missing. Nothing is flagged as read."""
        return await self._bodies(uids, "(UID BODY.PEEK[])")

    async def fetch_heads(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Messages' headers; those that are gone are missing."""
        return await self._bodies(uids, "(UID BODY.PEEK[HEADER])")

    async def _bodies(self, uids: Sequence[int], what: str) -> dict[int, bytes]:
        answer = await self._fetch(uids, what)
        found = {}
        for group in _groups(answer.lines):
            uid = _UID.search(_text(group))
            literal = next((bytes(item) for item in group if isinstance(item, bytearray)), None)
            if uid and literal is not None:
                found[int(uid[1])] = literal
        return found

    async def _fetch(self, uids: Sequence[int], what: str) -> Any:
        wanted = ",".join(str(uid) for uid in uids)
        answer = await self._run(
            lambda: self._client.protocol.fetch(wanted, what, by_uid=True, timeout=FETCH_SECONDS),
            limit=FETCH_SECONDS,
        )
        self._expect(answer)
        return answer

    async def flag(self, uids: Sequence[int]) -> None:
        """Marks messages as read."""
        wanted = ",".join(str(uid) for uid in uids)
        self._expect(
            await self._run(lambda: self._client.uid("store", wanted, "+FLAGS", r"(\Seen)"))
        )

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Moves messages, by copying where the server cannot move (RFC 6851)."""
        wanted, name = ",".join(str(uid) for uid in uids), quote_folder(folder)
        if self.can("MOVE"):
            self._expect(await self._run(lambda: self._client.uid("move", wanted, name)))
            return
        self._expect(await self._run(lambda: self._client.uid("copy", wanted, name)))
        gone = await self._run(lambda: self._client.uid("store", wanted, "+FLAGS", r"(\Deleted)"))
        self._expect(gone)
        if self.can("UIDPLUS"):
            self._expect(await self._run(lambda: self._client.uid("expunge", wanted)))

    async def append(self, folder: str, message: bytes) -> None:
        """Puts a message into a folder, as read."""
        answer = await self._run(
            lambda: self._client.append(message, quote_folder(folder), flags=r"(\Seen)"),
            limit=FETCH_SECONDS,
        )
        self._expect(answer)

    async def wait_for_news(self, limit: float, nudged: asyncio.Event) -> None:
        """Waits by IDLE (RFC 2177) until something happens in the open folder.

        What it was, a search tells.

        Args:
            limit: seconds after which it returns in any case.
            nudged: returns when it is set.
        """
        client = self._client
        async with asyncio.timeout(COMMAND_SECONDS):
            idle = await self._unless_lost(client.idle_start(timeout=2 * limit))
        push = asyncio.ensure_future(client.protocol.idle_queue.get())
        others = [asyncio.ensure_future(event.wait()) for event in (nudged, self._lost)]
        try:
            await asyncio.wait({push, *others}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (push, *others):
                one.cancel()
        if push.done() and not push.cancelled() and _is_bye(push.result()):
            raise LostError(LOST)
        client.idle_done()
        async with asyncio.timeout(COMMAND_SECONDS):
            await self._unless_lost(asyncio.shield(idle))
        await self._run(client.noop)  # what is left of the IDLE's lines is of no use
        while not client.protocol.idle_queue.empty():
            client.protocol.idle_queue.get_nowait()

    async def check(self) -> None:
        """Asks whether the server is still there."""
        self._expect(await self._run(self._client.noop))

    def _expect(self, answer: Any) -> None:
        if answer.result != "OK":
            raise MailServerError(unexpected(_said(answer)))

    async def _run(self, command: Callable[[], Awaitable[T]], limit: float = COMMAND_SECONDS) -> T:
        try:
            async with asyncio.timeout(limit):
                return await self._unless_lost(command())
        except (aioimaplib.AioImapException, ValueError, AttributeError) as error:
            # A time limit of the library's, a command that does not fit, or a closed transport.
            if isinstance(error, aioimaplib.CommandTimeout):
                raise TimeoutError from error
            raise LostError(in_words(error, self._host, self._port)) from error

    async def _unless_lost(self, command: Awaitable[T]) -> T:
        """Runs a command; the end of the connection is its end too."""
        running = asyncio.ensure_future(command)
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({running, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            if not running.done():
                running.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await running
        if running.cancelled():
            raise LostError(LOST)
        return running.result()


def _is_bye(lines: Any) -> bool:
    return any(isinstance(line, bytes) and line.upper().startswith(b"BYE") for line in lines)


def _said(answer: Any) -> str:
    """The server's own words, made harmless."""
    lines = [bytes(line) for line in answer.lines if isinstance(line, bytes | bytearray)]
    text = lines[-1].decode("utf-8", "replace") if lines else ""
    return "".join(char if char.isprintable() else " " for char in text)[:200].strip()


def _groups(lines: Sequence[Any]) -> list[list[Any]]:
    """The lines of an answer, by message: a FETCH's, and what belongs to it."""
    groups: list[list[Any]] = []
    for line in lines:
        if isinstance(line, bytes) and _GROUP.match(line):
            groups.append([line])
        elif groups:
            groups[-1].append(line)
    return groups


def _text(group: Sequence[Any]) -> bytes:
    """A group without its literals, which anyone may have written."""
    return b" ".join(item for item in group if isinstance(item, bytes))


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quote_folder(name: str) -> str:
    """A folder's name as IMAP writes it: modified UTF-7 (RFC 3501 5.1.3), quoted."""
    encoded = []
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        if run[0] < "\x7f" and run[0] >= " ":
            encoded.append(run.replace("&", "&-"))
        else:
            packed = base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=")
            encoded.append("&" + packed.replace("/", ",") + "-")
    return _quote("".join(encoded))
