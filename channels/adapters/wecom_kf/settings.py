"""Settings of an inbox of 微信客服."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import override

from channels.errors import SettingsError, Words, check_range
from channels.wechat.settings import AppSettings, labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class KfSettings(AppSettings):
    """Settings of one app that may call the API of 微信客服.

    `accounts` lists the accounts (open_kfid) whose messages are taken; all of them when empty.
    `welcome` greets who opens a chat. `poll_seconds` is how often is looked without a callback.

    Raises:
        SettingsError: a value is missing or unusable.
    """

    accounts: tuple[str, ...] = field(
        default=(),
        metadata=labelled(
            "Accounts (open_kfid); all when empty",
            "客服账号(open_kfid)，留空表示全部",
            "客服帳號(open_kfid)，留空表示全部",
        ),
    )
    welcome: bool = field(
        default=True,
        metadata=labelled(
            "Greet who opens a chat", "进入会话时发送欢迎语", "進入會話時傳送歡迎語"
        ),
    )
    poll_seconds: int = field(
        default=180,
        metadata=labelled(
            "Seconds between looks without a callback",
            "没有回调时的查询间隔(秒)",
            "沒有回呼時的查詢間隔(秒)",
            advanced=True,
        ),
    )

    @override
    def __post_init__(self) -> None:
        AppSettings.__post_init__(self)
        check_range("poll_seconds", self.poll_seconds, 30, 3600)
        if any(not account.isascii() or len(account) > 64 for account in self.accounts):
            raise SettingsError(
                "accounts",
                Words(
                    "list open_kfids such as wkAJ2GCAAAZSfhHCt7IFSvLKtMPxyJTw",
                    "请填写 open_kfid，例如 wkAJ2GCAAAZSfhHCt7IFSvLKtMPxyJTw",
                    "請填寫 open_kfid，例如 wkAJ2GCAAAZSfhHCt7IFSvLKtMPxyJTw",
                ),
            )
