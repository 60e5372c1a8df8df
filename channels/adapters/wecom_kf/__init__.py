"""WeChat customer service (微信客服): anyone in WeChat writes to a company's account.

A callback only says that there is something; messages are pulled, with a cursor for each account.
"""

from __future__ import annotations

from typing import Final

from channels.adapters.wecom_kf.channel import KfChannel, routes
from channels.adapters.wecom_kf.settings import KfSettings
from channels.adapters.wecom_kf.trying import try_settings
from channels.contract import Capabilities, ChannelKind

CHANNEL: Final[ChannelKind[KfSettings]] = ChannelKind(
    kind="wecom_kf",
    settings=KfSettings,
    capabilities=Capabilities(
        catch_up=True,
        quick_replies=True,
        attachments=True,
        # Three of the five messages that the platform takes for one of the customer's.
        max_text=2000,
        max_files_bytes=20_000_000,
    ),
    build=KfChannel,
    routes=routes,
    test=try_settings,
)
