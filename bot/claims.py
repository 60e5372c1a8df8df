"""What a sentence commits itself to: figures, addresses, names, promises, denials."""

from __future__ import annotations

import re

from bot.askings import is_function_word, plain
from bot.values.contacts import find_emails
from bot.values.numerals import ENGLISH, HAN, read_number

# Units in which figures are told, each under one name in both languages.
_UNITS = {
    "workday": r"个?工作日|(?:business|working|work) days?|workdays?",
    "day": r"天|日(?!元)|days?",
    "hour": r"个?小时|个?钟头|hours?|hrs?\b",
    "minute": r"分钟|minutes?|mins?\b",
    "second": r"秒|seconds?",
    "week": r"个?(?:周|星期|礼拜)|weeks?",
    "month": r"个?月|months?",
    "year": r"年|years?",
    "percent": r"[%％]|percent|per cent",
    "yuan": r"元|块|人民币|yuan|rmb|cny",
    "dollar": r"美元|dollars?|usd",
    "euro": r"欧元|euros?|eur\b",
    "times": r"次|times?|倍",
    "piece": r"件|个(?!工作日|小时|月|星期|礼拜|钟头)|台|部|items?|pieces?|devices?",
}
_SIGNS = {"¥": "yuan", "￥": "yuan", "$": "dollar", "€": "euro", "£": "pound"}
_WORDS = "|".join(word for word in ENGLISH if word not in {"a", "an", "one"})
_FIGURE = re.compile(
    rf"(?P<sign>[¥￥$€£])?\s?(?P<number>\d+(?:,\d{{3}})*(?:\.\d+)?\s?[万亿千百k]?(?![a-z])|\d+"
    rf"|(?<![第万千百十]){HAN}+|\b(?:{_WORDS})\b)"
    rf"[\s-]?(?P<unit>{'|'.join(f'(?P<{name}>{own})' for name, own in _UNITS.items())})?",
    re.I,
)
# A Chinese numeral of one character is a figure only where it counts something.
_COUNTS = frozenset(_UNITS) - {"piece"}
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'，。；！？、（）《》]+"
    r"|(?<![\w@.-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,5}[a-z]{2,18}(?![\w.-]*@)"
    r"(?:/[^\s<>\"'，。；！？、（）《》]*)?",
    re.I | re.A,
)
_DIGITS = re.compile(r"\d(?:[\s().-]{0,2}\d){4,24}")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:。！？：]\s*|\n\s*|[•\-\d.)]\s+)$")
_DENIES = re.compile(
    r"不(?![同仅但断论管过少久妨止同])|没有?(?!收[)])|无(?!线|论|忧|需担心)|未(?!来)|非(?=\w{0,6}不)|勿|别(?=[再把让])|禁止|拒绝"
    r"|\b(?:not?|never|none|neither|nor|cannot|without|unable|refuse[sd]?|unless|except)\b|n['’]t\b"
)
# Whom or what a sentence is confined to, each under one name in both languages.
_QUALIFIERS = {
    "not": r"非(?=会员|會員|本|人|工作|定制|质量|促销)|\bnon-?(?=\w)",
    "un": r"未(?!来)|\bun(?=opened|used|paid|worn)",
    "others": r"其他|其它|其余|别人|\bothers?\b|\beveryone else\b",
    "only": r"只(?:能|有|可|限|支持)|仅|\bonly\b|\bsolely\b",
}
# What a customer would hold us to, each under one name in both languages.
_PROMISES = {
    "free": r"免费|无偿|不收费|不要钱|\bfree(?:ly)?\b|\bno charge\b|\bfor nothing\b",
    "gift": r"赠送?|送您|礼品|\bgifts?\b|\bbonus\b",
    "guarantee": r"保证|担保|包退|包换|\bguarante|\bwarrant(?!y card)|\bpromis",
    "compensation": r"赔偿?|补偿|\bcompensat|\breimburs",
    "always": r"永久|终身|永远|随时|一直|\balways\b|\bforever\b|\blifetime\b|\bany ?time\b",
    "at once": r"立即|立刻|马上|即时|秒到|\bimmediate|\binstant|\bat once\b|\bright away\b",
    "all": r"全部|全额|所有|任何|一律|无条件|\ball\b|\bany\b|\beverything\b|\bfull\b|\bfully\b",
    "must": r"必须|务必|\bmust\b|\bhave to\b|\brequired\b",
    "share": r"[一二三四五六七八九\d.]折|打折|半价|对折|折扣|\bhalf\b|\bdiscounts?\b",
    "multiple": r"[两双多几\d二三四五六七八九十]倍|加倍|翻倍|\bdoubled?\b|\btwice\b|\btripled?\b",
    "secret": r"密码|口令|验证码|\bpasswords?\b|\bpin\b|\bcodes?\b",
}
_PROMISE = re.compile("|".join(f"(?P<{n.replace(' ', '_')}>{p})" for n, p in _PROMISES.items()))
_NEUTRAL = re.compile(
    r"是不是|能不能|可不可以|有没有|会不会|要不要|不用担心|no problem|no longer than"
)


def figures(text: str) -> set[str]:
    """The figures of a text with their units, such as `7 day`; the same however they are written.

    `七天`, `7 天` and `seven days` are one figure; `7 天` and `7 个工作日` are two.
    """
    found = set()
    for match in _FIGURE.finditer(plain(text)):
        raw = match["number"].strip()
        unit = next((name for name in _UNITS if match[name]), "")
        unit = unit or _SIGNS.get(match["sign"] or "", "")
        if not raw[0].isdigit() and (len(raw) == 1 or raw in ENGLISH) and unit not in _COUNTS:
            continue
        number = read_number(raw)
        if number is not None:
            found.add(f"{number:g} {unit}".strip())
    return found


def addresses(text: str) -> set[str]:
    """Web and mail addresses and telephone numbers of a text; numbers as digits alone."""
    flat = plain(text)
    found = {each.value for each in find_emails(flat)}
    found |= {match[0].rstrip(".,;:!?)/") for match in _ADDRESS.finditer(flat)}
    found |= {re.sub(r"\D", "", match[0]) for match in _DIGITS.finditer(flat)}
    return found


def foreign_names(text: str, held: str) -> set[str]:
    """Names that another text does not hold: Latin words among Chinese, capitals in English."""
    known = {word.casefold() for word in _LATIN.findall(held)}
    chinese = re.search(r"[㐀-鿿]", text) is not None
    found = set()
    for match in _LATIN.finditer(text):
        word = match[0]
        starts = not chinese and _SENTENCE_START.search(text[: match.start()]) is not None
        named = len(word) > 1 and (chinese or any(map(str.isupper, word)))
        common = is_function_word(word.casefold()) or (starts and word[1:].islower())
        if named and not common and word.casefold() not in known:
            found.add(word)
    return found


def promises(text: str) -> set[str]:
    """What a text promises or demands, such as `free` or `always`."""
    return {str(match.lastgroup) for match in _PROMISE.finditer(plain(text))}


def qualifiers(text: str) -> set[str]:
    """What confines a sentence, such as `others` or `only`."""
    flat = plain(text)
    return {name for name, pattern in _QUALIFIERS.items() if re.search(pattern, flat)}


def denies(text: str) -> bool:
    """Whether a sentence says that something is not so."""
    return _DENIES.search(_NEUTRAL.sub("", plain(text))) is not None
