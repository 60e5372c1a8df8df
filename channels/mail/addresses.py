"""Lists of addresses as people and programs write them (RFC 5322 3.4, and worse)."""

from __future__ import annotations

import re
from collections.abc import Callable

from channels.mail.model import Address

_LOOKS = re.compile(r"[^\s<>()\[\],;:\"]{1,200}@[^\s<>()\[\],;:\"]{1,255}")
_COMMA = re.compile(rb"[,;]")
_GROUP = re.compile(rb"(?i)(?!\s*(?:mailto|smtp):)[^@<:]*:")
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
    found: list[Address] = []
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
    """Cuts at commas and semicolons outside quotes and comments; names of groups fall away."""
    masked = _masked(raw)
    entries: list[bytes] = []
    start = 0
    for mark in [*_COMMA.finditer(masked), None]:
        end = mark.start() if mark else len(raw)
        group = _GROUP.match(masked, start, end)
        entries.append(raw[group.end() if group else start : end])
        start = end + 1
    return [entry for entry in entries if entry.strip()]


def _masked(raw: bytes) -> bytes:
    """The header with quotes and comments made unreadable; as it is when one never closes."""
    masked = bytearray(raw)
    quoted, depth, escaped = False, 0, False
    for index, byte in enumerate(raw):
        if escaped or byte == 0x5C:  # backslash
            escaped = not escaped
        elif byte == 0x22 and not depth:
            quoted = not quoted
        elif byte == 0x28 and not quoted:
            depth += 1
        elif byte == 0x29 and not quoted and depth:
            depth -= 1
        if quoted or depth or escaped:
            masked[index] = 0x78
    return raw if quoted or depth else bytes(masked)


def _address(entry: bytes, decoded: Callable[[bytes], str]) -> Address:
    entry = entry.strip()
    opening = entry.rfind(b"<")
    if opening >= 0:
        inner, _, rest = entry[opening + 1 :].partition(b">")
        name = _name(entry[:opening].rstrip(b"< ") or rest, decoded)
        email = _email(decoded(inner)) or _local(decoded(inner))
        if "@" not in email and "@" in name:  # the address stands where the name should
            return _bare(name)
        return Address(email, "" if name.strip("'") == email else name)
    if entry.startswith(b'"') and b"@" in entry.rpartition(b'"')[2]:
        quoted, _, bare = entry[1:].rpartition(b'"')
        return Address(_email(decoded(bare)), _name(quoted, decoded))
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


def _local(text: str) -> str:
    """A mailbox of the sending machine itself: one word within brackets."""
    return text.strip() if re.fullmatch(r"\s*[\w.+-]{1,64}\s*", text) else ""


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
