"""An outgoing message as a mail's bytes.

The headers are written here, not by `email`: it wraps long ids of References into encoded words
that no reader understands. The body is `email`'s.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from channels.adapters.email.reading import message_id_of
from channels.adapters.email.refusals import NOBODY, no_address
from channels.adapters.email.settings import EmailSettings
from channels.adapters.email.signing import Marks
from channels.contract import MessageKind, OutboundMessage
from channels.errors import PermanentDeliveryError
from channels.letters import Letter, Party, Quoted

MOST_REFERENCES: Final = 20
_POLICY: Final = SMTP.clone(cte_type="7bit")
# Also lone surrogates, which no encoding has.
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_UNPRINTED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ID: Final = re.compile(r"[!-;=?-~]{1,900}")  # what an id may hold on the wire, in one line
# No local part begins with a hyphen: programs that are handed addresses take it for an option.
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*@[A-Za-z0-9_][A-Za-z0-9._-]*"
)
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class File:
    """An attachment with its content."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What is handed to the mail server. `message_id` is without brackets."""

    message_id: str
    recipients: tuple[str, ...]
    content: bytes


def compose(
    message: OutboundMessage,
    letter: Letter,
    files: Sequence[File],
    *,
    settings: EmailSettings,
    marks: Marks,
    language: str,
    now: int,
) -> Mail:
    """The mail, the same at each attempt but for its date.

    Args:
        message: what is said.
        letter: to whom, about what, in answer to what.
        files: its attachments.
        settings: whose mail it is.
        marks: makes the addresses and ids that answers carry.
        language: of the inbox, BCP 47.
        now: ms since the epoch.

    Raises:
        PermanentDeliveryError: there is nobody to send it to, or an address cannot be written.
    """
    public = message.message
    automatic = public.kind is MessageKind.BOT
    message_id = marks.message_id(public.conversation_id, public.id)
    groups = [
        [_recipient(one, language) for one in group]
        for group in (letter.to, letter.cc, letter.bcc)
    ]
    recipients = tuple(dict.fromkeys(one.address for group in groups for one in group))
    if not recipients:
        raise PermanentDeliveryError(NOBODY.in_language(language))
    answered = [one for one in map(message_id_of, letter.references) if _ID.fullmatch(one)]
    reply_to = marks.reply_address(public.conversation_id) if settings.plus_addresses else None
    lines = [
        _line("From", _party(Party(address=settings.address, name=settings.display_name))),
        _people("To", groups[0]),
        _people("Cc", groups[1]),
        _line("Reply-To", reply_to or ""),
        _text("Subject", _subject(letter, language)),
        _line("Date", format_datetime(datetime.fromtimestamp(now / 1000, UTC))),
        _line("Message-ID", f"<{message_id}>"),
        _ids("In-Reply-To", answered[-1:]),
        _ids("References", _shortened(answered)),
        *(_automatic_lines(settings, marks) if automatic else ()),
    ]
    head = "\r\n".join(line for line in lines if line) + "\r\n"
    body = _body(message, letter, files, settings, _tongue(public.text, language))
    return Mail(message_id=message_id, recipients=recipients, content=head.encode("ascii") + body)


def _automatic_lines(settings: EmailSettings, marks: Marks) -> list[str]:
    """What keeps robots from answering robots (RFC 3834), and shows us our own again."""
    return [
        "Auto-Submitted: auto-replied",
        "X-Auto-Response-Suppress: All",
        "Precedence: bulk",
        _line("List-Unsubscribe", f"<mailto:{settings.address}?subject=unsubscribe>"),
        _line("X-Yingda-Instance", marks.instance),
    ]


def _recipient(party: Party, language: str) -> Party:
    """The address as it goes over the wire: the domain in ASCII (RFC 5891)."""
    address = party.address.strip()
    local, _, domain = address.rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        plain = ""
    if not _ADDRESS.fullmatch(plain):
        words = no_address(_CONTROLS.sub("?", address)[:80])
        raise PermanentDeliveryError(words.in_language(language))
    return Party(address=plain, name=party.name)


def _line(name: str, value: str) -> str:
    return f"{name}: {_CONTROLS.sub(' ', value)}" if value else ""


def _text(name: str, value: str) -> str:
    """A header with words in it, encoded and folded (RFC 2047)."""
    plain = _CONTROLS.sub(" ", value).strip()
    charset = "us-ascii" if plain.isascii() and "=?" not in plain else "utf-8"
    encoded = Header(plain, charset, maxlinelen=76, header_name=name).encode(linesep="\r\n")
    return f"{name}: {encoded}"


def _people(name: str, parties: Sequence[Party]) -> str:
    listed = ",\r\n ".join(_party(one) for one in parties)
    return f"{name}: {listed}" if listed else ""


def _party(party: Party) -> str:
    name = " ".join(_CONTROLS.sub(" ", party.name).split())[:60]
    if not name:
        return party.address
    if not name.isascii() or "=?" in name:
        encoded = Header(name, "utf-8", maxlinelen=70).encode(linesep="\r\n")
        return f"{encoded} <{party.address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{party.address}>'


def _ids(name: str, ids: Sequence[str]) -> str:
    return f"{name}: " + "\r\n ".join(f"<{one}>" for one in ids) if ids else ""


def _shortened(ids: Sequence[str]) -> list[str]:
    """A long chain keeps its first and its newest (RFC 5322 3.6.4)."""
    if len(ids) <= MOST_REFERENCES:
        return list(ids)
    return [ids[0], *ids[1 - MOST_REFERENCES :]]


_SUBJECTS: Final = {"zh-Hans": "您的咨询", "zh-Hant": "您的諮詢", "en": "Your request"}
_CHINA: Final = timezone(timedelta(hours=8))
_WROTE: Final = {
    "zh-Hans": "在 {date}，{name} 写道：",
    "zh-Hant": "在 {date}，{name} 寫道：",
    "en": "On {date} UTC, {name} wrote:",
}


def _subject(letter: Letter, language: str) -> str:
    base = letter.subject or _SUBJECTS[_tongue("", language)]
    return f"Re: {base}" if letter.references and not base.lower().startswith("re:") else base


def _tongue(text: str, language: str) -> str:
    """The language of what stands around the text: the text's own."""
    traditional = language.lower() in {"zh-hant", "zh-tw", "zh-hk", "zh-mo"}
    chinese = _CHINESE.search(text) if text else language.lower().startswith("zh")
    return ("zh-Hant" if traditional else "zh-Hans") if chinese else "en"


def _body(
    message: OutboundMessage,
    letter: Letter,
    files: Sequence[File],
    settings: EmailSettings,
    tongue: str,
) -> bytes:
    public = message.message
    choices = [f"- {choice.title}" for choice in public.choices]
    said = "\n\n".join(part for part in (public.text, "\n".join(choices)) if part)
    part = EmailMessage(policy=_POLICY)
    plain = _plain(said, letter.quoted, settings.signature, tongue)
    part.set_content(_UNPRINTED.sub("", plain))
    rich = _rich(letter.html or _as_html(said), letter.quoted, settings.signature, tongue)
    part.add_alternative(_UNPRINTED.sub("", rich), subtype="html")
    for file in files:
        kind, _, subtype = file.mime.partition("/")
        part.add_attachment(
            file.content,
            maintype=kind or "application",
            subtype=subtype or "octet-stream",
            filename=_CONTROLS.sub(" ", file.name),
        )
    for inner in list(part.walk())[1:]:
        del inner["MIME-Version"]  # belongs to the mail, not to its parts (RFC 2045 4)
    return part.as_bytes()


def _plain(said: str, quoted: Quoted | None, signature: str, tongue: str) -> str:
    """The text, our signature, and the customer's mail as mail readers quote it."""
    parts = [said]
    if signature:
        parts.append(f"-- \n{signature}")
    if quoted is not None:
        lines = "\n".join(f"> {line}".rstrip() for line in quoted.text.splitlines())
        parts.append(f"{_attribution(quoted, tongue)}\n{lines}")
    return "\n\n".join(parts) + "\n"


def _rich(said: str, quoted: Quoted | None, signature: str, tongue: str) -> str:
    """The same with the marks by which Gmail, Apple Mail and Outlook fold a quotation."""
    parts = [f'<div dir="auto">{said}</div>']
    if signature:
        parts.append(f"<div>-- <br>{_as_html(signature)}</div>")
    if quoted is not None:
        parts.append(
            '<br><div class="gmail_quote"><div class="gmail_attr">'
            f"{html.escape(_attribution(quoted, tongue))}</div>"
            '<blockquote type="cite" class="gmail_quote" style="margin:0 0 0 .8ex;'
            'border-left:1px solid #ccc;padding-left:1ex">'
            f"{_as_html(quoted.text)}</blockquote></div>"
        )
    return f"<!DOCTYPE html><html><body>{''.join(parts)}</body></html>\n"


def _as_html(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")


def _attribution(quoted: Quoted, tongue: str) -> str:
    zone = UTC if tongue == "en" else _CHINA
    when = datetime.fromtimestamp(quoted.at / 1000, zone)
    name = " ".join(_CONTROLS.sub(" ", quoted.author.name).split())
    who = f"{name} <{quoted.author.address}>" if name else quoted.author.address
    return _WROTE[tongue].format(date=f"{when:%Y-%m-%d %H:%M}", name=who)
