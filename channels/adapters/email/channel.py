"""One live mailbox."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

from typing_extensions import override

from channels.adapters.email.composing import File, Mail, compose
from channels.adapters.email.copies import SentCopies
from channels.adapters.email.dkim_signing import sign
from channels.adapters.email.health import FETCHING, LISTENING, HealthKeeper, read_health
from channels.adapters.email.listening import Listening
from channels.adapters.email.oauth import Tokens
from channels.adapters.email.outgoing import Outgoing
from channels.adapters.email.poller import CATCH_UP, Poller
from channels.adapters.email.receiver import Receiver
from channels.adapters.email.refusals import (
    STARTING,
    Refusals,
    lost_file,
    refusal_words,
    too_automatic,
)
from channels.adapters.email.serving import Served, Serving
from channels.adapters.email.settings import EmailSettings
from channels.adapters.email.signing import Marks
from channels.adapters.email.threading import Threader
from channels.checking import Health
from channels.contract import (
    Channel,
    ChannelContext,
    DeliveryReceipt,
    DeliveryReport,
    InboxConfig,
    MessageKind,
    MessageState,
    OutboundMessage,
)
from channels.errors import PermanentDeliveryError, TransientDeliveryError, UnavailableError
from channels.keeping import Thread
from channels.letters import Letter
from channels.limits import RateLimiter, RecentKeys

log = logging.getLogger(__name__)

HOUR: Final = 3_600_000  # ms


class Email(Channel[EmailSettings]):
    """Fetches or takes mail, and sends."""

    def __init__(self, inbox: InboxConfig[EmailSettings], context: ChannelContext) -> None:
        super().__init__(inbox, context)
        settings = inbox.settings
        self._marks = Marks(context.signer, inbox.id, settings.address)
        self._tokens = Tokens(settings, context.state, context.now)
        self._outgoing = Outgoing(settings, self._tokens, inbox.language)
        self._threader = Threader(inbox.id, self._marks, context.threads)
        receiver = Receiver(inbox.id, settings, context, self._marks)
        self._poller = Poller(
            settings=settings,
            receiver=receiver,
            state=context.state,
            tokens=self._tokens,
            health=HealthKeeper(context.state, context.now, FETCHING),
            now=context.now,
        )
        self._listening = Listening(
            settings, receiver, HealthKeeper(context.state, context.now, LISTENING)
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_hour = RateLimiter(settings.auto_per_hour, HOUR)
        self._by_day = RateLimiter(settings.auto_per_day, 24 * HOUR)
        self._counted = RecentKeys()
        self._serving = Serving(context.state)
        self._copies = SentCopies(inbox.id, settings, self._tokens, context.sink)

    @override
    async def start(self) -> None:
        """Begins to fetch, in one process at a time, and to listen."""
        if self.inbox.settings.listen_port:
            await self._listening.start()
        if self.inbox.settings.imap_host:
            self._spawn(self._poller.run_leased(self.context.leases))

    @override
    async def stop(self) -> None:
        """Fetches and takes no more, and ends the connections."""
        await self._listening.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._outgoing.close()

    @override
    async def catch_up(self, since: int) -> None:
        """Has the process that fetches look again at what came since then."""
        await self.context.state.put(CATCH_UP, str(since))
        self._poller.nudge()

    @override
    async def health(self) -> Health | None:
        """How it does, whichever process fetches."""
        return await read_health(self.context.state, self.inbox.settings, self.context.now())

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Hands one mail to the mail server.

        Raises:
            TransientDeliveryError: try again later.
            PermanentDeliveryError: never.
        """
        letter = message.letter
        if letter is None:  # claimed before the inbox was known to send letters
            raise TransientDeliveryError(
                STARTING.in_language(self.inbox.language), retry_after=5, attempted=False
            )
        await self._wait_for_turn(message)
        try:
            mail = await self._compose(message, letter)
            await self._hand_over(message, mail)
        except UnavailableError as error:
            raise TransientDeliveryError(str(error), retry_after=error.retry_after) from error
        await self._welcome(message, letter, mail)
        if self.inbox.settings.sent_folder:
            self._spawn(self._copies.keep(message.message.id, mail.content))
        return DeliveryReceipt(external_id=mail.message_id)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a mailbox's work ended", exc_info=error, extra={"action": "mailbox_ended"})

    async def _compose(self, message: OutboundMessage, letter: Letter) -> Mail:
        files = []
        for attachment in message.message.attachments:
            try:
                content = await self.context.blobs.get(attachment.blob)
            except KeyError as error:
                words = lost_file(attachment.name).in_language(self.inbox.language)
                raise PermanentDeliveryError(words) from error
            files.append(File(attachment.name, attachment.mime, content))
        mail = await asyncio.to_thread(
            compose,
            message,
            letter,
            files,
            settings=self.inbox.settings,
            marks=self._marks,
            language=self.inbox.language,
            now=self.context.now(),
        )
        if not self.inbox.settings.dkim_domain:
            return mail
        return await asyncio.to_thread(sign, mail, self.inbox.settings)

    async def _wait_for_turn(self, message: OutboundMessage) -> None:
        """A code, whose reader waits for it, goes before what waits."""
        if message.message.conversation_id:
            await self._outgoing.keep_pace(message.message.id)
        else:
            self._outgoing.go_ahead()

    async def _hand_over(self, message: OutboundMessage, mail: Mail) -> None:
        """Sends it to those who are still to get it."""
        served = await self._serving.of(message.message.id)
        left = served.left(mail.recipients, anew=message.attempt == 1)
        refusals: Refusals = {}
        if left:
            self._check_automatic(message, left)
            bounce = self._marks.bounce_address(message.message.id)
            sender = (bounce if self.inbox.settings.plus_addresses else None) or (
                self.inbox.settings.address
            )
            rest = replace(mail, recipients=left)
            refusals = await self._outgoing.send(rest, sender, message.message.id)
        after = served.after(mail.recipients, left, refusals)
        await self._note_refusals(message, after, refusals)

    def _check_automatic(self, message: OutboundMessage, addresses: Sequence[str]) -> None:
        """No more than so many automatic mails to one address: two robots must not talk on.

        Codes, which belong to no conversation, have a limit of their own where they are asked for.
        """
        public = message.message
        if public.kind is not MessageKind.BOT or not public.conversation_id:
            return
        if message.attempt > 1 or public.id in self._counted:
            return
        self._counted.add(public.id)
        for address in addresses:
            now, key = self.context.now(), address.lower()
            if self._by_hour.wait_seconds(key, now) or self._by_day.wait_seconds(key, now):
                words = too_automatic(address).in_language(self.inbox.language)
                raise PermanentDeliveryError(words)

    async def _note_refusals(
        self, message: OutboundMessage, served: Served, refusals: Refusals
    ) -> None:
        """Some got it, some did not: those who may yet get it are tried again, and only those."""
        later = {who: said for who, said in refusals.items() if said[0] < 500}
        public, language = message.message, self.inbox.language
        if served.refused and not served.got and not later:
            raise PermanentDeliveryError(refusal_words(served.refused, language))
        if later or served.refused:
            await self._serving.note(public.id, served)
        elif served.noted:
            await self._serving.note(public.id, None)
        if served.refused:
            await self.context.sink.report(
                DeliveryReport(
                    inbox_id=message.inbox_id,
                    state=MessageState.FAILED,
                    reason=refusal_words(served.refused, language),
                    message_id=public.id,
                )
            )
        if later:
            raise TransientDeliveryError(refusal_words(later, language))

    async def _welcome(self, message: OutboundMessage, letter: Letter, mail: Mail) -> None:
        """Whoever was written to belongs to the conversation."""
        if not message.message.conversation_id:
            return
        thread = Thread(inbox_id=message.inbox_id, handle=message.handle, thread=message.thread)
        addresses = [one.address for one in (*letter.to, *letter.cc)]
        try:
            await self._threader.remember([mail.message_id], thread, addresses)
        except UnavailableError:  # it went out: at worst an answer asks "join?"
            log.warning("a mail's recipients are not remembered", extra={"action": "mail_members"})
