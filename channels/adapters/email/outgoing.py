"""Hands mails to the mail server: few connections, kept for a while, and its refusals in words."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiosmtplib

from channels.adapters.email.composing import Mail
from channels.adapters.email.errors import MailServerError, SignInError, in_words, refused
from channels.adapters.email.oauth import Tokens
from channels.adapters.email.refusals import OTHERS_FIRST, Refusals, meaning, too_fast
from channels.adapters.email.settings import EmailSettings
from channels.adapters.email.tls import tls_context
from channels.errors import PermanentDeliveryError, TransientDeliveryError

CONNECT_SECONDS: Final = 15.0
COMMAND_SECONDS: Final = 40.0
MOST_CONNECTIONS: Final = 3
REST_SECONDS: Final = 20.0  # for which an unused connection is kept: servers drop them soon
MOST_MAILS: Final = 50  # over one connection
SHORT_WAIT: Final = 2.0  # seconds in line; for longer the outbox waits, which costs no try's time
SLOT_SECONDS: Final = 10.0  # for which a mail waits for a connection
SLOW_LINE: Final = 100_000  # bytes a second that a mail takes at least
MOST_TURNS: Final = 20_000  # mails whose turns are known


class _Connection:
    """A signed-in client, and how long it has served."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.mails = 0
        self.rested_at = time.monotonic()

    @property
    def fresh(self) -> bool:
        """Whether it may carry another mail."""
        rested = time.monotonic() - self.rested_at
        return self.client.is_connected and self.mails < MOST_MAILS and rested < REST_SECONDS


class Outgoing:
    """The connections of one mailbox to its SMTP server."""

    def __init__(self, settings: EmailSettings, tokens: Tokens, language: str) -> None:
        self._language = language
        self._settings = settings
        self._tokens = tokens
        self._resting: list[_Connection] = []
        self._room = asyncio.Semaphore(MOST_CONNECTIONS)
        self._next_at = 0.0
        self._turns: OrderedDict[str, float] = OrderedDict()

    async def send(self, mail: Mail, sender: str, envelope_id: str) -> Refusals:
        """Sends one mail.

        Args:
            mail: to whom and what.
            sender: where reports of failed delivery go.
            envelope_id: comes back in reports (RFC 3461).

        Returns:
            The recipients that were refused, each with code and words; the others were taken.

        Raises:
            TransientDeliveryError: it was not taken now.
            PermanentDeliveryError: it never will be.
        """
        try:
            async with self._slot():
                return await self._send(mail, sender, envelope_id)
        except SignInError as error:
            raise TransientDeliveryError(
                error.words.in_language(self._language), retry_after=300, attempted=False
            ) from error
        except MailServerError as error:
            raise TransientDeliveryError(error.words.in_language(self._language)) from error
        except aiosmtplib.SMTPException as error:
            raise _judged(error, self._language) from error
        except OSError as error:
            where = (self._settings.smtp_host, self._settings.smtp_port)
            words = in_words(error, *where).in_language(self._language)
            raise TransientDeliveryError(words) from error

    async def close(self) -> None:
        """Ends the connections that rest."""
        while self._resting:
            await _quit(self._resting.pop())

    async def keep_pace(self, message_id: str) -> None:
        """Waits for a mail's turn in the inbox's rate; a few may go at once.

        Raises:
            TransientDeliveryError: its turn, which is kept for it, comes later.
        """
        now = time.monotonic()
        turn = self._turns.pop(message_id, None)
        if turn is None:
            turn = self._take_turn(now)
        if turn - now > SHORT_WAIT:
            self._turns[message_id] = turn
            if len(self._turns) > MOST_TURNS:
                self._turns.popitem(last=False)
            raise TransientDeliveryError(
                too_fast(self._settings.per_minute).in_language(self._language),
                retry_after=turn - now,
                attempted=False,
            )
        if turn > now:
            await asyncio.sleep(turn - now)

    def go_ahead(self) -> None:
        """Counts a mail that cannot wait."""
        self._take_turn(time.monotonic())

    def _take_turn(self, now: float) -> float:
        turn = max(self._next_at, now - 2.0)
        self._next_at = turn + 60 / self._settings.per_minute
        return turn

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """One of the few connections, held for a mail."""
        try:
            async with asyncio.timeout(SLOT_SECONDS):
                await self._room.acquire()
        except TimeoutError as error:
            raise TransientDeliveryError(
                OTHERS_FIRST.in_language(self._language),
                retry_after=5,
                attempted=False,
            ) from error
        try:
            yield
        finally:
            self._room.release()

    async def _send(self, mail: Mail, sender: str, envelope_id: str) -> Refusals:
        connection = await self._open()
        try:
            refusals = await self._hand_over(connection.client, mail, sender, envelope_id)
        except aiosmtplib.SMTPServerDisconnected:
            connection.client.close()
            raise
        except aiosmtplib.SMTPException:
            await self._put_back(connection)
            raise
        except BaseException:
            connection.client.close()
            raise
        connection.mails += 1
        await self._put_back(connection)
        return refusals

    async def _open(self) -> _Connection:
        """A connection that answers: a resting one, else a new one."""
        while self._resting:
            resting = self._resting.pop()
            if resting.fresh:
                with suppress(aiosmtplib.SMTPException, OSError):
                    await resting.client.rset(timeout=CONNECT_SECONDS)
                    return resting
            await _quit(resting)
        return _Connection(await connect(self._settings, self._tokens))

    async def _put_back(self, connection: _Connection) -> None:
        connection.rested_at = time.monotonic()
        if connection.fresh:
            self._resting.append(connection)
        else:
            await _quit(connection)

    async def _hand_over(
        self, client: aiosmtplib.SMTP, mail: Mail, sender: str, envelope_id: str
    ) -> Refusals:
        asks = self._settings.delivery_reports and client.supports_extension("dsn")
        try:
            answers, _ = await client.sendmail(
                sender,
                list(mail.recipients),
                mail.content,
                mail_options=["RET=HDRS", f"ENVID={envelope_id}"] if asks else [],
                rcpt_options=["NOTIFY=FAILURE,DELAY"] if asks else [],
                timeout=COMMAND_SECONDS + len(mail.content) / SLOW_LINE,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            return {one.recipient: (one.code, one.message) for one in error.recipients}
        return {address: (one.code, one.message) for address, one in answers.items()}


async def connect(settings: EmailSettings, tokens: Tokens) -> aiosmtplib.SMTP:
    """Connects and signs in.

    Raises:
        SignInError: the server refuses who we are.
        MailServerError: it cannot be reached; says why.
    """
    secure = settings.smtp_security
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        local_hostname=settings.domain,
        timeout=COMMAND_SECONDS,
        use_tls=secure == "tls",
        start_tls=secure == "starttls",
        tls_context=None if secure == "none" else tls_context(settings),
    )
    try:
        await client.connect(timeout=CONNECT_SECONDS)
        await _sign_in(client, settings, tokens)
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPTimeoutError, OSError) as error:
        client.close()
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        words = in_words(cause, settings.smtp_host, settings.smtp_port)
        raise MailServerError(words) from error
    except BaseException:
        client.close()
        raise
    return client


async def _sign_in(client: aiosmtplib.SMTP, settings: EmailSettings, tokens: Tokens) -> None:
    if not settings.password and not settings.oauth:
        return
    try:
        if not settings.oauth:
            await client.login(settings.user, str(settings.password))
            return
        token = await tokens.get()
        try:
            await client.auth_xoauth2(settings.user, token)
        except aiosmtplib.SMTPAuthenticationError:
            await tokens.forget(token)
            await client.auth_xoauth2(settings.user, await tokens.get())
    except aiosmtplib.SMTPAuthenticationError as error:
        if error.code < 500:
            raise
        raise SignInError(refused(f"{error.code} {error.message}"[:200])) from error
    except aiosmtplib.SMTPNotSupported as error:
        raise SignInError(refused(str(error)[:200])) from error


async def _quit(connection: _Connection) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        await connection.client.quit(timeout=2)
    connection.client.close()


def _judged(error: aiosmtplib.SMTPException, language: str) -> Exception:
    """4xx may pass by itself (greylisting), 5xx never does (RFC 5321 4.2.1)."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        reason = meaning(error.code, error.message, language)
        if 500 <= error.code < 600:
            return PermanentDeliveryError(reason)
        return TransientDeliveryError(reason)
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return TransientDeliveryError(f"The mail server ended the connection: {error}"[:300])
    return TransientDeliveryError(f"The mail server cannot be used: {error}"[:300])
