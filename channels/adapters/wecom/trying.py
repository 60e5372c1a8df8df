"""Tries an app's settings out; sends nothing to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from channels.adapters.wecom.settings import WeComSettings
from channels.checking import Step
from channels.errors import Words
from channels.wechat.trying import try_calls

_APP: Final = Words("Find the app", "查找应用", "尋找應用")


async def try_settings(settings: WeComSettings) -> Sequence[Step]:
    """Gets an access token and looks the app up; ends at the first step that fails."""
    query = {"agentid": str(settings.agent_id)}
    return await try_calls(settings, [(_APP, "agent/get", query)])
