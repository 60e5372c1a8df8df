"""How well mails are read, measured on mails whose right reading is known.

A case names what is expected, field by field; texts are compared by their words, replies without
white space and marks of emphasis, names and subjects without white space.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.mail.model import Auto, ParsedEmail
from channels.mail.parsing import parse_email
from channels.mail.quotes import split_reply

_ENOUGH = 0.9  # of the words in common
_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_]+")
_SPACE = re.compile(r"[\s\u00a0\u200b\ufeff]+")
_EMPHASIS = re.compile(r"[*_>#`]")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field of a case that was read otherwise than expected."""

    case: str
    field: str
    expected: Any
    found: Any


@dataclass(slots=True)
class Score:
    """What was right, by field and by source; what was wrong; milliseconds for each mail."""

    right: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    wrong: list[Wrong] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    spent: list[float] = field(default_factory=list)

    def shares(self) -> dict[str, tuple[int, int]]:
        """Right and total of each field."""
        return {name: (self.right[name], self.total[name]) for name in sorted(self.total)}

    def percentile(self, share: float) -> float:
        """Milliseconds that the given share of mails stayed under; 0 without mails."""
        ordered = sorted(self.spent)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

    def take(self, case: str, name: str, expected: Any, found: Any, *, right: bool) -> None:
        """Counts one field of one case."""
        self.total[name] += 1
        self.right[name] += right
        if not right:
            self.wrong.append(Wrong(case, name, expected, found))


def score_mails(cases: Iterable[tuple[str, bytes, Mapping[str, Any]]]) -> Score:
    """Reads mails and compares, each case being a name, the mail, and what is expected of it."""
    score = Score()
    for case, raw, expected in cases:
        started = time.perf_counter()
        mail = parse_email(raw)
        score.spent.append((time.perf_counter() - started) * 1000)
        for name, wanted in expected.items():
            check = _CHECKS.get(name)
            if check is None:
                score.unknown.add(name)
                continue
            read, agrees = check
            found = read(mail)
            score.take(case, name, wanted, found, right=agrees(wanted, found))
    return score


def score_replies(cases: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Score:
    """Splits texts and compares; a case is right when all that is expected of it holds."""
    score = Score()
    for case, text, expected in cases:
        reply = split_reply(text).reply
        told = {name: expected[name] for name in _REPLY_CHECKS if name in expected}
        right = all(_REPLY_CHECKS[name](wanted, reply) for name, wanted in told.items())
        score.take(case, "replies", told, reply, right=right)
    return score


def _bare(text: Any) -> str:
    return _SPACE.sub("", str(text or ""))


def _unmarked(text: Any) -> str:
    return _EMPHASIS.sub("", _bare(text))


def _same(wanted: Any, found: Any) -> bool:
    return _bare(wanted).strip("\"'") == _bare(found).strip("\"'")


def _same_words(wanted: Any, found: Any) -> bool:
    """Whether two texts have nine of ten words in common (F1)."""
    ours, theirs = _words(found), _words(wanted)
    count = ours.total() + theirs.total()
    return not count or 2 * (ours & theirs).total() / count >= _ENOUGH


def _words(text: Any) -> Counter[str]:
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", str(text or "")).lower()))


def _same_reply(wanted: Any, found: Any) -> bool:
    return _unmarked(wanted) == _unmarked(found)


def _holds_all(wanted: Any, found: Any) -> bool:
    return all(_bare(each) in _bare(found) for each in wanted)


def _holds_none(wanted: Any, found: Any) -> bool:
    return all(_bare(each) not in _bare(found) for each in wanted)


def _equal(wanted: Any, found: Any) -> bool:
    return bool(wanted == found)


def _same_names(wanted: Any, found: Any) -> bool:
    return sorted(map(_bare, filter(None, wanted))) == sorted(map(_bare, filter(None, found)))


def _sender(mail: ParsedEmail) -> str:
    return mail.sender.email if mail.sender else ""


_Check = tuple[Callable[[ParsedEmail], Any], Callable[[Any, Any], bool]]
_REPLY_CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "reply": _same_reply,
    "reply_contains": _holds_all,
    "reply_not_contains": _holds_none,
}
_CHECKS: dict[str, _Check] = {
    "from_email": (_sender, lambda wanted, found: wanted.strip().lower() == found.lower()),
    "from_name": (lambda mail: mail.sender.name if mail.sender else "", _same),
    "from_missing": (_sender, lambda wanted, found: ("@" not in found) == wanted),
    "subject": (lambda mail: mail.subject, _same),
    "subject_contains": (lambda mail: mail.subject, lambda wanted, found: wanted in found),
    "subject_missing": (lambda mail: mail.subject, lambda wanted, found: wanted == (not found)),
    "text": (lambda mail: mail.text, _same_words),
    "text_contains": (lambda mail: mail.text, _holds_all),
    "text_empty": (lambda mail: mail.text, lambda wanted, found: wanted == (not found.strip())),
    "reply": (lambda mail: mail.reply, _same_reply),
    "reply_contains": (lambda mail: mail.reply, _holds_all),
    "reply_not_contains": (lambda mail: mail.reply, _holds_none),
    "auto_reply": (lambda mail: mail.auto is Auto.AUTO_REPLY, _equal),
    "bounce": (lambda mail: mail.auto is Auto.BOUNCE, _equal),
    "bounce_reason": (lambda mail: mail.bounce.reason.value if mail.bounce else "", _equal),
    "hard_bounce": (lambda mail: mail.bounce.reason.hard if mail.bounce else None, _equal),
    "feedback_report": (lambda mail: mail.complaint, _equal),
    "attachments": (lambda mail: [each.name for each in mail.attachments], _same_names),
    "in_reply_to": (
        lambda mail: mail.in_reply_to,
        lambda wanted, found: wanted.strip("<>") == found,
    ),
}
