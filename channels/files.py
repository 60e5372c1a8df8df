"""Files from outside: what may come in, under which name, and with which small picture.

Adapters pass every attachment through `accept_file`. The type is read from the content, never
taken from the sender; what is not on the list is refused.
"""

from __future__ import annotations

import asyncio
import io
import re
import struct
import unicodedata
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from channels.contract import Attachment, Blobs
from channels.errors import MalformedPayloadError

NAME_LIMIT: Final = 120
"""Longest file name, in characters; it is at most twice as long in UTF-8 bytes."""

PIXEL_LIMIT: Final = 50_000_000
"""Largest picture that is decoded; a phone's 48-megapixel photo still passes."""

THUMBNAIL_EDGE: Final = 320
"""Longest edge of a thumbnail, in pixels."""

ARCHIVE_ENTRY_LIMIT: Final = 5_000
ARCHIVE_DIRECTORY_LIMIT: Final = 1_000_000
ARCHIVE_TOTAL_LIMIT: Final = 200_000_000
ARCHIVE_RATIO_LIMIT: Final = 100
ARCHIVE_RATIO_FLOOR: Final = 1_000_000
"""Archives that unpack to less than this many bytes are harmless whatever their ratio."""

# At most two pictures are decoded at a time: each may need 200 MB.
_DECODERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="files")

_OFFICE = "application/vnd.openxmlformats-officedocument."
_DOCX = _OFFICE + "wordprocessingml.document"
_XLSX = _OFFICE + "spreadsheetml.sheet"
_PPTX = _OFFICE + "presentationml.presentation"


@dataclass(frozen=True, slots=True)
class _Type:
    """An accepted type: its first extension is given to files that have none."""

    mime: str
    extensions: tuple[str, ...]
    family: str
    aliases: frozenset[str] = frozenset()


_TYPES: Final[Mapping[str, _Type]] = {
    entry.mime: entry
    for entry in (
        _Type("image/png", ("png",), "picture", frozenset({"image/x-png"})),
        _Type(
            "image/jpeg",
            ("jpg", "jpeg", "jpe", "jfif"),
            "picture",
            frozenset({"image/jpg", "image/pjpeg"}),
        ),
        _Type("image/gif", ("gif",), "picture"),
        _Type("image/webp", ("webp",), "picture"),
        _Type("application/pdf", ("pdf",), "pdf", frozenset({"application/x-pdf"})),
        _Type("text/plain", ("txt",), "text"),
        _Type(
            "text/csv",
            ("csv",),
            "text",
            # What Windows browsers call a .csv when Excel is installed.
            frozenset({"application/csv", "application/vnd.ms-excel"}),
        ),
        _Type(
            "application/zip",
            ("zip",),
            "archive",
            frozenset({"application/x-zip", "application/x-zip-compressed"}),
        ),
        _Type("audio/amr", ("amr",), "recording", frozenset({"voice/amr"})),
        _Type("video/mp4", ("mp4", "m4v"), "recording"),
        _Type(_DOCX, ("docx",), "archive"),
        _Type(_XLSX, ("xlsx",), "archive"),
        _Type(_PPTX, ("pptx",), "archive"),
    )
}
_BY_DECLARED: Final = {
    name: entry for entry in _TYPES.values() for name in (entry.mime, *entry.aliases)
}
_BY_EXTENSION: Final = {ext: entry for entry in _TYPES.values() for ext in entry.extensions}
_UNDECLARED: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_PICTURE_FORMATS: Final = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
}
_EXECUTABLE_NAMES: Final = """
apk app appimage bat bin cmd com cpl deb dll dmg docm elf exe gadget hta html htm inf jar js jse
lnk mht mhtml msc msi msp mst pif pkg potm ppam ppsm pptm ps1 psm1 py rb reg rpm scf scr sh svg
svgz swf url vb vbe vbs ws wsc wsf wsh xhtml xlam xlsb xlsm xltm xml
"""
_EXECUTABLE: Final = frozenset(_EXECUTABLE_NAMES.split())
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
)
_FORBIDDEN_IN_NAMES: Final = re.compile(r'[<>:"|?*]')
# ISO/IEC 14496-12 §4.3: what phones and messengers write.
_MP4_BRANDS: Final = frozenset(
    {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"3gp4", b"3gp5"}
    | {b"M4V "}
)
_BINARY_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_ACCEPTED: Final = "PNG, JPEG, GIF, WebP, PDF, TXT, CSV, DOCX, XLSX, PPTX, ZIP, AMR, MP4"


def accepted_types() -> tuple[str, ...]:
    """The MIME types that `accept_file` takes, for upload forms."""
    return tuple(_TYPES)


async def accept_file(
    blobs: Blobs, *, name: str, declared_mime: str, content: bytes, limit: int
) -> Attachment:
    """Checks a file from outside and stores it, with a thumbnail when it is a picture.

    Args:
        blobs: where content and thumbnail go.
        name: the sender's name for it; reduced to a safe one.
        declared_mime: what the sender says it is; "" when nothing was said.
        content: the whole file.
        limit: largest size in bytes.

    Raises:
        MalformedPayloadError: too large, empty, of a type that is not accepted, not what its
            name or declared type says, executable, damaged, or a decompression bomb. `field`
            is `name`, `mime` or `content`.
    """
    _check_size(content, limit)
    title = safe_name(name)
    kind = await asyncio.to_thread(_sniff, content, title)
    _check_declared(kind, declared_mime)
    title = _fit_extension(title, kind)
    width = height = thumbnail = None
    if kind.family == "picture":
        loop = asyncio.get_running_loop()
        width, height, small = await loop.run_in_executor(
            _DECODERS, _decode_picture, content, _PICTURE_FORMATS[kind.mime]
        )
        thumbnail = await blobs.put(small)
    return Attachment(
        blob=await blobs.put(content),
        name=title,
        mime=kind.mime,
        size=len(content),
        width=width,
        height=height,
        thumbnail=thumbnail,
    )


def safe_name(name: str) -> str:
    """A file name that is safe on every system and cannot mislead its reader.

    Takes the last path component, drops control, bidirectional and zero-width characters,
    replaces what Windows forbids, defuses device names, and keeps at most `NAME_LIMIT`
    characters with the extension. Never empty.
    """
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(
        char
        for char in unicodedata.normalize("NFC", last)
        if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    )
    plain = " ".join(_FORBIDDEN_IN_NAMES.sub("_", visible).split()).strip(". ")
    if plain.split(".")[0].strip().casefold() in _RESERVED:
        plain = "_" + plain
    return _shorten(plain) or "file"


def download_headers(name: str, mime: str) -> dict[str, str]:
    """Headers under which a stored file may be served without running in our origin.

    The name is given both ways (RFC 6266, RFC 8187): the plain one for old browsers.
    """
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return {
        "Content-Type": "text/plain; charset=utf-8" if mime == "text/plain" else mime,
        "Content-Disposition": (
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
        ),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def _shorten(name: str) -> str:
    """Cuts the stem until the name fits in characters and in bytes."""
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, dot, extension = name, "", ""
    while len(stem) + len(dot + extension) > NAME_LIMIT:
        stem = stem[: NAME_LIMIT - len(dot + extension)]
    while len((stem + dot + extension).encode()) > 2 * NAME_LIMIT:
        stem = stem[:-1]
    return (stem.rstrip(". ") or "file") + dot + extension if stem or dot else ""


def _check_size(content: bytes, limit: int) -> None:
    if not content:
        raise MalformedPayloadError(
            "content: the file is empty; send one with content", field="content"
        )
    if len(content) > limit:
        raise MalformedPayloadError(
            f"content: the file has {_megabytes(len(content))}, at most {_megabytes(limit)} are "
            "taken; send a smaller one",
            field="content",
        )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size / 1000:.1f} kB"


def _refuse(reason: str) -> MalformedPayloadError:
    return MalformedPayloadError(f"content: {reason}; send one of {_ACCEPTED}", field="content")


def _sniff(content: bytes, name: str) -> _Type:
    """What the content is, from the content; the name only tells CSV from other text."""
    found = _signatures(content)
    for mime in _PICTURE_FORMATS:
        if mime in found:
            return _TYPES[mime]
    if content.startswith(b"%PDF-"):
        return _TYPES["application/pdf"]
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_archive(content)
    if content.startswith(b"#!AMR"):  # RFC 4867 §5: narrow and wide band
        return _TYPES["audio/amr"]
    if content[4:8] == b"ftyp" and content[8:12] in _MP4_BRANDS:
        return _TYPES["video/mp4"]
    if _is_plain_text(content):
        return _TYPES["text/csv" if name.casefold().endswith(".csv") else "text/plain"]
    described = next((label for label in found.values() if label), "")
    raise _refuse(
        f"this kind of file ({described}) is not taken"
        if described
        else "this kind of file is not taken"
    )


def _signatures(content: bytes) -> dict[str, str]:
    """MIME types that the content's signature allows, each with a description."""
    import puremagic

    try:
        return {match.mime_type: match.name for match in puremagic.magic_string(content)}
    except puremagic.PureError:
        return {}


def _is_plain_text(content: bytes) -> bool:
    """Whether it is text that no browser or shell would run."""
    text = _decode_text(content)
    if text is None or _BINARY_IN_TEXT.search(text):
        return False
    head = text[:1024].lstrip("\ufeff \t\r\n\f").casefold()
    if head.startswith(("#!", "@echo")):
        raise _refuse("the file is a program")
    if re.match(r"<[a-z!?/]", head):
        raise _refuse("the file is HTML, SVG or XML, which can carry programs")
    return True


def _decode_text(content: bytes) -> str | None:
    """Text in the encodings that customers' editors write."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8", "gb18030", "big5")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _check_declared(kind: _Type, declared_mime: str) -> None:
    """A wrong declaration is refused; among pictures, texts and archives it is put right.

    Pictures saved from a page often carry another picture format's name, Office files are
    ZIP archives, and CSV is text: in these nobody misleads anybody.
    """
    declared = declared_mime.partition(";")[0].strip().casefold()
    if declared in _UNDECLARED:
        return
    known = _BY_DECLARED.get(declared)
    if known is None or known.family != kind.family:
        shown = re.sub(r"[^\x20-\x7e]", "?", declared)[:60]
        raise MalformedPayloadError(
            f"mime: the file was declared as {shown!r} but its content is {kind.mime}; "
            "declare what it is",
            field="mime",
        )


def _fit_extension(name: str, kind: _Type) -> str:
    """The name with an extension of its type; a misleading one is refused."""
    stem, dot, extension = name.rpartition(".")
    extension = extension.casefold() if dot else ""
    if extension in kind.extensions:
        return name
    known = _BY_EXTENSION.get(extension)
    if extension in _EXECUTABLE or (known and known.family != kind.family):
        raise MalformedPayloadError(
            f"name: it ends in .{extension} but the content is {kind.mime}; "
            f"name it .{kind.extensions[0]}",
            field="name",
        )
    return _shorten(f"{stem if known else name}.{kind.extensions[0]}")


def _sniff_archive(content: bytes) -> _Type:
    """ZIP or an Office document, judged by its directory; nothing is unpacked."""
    _check_directory_size(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, struct.error, ValueError, OverflowError, OSError) as error:
        raise _refuse("the archive is damaged") from error
    _check_entries(entries, len(content))
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" in names:
        if any(name.casefold().endswith("vbaproject.bin") for name in names):
            raise _refuse("the document carries macros, which are programs")
        for part, mime in (("word/", _DOCX), ("xl/", _XLSX), ("ppt/", _PPTX)):
            if any(name.startswith(part) for name in names):
                return _TYPES[mime]
    return _TYPES["application/zip"]


def _check_directory_size(content: bytes) -> None:
    """Refuses directories that would cost much memory just to read.

    The end record is found as `zipfile` finds it; ZIP64 records, which could override the
    figures, have no place in files of this size.
    """
    start = content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557))
    if start < 0 or len(content) - start < 22:
        raise _refuse("the archive is damaged")
    count, size = struct.unpack_from("<HI", content, start + 10)
    if content[max(0, start - 20) : start].startswith(b"PK\x06\x07"):
        raise _refuse("the archive is in the ZIP64 format")
    if count > ARCHIVE_ENTRY_LIMIT or size > ARCHIVE_DIRECTORY_LIMIT:
        raise _refuse(f"the archive holds more than {ARCHIVE_ENTRY_LIMIT} files")


def _check_entries(entries: list[zipfile.ZipInfo], packed: int) -> None:
    if len(entries) > ARCHIVE_ENTRY_LIMIT:
        raise _refuse(f"the archive holds more than {ARCHIVE_ENTRY_LIMIT} files")
    total = sum(entry.file_size for entry in entries)
    ratio_exceeded = total > ARCHIVE_RATIO_FLOOR and total > packed * ARCHIVE_RATIO_LIMIT
    if total > ARCHIVE_TOTAL_LIMIT or ratio_exceeded:
        raise _refuse(f"the archive would unpack to {_megabytes(total)}")
    for entry in entries:
        parts = re.split(r"[/\\]", entry.filename)
        if ".." in parts or entry.filename.startswith(("/", "\\")) or ":" in parts[0]:
            raise _refuse("the archive holds a file whose path leads outside")
        if parts[-1].rpartition(".")[2].casefold() in _PROGRAMS_IN_ARCHIVES:
            raise _refuse(f"the archive holds a program ({safe_name(parts[-1])})")


# XML is what Office documents consist of, and `.bin` their printer settings.
_PROGRAMS_IN_ARCHIVES: Final = _EXECUTABLE - {"xml", "bin", "html", "htm", "svg", "inf"}


def _decode_picture(content: bytes, picture_format: str) -> tuple[int, int, bytes]:
    """Width and height as displayed, and the thumbnail; runs in a decoder thread."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content), formats=(picture_format,)) as picture:
            width, height = picture.size
            if width * height > PIXEL_LIMIT:
                raise _too_many_pixels()
            picture.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
            if picture.getexif().get(_ORIENTATION, 1) in _TURNED:
                width, height = height, width
            upright = ImageOps.exif_transpose(picture)
            has_alpha = upright.has_transparency_data
            small = io.BytesIO()
            upright.convert("RGBA" if has_alpha else "RGB").save(small, "WEBP", quality=80)
    except MalformedPayloadError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    # Decoders meet hostile bytes with any exception there is, IndexError and TypeError too.
    except Exception as error:
        raise _refuse("the picture is damaged") from error
    return width, height, small.getvalue()


_ORIENTATION: Final = 0x0112
_TURNED: Final = frozenset({5, 6, 7, 8})


def _too_many_pixels() -> MalformedPayloadError:
    return MalformedPayloadError(
        f"content: the picture has more than {PIXEL_LIMIT // 1_000_000} million pixels; "
        "send a smaller one",
        field="content",
    )
