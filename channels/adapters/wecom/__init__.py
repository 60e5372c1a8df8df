"""WeCom 企业微信: an app that members of a company write to.

Callbacks are verified, decrypted and answered at once; replies go through the API.
"""

from __future__ import annotations

from typing import Final

from channels.adapters.wecom.channel import WeComChannel, routes
from channels.adapters.wecom.settings import WeComSettings
from channels.adapters.wecom.trying import try_settings
from channels.contract import Capabilities, ChannelKind

CHANNEL: Final[ChannelKind[WeComSettings]] = ChannelKind(
    kind="wecom",
    settings=WeComSettings,
    capabilities=Capabilities(
        quick_replies=True, attachments=True, max_text=4000, max_files_bytes=20_000_000
    ),
    build=WeComChannel,
    routes=routes,
    test=try_settings,
)
