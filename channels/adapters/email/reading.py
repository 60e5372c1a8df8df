"""A parsed mail as the gateway's values."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from channels.contract import DeliveryReport, MessageState
from channels.letters import Automatic, Participant, Party
from channels.mail.model import Auto, Bounce, ParsedEmail

LONGEST_TEXT: Final = 100_000  # characters of a message
LONGEST_SUBJECT: Final = 300
LONGEST_NAME: Final = 100
LONGEST_FACT: Final = 1_000
LONGEST_ID: Final = 400  # bytes
MOST_PARTICIPANTS: Final = 50
_ACTIONS: Final = {
    "failed": MessageState.FAILED,
    "delayed": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "relayed": MessageState.DELIVERED,
    "expanded": MessageState.DELIVERED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who a mail is from, and who passed it on, when one of our people did."""

    party: Party
    forwarder: str = ""


def external_id(mail: ParsedEmail) -> str:
    """The mail's id: the same for a copy of it, another for another mail with the same Message-ID.

    Broken programs give many mails one Message-ID; sender and date tell these apart, and stay as
    they are on every way that a copy comes. Without a date what the mail says does.
    """
    sender = mail.sender.email.lower() if mail.sender else ""
    message_id = reference(mail.message_id)
    parts = [sender, mail.date]
    if not (mail.message_id and mail.date):
        files = (hashlib.sha256(one.content).hexdigest() for one in mail.attachments)
        parts += [mail.subject, mail.text, *files]
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()
    return f"{message_id} {digest[:12]}" if message_id else digest[:40]


def reference(message_id: str) -> str:
    """A Message-ID as it is kept: a very long one by its hash."""
    plain = clean(message_id)
    if len(plain.encode()) <= LONGEST_ID:
        return plain
    return "sha256:" + hashlib.sha256(plain.encode()).hexdigest()


def clean(text: str) -> str:
    """Without what no database and no bus can hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def message_id_of(external: str) -> str:
    """The Message-ID in an external id; empty where the mail had none."""
    found = external.partition(" ")[0]
    return found if "@" in found else ""


def thread_ids(mail: ParsedEmail, external: str) -> list[str]:
    """What later mails may name this one by; its own first."""
    return [external, *([reference(mail.message_id)] if mail.message_id else [])]


def automatic_of(mail: ParsedEmail) -> Automatic:
    """What made the mail, when it was no person."""
    if mail.auto is Auto.AUTO_REPLY and not mail.generated:
        return Automatic.AUTO_REPLY
    if mail.auto is Auto.LIST:
        return Automatic.LIST
    if mail.complaint or not mail.answerable:
        return Automatic.GENERATED
    return Automatic.NONE


def text_of(mail: ParsedEmail, *, whole: bool) -> str:
    """What the writer wrote; with `whole` what they quoted or passed on too."""
    text = mail.text if whole or not mail.reply.strip() else mail.reply
    return clean(text[:LONGEST_TEXT])


def participants_of(mail: ParsedEmail, is_ours: Callable[[str], bool]) -> tuple[Participant, ...]:
    """Who else got it, without ourselves."""
    found = {
        one.email.lower(): Participant(
            address=clean(one.email), name=clean(one.name[:LONGEST_NAME]), role=role
        )
        for role, group in (("cc", mail.cc), ("to", mail.to))
        for one in group
        if one.email and not is_ours(one.email)
    }
    return tuple(found.values())[:MOST_PARTICIPANTS]


def sent_at(mail: ParsedEmail) -> int | None:
    """When it was written, in ms since the epoch, if it says so."""
    try:
        return round(datetime.fromisoformat(mail.date).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def is_verified(mail: ParsedEmail) -> bool:
    """Whether the trusted host vouches for the one sender's domain (RFC 7489)."""
    domains = [one.email.rpartition("@")[2].lower() for one in mail.authors]
    return any(
        one.method == "dmarc" and one.result == "pass" and domains == [one.domain]
        for one in mail.verdicts
    )


def suspicion_of(mail: ParsedEmail, limit: float) -> str:
    """What makes a mail look like spam or forged; empty where nothing does.

    Args:
        mail: as parsed.
        limit: the score of a spam filter from which on it counts; 0 for none.
    """
    if mail.spam:
        return "spam"
    if limit and mail.spam_score is not None and mail.spam_score >= limit:
        return f"spam_score={mail.spam_score:g}"
    failed = any(one.method == "dmarc" and one.result == "fail" for one in mail.verdicts)
    return "dmarc=fail" if failed else ""


def facts_of(
    mail: ParsedEmail, writer: Writer, refused: Sequence[str], suspicion: str
) -> Mapping[str, str]:
    """What agents are shown beside the text."""
    found = {one.method: f"{one.result} {one.domain}".strip() for one in mail.verdicts}
    found |= {
        "message_id": mail.message_id,
        "charset": "; ".join(mail.charset_notes),
        "notes": "; ".join(mail.notes),
        "protection": mail.protection,
        "automatic_sign": mail.auto_sign,
        "list": mail.list_id,
        "spam": "yes" if mail.spam else "",
        "spam_score": "" if mail.spam_score is None else f"{mail.spam_score:g}",
        "suspicious": suspicion,
        "forwarded_by": writer.forwarder,
        "files_left_out": ", ".join(refused),
        "quoted": "yes" if mail.quoted else "",
        "remote_images": "yes" if mail.remote_images else "",
    }
    return {clean(name): clean(value[:LONGEST_FACT]) for name, value in found.items() if value}


def report_of(bounce: Bounce, inbox_id: str, message_id: str | None) -> DeliveryReport:
    """What a bounce says of one of our messages."""
    why = bounce.diagnostic or bounce.status or bounce.reason.value
    whom = f"{bounce.recipient}: " if bounce.recipient else ""
    said = _PLAIN.get(bounce.reason.value, "The mail was refused")
    return DeliveryReport(
        inbox_id=inbox_id,
        state=_ACTIONS.get(bounce.action, MessageState.FAILED),
        reason=clean(f"{whom[:LONGEST_FACT]}{said} ({why[:400]})."),
        message_id=message_id,
        external_id=reference(bounce.original_id) or None,
    )


_PLAIN: Final = {
    "userunknown": "There is no such mailbox",
    "hostunknown": "There is no such mail domain",
    "hasmoved": "The mailbox has moved",
    "notaccept": "The domain takes no mail",
    "mailboxfull": "The mailbox is full",
    "mesgtoobig": "The mail is too large",
    "suspend": "The mailbox is closed",
    "filtered": "A filter refused the mail",
    "spamdetected": "It was taken for spam",
    "virusdetected": "It was taken for a virus",
    "blocked": "Our mail server is blocked there",
    "badreputation": "Our mail server has a bad reputation there",
    "authfailure": "Our domain's SPF, DKIM or DMARC does not pass",
    "policyviolation": "The receiver's policy forbids it",
    "expired": "The receiver's server could not be reached in time",
    "networkerror": "The receiver's server could not be reached",
    "systemerror": "The receiver's server is out of order",
    "toomanyconn": "The receiver's server is too busy",
}
