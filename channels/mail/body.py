"""What of a mail is read and what is attached."""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass, field

from channels.mail.calendar import describe_calendar
from channels.mail.charsets import decode
from channels.mail.flowed import unflow
from channels.mail.html_text import Mark, Rendered, render
from channels.mail.markup import Token, tokens
from channels.mail.model import Attachment, Limits
from channels.mail.parts import Part
from channels.mail.safe_html import safe_html
from channels.mail.tnef import open_winmail
from channels.mail.transfer import decoded_body, take_uuencoded

_META = re.compile(rb"(?i)<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-z0-9_.:-]{1,40})")
_REPORTS = {
    "message/delivery-status", "message/global-delivery-status", "text/rfc822-headers",
    "message/global-headers", "message/feedback-report", "message/disposition-notification",
}  # fmt: skip
_SIGNATURES = {
    "application/pkcs7-signature": "smime-signed",
    "application/x-pkcs7-signature": "smime-signed",
    "application/pgp-signature": "pgp-signed",
    "application/pgp-encrypted": "pgp-encrypted",
}
# Outlook writes the address of a link behind it, even when it is the same.
_TWICE = re.compile(r"((?:https?://|www\.)[^\s<>]{1,300}) ?<(?:https?://)?\1/?>")
_PGP_SIGNED = re.compile(r"(?m)^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\r?$")


@dataclass(slots=True)
class Block:
    """A stretch of the body: as text, as HTML, or as both."""

    plain: str = ""
    page: list[Token] = field(default_factory=list)
    rendered: Rendered | None = None

    @property
    def text(self) -> str:
        """The plain text, or what the HTML says."""
        if self.plain.strip():
            return self.plain
        return self.rendered.text if self.rendered else ""


@dataclass(slots=True)
class Body:
    """All of a mail that is read, and its files."""

    blocks: list[Block] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    messages: list[Part] = field(default_factory=list)  # mails within the mail
    calendar: str = ""
    protection: str = ""
    text_left: int = 0
    html_left: int = 0

    @property
    def text(self) -> str:
        """The text of all blocks, and what an invitation says."""
        read = "\n".join(filter(None, (block.text.strip("\r\n") for block in self.blocks)))
        if self.calendar and self.calendar not in read:
            return f"{read}\n\n{self.calendar}" if read else self.calendar
        return read

    def marked(self) -> tuple[str, dict[int, Mark]]:
        """The text in which the reply is looked for, and what the markup says of its lines.

        HTML is taken where it marks the quotation, the plain text otherwise.
        """
        lines: list[str] = []
        marks: dict[int, Mark] = {}
        for block in self.blocks:
            shown = block.rendered
            if shown and (shown.hinted or not block.plain.strip()):
                marks.update({len(lines) + at: mark for at, mark in shown.marks.items()})
                lines.extend(shown.lines)
            else:
                lines.extend(block.plain.replace("\r\n", "\n").split("\n"))
        return "\n".join(lines), marks

    def safe_html(self) -> tuple[str, bool]:
        """Markup that may be shown (empty for a mail of text alone), and if pictures are held."""
        if not any(block.page for block in self.blocks):
            return "", False
        written, remote = [], False
        for block in self.blocks:
            if block.page:
                safe = safe_html(block.page)
                written.append(safe.markup)
                remote = remote or safe.remote_images
            elif block.plain.strip():
                escaped = html.escape(block.plain.strip("\r\n"), quote=False)
                written.append(f'<div style="white-space:pre-wrap">{escaped}</div>')
        return "\n".join(written), remote


class BodyReader:
    """Gathers the body of one mail."""

    def __init__(self, limits: Limits, charset_notes: list[str], notes: list[str]) -> None:
        self._limits = limits
        self._charset_notes = charset_notes
        self._notes = notes
        self._body = Body(text_left=limits.text, html_left=limits.text)
        self._inline: set[str] = set()

    def read(self, root: Part) -> Body:
        """Reads all parts under the root."""
        self._body.blocks = self._blocks(root)
        if self._body.calendar and not any(b.text.strip() for b in self._body.blocks):
            self._body.blocks.append(Block(plain=self._body.calendar))
        return self._body

    def _blocks(self, part: Part) -> list[Block]:
        if part.type == "multipart/alternative":
            return self._alternative(part)
        if part.children:
            return [block for child in part.children for block in self._blocks(child)]
        return self._leaf(part)

    def _alternative(self, part: Part) -> list[Block]:
        """One block that is text and HTML at once; what else there is follows."""
        found = [block for child in part.children for block in self._blocks(child)]
        plain = next((b for b in found if b.plain.strip()), None)
        pages = [b for b in found if b.page]
        if not pages:
            return [plain] if plain else found[:1]
        merged = Block(plain.plain if plain else "", pages[-1].page, pages[-1].rendered)
        shown = merged.rendered.text if merged.rendered else ""
        if "&nbsp;" in merged.plain:  # QQ writes its plain text with entities
            merged.plain = html.unescape(merged.plain).replace("\xa0", " ")
        if len(merged.plain.strip()) * 20 < len(shown) and len(shown) > 200:
            merged.plain = ""  # "your program cannot show this mail"
        return [merged]

    def _leaf(self, part: Part) -> list[Block]:
        kind = part.type
        if kind in _SIGNATURES:
            self._body.protection = self._body.protection or _SIGNATURES[kind]
            return []
        if kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
            signed = "signed" in part.parameters.get("smime-type", "")
            self._body.protection = "smime-signed" if signed else "smime-encrypted"
        if kind in _REPORTS:
            return []
        if kind in ("message/rfc822", "message/global"):
            self._message(part)
            return []
        attached = part.disposition == "attachment" or (
            bool(part.filename) and (part.disposition != "" or not kind.startswith("text/"))
        )
        if not attached and kind == "text/html":
            return self._html(part)
        if not attached and kind in ("text/plain", "text/enriched", "text/richtext"):
            return self._plain(part)
        return self._attach(part)

    def _plain(self, part: Part) -> list[Block]:
        body = decoded_body(part)[: self._limits.text * 4]
        if b"begin " in body or b"=ybegin " in body:
            files, body = take_uuencoded(body)
            for name, content in files:
                self._file(decode(name)[0], "application/octet-stream", content)
        text = self._take(self._decoded(body, part.parameters.get("charset", "")), "text")
        if part.type != "text/plain":
            text = render(tokens(text.replace("<<", "&lt;"))).text
        elif part.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, delsp=part.parameters.get("delsp", "").lower() == "yes")
        return [Block(plain=_TWICE.sub(r"\1", self._unarmoured(text)))]

    def _html(self, part: Part) -> list[Block]:
        body = decoded_body(part)[: self._limits.text * 4]
        label = part.parameters.get("charset", "")
        if not label and (meta := _META.search(body[:4096])):
            label = meta[1].decode("ascii")
        return [self._page(self._decoded(body, label))]

    def _page(self, source: str) -> Block:
        page = list(tokens(self._take(source, "HTML")))
        return Block(page=page, rendered=render(page))

    def _take(self, text: str, what: str) -> str:
        """What of a text may still be read."""
        left = self._body.html_left if what == "HTML" else self._body.text_left
        if len(text) > left:
            self._notes.append(f"{what} cut at {self._limits.text} characters")
            text = text[:left]
        if what == "HTML":
            self._body.html_left -= len(text)
        else:
            self._body.text_left -= len(text)
        return text

    def _decoded(self, body: bytes, charset: str) -> str:
        text, note = decode(body, charset)
        if note and note not in self._charset_notes:
            self._charset_notes.append(note)
        return text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")

    def _unarmoured(self, text: str) -> str:
        """The text that a PGP signature encloses."""
        if "-----BEGIN PGP MESSAGE-----" in text:
            self._body.protection = "pgp-encrypted"
        opening = _PGP_SIGNED.search(text)
        signature = text.find("-----BEGIN PGP SIGNATURE-----", opening.end() if opening else 0)
        if opening is None or signature < 0:
            return text
        self._body.protection = "pgp-signed"
        start = text.find("\n\n", opening.end())
        signed = text[start + 2 if 0 <= start < signature else opening.end() : signature]
        return text[: opening.start()] + re.sub(r"(?m)^- ", "", signed)

    def _message(self, part: Part) -> None:
        self._body.messages.append(part)
        name = clean_name(part.filename) or "message.eml"
        self._file(name, part.type, decoded_body(part))

    def _attach(self, part: Part) -> list[Block]:
        content = decoded_body(part)
        if part.type == "text/calendar":
            text = self._decoded(content[:200_000], part.parameters.get("charset", "utf-8"))
            self._body.calendar = self._body.calendar or describe_calendar(text)
        name = clean_name(part.filename)
        if part.type in ("application/ms-tnef", "application/vnd.ms-tnef") or (
            name.lower() == "winmail.dat"
        ):
            blocks = self._winmail(content)
            if blocks is not None:
                return blocks
        content_id = part.headers.text("content-id").strip("<> ")
        inline = bool(content_id) and part.disposition != "attachment"
        self._file(name, part.type, content, content_id, inline=inline)
        return []

    def _winmail(self, content: bytes) -> list[Block] | None:
        opened = open_winmail(content)
        if opened is None:
            self._notes.append("winmail.dat cannot be read")
            return None
        for file in opened.files:
            kind = file.type or "application/octet-stream"
            self._file(clean_name(file.name), kind, file.content, file.content_id, inline=False)
        if opened.html:
            return [self._page(self._decoded(opened.html, ""))]
        return [Block(plain=opened.text)] if opened.text.strip() else []

    def _file(
        self, name: str, kind: str, content: bytes, content_id: str = "", *, inline: bool = False
    ) -> None:
        if len(content) > self._limits.attachment:
            self._notes.append(f"attachment {name} cut at {self._limits.attachment} bytes")
            content = content[: self._limits.attachment]
        self._body.attachments.append(
            Attachment(
                name=name,
                type=kind,
                content=content,
                sha256=hashlib.sha256(content).hexdigest(),
                content_id=content_id[:500],
                inline=inline,
            )
        )


def clean_name(name: str) -> str:
    """A file's name to show: no path, no control characters, no more than 150 characters."""
    last = re.split(r"[/\\]", name.strip())[-1]
    printable = "".join(letter for letter in last if letter.isprintable()).strip(". ")
    if len(printable) <= 150:
        return printable
    stem, dot, ending = printable.rpartition(".")
    return f"{stem[:130]}.{ending}" if dot and len(ending) < 12 else printable[:150]
