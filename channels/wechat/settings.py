"""What every app of WeCom is set up with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from channels.contract import Secret
from channels.errors import SettingsError, Words, WrongValueError
from channels.outbound import AllowedNetworks, check_url
from channels.wechat.crypto import CallbackCipher, parse_key

PUBLIC_API: Final = "https://qyapi.weixin.qq.com"

_NEEDED: Final = Words("a value is needed", "此项必填", "此項必填")


def labelled(en: str, zh_hans: str, zh_hant: str, **more: Any) -> dict[str, Any]:
    """A setting's metadata."""
    return {"label": {"en": en, "zh-Hans": zh_hans, "zh-Hant": zh_hant}, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """Settings of one app.

    `corp_id` and `secret` get access tokens; `callback_token` and `aes_key` sign and encrypt
    callbacks. `api_base` is another address for private deployments; `allowed_networks` lists
    what may be reached although it is not public.

    Raises:
        SettingsError: a value is missing or unusable.
    """

    corp_id: str = field(
        default="",
        metadata=labelled("Corp ID", "企业 ID(CorpID)", "企業 ID(CorpID)", required=True),
    )
    secret: Secret = field(
        default=Secret(""),
        metadata=labelled("App secret", "应用 Secret", "應用 Secret", required=True),
    )
    callback_token: Secret = field(
        default=Secret(""),
        metadata=labelled("Callback token", "回调 Token", "回呼 Token", required=True),
    )
    aes_key: Secret = field(
        default=Secret(""),
        metadata=labelled(
            "EncodingAESKey of the callback",
            "回调 EncodingAESKey",
            "回呼 EncodingAESKey",
            required=True,
        ),
    )
    api_base: str = field(
        default=PUBLIC_API,
        metadata=labelled(
            "Address of WeCom's API", "企业微信 API 地址", "企業微信 API 網址", advanced=True
        ),
    )
    allowed_networks: tuple[str, ...] = field(
        default=(),
        metadata=labelled(
            "Allowed hosts and networks that are not public",
            "允许访问的非公网主机和网段",
            "允許存取的非公開主機與網段",
            advanced=True,
        ),
    )

    def __post_init__(self) -> None:
        for name in ("corp_id", "secret", "callback_token", "aes_key"):
            if not getattr(self, name):
                raise SettingsError(name, _NEEDED)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.corp_id):
            raise SettingsError(
                "corp_id",
                Words(
                    "copy the corp id from “My company”; it looks like ww1234567890abcdef",
                    "请从“我的企业”复制企业 ID，形如 ww1234567890abcdef",
                    "請從「我的企業」複製企業 ID，形如 ww1234567890abcdef",
                ),
            )
        try:
            parse_key(self.aes_key)
        except ValueError as error:
            raise SettingsError(
                "aes_key",
                Words(
                    "copy all 43 characters of the EncodingAESKey",
                    "请完整复制 43 位的 EncodingAESKey",
                    "請完整複製 43 位的 EncodingAESKey",
                ),
            ) from error
        try:
            allowed = AllowedNetworks.parse(self.allowed_networks)
        except WrongValueError as error:
            raise SettingsError("allowed_networks", error.words) from error
        try:
            check_url(self.api_base, allowed)
        except WrongValueError as error:
            raise SettingsError("api_base", error.words) from error

    def cipher(self) -> CallbackCipher:
        """What opens this app's callbacks."""
        return CallbackCipher(
            token=self.callback_token, key=parse_key(self.aes_key), receiver=self.corp_id
        )
