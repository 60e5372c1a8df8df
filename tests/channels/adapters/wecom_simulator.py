"""WeCom on loopback, from its documents: signs, encrypts, expires tokens, refuses on demand.

It shares no code with the adapters.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import struct
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from channels.testing import WireRequest, serve_application

CORP = "ww1a2b3c4d5e6f7a8b"
SECRET = "app-secret-of-this-test"
TOKEN = "CallbackT0ken"
# The last character's unused bits are set, as in keys that the platform makes.
AES_KEY = "kWxPAB0cQz7Yt3LrN5vE8uMdH2gJsF6aZyTqXoCiVb1"
AGENT = 1000002


def seal(content: bytes, *, receiver: str = CORP, key: str = AES_KEY) -> str:
    """Encrypts as the platform does: to blocks of 32 bytes."""
    secret = base64.b64decode(key + "=")
    plain = os.urandom(16) + struct.pack(">I", len(content)) + content + receiver.encode()
    pad = 32 - len(plain) % 32
    plain += bytes([pad]) * pad
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def sign(encrypted: str, timestamp: str, nonce: str, token: str = TOKEN) -> str:
    return hashlib.sha1("".join(sorted([token, timestamp, nonce, encrypted])).encode()).hexdigest()


def query_of(encrypted: str, *, age: float = 0, token: str = TOKEN) -> str:
    timestamp, nonce = str(int(time.time() - age)), os.urandom(4).hex()
    signature = sign(encrypted, timestamp, nonce, token)
    return f"msg_signature={signature}&timestamp={timestamp}&nonce={nonce}"


def xml(fields: dict[str, Any]) -> str:
    def one(name: str, value: Any) -> str:
        if isinstance(value, dict):
            return f"<{name}>{''.join(one(*pair) for pair in value.items())}</{name}>"
        if isinstance(value, int):
            return f"<{name}>{value}</{name}>"
        return f"<{name}><![CDATA[{value}]]></{name}>"

    return f"<xml>{''.join(one(*pair) for pair in fields.items())}</xml>"


def callback(
    path: str, fields: dict[str, Any] | bytes, *, age: float = 0, **sealing: str
) -> WireRequest:
    """A callback as it goes over the wire."""
    content = fields if isinstance(fields, bytes) else xml(fields).encode()
    return sealed_callback(path, seal(content, **sealing), age=age)


def sealed_callback(
    path: str, encrypted: str, *, age: float = 0, token: str = TOKEN
) -> WireRequest:
    body = (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName>"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID><![CDATA[{AGENT}]]></AgentID></xml>"
    )
    return WireRequest(
        path=f"{path}?{query_of(encrypted, age=age, token=token)}", body=body.encode()
    )


def echo_request(path: str, text: str, *, escaped: bool = True) -> WireRequest:
    """The verification of a callback address."""
    encrypted = seal(text.encode())
    shown = quote(encrypted, safe="") if escaped else encrypted
    return WireRequest(
        method="GET", path=f"{path}?{query_of(encrypted)}&echostr={shown}", body=b""
    )


def message(text: str, msg_id: str, *, user: str = "ZhangSan", **fields: Any) -> dict[str, Any]:
    return {
        "ToUserName": CORP,
        "FromUserName": user,
        "CreateTime": int(time.time()),
        "MsgType": "text",
        "Content": text,
        "MsgId": msg_id,
        "AgentID": AGENT,
        **fields,
    }


@dataclass
class Customer:
    """What the platform knows of a customer of 微信客服: the window of 48 h and 5 messages."""

    wrote_at: float = 0.0
    received: int = 0
    state: int = 0
    servicer: str = ""


@dataclass
class WeComSimulator:
    """The platform. `refusals` are given to the next calls of a path, before all else."""

    tokens_given: int = 0
    good_tokens: set[str] = field(default_factory=set)
    expires_in: int = 7200
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusals: dict[str, deque[dict[str, Any]]] = field(default_factory=lambda: defaultdict(deque))
    media: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)
    uploads: list[tuple[str, str, bytes]] = field(default_factory=list)
    down: bool = False
    address: str = ""
    known_token: str = ""
    # 微信客服
    accounts: dict[str, str] = field(default_factory=lambda: {"wkA": "客服一号"})
    feed: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    customers: dict[tuple[str, str], Customer] = field(
        default_factory=lambda: defaultdict(Customer)
    )
    delivered: list[dict[str, Any]] = field(default_factory=list)
    page: int = 1000
    kf_ids: set[str] = field(default_factory=set)
    welcomes: set[str] = field(default_factory=set)
    sync_tokens: set[str] = field(default_factory=set)
    pulling: int = 0
    pulled_at_once: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        application = web.Application(client_max_size=50_000_000)
        application.router.add_route("*", "/cgi-bin/{tail:.*}", self._answer)
        async with serve_application(application) as address:
            self.address = address
            yield address

    def expire_tokens(self) -> None:
        self.good_tokens.clear()

    def refuse(self, path: str, code: int, said: str = "refused", **more: Any) -> None:
        self.refusals[path].append({"errcode": code, "errmsg": said, **more})

    def sent(self, path: str = "message/send") -> list[dict[str, Any]]:
        return [payload for called, payload in self.calls if called == path]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["tail"]
        if self.down:
            return web.Response(status=502)
        if path == "gettoken":
            return web.json_response(self._give_token(request))
        self.known_token = request.query.get("access_token", "")
        if self.known_token not in self.good_tokens:
            return web.json_response({"errcode": 42001, "errmsg": "access_token expired"})
        if self.refusals[path]:
            refusal = self.refusals[path].popleft()
            self.calls.append((f"refused {path}", {}))
            return web.json_response(refusal)
        if path == "media/upload":
            return await self._upload(request)
        if path == "media/get":
            return self._download(request)
        raw = await request.read()
        if b"\\u" in raw:
            return web.json_response({"errcode": 40033, "errmsg": "invalid charset"})
        payload = json.loads(raw) if raw else dict(request.query)
        self.calls.append((path, payload))
        handler = getattr(self, "_" + re.sub(r"\W", "_", path), None)
        if handler is None:
            return web.json_response({"errcode": 40066, "errmsg": "invalid url"})
        return web.json_response({"errcode": 0, "errmsg": "ok", **await handler(payload)})

    def _give_token(self, request: web.Request) -> dict[str, Any]:
        self.tokens_given += 1
        if self.refusals["gettoken"]:
            return self.refusals["gettoken"].popleft()
        if request.query["corpid"] != CORP:
            return {"errcode": 40013, "errmsg": "invalid corpid"}
        if request.query["corpsecret"] != SECRET:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        token = f"token-{self.tokens_given}-{os.urandom(8).hex()}"
        self.good_tokens.add(token)
        return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": self.expires_in}

    async def _upload(self, request: web.Request) -> web.Response:
        kind = request.query["type"]
        part = (await request.post())["media"]
        assert isinstance(part, web.FileField)
        content = part.file.read()
        if len(content) <= 5:
            return web.json_response({"errcode": 40006, "errmsg": "invalid media size"})
        self.uploads.append((kind, part.filename, content))
        media_id = f"UP-{len(self.uploads)}"
        self.media[media_id] = (content, part.content_type, part.filename)
        return web.json_response({"errcode": 0, "type": kind, "media_id": media_id})

    def _download(self, request: web.Request) -> web.Response:
        self.calls.append(("media/get", {"media_id": request.query["media_id"]}))
        found = self.media.get(request.query["media_id"])
        if found is None:
            return web.json_response({"errcode": 40007, "errmsg": "invalid media_id"})
        content, mime, name = found
        return web.Response(
            body=content,
            content_type=mime,
            headers={"Content-Disposition": f'attachment; filename="{quote(name)}"'},
        )

    async def _agent_get(self, payload: dict[str, Any]) -> dict[str, Any]:
        if payload["agentid"] != str(AGENT):
            return {"errcode": 301002, "errmsg": "not allow operate another agent"}
        return {"agentid": AGENT, "name": "客服"}

    async def _message_send(self, payload: dict[str, Any]) -> dict[str, Any]:
        if payload["msgtype"] in {"text", "markdown"}:
            assert len(payload[payload["msgtype"]]["content"].encode()) <= 2048
        if payload["touser"] == "Nobody":
            return {"invaliduser": "Nobody"}
        return {"msgid": f"sent-{len(self.calls)}"}

    # 微信客服

    def comes(self, fields: dict[str, Any], *, account: str = "wkA") -> str:
        """Something lies in the account's feed; gives its msgid."""
        msgid = f"in-{len(self.feed)}"
        item = {"msgid": msgid, "send_time": int(time.time()), **fields}
        if item["msgtype"] == "event":
            item = {"origin": 4, **item}
            item["event"] = {"open_kfid": account, **item["event"]}
        else:
            item = {"origin": 3, "open_kfid": account, "external_userid": "wmC", **item}
            customer = self.customers[account, item["external_userid"]]
            customer.wrote_at, customer.received = time.time(), 0
            customer.state = 0 if customer.state == 4 else customer.state
        self.feed.append((account, item))
        return str(item["msgid"])

    def says(
        self, text: str, *, customer: str = "wmC", account: str = "wkA", **text_fields: str
    ) -> str:
        fields = {"msgtype": "text", "text": {"content": text, **text_fields}}
        return self.comes({**fields, "external_userid": customer}, account=account)

    def happens(self, event: str, *, account: str = "wkA", **fields: Any) -> str:
        found = {"event_type": event, "external_userid": "wmC", **fields}
        return self.comes({"msgtype": "event", "event": found}, account=account)

    def notice(self, path: str, *, account: str = "wkA") -> WireRequest:
        """The callback that says that there is something."""
        token = f"sync-{os.urandom(6).hex()}"
        self.sync_tokens.add(token)
        fields = {
            "ToUserName": CORP,
            "CreateTime": int(time.time()),
            "MsgType": "event",
            "Event": "kf_msg_or_event",
            "Token": token,
            "OpenKfId": account,
        }
        return callback(path, fields)

    async def _kf_sync_msg(self, payload: dict[str, Any]) -> dict[str, Any]:
        if payload.get("token") and payload["token"] not in self.sync_tokens:
            return {"errcode": 95007, "errmsg": "invalid msg token"}
        self.pulling += 1
        self.pulled_at_once = max(self.pulled_at_once, self.pulling)
        await asyncio.sleep(0.01)
        self.pulling -= 1
        mine = [item for account, item in self.feed if account == payload["open_kfid"]]
        start = int((payload.get("cursor") or "CUR0").removeprefix("CUR"))
        end = min(start + min(payload["limit"], self.page), len(mine))
        return {
            "next_cursor": f"CUR{end}",
            "has_more": int(end < len(mine)),
            "msg_list": mine[start:end],
        }

    async def _kf_send_msg(self, payload: dict[str, Any]) -> dict[str, Any]:
        customer = self.customers[payload["open_kfid"], payload["touser"]]
        assert re.fullmatch(r"[0-9a-zA-Z_-]{1,32}", payload["msgid"])
        if payload["msgtype"] == "text":
            assert len(payload["text"]["content"].encode()) <= 2048
        if payload["msgid"] in self.kf_ids:
            return {"errcode": 40097, "errmsg": "msgid is duplicated"}
        if customer.state not in {0, 1}:
            return {"errcode": 95018, "errmsg": "send msg session status invalid"}
        if time.time() - customer.wrote_at > 48 * 3600:
            return {"errcode": 95002, "errmsg": "send msg time limit"}
        if customer.received >= 5:
            return {"errcode": 95001, "errmsg": "send msg count limit"}
        customer.received += 1
        self.kf_ids.add(payload["msgid"])
        self.delivered.append(payload)
        return {"msgid": payload["msgid"]}

    async def _kf_send_msg_on_event(self, payload: dict[str, Any]) -> dict[str, Any]:
        if payload["code"] not in self.welcomes:
            return {"errcode": 95016, "errmsg": "invalid code"}
        self.welcomes.remove(payload["code"])
        return {"msgid": "welcome"}

    async def _kf_service_state_get(self, payload: dict[str, Any]) -> dict[str, Any]:
        customer = self.customers[payload["open_kfid"], payload["external_userid"]]
        return {"service_state": customer.state, "servicer_userid": customer.servicer}

    async def _kf_customer_batchget(self, payload: dict[str, Any]) -> dict[str, Any]:
        assert len(payload["external_userid_list"]) <= 100
        return {
            "customer_list": [
                {"external_userid": one, "nickname": f"客户{one[-1]}", "gender": 0}
                for one in payload["external_userid_list"]
            ]
        }

    async def _kf_account_list(self, payload: dict[str, Any]) -> dict[str, Any]:
        listed = [{"open_kfid": one, "name": name} for one, name in self.accounts.items()]
        return {"account_list": listed}


async def post(address: str, request: WireRequest) -> tuple[int, bytes]:
    """Sends a request as the platform does."""
    async with (
        aiohttp.ClientSession() as http,
        http.request(request.method, _raw(address + request.path), data=request.body) as answer,
    ):
        return answer.status, await answer.read()


def _raw(url: str) -> Any:
    from yarl import URL

    return URL(url, encoded=True)
