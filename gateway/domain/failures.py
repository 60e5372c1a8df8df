"""Why mail could not be delivered, in plain words (RFC 3463): codes as agents understand them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from channels.errors import Words
from channels.mail.model import Reason
from channels.mail.reasons import judge_reason

_ENHANCED: Final = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_UNKNOWN: Final = Words(
    "There is no such mailbox. Ask the customer for the right address and send it there.",
    "对方邮箱不存在。请向客户确认正确的地址，再重新发送。",
    "對方信箱不存在。請向客戶確認正確的地址，再重新傳送。",
)
_DOMAIN: Final = Words(
    "The part of the address after the @ does not exist. Check it for typing mistakes.",
    "地址中 @ 后面的域名不存在。请检查是否输错。",
    "地址中 @ 後面的網域不存在。請檢查是否輸錯。",
)
_MOVED: Final = Words(
    "The mailbox has moved and takes no more mail here.",
    "对方邮箱已迁移，这个地址不再收信。",
    "對方信箱已遷移，這個地址不再收信。",
)
_CLOSED: Final = Words(
    "The mailbox is closed or suspended.",
    "对方邮箱已停用或被暂停。",
    "對方信箱已停用或被暫停。",
)
_FULL: Final = Words(
    "The mailbox is full. Send again later, or reach the customer another way.",
    "对方邮箱已满。请稍后重发，或用其他方式联系客户。",
    "對方信箱已滿。請稍後重發，或用其他方式聯絡客戶。",
)
_LARGE: Final = Words(
    "The mail is too large for the receiver. Send fewer or smaller files.",
    "邮件超过对方允许的大小。请减少附件或压缩后再发。",
    "郵件超過對方允許的大小。請減少附件或壓縮後再傳。",
)
_AWAY: Final = Words(
    "The receiver's mail server could not be reached. Send again later.",
    "暂时无法连接对方的邮件服务器。请稍后重发。",
    "暫時無法連線對方的郵件伺服器。請稍後重發。",
)
_REFUSED: Final = Words(
    "The receiver's server refused the mail, as spam or by its rules. Ask your administrator.",
    "对方服务器因垃圾邮件或安全规则拒收。请联系邮件管理员。",
    "對方伺服器因垃圾郵件或安全規則拒收。請聯絡郵件管理員。",
)
_SENDER: Final = Words(
    "Our domain's SPF, DKIM or DMARC does not pass at the receiver. Ask your mail administrator.",
    "我方域名的 SPF、DKIM 或 DMARC 校验未通过。请联系邮件管理员。",
    "我方網域的 SPF、DKIM 或 DMARC 驗證未通過。請聯絡郵件管理員。",
)
_ADDRESS: Final = Words(
    "The address is not written rightly. Correct it and send again.",
    "邮箱地址格式不正确。请更正后重新发送。",
    "信箱地址格式不正確。請更正後重新傳送。",
)
_BUSY: Final = Words(
    "The receiver's mail server asks to come again later. Send again later.",
    "对方邮件服务器要求稍后再试。请稍后重发。",
    "對方郵件伺服器要求稍後再試。請稍後重發。",
)
_UNKNOWN_OR_REFUSED: Final = Words(
    "The mailbox does not exist, or mail to it is refused. Check the address with the customer.",
    "对方邮箱不存在，或拒收我方邮件。请与客户核对地址。",
    "對方信箱不存在，或拒收我方郵件。請與客戶核對地址。",
)
_LARGE_OR_FULL: Final = Words(
    "The mail is too large, or the mailbox is full. Send smaller files, or send again later.",
    "邮件过大，或对方邮箱已满。请减小附件，或稍后重发。",
    "郵件過大，或對方信箱已滿。請減小附件，或稍後重發。",
)
_REPLY: Final = re.compile(r"\(([45]\d\d) (.*)\)")
_RECIPIENT: Final = re.compile(r"[^\s@:]+@[^\s@:]+: (.*)")
# What a mail server's reply means by its code alone (RFC 5321 4.2.3).
_REPLIES: Final[Mapping[int, Words]] = {
    421: _BUSY,
    450: _BUSY,
    451: _BUSY,
    452: _BUSY,
    550: _UNKNOWN_OR_REFUSED,
    551: _MOVED,
    552: _LARGE_OR_FULL,
    553: _ADDRESS,
    554: _REFUSED,
}
_REASONS: Final[Mapping[Reason, Words]] = {
    Reason.USER_UNKNOWN: _UNKNOWN,
    Reason.HOST_UNKNOWN: _DOMAIN,
    Reason.MOVED: _MOVED,
    Reason.MAILBOX_FULL: _FULL,
    Reason.TOO_BIG: _LARGE,
    Reason.SUSPENDED: _CLOSED,
    Reason.FILTERED: _REFUSED,
    Reason.SPAM: _REFUSED,
    Reason.VIRUS: _REFUSED,
    Reason.BLOCKED: _REFUSED,
    Reason.REPUTATION: _REFUSED,
    Reason.POLICY: _REFUSED,
    Reason.AUTHENTICATION: _SENDER,
    Reason.TOO_MANY: _BUSY,
    Reason.EXPIRED: _AWAY,
    Reason.NETWORK: _AWAY,
    Reason.SYSTEM: _AWAY,
}
_CODES: Final[Mapping[tuple[int, int], Words]] = {
    (1, 1): _UNKNOWN,
    (1, 2): _DOMAIN,
    (1, 3): _ADDRESS,
    (1, 6): _MOVED,
    (1, 10): _DOMAIN,
    (2, 1): _CLOSED,
    (2, 2): _FULL,
    (2, 3): _LARGE,
    (3, 4): _LARGE,
    (4, 1): _AWAY,
    (4, 2): _AWAY,
    (4, 4): _AWAY,
    (4, 7): _AWAY,
    (7, 1): _REFUSED,
    (7, 20): _SENDER,
    (7, 21): _SENDER,
    (7, 23): _SENDER,
    (7, 24): _SENDER,
    (7, 25): _SENDER,
    (7, 26): _SENDER,
}
_SUBJECTS: Final[Mapping[int, Words]] = {7: _REFUSED}


def explain_failure(failure: str) -> Words | None:
    """What a failure means: by the first status code in it, else the server's words or its reply.

    Args:
        failure: as the channel tells it; for mail with the receiver's own words.

    Returns:
        None where nothing in it says more than the failure itself.
    """
    for code in _ENHANCED.finditer(failure):
        subject, detail = int(code[2]), int(code[3])
        words = _CODES.get((subject, detail)) or _SUBJECTS.get(subject)
        if words is not None:
            return words
    return next((words for line in failure.split("\n") if (words := _by_words(line))), None)


def _by_words(line: str) -> Words | None:
    """What one recipient's mail server said, or a report of it."""
    reply, recipient = _REPLY.search(line), _RECIPIENT.match(line)
    said = reply[2] if reply else recipient[1] if recipient else ""
    words = _REASONS.get(judge_reason(said, "", "")) if said else None
    return words or (_REPLIES.get(int(reply[1])) if reply else None)
