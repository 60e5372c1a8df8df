"""Who wrote the mail that another passes on."""

from __future__ import annotations

import re

from channels.mail import quote_words as words
from channels.mail.addresses import parse_addresses, read_address
from channels.mail.headers import read_headers
from channels.mail.model import Forwarded, Limits
from channels.mail.parts import Part
from channels.mail.transfer import decoded_body

_LINES = 3000  # of the text that are looked at


def find_forwarded(
    messages: list[Part], text: str, *, by_subject: bool, limits: Limits
) -> Forwarded | None:
    """The original of a forwarded mail: an attached message, or headers written into the text.

    Args:
        messages: mails within the mail.
        text: the whole text.
        by_subject: whether the subject says that this is a forward. Without it an announcement
            such as "Forwarded message" is needed, since answers quote headers too.
        limits: for reading the attached message.
    """
    for part in messages:
        raw = decoded_body(part)
        headers, _ = read_headers(raw, 0, len(raw), limits, [])
        senders = parse_addresses(headers.raw("from"), headers.decoded, 1)
        if senders:
            return Forwarded(
                sender=senders[0],
                subject=headers.text("subject"),
                date=headers.date(),
            )
    lines = text.split("\n")[:_LINES]
    announced = by_subject
    for index, line in enumerate(lines):
        if words.SEPARATOR.match(line[:300]) and words.FORWARD.search(line[:300]):
            announced = True
        elif announced and (found := words.header_line(line)) and found["from"]:
            forwarded = _from_lines(lines[index : index + 10])
            if forwarded is not None:
                return forwarded
    return None


def _from_lines(lines: list[str]) -> Forwarded | None:
    told: dict[str, str] = {}
    last = ""
    for line in lines:
        found = words.header_line(line)
        if found is not None:
            last = next((n for n in ("from", "sent", "subject", "to") if found[n]), "other")
            told.setdefault(last, found["value"].strip(" *\t\xa0"))
        elif last == "from" and line.strip():
            told["from"] += " " + line.strip()
        elif not line.strip():
            break
    written = re.sub(r"\[mailto:([^\]\s]+)\]", r"<\1>", told.get("from", ""))
    written = re.sub(r"<mailto:[^>]*>", "", written).rstrip("; ")
    written = re.split(r"\s(?:代表|on behalf of|im Auftrag von)\s", written)[-1]
    sender = read_address(written[:500])
    if not (sender.email or (sender.name and len(told) > 1)):
        return None
    return Forwarded(
        sender=sender, subject=told.get("subject", "")[:500], date=told.get("sent", "")[:100]
    )
