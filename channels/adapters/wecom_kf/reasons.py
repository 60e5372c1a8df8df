"""Why messages do not reach customers, in plain words."""

from __future__ import annotations

from typing import Any, Final

from channels.errors import Words
from channels.wechat.codes import COUNT_LIMIT, WINDOW_OVER

_ACCOUNT: Final = Words(
    "the customer service account was deleted", "客服账号已删除", "客服帳號已刪除"
)
_APP: Final = Words("the app was closed", "应用已关闭", "應用已關閉")
_CLOSED: Final = Words(
    "the session is over; the customer must write again",
    "会话已结束；需等客户再次发言",
    "會話已結束；需等客戶再次發言",
)
_VERIFICATION: Final = Words(
    "the company is not verified at WeChat; complete the verification in WeCom",
    "企业主体未认证或认证已过期；请在企业微信完成认证",
    "企業主體未認證或認證已過期；請在企業微信完成認證",
)
_REFUSED: Final = Words(
    "the customer refuses messages from this account",
    "客户拒收该客服账号的消息",
    "客戶拒收該客服帳號的訊息",
)
_UNKNOWN: Final = Words(
    "WeChat did not deliver the message and gives no reason",
    "微信未送达这条消息，也未说明原因",
    "微信未送達這則訊息，也未說明原因",
)
_FAILURES: Final = {
    1: _ACCOUNT,
    2: _APP,
    4: WINDOW_OVER,
    5: _CLOSED,
    6: COUNT_LIMIT,
    7: _VERIFICATION,
    8: _VERIFICATION,
    9: _VERIFICATION,
    10: _REFUSED,
}

IN_POOL: Final = Words(
    "the customer waits in WeCom's pool for a colleague; answers from here are not taken now",
    "客户正在企业微信接待池中排队；此时不能从这里回复",
    "客戶正在企業微信接待池中排隊；此時不能從這裡回覆",
)
ENDED: Final = _CLOSED


def send_failure(kind: Any) -> Words:
    """What `fail_type` says."""
    return _FAILURES.get(kind, _UNKNOWN) if isinstance(kind, int) else _UNKNOWN


def served_by(servicer: str) -> Words:
    """A colleague answers in WeCom's client."""
    return Words(
        f"{servicer} serves this customer in WeCom; end that session there to answer from here",
        f"{servicer} 正在企业微信中接待该客户；请先在那里结束会话，再从这里回复",
        f"{servicer} 正在企業微信中接待該客戶；請先在那裡結束會話，再從這裡回覆",
    )
