"""Words for visitors: titles, the choice of language, and foreign names made safe to show."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from channels.receiving import clean_text

LANGUAGES: Final = ("zh-Hans", "zh-Hant", "en")

TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {"zh-Hans": "在线客服", "zh-Hant": "線上客服", "en": "Customer service"}
)

_TRADITIONAL_REGIONS: Final = frozenset({"hant", "tw", "hk", "mo"})


def cut_line(text: str, limit: int) -> str:
    """A name or title on one line, without invisible characters, of at most `limit` characters."""
    return " ".join(clean_text(text).split())[:limit].rstrip()


def find_language(tag: str) -> str | None:
    """The language that serves a BCP 47 tag: `zh-TW` is served by `zh-Hant`; None for others.

    Source: RFC 5646 (script and region subtags), RFC 4647 (look-up).
    """
    parts = tag.strip().lower().replace("_", "-").split("-")
    if parts[0] == "en":
        return "en"
    if parts[0] != "zh":
        return None
    if "hans" in parts:
        return "zh-Hans"
    return "zh-Hant" if _TRADITIONAL_REGIONS.intersection(parts[1:]) else "zh-Hans"


def choose_language(asked: str | None, accepted: str, default: str) -> str:
    """The language of a page or an answer.

    Args:
        asked: what the address says (`?lang=`), when it says anything.
        accepted: the `Accept-Language` header (RFC 9110 §12.5.4), "" where there is none.
        default: the inbox's language.
    """
    if asked and (found := find_language(asked)):
        return found
    for tag in _by_preference(accepted):
        if found := find_language(tag):
            return found
    return find_language(default) or "en"


def _by_preference(accepted: str) -> list[str]:
    ranked: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        tag, _, parameter = part.strip().partition(";")
        ranked.append((_quality(parameter), tag))
    return [tag for quality, tag in sorted(ranked, key=lambda item: -item[0]) if quality > 0]


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
