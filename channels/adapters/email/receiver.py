"""What becomes of each mail, whichever way it came: shown, reported, or counted as discarded."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from channels.adapters.email.reading import (
    LONGEST_NAME,
    LONGEST_SUBJECT,
    Writer,
    automatic_of,
    clean,
    external_id,
    facts_of,
    is_verified,
    participants_of,
    report_of,
    sent_at,
    suspicion_of,
    text_of,
    thread_ids,
)
from channels.adapters.email.serving import Serving
from channels.adapters.email.settings import EmailSettings
from channels.adapters.email.signing import Marks
from channels.adapters.email.threading import Place, Threader
from channels.contract import Attachment, ChannelContext, Discard, InboundMessage, MessageState
from channels.errors import MalformedPayloadError, SinkFullError, UnavailableError
from channels.files import accept_file, safe_name
from channels.letters import Author, Doubt, Party
from channels.mail.model import Address, Auto, Bounce, ParsedEmail
from channels.mail.parsing import Trust, parse_email

log = logging.getLogger(__name__)

IN_THREAD: Final = 50_000  # bytes from which a mail is parsed beside the event loop
HEAD: Final = 100_000  # bytes in which our own mark is looked for
MOST_FILES: Final = 30
NOBODY: Final = "unknown@invalid"  # the handle of mails that name no sender

Deliver = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A mail that is understood: `deliver` brings it where it belongs, in its `key`'s order."""

    key: str
    deliver: Deliver


class Receiver:
    """Takes the mails of one mailbox."""

    def __init__(
        self, inbox_id: str, settings: EmailSettings, context: ChannelContext, marks: Marks
    ) -> None:
        self._inbox_id = inbox_id
        self._settings = settings
        self._context = context
        self._marks = marks
        self._threader = Threader(inbox_id, marks, context.threads)
        self._serving = Serving(context.state)
        self._trust = Trust(
            hosts=frozenset({settings.trusted_host.lower()} - {""}), unnamed=settings.is_microsoft
        )

    async def take(
        self, raw: bytes, envelope: Sequence[str] = (), *, doubt: Doubt = Doubt.NONE
    ) -> Taken:
        """Keeps the raw mail and decides what becomes of it; nothing is delivered yet.

        Whatever a mail holds, it is taken: what cannot be read is shown as unreadable.

        Args:
            raw: the mail, or its head alone.
            envelope: to whom the delivering server says it goes.
            doubt: why only the head was fetched, if so.

        Raises:
            UnavailableError: the store or the disk is away; come again with the same mail.
        """
        blob = await self._context.blobs.put(raw)
        try:
            mail = await self._parse(raw)
            if mail.auto is Auto.OWN and self._marks.instance.encode() in raw[:HEAD]:
                return self._discard(external_id(mail), "loop", blob)
            return await self._decide(mail, blob, envelope, doubt)
        except (SinkFullError, UnavailableError, OSError):  # the disk's fault and not the mail's
            raise
        except Exception:
            # A fault of ours that some mail brings out: it must not hold up the others.
            log.exception("a mail is shown as unreadable", extra={"action": "mail_unreadable"})
            return self._unreadable(raw, blob)

    async def _parse(self, raw: bytes) -> ParsedEmail:
        if len(raw) > IN_THREAD:
            return await asyncio.to_thread(self._parse_now, raw)
        return self._parse_now(raw)

    def _parse_now(self, raw: bytes) -> ParsedEmail:
        return parse_email(raw, trust=self._trust)

    async def _decide(
        self, mail: ParsedEmail, blob: str, envelope: Sequence[str], doubt: Doubt
    ) -> Taken:
        external = external_id(mail)
        if mail.bounce is not None:
            return self._bounced(mail, mail.bounce, envelope, external, blob)
        writer = self._writer(mail)
        if writer is None:
            return self._discard(external, "own", blob)
        address = writer.party.address.lower()
        place = await self._threader.place(_addressed(mail, envelope), address, external)
        files, refused = await self._files(mail)
        html = mail.html_safe and await self._context.blobs.put(mail.html_safe.encode())
        suspicion = suspicion_of(mail, self._settings.spam_limit)
        ids = thread_ids(mail, external)
        others = (one.email for one in (*mail.to, *mail.cc) if not self._is_ours(one.email))
        members = [address, *others] if place.known else []
        thread = await self._threader.remember(ids, place.thread, members)
        message = InboundMessage(
            inbox_id=thread.inbox_id,
            handle=thread.handle,
            thread=thread.thread,
            external_id=external,
            text=text_of(mail, whole=bool(writer.forwarder)),
            received_at=self._context.now(),
            sent_at=sent_at(mail),
            raw=blob,
            html=html or None,
            attachments=files,
            verified=is_verified(mail) and not writer.forwarder,
            profile=_profile(writer.party) if address == thread.handle else {},
            subject=clean(mail.base_subject[:LONGEST_SUBJECT]),
            automatic=automatic_of(mail),
            doubt=doubt or (Doubt.SUSPICIOUS if suspicion else Doubt.NONE),
            author=_author(writer.party, place, thread.handle),
            participants=participants_of(mail, self._is_ours),
            facts=facts_of(mail, writer, refused, suspicion),
        )
        return self._deliver(message)

    def _deliver(self, message: InboundMessage) -> Taken:
        return self._guarded(
            message.conversation_key,
            lambda: self._context.sink.deliver(message),
            self._unread(message.external_id, message.raw),
        )

    def _guarded(self, key: str, deliver: Deliver, instead: InboundMessage) -> Taken:
        """Shows a mail as unreadable where a value of it cannot be kept: the others must go on."""

        async def attempt() -> None:
            try:
                await deliver()
            except (SinkFullError, UnavailableError):
                raise
            except Exception:
                log.exception("a mail is shown as unreadable", extra={"action": "mail_unreadable"})
                await self._context.sink.deliver(instead)

        return Taken(key=key, deliver=attempt)

    def _discard(self, external: str, reason: str, blob: str) -> Taken:
        discard = Discard(inbox_id=self._inbox_id, external_id=external, reason=reason, raw=blob)
        return self._guarded(
            external,
            lambda: self._context.sink.discard(discard),
            self._unread(external, blob),
        )

    def _bounced(
        self,
        mail: ParsedEmail,
        bounce: Bounce,
        envelope: Sequence[str],
        external: str,
        blob: str,
    ) -> Taken:
        """A report goes to the message that it is about; one about nobody's is only counted."""
        addresses = [*envelope, *mail.delivered_to, *(one.email for one in mail.to)]
        signed = (self._marks.message_of_address(one) for one in addresses)
        report = replace(
            report_of(bounce, self._inbox_id, next((one for one in signed if one), None)),
            signed_as=self._marks.signed_as(bounce.original_id),
        )

        async def deliver() -> None:
            ours = await self._context.sink.report(report)
            named = report.message_id or (report.signed_as and report.signed_as.end)
            if ours and named and report.state is MessageState.FAILED:
                await self._serving.lost(named, bounce.recipient)
            reason = "bounce" if ours else "foreign bounce"
            await self._discard(external, reason, blob).deliver()

        return self._guarded(external, deliver, self._unread(external, blob))

    def _writer(self, mail: ParsedEmail) -> Writer | None:
        """Whose mail it is; None when it is our own.

        A web form may write from our own address and put the customer's into Reply-To. Where
        somebody checks senders, our people's forwards must be theirs.
        """
        sender = mail.sender or Address(NOBODY)
        checked = bool(self._trust.hosts) or self._trust.unnamed
        believed = is_verified(mail) or not checked
        if self._settings.is_staff(sender.email) and mail.forwarded is not None and believed:
            first = mail.forwarded.sender
            if first.email and not self._is_ours(first.email):
                return Writer(party=_party(first), forwarder=sender.email)
        if not self._is_ours(sender.email):
            return Writer(party=_party(sender))
        answers = [one for one in mail.reply_to if one.email and not self._is_ours(one.email)]
        return Writer(party=_party(answers[0])) if answers else None

    def _is_ours(self, address: str) -> bool:
        return self._settings.is_ours(address)

    async def _files(self, mail: ParsedEmail) -> tuple[tuple[Attachment, ...], list[str]]:
        """The files that may be kept, and the names of those that stay in the raw mail."""
        kept: list[Attachment] = []
        refused: list[str] = []
        for file in mail.attachments:
            name = file.name or "file"
            if len(kept) >= MOST_FILES:
                refused.append(safe_name(name))
                continue
            try:
                kept.append(
                    await accept_file(
                        self._context.blobs,
                        name=name,
                        declared_mime="",
                        content=file.content,
                        limit=self._settings.max_mail_bytes,
                    )
                )
            except MalformedPayloadError as error:
                refused.append(f"{safe_name(name)} ({error.message})")
        return tuple(kept), refused

    def _unreadable(self, raw: bytes, blob: str) -> Taken:
        message = self._unread(hashlib.sha256(raw).hexdigest()[:40], blob)
        return Taken(
            key=message.conversation_key, deliver=lambda: self._context.sink.deliver(message)
        )

    def _unread(self, external: str, blob: str | None) -> InboundMessage:
        """What stands for a mail that cannot be read: a person looks at the raw one."""
        return InboundMessage(
            inbox_id=self._inbox_id,
            handle=NOBODY,
            thread=external,
            external_id=external,
            text="",
            received_at=self._context.now(),
            raw=blob,
            doubt=Doubt.UNREADABLE,
        )


def _addressed(mail: ParsedEmail, envelope: Sequence[str]) -> ParsedEmail:
    """The mail with the addresses that the delivering server gave."""
    if not envelope:
        return mail
    return replace(mail, delivered_to=(*envelope, *mail.delivered_to))


def _party(address: Address) -> Party:
    return Party(address=clean(address.email) or NOBODY, name=clean(address.name[:LONGEST_NAME]))


def _profile(party: Party) -> dict[str, str]:
    found = {"name": party.name, "email": party.address if party.address != NOBODY else ""}
    return {name: value for name, value in found.items() if value}


def _author(party: Party, place: Place, handle: str) -> Author | None:
    """Who wrote, when that was not the conversation's customer."""
    if party.address.lower() == handle:
        return None
    return Author(address=party.address, name=party.name, stranger=not place.known)
