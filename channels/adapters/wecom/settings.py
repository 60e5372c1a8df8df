"""Settings of a WeCom inbox."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import override

from channels.errors import SettingsError, Words
from channels.wechat.settings import AppSettings, labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class WeComSettings(AppSettings):
    """Settings of one WeCom app.

    `agent_id` is the app's number. `cards` offers choices as buttons; without it they stand
    below the text. `markdown` sends texts as markdown, which only WeCom's own client shows.

    Raises:
        SettingsError: a value is missing or unusable.
    """

    agent_id: int = field(
        default=0, metadata=labelled("Agent ID", "应用 AgentId", "應用 AgentId", required=True)
    )
    cards: bool = field(
        default=True,
        metadata=labelled("Offer choices as buttons", "用按钮卡片显示选项", "以按鈕卡片顯示選項"),
    )
    markdown: bool = field(
        default=False,
        metadata=labelled(
            "Send texts as markdown", "以 Markdown 发送文字", "以 Markdown 傳送文字", advanced=True
        ),
    )

    @override
    def __post_init__(self) -> None:
        AppSettings.__post_init__(self)
        if not 0 < self.agent_id < 1 << 31:
            raise SettingsError(
                "agent_id",
                Words(
                    "copy the app's AgentId, such as 1000002",
                    "请复制应用的 AgentId，例如 1000002",
                    "請複製應用的 AgentId，例如 1000002",
                ),
            )
