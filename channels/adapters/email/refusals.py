"""What a mail server refuses, and what we do, in the words of the inbox's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from channels.errors import Words

Refusals = dict[str, tuple[int, str]]
"""Recipients that were refused, each with the server's code and words."""

LONGEST: Final = 900  # characters of a reason
_SAID: Final = 300  # characters of what the server says

_MEANINGS: Final[Mapping[int, Words]] = {
    421: Words("The mail server is busy", "邮件服务器繁忙", "郵件伺服器忙碌"),
    450: Words("The mailbox is busy", "对方邮箱暂不可用", "對方信箱暫時無法使用"),
    451: Words(
        "The mail server asks to try again later",
        "邮件服务器要求稍后再试",
        "郵件伺服器要求稍後再試",
    ),
    452: Words("The mail server has no room now", "邮件服务器暂无空间", "郵件伺服器暫無空間"),
    550: Words(
        "The mailbox does not exist, or mail to it is refused",
        "邮箱不存在，或拒绝收信",
        "信箱不存在，或拒絕收信",
    ),
    551: Words("The mailbox is elsewhere", "邮箱已迁移", "信箱已遷移"),
    552: Words(
        "The mail is too large, or the mailbox is full",
        "邮件过大，或邮箱已满",
        "郵件過大，或信箱已滿",
    ),
    553: Words("The address is refused", "地址被拒绝", "地址被拒絕"),
    554: Words("The mail was refused", "邮件被拒绝", "郵件被拒絕"),
}
_OTHER: Final = Words("The mail server refused", "邮件服务器拒绝了邮件", "郵件伺服器拒絕了郵件")

NOBODY: Final = Words(
    "There is nobody to send this to: enter an address.",
    "没有收件人，请填写地址。",
    "沒有收件人，請填寫地址。",
)
STARTING: Final = Words(
    "The inbox is only just starting.", "收件渠道正在启动。", "收件管道正在啟動。"
)
OTHERS_FIRST: Final = Words(
    "Other mails are being handed over; this one follows.",
    "正在投递其他邮件，随后发送本邮件。",
    "正在投遞其他郵件，隨後傳送本郵件。",
)


def no_address(shown: str) -> Words:
    """An address that cannot be written to."""
    return Words(
        f"“{shown}” is no mail address that can be written to; correct it and send again.",
        f"“{shown}”不是可以投递的邮箱地址，请更正后重新发送。",
        f"「{shown}」不是可以投遞的信箱地址，請更正後重新傳送。",
    )


def lost_file(name: str) -> Words:
    """An attachment whose content is gone."""
    return Words(f"The file {name} is lost.", f"文件 {name} 已丢失。", f"檔案 {name} 已遺失。")


def too_automatic(address: str) -> Words:
    """The bot wrote to an address as often as it may."""
    return Words(
        f"{address} got as many automatic mails as are allowed in an hour or a day; answer "
        "yourself if a person is there.",
        f"{address} 在一小时或一天内收到的自动邮件已达上限；如对方是真人，请人工回复。",
        f"{address} 在一小時或一天內收到的自動郵件已達上限；如對方是真人，請人工回覆。",
    )


def too_fast(per_minute: int) -> Words:
    """More mails wait than go out in a minute."""
    return Words(
        f"More mails wait than the {per_minute} a minute that are allowed.",
        f"待发邮件超过每分钟 {per_minute} 封的上限，正在排队。",
        f"待寄郵件超過每分鐘 {per_minute} 封的上限，正在排隊。",
    )


def meaning(code: int, said: str, language: str) -> str:
    """What a refusal means, and the server's own words."""
    words = _MEANINGS.get(code, _OTHER).in_language(language)
    plain = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return f"{words} ({code} {plain[:_SAID]})."


def refusal_words(refusals: Refusals, language: str) -> str:
    """Who was refused, and why."""
    lines = (f"{who}: {meaning(*answer, language)}" for who, answer in refusals.items())
    return "\n".join(lines)[:LONGEST]
