"""The tree of a mail's parts (RFC 2046), with limits, without copies, and for broken ones too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.mail.headers import Headers, read_headers
from channels.mail.model import Limits

_LATE_BOUNDARY = re.compile(rb"(?:^|\n)--([\x21-\x7e]{1,200})[ \t]*\r?\n")
_LINE = 1000  # bytes after a boundary in which its line ends
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120}$")


@dataclass(slots=True)
class Part:
    """A part: its headers, its place in the mail, and the parts within it."""

    headers: Headers
    type: str
    parameters: dict[str, str]
    disposition: str
    filename: str
    raw: bytes = field(repr=False)
    start: int
    end: int
    children: list[Part] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """The bytes as they were sent."""
        return self.raw[self.start : self.end]

    def walk(self) -> Iterator[Part]:
        """This part and all within, in order."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))


class PartReader:
    """Reads the parts of one mail; counts them, and notes what it leaves out."""

    def __init__(self, raw: bytes, limits: Limits, notes: list[str]) -> None:
        self._raw = raw
        self._limits = limits
        self._notes = notes
        self._count = 0

    def read(self, start: int, end: int, depth: int = 0, fallback: str = "text/plain") -> Part:
        """Reads the part whose headers begin at `start`."""
        self._count += 1
        headers, body = read_headers(self._raw, start, end, self._limits, self._notes)
        part = make_part(headers, self._raw, body, end, fallback)
        if part.type.startswith("multipart/"):
            if depth >= self._limits.depth:
                self._note(f"parts nested deeper than {self._limits.depth}")
            else:
                self._read_children(part, depth)
        return part

    def _read_children(self, part: Part, depth: int) -> None:
        inner = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        for start, end in self._sections(part):
            if self._count >= self._limits.parts:
                self._note(f"more than {self._limits.parts} parts")
                break
            part.children.append(self.read(start, end, depth + 1, inner))
        if not part.children:
            self._note("a multipart without parts, read as text")
            part.type = "text/plain"

    def _sections(self, part: Part) -> Iterator[tuple[int, int]]:
        """Where the parts lie; a missing boundary is looked for, a missing end is the end."""
        boundary = part.parameters.get("boundary", "").encode("utf-8", "replace").rstrip()
        declared = part.headers.raw("content-type")
        if boundary and not boundary.isascii():  # raw 8-bit: as it stands in the mail
            found = re.search(rb'(?i)boundary="?([^";]+)', declared)
            boundary = found[1] if found else boundary
        marks = self._marks(part, boundary) if boundary else []
        if not marks:
            late = _LATE_BOUNDARY.search(self._raw, part.start, part.end)
            if late is None:
                return
            self._note("boundary missing or wrong")
            marks = self._marks(part, late[1])
        for index, (_, begin, closing) in enumerate(marks):
            if closing:
                return
            following = marks[index + 1][0] if index + 1 < len(marks) else part.end
            yield begin, max(begin, following)

    def _marks(self, part: Part, boundary: bytes) -> list[tuple[int, int, bool]]:
        """Each delimiter line: where the part before it ends, where the next begins, if last."""
        raw, wanted = self._raw, b"--" + boundary
        found: list[tuple[int, int, bool]] = []
        position = part.start
        while len(found) <= self._limits.parts:
            at = raw.find(wanted, position, part.end)
            if at < 0:
                break
            position = at + len(wanted)
            if at > part.start and raw[at - 1] not in b"\r\n":
                continue
            newline = raw.find(b"\n", position, min(part.end, position + _LINE))
            stop = newline + 1 if newline >= 0 else min(part.end, position + _LINE)
            rest = raw[position:stop].strip()
            if rest not in (b"", b"--") and not rest.startswith(b"-- "):
                continue
            before = at - 1 if at > part.start else at
            if before > part.start and raw[before - 1 : before + 1] == b"\r\n":
                before -= 1
            found.append((before, stop, rest.startswith(b"--")))
            position = stop
        return found

    def _note(self, said: str) -> None:
        if said not in self._notes:
            self._notes.append(said)


def make_part(
    headers: Headers, raw: bytes, start: int, end: int, fallback: str = "text/plain"
) -> Part:
    """A part from its headers; a type that makes no sense is plain text."""
    declared, parameters = headers.parameters("content-type")
    kind = (
        declared
        if _TYPE.match(declared)
        else {"": fallback, "text": "text/plain"}.get(
            declared, "text/html" if declared.startswith("text/html") else "text/plain"
        )
    )
    disposition, named = headers.parameters("content-disposition")
    return Part(
        headers=headers,
        type=kind,
        parameters=parameters,
        disposition=disposition,
        filename=named.get("filename") or named.get("name") or parameters.get("name", ""),
        raw=raw,
        start=start,
        end=end,
    )
