"""Lists of addresses as people and programs write them (RFC 5322 3.4, and worse)."""

from __future__ import annotations

import re
from collections.abc import Callable

from channels.mail.model import Address

_LOOKS = re.compile(r"[^\s<>()\[\],;:\"]+@[^\s<>()\[\],;:\"]+")
_MAILTO = re.compile(r"(?i)^(?:mailto|smtp):")


def parse_addresses(
    raw: bytes, decoded: Callable[[bytes], str], limit: int
) -> tuple[Address, ...]:
    """Reads the header's raw bytes; encoded words are decoded after cutting, never before.

    Args:
        raw: the header, unfolded.
        decoded: reads encoded words and raw letters.
        limit: addresses to read at most.
    """
    found = []
    for entry in _entries(raw):
        if len(found) >= limit:
            break
        address = _address(entry, decoded)
        if address.email or address.name:
            found.append(address)
    return tuple(found)


def read_address(text: str) -> Address:
    """One address from decoded text such as a quoted "From:" line."""
    return _address(text.encode("utf-8", "replace"), lambda raw: raw.decode("utf-8", "replace"))


def _entries(raw: bytes) -> list[bytes]:
    """Cuts at commas and semicolons outside quotes, brackets and comments."""
    found = _cut(raw, quotes=True)
    return found if found is not None else _cut(raw, quotes=False) or []


def _cut(raw: bytes, *, quotes: bool) -> list[bytes] | None:
    """None when a quotation mark never closes, and then the caller reads without them."""
    entries: list[bytes] = []
    start, quoted, angle, depth, skip = 0, False, False, 0, False
    for index, byte in enumerate(raw):
        if skip:
            skip = False
        elif byte == 0x5C:  # backslash
            skip = True
        elif byte == 0x22 and quotes:
            quoted = not quoted
        elif quoted:
            continue
        elif byte == 0x3C:
            angle = True
        elif byte == 0x3E:
            angle = False
        elif byte == 0x28 and not angle and quotes:
            depth += 1
        elif byte == 0x29 and depth:
            depth -= 1
        elif byte in b",;" and not depth and (not angle or _closed_too_late(raw, index)):
            entries.append(raw[start:index])
            start, angle = index + 1, False
        elif byte == 0x3A and not angle and not depth and b"@" not in raw[start:index]:
            if not raw[start:index].strip().lower().endswith((b"mailto", b"smtp")):
                start = index + 1  # the name of a group
    if quoted or depth:
        return None
    entries.append(raw[start:])
    return [entry for entry in entries if entry.strip()]


def _closed_too_late(raw: bytes, comma: int) -> bool:
    """Whether a `<` before the comma was never closed: the next bracket opens another."""
    following = raw[comma : comma + 300]
    closing, opening = following.find(b">"), following.find(b"<")
    return closing < 0 or 0 <= opening < closing


def _address(entry: bytes, decoded: Callable[[bytes], str]) -> Address:
    entry = entry.strip()
    opening = entry.rfind(b"<")
    if opening >= 0:
        inner, _, rest = entry[opening + 1 :].partition(b">")
        name = _name(entry[:opening].rstrip(b"< ") or rest, decoded)
        email = _email(decoded(inner))
        if not email and "@" in name:  # the address stands where the name should
            return _bare(name)
        return Address(email, "" if name.strip("'") == email else name)
    if entry.startswith(b'"') and b"@" in entry.rpartition(b'"')[2]:
        name, _, rest = entry[1:].rpartition(b'"')
        return Address(_email(decoded(rest)), _name(name, decoded))
    return _bare(decoded(entry))


def _bare(text: str) -> Address:
    """`ann@example.org (Ann)`, `Ann ann@example.org`, or a name alone."""
    found = _LOOKS.search(text)
    if found is None:
        return Address("", text.strip("\"'<>() "))
    name = f"{text[: found.start()]} {text[found.end() :]}".strip("\"'<>()[] \t:")
    return Address(_email(found[0]), name.replace("\\", ""))


def _email(text: str) -> str:
    """The address itself: routes, prefixes, spaces and brackets taken away."""
    text = _MAILTO.sub("", text.strip().strip("<>").strip("'\""))
    if text.startswith("@") and ":" in text:  # a source route (RFC 5322 4.4)
        text = text.partition(":")[2]
    text = re.sub(r"\s+", "", text)
    return text.rstrip(".,;") if "@" in text else ""


def _name(raw: bytes, decoded: Callable[[bytes], str]) -> str:
    raw = raw.strip()
    if len(raw) > 1 and raw[:1] == b'"' and raw[-1:] == b'"':
        raw = re.sub(rb"\\(.)", rb"\1", raw[1:-1])
    else:
        raw = re.sub(rb"\\(.)", rb"\1", raw.replace(b'"', b""))
    name = decoded(raw).strip()
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1].strip()
    return re.sub(r"\s+", " ", name).strip()
