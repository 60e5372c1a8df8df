"""Web chat: the widget that sites embed, and the addresses it talks to.

A site embeds `<script src="https://gateway.example/widget.js" data-inbox="…"></script>`. The
widget opens a session, then exchanges frames over a socket (`socket`), or over plain HTTP where
no socket gets through (`polling`); files go by `uploads`. Each message carries an id of the
widget's, the same at each attempt, so that a resend is harmless, and is acknowledged when it
is durable. Events carry the conversation's sequence number, from which a widget resumes.
"""

from channels.adapters.webchat.channel import WebChat
from channels.adapters.webchat.frames import MAX_TEXT_CHARACTERS
from channels.adapters.webchat.routes import build_routes
from channels.adapters.webchat.settings import WebChatSettings
from channels.contract import Capabilities, ChannelKind

CHANNEL = ChannelKind(
    kind="webchat",
    settings=WebChatSettings,
    capabilities=Capabilities(
        mailbox=True,
        quick_replies=True,
        attachments=True,
        typing=True,
        read_receipts=True,
        max_text=MAX_TEXT_CHARACTERS,
    ),
    build=WebChat,
    routes=build_routes,
)

__all__ = ["CHANNEL"]
