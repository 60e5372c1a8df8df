"""What a mail says, as values. `channels.mail.parsing.parse_email` makes them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from typing_extensions import override


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a mail is read; what lies beyond is left out and noted.

    Args:
        mail: bytes of the whole mail.
        headers: bytes of one block of headers.
        header: characters of one header.
        header_count: headers of one block.
        depth: parts within parts.
        parts: parts of one mail.
        text: characters of the text, and of the HTML.
        attachment: bytes of one attachment once decoded.
        addresses: addresses of one header.
        references: message ids that are kept of References.
    """

    mail: int = 64 * 1024 * 1024
    headers: int = 256 * 1024
    header: int = 32 * 1024
    header_count: int = 1000
    depth: int = 20
    parts: int = 500
    text: int = 1_000_000
    attachment: int = 48 * 1024 * 1024
    addresses: int = 500
    references: int = 50


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox with the name its owner writes before it; both may be empty."""

    email: str
    name: str = ""

    @override
    def __str__(self) -> str:
        if self.name and self.email:
            return f"{self.name} <{self.email}>"
        return self.name or self.email


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file within a mail.

    Args:
        name: a name to show, without any path; empty when the mail gives none.
        type: media type in lower case, as declared.
        content: the bytes, decoded.
        sha256: of the content, hexadecimal.
        content_id: what `cid:` in the HTML refers to, without brackets.
        inline: whether the HTML shows it.
    """

    name: str
    type: str
    content: bytes = field(repr=False)
    sha256: str
    content_id: str = ""
    inline: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)


class Auto(enum.StrEnum):
    """Who wrote a mail, if not a person."""

    NONE = "none"
    AUTO_REPLY = "auto-reply"
    BOUNCE = "bounce"
    LIST = "list"
    OWN = "own"


class Reason(enum.StrEnum):
    """Why a mail could not be delivered."""

    USER_UNKNOWN = "userunknown"
    HOST_UNKNOWN = "hostunknown"
    MOVED = "hasmoved"
    NOT_ACCEPTED = "notaccept"
    MAILBOX_FULL = "mailboxfull"
    TOO_BIG = "mesgtoobig"
    SUSPENDED = "suspend"
    FILTERED = "filtered"
    SPAM = "spamdetected"
    VIRUS = "virusdetected"
    BLOCKED = "blocked"
    REPUTATION = "badreputation"
    AUTHENTICATION = "authfailure"
    POLICY = "policyviolation"
    SECURITY = "securityerror"
    REJECTED = "rejected"
    TOO_MANY = "toomanyconn"
    SYNTAX = "syntaxerror"
    EXPIRED = "expired"
    NETWORK = "networkerror"
    SYSTEM = "systemerror"
    UNKNOWN = "undefined"

    @property
    def hard(self) -> bool:
        """Whether another try is useless: the address itself is wrong."""
        return self in (
            Reason.USER_UNKNOWN,
            Reason.HOST_UNKNOWN,
            Reason.MOVED,
            Reason.NOT_ACCEPTED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What a report of delivery says.

    Args:
        recipient: the address that was not reached; empty when the report hides it.
        action: `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464 2.3.3).
        status: the enhanced code (RFC 3463) such as `5.1.1`; empty when none was given.
        diagnostic: what the refusing server said, in its own words.
        reason: what that means.
        original_id: Message-ID of the mail that bounced, without brackets.
        original_to: where that mail was addressed to, when its headers came back.
    """

    recipient: str
    action: str
    status: str
    diagnostic: str
    reason: Reason
    original_id: str = ""
    original_to: str = ""

    @property
    def hard(self) -> bool:
        """Whether the address is wrong for good."""
        return self.action == "failed" and self.reason.hard


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """Who wrote the mail that this one passes on."""

    sender: Address
    subject: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a trusted server found about the sender (RFC 8601): one method and its result."""

    method: str
    result: str
    domain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEmail:
    """A mail as people see it, and what the gateway needs of it.

    Args:
        sender: the first address of From.
        authors: all of From.
        reply_to: where answers are wanted; empty when From is meant.
        delivered_to: addresses to which servers say they delivered it, nearest first.
        date: the Date header as RFC 3339; empty when it makes no sense.
        base_subject: the subject without "Re:", "转发:" and their like.
        message_id: without brackets, as all ids here.
        references: References and what else In-Reply-To names, oldest first.
        text: all that can be read, quotation included.
        reply: what the writer of this mail wrote, without quotation and signature.
        quoted: whether `reply` leaves anything out of `text`.
        html_safe: markup without anything that runs, loads or escapes; see `channels.mail.markup`.
        remote_images: whether pictures were kept from loading.
        protection: `smime-signed`, `smime-encrypted`, `pgp-signed`, `pgp-encrypted` or empty.
        auto: who wrote it, if not a person; `auto_sign` names the header or words that tell.
        generated: of an automatic mail, whether it is a machine's own message (RFC 3834
            `auto-generated`) rather than an answer.
        answerable: whether an automatic answer may be sent at all.
        bounce: what a report says, of failure or (with `auto` not bounce) of success.
        complaint: whether it is a feedback report of abuse (RFC 5965), or a mail program's
            wish to be taken off a list.
        list_id: of a mailing list; `unsubscribe` is its List-Unsubscribe.
        spam_score: what a filter on the way gave, `spam` whether it called it spam.
        verdicts: what the trusted host says of SPF, DKIM, DMARC.
        charset_notes: what had to be guessed about letters.
        notes: what was cut, broken or not understood.
    """

    sender: Address | None
    authors: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]
    subject: str
    base_subject: str
    date: str
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    text: str
    reply: str
    quoted: bool
    html_safe: str
    remote_images: bool
    attachments: tuple[Attachment, ...]
    protection: str
    auto: Auto
    auto_sign: str
    generated: bool
    answerable: bool
    bounce: Bounce | None
    complaint: bool
    forwarded: Forwarded | None
    list_id: str
    unsubscribe: str
    spam: bool
    spam_score: float | None
    verdicts: tuple[Verdict, ...]
    charset_notes: tuple[str, ...]
    notes: tuple[str, ...]
