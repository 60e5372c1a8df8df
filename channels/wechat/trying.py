"""Trying settings out: an access token, then calls that change nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from channels.checking import Step
from channels.errors import PermanentDeliveryError, TransientDeliveryError, Words
from channels.outbound import AllowedNetworks, GuardedHttp
from channels.wechat.api import app_url, ask_token, parse_answer
from channels.wechat.codes import PlatformError
from channels.wechat.settings import AppSettings

_TOKEN: Final = Words("Get an access token", "获取访问凭证", "取得存取憑證")

Call = tuple[Words, str, Mapping[str, str]]


async def try_calls(settings: AppSettings, calls: Sequence[Call]) -> list[Step]:
    """One step for the token and one for each call: its name, path and query.

    Ends at the first step that fails.
    """
    http = GuardedHttp(
        AllowedNetworks.parse(settings.allowed_networks), lambda: time.time_ns() // 1_000_000
    )
    steps: list[Step] = []
    name = _TOKEN
    try:
        token, _ = await ask_token(http, settings)
        steps.append(Step(name=name, ok=True))
        for name, path, query in calls:
            url = app_url(settings, path, {**query, "access_token": token})
            parse_answer(await http.fetch("GET", url))
            steps.append(Step(name=name, ok=True))
    except PlatformError as error:
        steps.append(Step(name=name, ok=False, detail=error.words))
    except (TransientDeliveryError, PermanentDeliveryError) as error:
        words = Words(
            f"WeCom's API cannot be reached: {error.reason}",
            f"无法访问企业微信 API：{error.reason}",
            f"無法存取企業微信 API：{error.reason}",
        )
        steps.append(Step(name=name, ok=False, detail=words))
    finally:
        await http.close()
    return steps
