"""Tries an app's settings out; sends nothing to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from channels.adapters.wecom_kf.settings import KfSettings
from channels.checking import Step
from channels.errors import Words
from channels.wechat.trying import try_calls

_ACCOUNTS: Final = Words("List the customer service accounts", "列出客服账号", "列出客服帳號")


async def try_settings(settings: KfSettings) -> Sequence[Step]:
    """Gets an access token and lists the accounts; ends at the first step that fails."""
    return await try_calls(settings, [(_ACCOUNTS, "kf/account/list", {})])
