"""What the platform's error codes mean, in plain words, and whether to try again."""

from __future__ import annotations

from typing import Final, NamedTuple

from channels.errors import (
    ChannelError,
    PermanentDeliveryError,
    TransientDeliveryError,
    Words,
)

TOKEN_CODES: Final = frozenset({40001, 40014, 42001})
"""The access token is not or no longer valid."""


class _Meaning(NamedTuple):
    """`wait` is how long to leave the platform alone, in seconds; None: it is no use to repeat."""

    words: Words
    wait: float | None = None


_TOKEN: Final = _Meaning(
    Words(
        "WeCom does not accept the access token; check the corp id and the secret",
        "企业微信不接受访问凭证；请检查企业 ID 和 Secret",
        "企業微信不接受存取憑證；請檢查企業 ID 和 Secret",
    ),
    30,
)
_CREDENTIALS: Final = _Meaning(
    Words(
        "the corp id, agent id or secret is wrong; correct the inbox's settings",
        "企业 ID、AgentId 或 Secret 有误；请改正渠道设置",
        "企業 ID、AgentId 或 Secret 有誤；請改正管道設定",
    )
)
_BODY: Final = _Meaning(
    Words(
        "WeCom cannot read the message's form; please report this",
        "企业微信无法识别消息格式；请反馈此问题",
        "企業微信無法識別訊息格式；請回報此問題",
    )
)
_TOO_LARGE: Final = _Meaning(
    Words(
        "the text or file is larger than WeCom allows; send less at once",
        "文字或文件超过企业微信的上限；请减少单次发送的内容",
        "文字或檔案超過企業微信的上限；請減少單次傳送的內容",
    )
)
_NOT_ALLOWED: Final = _Meaning(
    Words(
        "WeCom does not allow this app to do that; grant the permission in the admin console",
        "该应用没有此权限；请在企业微信管理后台授权",
        "該應用沒有此權限；請在企業微信管理後台授權",
    )
)
_UNREACHABLE: Final = _Meaning(
    Words(
        "the recipient does not exist or is outside the app's visible range",
        "接收人不存在，或不在应用的可见范围内",
        "接收人不存在，或不在應用的可見範圍內",
    )
)
_MEDIA: Final = _Meaning(
    Words(
        "the file is no longer at WeCom; send it again",
        "文件在企业微信上已失效；请重新发送",
        "檔案在企業微信上已失效；請重新傳送",
    )
)
_FREQUENCY: Final = _Meaning(
    Words(
        "WeCom's limit of calls is reached; it goes on by itself",
        "已达到企业微信的调用频率上限；稍后会自动继续",
        "已達到企業微信的呼叫頻率上限；稍後會自動繼續",
    ),
    60,
)
_ACCOUNT: Final = _Meaning(
    Words(
        "the customer service account does not exist any more; check it in WeCom",
        "客服账号不存在或已删除；请在企业微信中检查",
        "客服帳號不存在或已刪除；請在企業微信中檢查",
    )
)
_COUNT: Final = _Meaning(
    Words(
        "5 messages were sent since the customer last wrote; WeCom takes more only after the "
        "customer writes again",
        "客户上次发言后已发送 5 条消息；客户再次发言后才能继续发送",
        "客戶上次發言後已傳送 5 則訊息；客戶再次發言後才能繼續傳送",
    )
)
_WINDOW: Final = _Meaning(
    Words(
        "the customer last wrote more than 48 hours ago; WeCom takes answers only after the "
        "customer writes again",
        "客户上次发言已超过 48 小时；客户再次发言后才能回复",
        "客戶上次發言已超過 48 小時；客戶再次發言後才能回覆",
    )
)
_SESSION: Final = _Meaning(
    Words(
        "the session's state in WeCom does not allow messages from here",
        "企业微信中该会话的状态不允许从这里发送消息",
        "企業微信中該會話的狀態不允許從這裡傳送訊息",
    )
)
_BUSY: Final = _Meaning(
    Words("WeCom is busy; it is tried again", "企业微信繁忙；稍后重试", "企業微信繁忙；稍後重試"),
    5,
)

COUNT_LIMIT: Final = _COUNT.words
WINDOW_OVER: Final = _WINDOW.words
UNREACHABLE: Final = _UNREACHABLE.words

_MEANINGS: Final[dict[int, _Meaning]] = {
    -1: _BUSY,
    **dict.fromkeys(TOKEN_CODES, _TOKEN),
    **dict.fromkeys((40013, 40056, 41001, 41002, 41004), _CREDENTIALS),
    **dict.fromkeys((40033, 40058, 44004, 47001), _BODY),
    40007: _MEDIA,
    **dict.fromkeys((40006, 45001, 45002, 45007), _TOO_LARGE),
    **dict.fromkeys((48002, 82001, 301002), _NOT_ALLOWED),
    60020: _Meaning(
        Words(
            "WeCom does not know this server's address; add it to the app's trusted IPs",
            "本服务器的 IP 不在应用的企业可信 IP 中；请在管理后台添加",
            "本伺服器的 IP 不在應用的企業可信 IP 中；請在管理後台新增",
        )
    ),
    **dict.fromkeys((40003, 60111, 81013), _UNREACHABLE),
    45009: _FREQUENCY,
    45033: _FREQUENCY._replace(wait=3),
    45047: _COUNT,
    95000: _ACCOUNT,
    95004: _ACCOUNT,
    95001: _COUNT,
    95002: _WINDOW,
    95017: _Meaning(
        Words(
            "the customer service account is not managed by API; switch that on in WeCom",
            "该客服账号未设为“通过 API 管理”；请在企业微信中开启",
            "該客服帳號未設為「透過 API 管理」；請在企業微信中開啟",
        )
    ),
    95018: _SESSION,
}


class PlatformError(ChannelError):
    """The platform refused a call.

    Args:
        code: its `errcode`.
        said: its `errmsg`.
        asked: False when it said so before and was not asked again.
    """

    def __init__(self, code: int, said: str, *, asked: bool = True) -> None:
        super().__init__(f"errcode {code}: {said[:300]}")
        meaning = _MEANINGS.get(code)
        self.code = code
        self.said = said[:300]
        self.asked = asked
        self.wait = meaning.wait if meaning else None
        words = meaning.words if meaning else _unknown()
        shown = f"({code} {said[:200]})"
        self.words = Words(*(f"{word} {shown}" for word in words))

    def for_delivery(self, language: str) -> TransientDeliveryError | PermanentDeliveryError:
        """What it means for the message that was sent, in the inbox's language."""
        reason = self.words.in_language(language)
        if self.wait is None:
            return PermanentDeliveryError(reason)
        return TransientDeliveryError(reason, retry_after=self.wait, attempted=self.asked)


def _unknown() -> Words:
    return Words("WeCom refused the message", "企业微信拒绝了这条消息", "企業微信拒絕了這則訊息")
