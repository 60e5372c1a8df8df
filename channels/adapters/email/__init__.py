"""E-mail: fetched by IMAP or taken by LMTP and SMTP, answered by SMTP."""

from __future__ import annotations

from typing import Final

from channels.adapters.email.channel import Email
from channels.adapters.email.providers import PRESETS
from channels.adapters.email.settings import GROUPS, EmailSettings
from channels.adapters.email.trying import try_settings
from channels.contract import Capabilities, ChannelKind

CHANNEL: Final[ChannelKind[EmailSettings]] = ChannelKind(
    kind="email",
    settings=EmailSettings,
    capabilities=Capabilities(
        letters=True,
        catch_up=True,
        attachments=True,
        max_text=100_000,
        max_files_bytes=18_000_000,  # base64 makes a third more, and many servers stop at 25 MB
    ),
    build=Email,
    test=try_settings,
    groups=GROUPS,
    presets=PRESETS,
)
