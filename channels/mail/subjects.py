"""Subjects without what programs put before them."""

from __future__ import annotations

import re

_PREFIX = re.compile(
    r"(?i)^\s*(?:\[(?:external|ext|外部邮件|外部|外部郵件|spam|\*+spam\*+)\]\s*|(?:re|aw|sv|vs|"
    r"antw|antwort|ref|odp|"
    r"ynt|rép|rif|res|wg|fw|fwd|tr|i|enc|rv|doorst|vb|vl|回复|回覆|答复|答覆|答覆|回信|转发|轉寄|"
    r"轉發|转寄|"
    r"传送|返信|転送|회신|답장|전달|отв|пер|tl|ats)\s*(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|"
    r"\d{1,2})?\s*[:：]\s*)"
)
_FORWARD = re.compile(
    r"(?i)^\s*(?:(?:re|回复|答复|回覆)\s*[:：]\s*)*(?:fw|fwd|wg|tr|enc|rv|doorst|vb|vl|转发|轉寄|"
    r"轉發|转寄|"
    r"転送|전달|пер)\s*(?:\[\d+\])?\s*[:：]"
)
_TAG = re.compile(r"\s*\[#[A-Za-z0-9-]{1,40}\]\s*$")


def base_subject(subject: str) -> str:
    """The subject without "Re:", "转发:" and their like, and without a tag such as `[#C42]`."""
    text = subject
    for _ in range(50):
        found = _PREFIX.match(text)
        if found is None:
            break
        text = text[found.end() :]
    return _TAG.sub("", text).strip()


def is_forward(subject: str) -> bool:
    """Whether the subject says that the mail passes on another."""
    return bool(_FORWARD.match(subject))
