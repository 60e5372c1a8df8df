"""What an administrator may set for a web chat inbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from channels.adapters.webchat.texts import TITLES
from channels.contract import Secret
from channels.errors import SettingsError, Words, check_range

MIN_SECRET_CHARACTERS: Final = 16
MAX_TITLE_CHARACTERS: Final = 40
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_HOST: Final = re.compile(r"(\*\.)?[a-z0-9.-]+(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?")


def _label(en: str, hans: str, hant: str) -> Mapping[str, Any]:
    return {"label": {"en": en, "zh-Hans": hans, "zh-Hant": hant}}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebChatSettings:
    """Settings of one web chat inbox.

    `allowed_origins` names the sites that may carry the widget (`https://shop.example`,
    `https://*.shop.example`, or `*` for any); pages of this server itself always may.
    `identity_secret` is shared with the site's server, which signs who is signed in;
    `identity_required` refuses visitors without such a signature. An attachment may have
    `max_attachment_mb` MB, of a million bytes each, as sizes are shown everywhere. `help_url` is
    the address of an article with `{slug}` in it; empty where no help centre is published.

    Raises:
        SettingsError: a value is out of bounds; names the setting and the remedy.
    """

    allowed_origins: tuple[str, ...] = field(
        default=(), metadata=_label("Sites that may carry the widget", "允许的网站", "允許的網站")
    )
    title_en: str = field(
        default=TITLES["en"], metadata=_label("Title (English)", "标题(英文)", "標題(英文)")
    )
    title_zh_hans: str = field(
        default=TITLES["zh-Hans"],
        metadata=_label("Title (Simplified Chinese)", "标题(简体)", "標題(簡體)"),
    )
    title_zh_hant: str = field(
        default=TITLES["zh-Hant"],
        metadata=_label("Title (Traditional Chinese)", "标题(繁体)", "標題(繁體)"),
    )
    accent: str = field(
        default="#2457d6", metadata=_label("Accent colour (#rrggbb)", "主题色", "主題色")
    )
    greeting: bool = field(
        default=True, metadata=_label("Greet visitors", "向访客问候", "向訪客問候")
    )
    attachments: bool = field(
        default=True, metadata=_label("Accept files", "允许发送文件", "允許傳送檔案")
    )
    max_attachment_mb: int = field(
        default=10, metadata=_label("Largest file (MB)", "文件大小上限(MB)", "檔案大小上限(MB)")
    )
    identity_secret: Secret = field(
        default=Secret(""),
        metadata={"generate": "token", **_label("Identity secret", "身份密钥", "身分密鑰")},
    )
    identity_required: bool = field(
        default=False,
        metadata=_label("Only signed-in customers", "仅限已登录客户", "僅限已登入客戶"),
    )
    messages_per_minute: int = field(
        default=20,
        metadata=_label(
            "Messages per visitor and minute", "每访客每分钟消息数", "每訪客每分鐘訊息數"
        ),
    )
    sessions_per_hour: int = field(
        default=30,
        metadata=_label(
            "New visitors per address and hour", "每地址每小时新访客", "每位址每小時新訪客"
        ),
    )
    help_url: str = field(
        default="",
        metadata=_label("Address of articles ({slug})", "文章地址({slug})", "文章網址({slug})"),
    )

    def __post_init__(self) -> None:
        for origin in self.allowed_origins:
            _check_origin(origin)
        for name in ("title_en", "title_zh_hans", "title_zh_hant"):
            _check_title(name, getattr(self, name))
        if not _COLOUR.fullmatch(self.accent):
            raise SettingsError(
                "accent",
                Words(
                    "write the colour as #rrggbb, for example #2457d6",
                    "请按 #rrggbb 填写颜色，例如 #2457d6",
                    "請按 #rrggbb 填寫顏色，例如 #2457d6",
                ),
            )
        check_range("max_attachment_mb", self.max_attachment_mb, 1, 50)
        check_range("messages_per_minute", self.messages_per_minute, 1, 600)
        check_range("sessions_per_hour", self.sessions_per_hour, 1, 100_000)
        self._check_identity()
        _check_help_url(self.help_url)

    def _check_identity(self) -> None:
        if self.identity_secret and len(self.identity_secret) < MIN_SECRET_CHARACTERS:
            raise SettingsError(
                "identity_secret",
                Words(
                    f"use at least {MIN_SECRET_CHARACTERS} random characters",
                    f"请用至少 {MIN_SECRET_CHARACTERS} 个随机字符",
                    f"請用至少 {MIN_SECRET_CHARACTERS} 個隨機字元",
                ),
            )
        if self.identity_required and not self.identity_secret:
            raise SettingsError(
                "identity_required",
                Words(
                    "set an identity secret first: without it nobody gets in",
                    "请先设置身份密钥：没有它谁也进不来",
                    "請先設定身分密鑰：沒有它誰也進不來",
                ),
            )

    @property
    def titles(self) -> Mapping[str, str]:
        """The widget's title by language."""
        return {
            "en": self.title_en,
            "zh-Hans": self.title_zh_hans,
            "zh-Hant": self.title_zh_hant,
        }

    @property
    def max_attachment_bytes(self) -> int:
        """The largest attachment in bytes."""
        return self.max_attachment_mb * 1_000_000


def _check_origin(origin: str) -> None:
    if origin == "*":
        return
    parts = urlsplit(origin)
    if (
        parts.scheme not in {"http", "https"}
        or not _HOST.fullmatch(parts.netloc)
        or origin != f"{parts.scheme}://{parts.netloc}"
    ):
        raise SettingsError(
            "allowed_origins",
            Words(
                f"write {origin[:80]!r} as scheme and host in lower case, without a path: "
                "https://shop.example",
                f"请把“{origin[:80]}”写成小写的协议和主机名，不带路径：https://shop.example",
                f"請把「{origin[:80]}」寫成小寫的協定和主機名稱，不帶路徑：https://shop.example",
            ),
        )


def _check_title(name: str, title: str) -> None:
    if not title.strip() or len(title) > MAX_TITLE_CHARACTERS:
        raise SettingsError(
            name,
            Words(
                f"write 1 to {MAX_TITLE_CHARACTERS} characters",
                f"请写 1 到 {MAX_TITLE_CHARACTERS} 个字符",
                f"請寫 1 到 {MAX_TITLE_CHARACTERS} 個字元",
            ),
        )


def _check_help_url(template: str) -> None:
    if not template:
        return
    if "{slug}" not in template or not template.startswith(("https://", "http://", "/")):
        raise SettingsError(
            "help_url",
            Words(
                "write an address that contains {slug}: https://help.example/{slug}",
                "请写包含 {slug} 的地址：https://help.example/{slug}",
                "請寫包含 {slug} 的網址：https://help.example/{slug}",
            ),
        )
