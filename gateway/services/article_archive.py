"""Files to import: from a folder, from one file, or from an archive that may be hostile."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE_LIMIT: Final = 50_000_000  # bytes of what is uploaded
ENTRY_LIMIT: Final = 20_000
UNPACKED_LIMIT: Final = 400_000_000
MEMBER_LIMIT: Final = 20_000_000
_RATIO_LIMIT: Final = 200
_RATIO_FLOOR: Final = 1_000_000  # small files may be packed as well as they like
READABLE: Final = frozenset({"md", "markdown", "html", "htm", "docx"})


class ArchiveError(Exception):
    """The files cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file by its path, with forward slashes; `content` None of a kind that is not read."""

    path: str
    content: bytes | None


def suffix_of(path: str) -> str:
    """The part behind the last dot, in lower case."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def open_upload(name: str, content: bytes) -> list[SourceFile]:
    """What was uploaded: an archive's files, or the one file itself.

    Raises:
        ArchiveError: it is empty, too large, damaged, hostile, or of no kind that is read.
    """
    if not content:
        raise ArchiveError("the file is empty; choose one with content")
    if len(content) > FILE_LIMIT:
        raise ArchiveError(f"the file is larger than {FILE_LIMIT // 1_000_000} MB; divide it")
    path = re.split(r"[/\\]", name)[-1] or "file"
    kind = suffix_of(path)
    if kind in READABLE:
        if kind == "docx":
            check_archive(content)
        return [SourceFile(path, content)]
    if kind == "zip" or content.startswith(b"PK"):
        return list(_unpack(content))
    raise ArchiveError(
        f"{path} is of a kind that is not read; give .zip, .md, .html or .docx files"
    )


def open_path(path: Path) -> list[SourceFile]:
    """A folder's files, an archive's, or one file.

    Raises:
        ArchiveError: it cannot be read.
    """
    try:
        if not path.is_dir():
            return open_upload(path.name, path.read_bytes())
        return [
            SourceFile(
                file.relative_to(path).as_posix(),
                file.read_bytes() if suffix_of(file.name) in READABLE else None,
            )
            for file in sorted(path.rglob("*"))
            if file.is_file() and not file.is_symlink() and not file.name.startswith(".")
        ]
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read ({error.strerror}); check the name") from error


def check_archive(content: bytes) -> list[zipfile.ZipInfo]:
    """The members of an archive that does no harm when it is unpacked.

    Raises:
        ArchiveError: it is damaged, encrypted, would unpack to too much, or leads outside.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, OSError, EOFError) as error:
        raise ArchiveError("the archive is damaged; pack it again") from error
    if len(members) > ENTRY_LIMIT:
        raise ArchiveError(f"the archive holds more than {ENTRY_LIMIT:,} files; divide it")
    total = sum(member.file_size for member in members)
    bomb = total > _RATIO_FLOOR and total > len(content) * _RATIO_LIMIT
    if total > UNPACKED_LIMIT or bomb:
        raise ArchiveError(f"the archive would unpack to {total / 1e6:,.0f} MB; divide it")
    for member in members:
        parts = re.split(r"[/\\]", member.filename)
        if ".." in parts or member.filename.startswith(("/", "\\")) or ":" in parts[0]:
            raise ArchiveError("the archive holds a file whose path leads outside; pack it again")
        if member.flag_bits & 1:
            raise ArchiveError("the archive is encrypted; pack it without a password")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ArchiveError("the archive holds a link; pack the files themselves")
    return members


def _unpack(content: bytes) -> Iterator[SourceFile]:
    members = [member for member in check_archive(content) if not member.is_dir()]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in members:
            path = member.filename.replace("\\", "/")
            if any(part.startswith((".", "__MACOSX")) for part in path.split("/")):
                continue
            if suffix_of(path) not in READABLE:
                yield SourceFile(path, None)
                continue
            if member.file_size > MEMBER_LIMIT:
                raise ArchiveError(f"{path}: is larger than {MEMBER_LIMIT // 1_000_000} MB")
            try:
                unpacked = archive.read(member)
            except Exception as error:  # zlib, bz2 and lzma have errors of their own
                raise ArchiveError(
                    f"{path}: is damaged or packed in a way that cannot be read; pack it again"
                ) from error
            yield SourceFile(path, unpacked)
