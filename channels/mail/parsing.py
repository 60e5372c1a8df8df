"""`parse_email`: a mail's bytes to what people and the gateway need of it."""

from __future__ import annotations

from dataclasses import dataclass

from channels.mail.addresses import parse_addresses
from channels.mail.automated import Automated, judge_automated
from channels.mail.body import Body, BodyReader
from channels.mail.bounces import BounceSources, read_bounce
from channels.mail.forwards import find_forwarded
from channels.mail.headers import Headers
from channels.mail.model import Address, Auto, Bounce, Limits, ParsedEmail
from channels.mail.parts import Part, PartReader
from channels.mail.quotes import Split, split_reply
from channels.mail.subjects import base_subject, is_forward
from channels.mail.verdicts import read_spam, read_verdicts

_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom to believe.

    Args:
        hosts: names by which our own receiving servers sign Authentication-Results, lower case.
        own: our own addresses, lower case.
        unnamed: our own server writes the topmost Authentication-Results, without its name.
    """

    hosts: frozenset[str] = frozenset()
    unnamed: bool = False
    own: frozenset[str] = frozenset()


_NOBODY = Trust()


def parse_email(raw: bytes, *, limits: Limits = _LIMITS, trust: Trust = _NOBODY) -> ParsedEmail:
    """Reads a mail. Never raises, whatever the bytes; what was cut or guessed is in the notes.

    Args:
        raw: the mail as it came, with its headers.
        limits: how much of it is read.
        trust: whose word counts for the verdicts, and which addresses are ours.
    """
    notes: list[str] = []
    charset_notes: list[str] = []
    if len(raw) > limits.mail:
        notes.append(f"mail cut at {limits.mail} bytes")
        raw = raw[: limits.mail]
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    root = PartReader(raw, limits, notes).read(0, len(raw))
    body = BodyReader(limits, charset_notes, notes).read(root)
    return _compose(_Read(raw, root, body, limits, trust), charset_notes, notes)


@dataclass(frozen=True, slots=True)
class _Read:
    raw: bytes
    root: Part
    body: Body
    limits: Limits
    trust: Trust

    @property
    def headers(self) -> Headers:
        return self.root.headers

    def addresses(self, name: str) -> tuple[Address, ...]:
        found: list[Address] = []
        for raw in self.headers.all_raw(name):
            left = self.limits.addresses - len(found)
            found.extend(parse_addresses(raw, self.headers.decoded, left))
        return tuple(found)


def _compose(read: _Read, charset_notes: list[str], notes: list[str]) -> ParsedEmail:
    headers, body = read.headers, read.body
    authors = read.addresses("from")
    senders = authors or read.addresses("sender")
    sender = next((each for each in senders if each.email), next(iter(senders), None))
    subject = headers.text("subject")
    text = body.text.strip("\n")
    marked, marks = body.marked()
    bounce, automated = _judge(read, sender, subject, text)
    split = Split(text, quoted=False) if bounce else split_reply(marked, marks)
    safe, remote = body.safe_html()
    spam, score = read_spam(headers)
    _, parameters = headers.parameters("content-type")
    return ParsedEmail(
        sender=sender,
        authors=authors,
        reply_to=read.addresses("reply-to"),
        to=read.addresses("to"),
        cc=read.addresses("cc"),
        delivered_to=_delivered(read),
        subject=subject,
        base_subject=base_subject(subject),
        date=headers.date(),
        message_id=next(iter(headers.ids("message-id")), ""),
        in_reply_to=next(iter(headers.ids("in-reply-to")), ""),
        references=_references(headers, read.limits.references),
        text=text,
        reply=split.reply,
        quoted=split.quoted,
        html_safe=safe,
        remote_images=remote,
        attachments=tuple(body.attachments),
        protection=body.protection,
        auto=automated.auto,
        auto_sign=automated.sign,
        generated=automated.generated,
        answerable=automated.answerable,
        bounce=bounce,
        complaint=_is_complaint(read.root, parameters),
        forwarded=find_forwarded(
            body.messages if bounce is None else [],
            text,
            by_subject=is_forward(subject),
            limits=read.limits,
        ),
        list_id=headers.text("list-id"),
        unsubscribe=headers.text("list-unsubscribe"),
        spam=spam,
        spam_score=score,
        verdicts=read_verdicts(headers, read.trust.hosts, unnamed=read.trust.unnamed),
        charset_notes=tuple(charset_notes),
        notes=tuple(dict.fromkeys(notes)),
    )


def _judge(
    read: _Read, sender: Address | None, subject: str, text: str
) -> tuple[Bounce | None, Automated]:
    """What a report says, and who wrote the mail."""
    sources = BounceSources(
        read.headers,
        read.root,
        read.body,
        sender.email.lower() if sender else "",
        sender.name if sender else "",
        subject,
    )
    automated = judge_automated(
        read.headers, subject=subject, text=text, sender=sources.sender, own=read.trust.own
    )
    if automated.auto is Auto.OWN:
        return None, automated
    bounce = read_bounce(sources, read.limits)
    if bounce is None:
        return None, automated
    if bounce.action in ("failed", "delayed"):
        return bounce, Automated(Auto.BOUNCE, bounce.action, answerable=False)
    return bounce, Automated(Auto.AUTO_REPLY, f"report: {bounce.action}", answerable=False)


def _is_complaint(root: Part, parameters: dict[str, str]) -> bool:
    return (
        parameters.get("report-type", "").lower() == "feedback-report"
        or "x-apple-unsubscribe" in root.headers
        or any(part.type == "message/feedback-report" for part in root.walk())
    )


def _delivered(read: _Read) -> tuple[str, ...]:
    found = [
        address.email
        for name in ("delivered-to", "x-original-to", "x-envelope-to", "envelope-to")
        for address in read.addresses(name)
        if address.email
    ]
    return tuple(dict.fromkeys(found))


def _references(headers: Headers, limit: int) -> tuple[str, ...]:
    """Oldest first; of long chains the first and the newest are kept (RFC 5322 3.6.4)."""
    own = headers.ids("message-id")[:1]
    chain = [each for each in headers.ids("references") if each not in own]
    chain += [each for each in headers.ids("in-reply-to") if each not in (*chain, *own)]
    return tuple(chain if len(chain) <= limit else [chain[0], *chain[1 - limit :]])
