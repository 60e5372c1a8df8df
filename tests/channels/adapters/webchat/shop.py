"""A site with the widget, and a small gateway behind it that can go away and come back."""

import asyncio
import html
import io
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiohttp
from aiohttp import web

from channels.adapters.webchat import CHANNEL
from channels.adapters.webchat.channel import WebChat
from channels.contract import (
    Attachment,
    InboundMessage,
    MessageKind,
    PublicGreeting,
    PublicMessage,
    QuickReply,
)
from channels.testing import INBOX, Bench, MemoryDirectory

SECRET = "widgetSecret_0123456789abcdef0123456789"
GREETINGS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "en": (
        "Hello! I am Qingchuan's assistant. How can I help?",
        ("Reset my password", "Get an invoice", "Broadband fault"),
    ),
    "zh-Hans": (
        "您好，我是晴川科技的智能助手，请问有什么可以帮您？",
        ("重置密码", "开具发票", "宽带上不了网"),
    ),
    "zh-Hant": (
        "您好，我是晴川科技的智慧助理，請問有什麼可以幫您？",
        ("重設密碼", "開立發票", "寬頻上不了網"),
    ),
}


def greet(language: str) -> PublicGreeting:
    text, titles = GREETINGS[language]
    return PublicGreeting(
        text=text,
        choices=tuple(
            QuickReply(title=title, payload=f"/faq_{at}") for at, title in enumerate(titles)
        ),
    )


async def serve_site(request: web.Request) -> web.Response:
    """A bare page with the widget; the query becomes the script's data attributes."""
    attributes = "".join(
        f' data-{name}="{html.escape(value)}"' for name, value in request.query.items()
    )
    return web.Response(
        text=f'''<!DOCTYPE html><html lang="en">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Site</title><body><h1>A site</h1>
        <a href="#x" id="before">A link</a><div style="height:3000px"></div>
        <script src="/widget.js" data-inbox="{INBOX}"{attributes}></script>''',
        content_type="text/html",
    )


class Shop:
    """One web chat inbox, served on a port of its own; its conversations outlive a restart.

    Every message that is kept for the first time is shown to its customer and, while `bot` is
    on, answered by "Answer to: …".
    """

    def __init__(self, **settings: Any) -> None:
        self.bench = Bench()
        self.directory = MemoryDirectory(())
        self.settings: Mapping[str, Any] = {
            "identity_secret": SECRET,
            "messages_per_minute": 600,
            "help_url": "/help/{slug}",
            "title_en": "Qingchuan service",
            "title_zh_hans": "晴川在线客服",
            "title_zh_hant": "晴川線上客服",
            **settings,
        }
        self.bot = True
        self.delay = 0.0
        self.sockets_blocked = False
        self.api_down = False
        self.kept: dict[str, InboundMessage] = {}
        self.bench.sink.on_message = self._keep
        self._runner: web.AppRunner | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def handle(self) -> str:
        """The only visitor there is."""
        (handle,) = {message.handle for message in self.kept.values()}
        return handle

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.kept.values()]

    async def start(self) -> None:
        context = self.bench.context
        self.bench.context = replace(context, greeting=greet)
        channel = self.bench.build(CHANNEL, self.settings)
        assert isinstance(channel, WebChat)
        self.channel = channel
        application = web.Application(middlewares=[self._gate])
        assert CHANNEL.routes is not None
        self.directory.channels = (self.channel,)
        application.add_routes(CHANNEL.routes(self.directory))
        application.router.add_get("/site", serve_site)
        await self.channel.start()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def stop(self) -> None:
        if self._runner is None:
            return
        await self.channel.stop()
        await self._runner.cleanup()
        self._runner = None
        for task in self._tasks:
            task.cancel()

    async def __aenter__(self) -> "Shop":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def say(self, text: str, *, to: str | None = None, **details: Any) -> PublicMessage:
        return self.bench.mailbox.say(INBOX, to or self.handle, text, **details)

    def push(self, frame: Mapping[str, Any], *, to: str | None = None) -> None:
        self.bench.mailbox.push(INBOX, to or self.handle, frame)

    def hand_over(self, controller: str, agent: str = "") -> None:
        self.push({"type": "controller", "controller": controller, "agent": agent})

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        is_socket = request.path == "/web/v1/ws"
        if (self.sockets_blocked and is_socket) or (
            self.api_down and request.path.startswith("/web/")
        ):
            raise web.HTTPBadGateway
        response: web.StreamResponse = await handler(request)
        return response

    def _keep(self, message: InboundMessage) -> None:
        if message.external_id in self.kept:
            return
        self.kept[message.external_id] = message
        task = asyncio.get_running_loop().create_task(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: InboundMessage) -> None:
        self.say(
            message.text,
            to=message.handle,
            kind=MessageKind.CUSTOMER,
            external_id=message.external_id,
            attachments=message.attachments,
        )
        await asyncio.sleep(self.delay)
        if self.bot:
            self.say(f"Answer to: {message.text}", to=message.handle)


class Caller:
    """A program that speaks the widget's protocol."""

    def __init__(self, http: aiohttp.ClientSession, shop: Shop) -> None:
        self.http = http
        self.shop = shop
        self.token = ""
        self.visitor = ""

    async def open(self, *, origin: str | None = None, **fields: Any) -> dict[str, Any]:
        headers = {"Origin": origin} if origin else {}
        async with self.http.post(
            f"{self.shop.url}/web/v1/{INBOX}/sessions", json=fields, headers=headers
        ) as answer:
            body: dict[str, Any] = await answer.json(content_type=None)
            body["status"] = answer.status
        self.token = body.get("session_token", "")
        self.visitor = body.get("visitor", "")
        return body

    async def call(
        self, method: str, path: str, *, token: str | None = None, **options: Any
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        headers |= options.pop("headers", {})
        async with self.http.request(
            method, f"{self.shop.url}/web/v1/{path}", headers=headers, **options
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def connect(self, resume_from: int = 0) -> "Line":
        line = Line(await self.http.ws_connect(f"{self.shop.url}/web/v1/ws"))
        await line.send(type="hello", token=self.token, resume_from=resume_from)
        return line

    async def upload(self, name: str, mime: str, content: bytes) -> tuple[int, dict[str, Any]]:
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("file", io.BytesIO(content), filename=name, content_type=mime)
        return await self.call("POST", "uploads", data=form)


class Line:
    """A socket, read frame by frame."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, **frame: Any) -> None:
        await self.socket.send_json(frame)

    async def say(self, client_msg_id: str, text: str, **fields: Any) -> None:
        await self.send(type="msg", client_msg_id=client_msg_id, text=text, **fields)

    async def get(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these types, or of any."""
        while True:
            frame: dict[str, Any] = await self.socket.receive_json(timeout=5)
            if not kinds or frame["type"] in kinds:
                return frame

    async def closed(self) -> int | None:
        """Reads until the end; the close code."""
        while not self.socket.closed:
            await self.socket.receive(timeout=5)
        return self.socket.close_code

    async def texts(self, count: int) -> list[str]:
        """The texts of the next messages."""
        return [(await self.get("message"))["data"]["text"] for _ in range(count)]


async def store_picture(shop: Shop) -> Attachment:
    """A picture as an agent would send one."""
    from PIL import Image, ImageDraw

    from channels.files import accept_file

    image = Image.new("RGB", (900, 600), "#dfe9ff")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((250, 210, 650, 390), 40, fill="#2457d6")
    draw.rectangle((650, 250, 740, 350), fill="#9aa7bd")
    draw.ellipse((300, 270, 360, 330), fill="#35c46a")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return await accept_file(
        shop.bench.blobs,
        name="key-light.png",
        declared_mime="image/png",
        content=buffer.getvalue(),
        limit=1_000_000,
    )
