"""Bytes to letters: what mails declare, what they mean, and what they hide."""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Iterator

# Labels as found in mails, and the codec that reads all that is sent under them. The larger
# relative is taken (GB 2312 is read as GB 18030, Latin-1 as windows-1252, as browsers do).
_ALIASES = {
    **dict.fromkeys(
        (
            "gb2312",
            "gbk",
            "cp936",
            "ms936",
            "x-gbk",
            "gb-2312",
            "gb2312-80",
            "csgb2312",
            "gb_2312-80",
            "euc-cn",
            "x-euc-cn",
            "gb18030-2000",
            "windows-936",
            "chinese",
            "gb",
            "csiso58gb231280",
            "iso-ir-58",
            "gb18030-2022",
            "136",
        ),
        "gb18030",
    ),
    **dict.fromkeys(
        (
            "big5",
            "big-5",
            "cn-big5",
            "x-x-big5",
            "csbig5",
            "big5-hkscs",
            "x-big5",
            "cp950",
            "windows-950",
            "ms950",
        ),
        "big5hkscs",
    ),
    **dict.fromkeys(("hz-gb-2312", "hz-gb2312", "x-hz"), "hz"),
    **dict.fromkeys(
        (
            "ks_c_5601-1987",
            "ks_c_5601",
            "ksc5601",
            "euc-kr",
            "windows-949",
            "korean",
            "5601",
            "ksc_5601",
            "ks_c_5601-1989",
            "x-windows-949",
        ),
        "cp949",
    ),
    **dict.fromkeys(
        ("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms_kanji", "cswindows31j"),
        "cp932",
    ),
    **dict.fromkeys(("x-euc-jp", "x-euc", "eucjp-ms"), "euc_jp"),
    **dict.fromkeys(
        ("iso-2022-jp", "csiso2022jp", "iso-2022-jp-ms", "cp50220", "cp50221"), "iso2022_jp_ext"
    ),
    **dict.fromkeys(
        (
            "iso-8859-1",
            "latin1",
            "latin-1",
            "iso8859-1",
            "iso_8859-1",
            "l1",
            "iso-8859-1-windows-3.1-latin-1",
            "x-ansi",
            "ansi",
        ),
        "cp1252",
    ),
    **dict.fromkeys(("iso-8859-9", "latin5", "iso8859-9"), "cp1254"),
    **dict.fromkeys(("iso-8859-11", "tis-620", "windows-874", "tis620", "dos-874"), "cp874"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e", "logical"), "iso8859_8"),
    **dict.fromkeys(("unicode-1-1-utf-7", "x-unicode-2-0-utf-7", "unicode-2-0-utf-7"), "utf_7"),
    **dict.fromkeys(
        (
            "utf8",
            "utf-8-bom",
            "unicode-1-1-utf-8",
            "utf-8mb4",
            "utf8mb4",
            "cp65001",
            "x-utf-8",
            "unicode-2-0-utf-8",
        ),
        "utf_8",
    ),
    **dict.fromkeys(("unicode", "ucs-2", "utf-16"), "utf_16"),
    **dict.fromkeys(("koi8", "koi", "cskoi8r"), "koi8_r"),
    **dict.fromkeys(("macintosh", "mac", "x-mac-roman", "x-macroman"), "mac_roman"),
    "x-mac-cyrillic": "mac_cyrillic",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
}
_CODEC = re.compile(
    r"utf_?(?:7|8|8_sig|16|16_be|16_le|32|32_be|32_le)$|iso8859_\d+$|cp\d+$|koi8_[rtu]$|gb\w+$|"
    r"big5\w*$|euc_\w+$|shift_jis\w*$|iso2022_\w+$|hz$|mac_\w+$|latin_?1$|ascii$|johab$|"
    r"tis_620$|kz1048$|ptcp154$|hp_roman8$"
)
_UNSAID = {
    "",
    "unknown",
    "unknown-8bit",
    "x-unknown",
    "x-user-defined",
    "8bit",
    "7bit",
    "binary",
    "default",
    "none",
    "default_charset",
    "_autodetect_all",
    "_autodetect",
}
_ASCII = {"us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "us"}
_FEW = 15  # letters
_LETTERWISE = ("cp1251", "koi8_r")
_PAIR = re.compile(rb"[\x80-\xff]{2}")
_RUN = re.compile(rb"[\x80-\xff]{3}")
_SAMPLE = 4000  # bytes that are looked at to guess


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """Reads bytes as the label means; returns the text, and a note where that was guesswork."""
    name = label.strip().strip("\"'").lower()
    if data.startswith(codecs.BOM_UTF8):
        data = data[3:]
        if not _is_foreign(name):
            return data.decode("utf-8", "replace"), ""
    codec = _codec(name)
    if not codec or name in _ASCII:
        if data.isascii() and not _has_shifts(data):
            return data.decode("ascii"), "" if codec or not name or name in _UNSAID else _odd(name)
        text, used = _guess(data)
        return text, f"{name or 'no charset'} declared, read as {used}"
    if name in ("iso-2022-cn", "iso-2022-cn-ext"):
        return _iso2022_cn(data), ""
    return _declared(data, name, codec)


def _is_foreign(name: str) -> bool:
    return name.startswith(("utf-16", "utf-32"))


def _odd(name: str) -> str:
    return f"unknown charset {name[:40]}"


def _declared(data: bytes, name: str, codec: str) -> tuple[str, str]:
    """Reads as declared, unless the bytes say otherwise."""
    text = _strict(data, codec)
    if text is None and codec == "big5hkscs":
        text = _strict(data, "cp950")
    if text is None and codec == "cp1252":
        text = data.decode("latin-1")
    if text is not None:
        other = _contradiction(data, codec)
        if other is None:
            return text, ""
        return other[0], f"{name} declared, read as {other[1]}"
    broken = data.decode(codec, "replace")
    if broken.count("�") <= max(1, len(broken) // 50):
        return broken, f"some bytes are not {name}"
    guessed, used = _guess(data)
    return guessed, f"{name} declared, read as {used}"


def _contradiction(data: bytes, codec: str) -> tuple[str, str] | None:
    """Western labels over bytes that are plainly UTF-8 or Chinese; 7-bit text with shifts."""
    if data.isascii():
        if codec in ("utf_8", "cp1252", "gb18030") and _has_shifts(data):
            return next(_shifted(data), None)
        return None
    if codec not in ("cp1252", "cp1254", "cp1250", "iso8859_15", "iso8859_2"):
        return None
    if (text := _strict(data, "utf_8")) is not None:
        return text, "utf-8"
    runs = [len(run) for run in re.findall(rb"[\x81-\xfe]+", data[:_SAMPLE])]
    if sum(runs) >= 8 and all(n % 2 == 0 for n in runs) and max(runs) >= 4:
        text = _strict(data, "gb18030")
        if text is not None and _liking(text) > 0.3:
            return text, "gb18030"
    return None


@functools.lru_cache(maxsize=512)
def _codec(name: str) -> str:
    """The codec for a label, empty when there is none that reads text."""
    name = name.partition("*")[0]
    if name in ("iso-2022-cn", "iso-2022-cn-ext"):
        return "gb2312"
    if name in _UNSAID or len(name) > 60:
        return ""
    try:
        found = codecs.lookup(_ALIASES.get(name, name)).name
    except (LookupError, ValueError):
        return ""
    found = {"utf-8": "utf_8", "iso8859-1": "cp1252"}.get(found, found.replace("-", "_"))
    return found if _CODEC.match(found) else ""


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return None


def _has_shifts(data: bytes) -> bool:
    """Whether 7-bit bytes hold the escapes of ISO 2022 or HZ."""
    return b"\x1b$" in data or b"\x1b(" in data or (b"~{" in data and b"~}" in data)


def _shifted(data: bytes) -> Iterator[tuple[str, str]]:
    if b"\x1b$)C" in data:
        candidates = ["iso2022_kr"]
    elif b"\x1b$)A" in data:
        yield _iso2022_cn(data), "iso-2022-cn"
        return
    elif b"\x1b" in data:
        candidates = ["iso2022_jp_ext", "iso2022_jp_2004", "iso2022_jp_2"]
    else:
        candidates = ["hz"]
    for codec in candidates:
        if (text := _strict(data, codec)) is not None:
            yield text, codec.replace("_", "-")


def _guess(data: bytes) -> tuple[str, str]:
    """The most likely reading of bytes about which nothing is known."""
    if _has_shifts(data):
        for shifted in _shifted(data):
            return shifted
    if (text := _strict(data, "utf_8")) is not None:
        return text, "utf-8"
    if not _PAIR.search(data[:_SAMPLE]):  # lone letters among Latin ones are Latin too
        return data.decode("cp1252", "replace"), "cp1252"
    best, liking = "", 0.0
    sample = data[:_SAMPLE]
    if len(data) > _SAMPLE:  # not in the middle of a letter
        sample = sample[: max(sample.rfind(b"\n"), sample.rfind(b" "), _SAMPLE // 2)]
    for codec in ("gb18030", "big5hkscs", "cp932", "cp949", "euc_jp", "cp1251", "koi8_r"):
        text = _strict(sample, codec)
        if codec in _LETTERWISE and not _RUN.search(sample):
            continue
        if text is not None and (found := _liking(text)) > liking + 0.02:
            best, liking = codec, found
    if not best or liking < 0.25:
        best = "cp1252" if _strict(data, "cp1252") is not None else "latin_1"
    return data.decode(best, "replace"), best.replace("_", "-")


# What people write most: two hundred letters make up more than half of any Chinese text.
_COMMON = frozenset(
    "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小"
    "么心多天而能好都然没日于起还发成事只作当想看文无开手用主行方又如前所本见经头面公同三已老从动两长知"
    "請問您謝这個們來這為說時過對還發會無開學後麼沒樣經頭動長現問題系統錯誤訂單帳號請貴司電話"
    "请谢务服订单问题账号登录密码系统收到回复邮件附件公司客户电话无法麻烦处理查询退款产品使用需要"
    "您好謝谢感电子郵信箱姓名地址价格数量"
)


def _liking(text: str) -> float:
    """How much the letters beyond ASCII look like words that people write, 0 to 1."""
    letters = [letter for letter in text if letter >= "\x80"]
    if not letters:
        return 0.0
    kana = sum("぀" <= letter <= "ヿ" for letter in letters)
    hangul = sum("가" <= letter <= "힯" for letter in letters)
    worth = {
        # Kana make up much of a Japanese text, and Korean is written without other letters;
        # scattered ones come of reading Chinese as what it is not, and a few tell nothing.
        "kana": 1.0 if kana * 10 > len(letters) * 3 else 0.2,
        "hangul": 0.8 if hangul * 10 > max(len(letters), _FEW) * 9 else 0.2,
    }
    return sum(_worth(letter, worth) for letter in letters) / len(letters)


def _worth(letter: str, worth: dict[str, float]) -> float:
    if letter in _COMMON:
        return 1.0
    if "぀" <= letter <= "ヿ":
        return worth["kana"]
    if "가" <= letter <= "힯":
        return worth["hangul"]
    if "一" <= letter <= "鿿":
        return 0.45
    if "а" <= letter <= "я" or letter == "ё":
        return 0.6
    if "　" <= letter <= "〟" or "！" <= letter <= "～" or "А" <= letter <= "Я":
        return 0.4
    rare = letter > "\uffff" or "\ue000" <= letter <= "\uf8ff" or "｡" <= letter <= "ﾟ"
    return -0.5 if rare else 0.0


def _iso2022_cn(data: bytes) -> str:
    """ISO-2022-CN (RFC 1922): GB 2312 between shifts; planes of CNS 11643 cannot be read."""
    out, chinese, plane = [], False, b"A"
    for piece in re.split(rb"(\x1b\$[)*+][AEGHIJKLM]|\x0e|\x0f|\r?\n)", data):
        if piece.startswith(b"\x1b"):
            plane = piece[3:4]
        elif piece == b"\x0e":
            chinese = True
        elif piece == b"\x0f":
            chinese = False
        elif chinese and piece not in (b"\n", b"\r\n"):
            if plane == b"A":
                lifted = bytes(byte | 0x80 for byte in piece)
                out.append(lifted.decode("gb2312", "replace"))
            else:
                out.append("�" * (len(piece) // 2))
        else:
            chinese = chinese and piece not in (b"\n", b"\r\n")
            out.append(piece.decode("ascii", "replace"))
    return "".join(out)
