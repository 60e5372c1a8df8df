"""Sessions: which sites may ask, who a visitor is, and how many may come."""

import hmac
import time
from typing import Any

import aiohttp
import pytest

from channels.contract import MessageKind
from channels.testing import INBOX
from tests.channels.adapters.webchat.shop import SECRET, Caller, Shop
from tests.channels.adapters.webchat.test_identity import make_jwt


def proof(identifier: str, secret: str = SECRET) -> dict[str, str]:
    signature = hmac.digest(secret.encode(), identifier.encode(), "sha256").hex()
    return {"identifier": identifier, "hmac": signature}


async def open_session(http: aiohttp.ClientSession, shop: Shop, **fields: Any) -> dict[str, Any]:
    return await Caller(http, shop).open(**fields)


async def test_a_session_says_all_that_the_widget_needs(
    http: aiohttp.ClientSession, shop: Shop
) -> None:
    answer = await open_session(http, shop, language="zh-TW")
    assert answer["status"] == 201
    assert answer["visitor"].startswith("v:")
    assert answer["verified"] is False
    assert answer["seq"] == 0
    assert answer["language"] == "zh-Hant"
    assert answer["greeting"]["text"].startswith("您好，我是晴川科技的智慧助理")
    assert len(answer["greeting"]["choices"]) == 3
    assert answer["titles"]["en"] == "Qingchuan service"
    assert answer["limits"]["text"] == 4000
    assert answer["limits"]["attachment_bytes"] == 10_000_000
    assert "image/png" in answer["limits"]["attachment_types"]
    assert answer["expires_at"] > time.time() * 1000 + 29 * 86_400_000


async def test_visitors_cannot_be_guessed(http: aiohttp.ClientSession, shop: Shop) -> None:
    first = await open_session(http, shop)
    second = await open_session(http, shop)
    assert first["visitor"] != second["visitor"]
    assert len(first["visitor"]) > 24


async def test_a_returning_visitor_stays_the_same(http: aiohttp.ClientSession, shop: Shop) -> None:
    first = await open_session(http, shop)
    shop.say("still there?", to=first["visitor"])
    again = await open_session(http, shop, session_token=first["session_token"])
    assert again["visitor"] == first["visitor"]
    assert again["seq"] == 1


@pytest.mark.parametrize("token", ["", "nonsense", 5, "x" * 10_000, None])
async def test_a_worthless_token_starts_anew(
    http: aiohttp.ClientSession, shop: Shop, token: object
) -> None:
    answer = await open_session(http, shop, session_token=token)
    assert answer["status"] == 201
    assert answer["visitor"].startswith("v:")


async def test_a_token_that_has_expired_starts_anew(
    http: aiohttp.ClientSession, shop: Shop
) -> None:
    first = await open_session(http, shop)
    shop.bench.skew = 31 * 86_400_000
    again = await open_session(http, shop, session_token=first["session_token"])
    assert again["visitor"] != first["visitor"]


async def test_a_signed_customer_is_the_same_on_each_device(
    http: aiohttp.ClientSession, shop: Shop
) -> None:
    for _ in range(2):
        answer = await open_session(http, shop, identity=proof("customer-42"))
        assert answer["status"] == 201
        assert answer["visitor"] == "id:customer-42"
        assert answer["verified"] is True


async def test_a_jwt_brings_a_profile(http: aiohttp.ClientSession, shop: Shop) -> None:
    token = make_jwt(
        {
            "sub": "customer-42",
            "name": "Li Wei",
            "email": "li@example.com",
            "exp": int(time.time()) + 600,
            "aud": f"web:{INBOX}",
        }
    )
    caller = Caller(http, shop)
    await caller.open(identity={"jwt": token})
    await caller.call("POST", "messages", json={"client_msg_id": "profile-1", "text": "hi"})
    (message,) = shop.bench.sink.messages
    assert message.handle == "id:customer-42"
    assert message.verified
    assert message.profile == {"name": "Li Wei", "email": "li@example.com"}


@pytest.mark.parametrize(
    ("identity", "status", "code"),
    [
        (proof("customer-42", "another secret of sixteen"), 401, "identity"),
        ({**proof("customer-42"), "identifier": "customer-43"}, 401, "identity"),
        ({"jwt": make_jwt({"sub": "a", "exp": 1})}, 401, "identity"),
        ({"jwt": "nonsense"}, 401, "identity"),
        ({"identifier": "customer-42"}, 400, "malformed"),
        ({"identifier": 42, "hmac": "x"}, 400, "malformed"),
        ({}, 400, "malformed"),
        ("customer-42", 400, "malformed"),
    ],
)
async def test_a_wrong_identity_is_refused_not_ignored(
    http: aiohttp.ClientSession, shop: Shop, identity: object, status: int, code: str
) -> None:
    answer = await open_session(http, shop, identity=identity)
    assert answer["status"] == status
    assert answer["code"] == code
    assert "session_token" not in answer


async def test_an_anonymous_visit_is_never_merged(http: aiohttp.ClientSession, shop: Shop) -> None:
    anonymous = Caller(http, shop)
    first = await anonymous.open()
    known = await open_session(
        http, shop, identity=proof("customer-42"), session_token=first["session_token"]
    )
    assert known["visitor"] == "id:customer-42"
    back = await open_session(http, shop, session_token=known["session_token"])
    assert back["visitor"].startswith("v:"), "an identified token must not outlive its proof"


async def test_identity_may_be_required(http: aiohttp.ClientSession) -> None:
    async with Shop(identity_required=True) as shop:
        refused = await open_session(http, shop)
        assert refused["status"] == 403
        assert refused["code"] == "identity_required"
        assert "data-hmac" in refused["detail"]
        assert (await open_session(http, shop, identity=proof("a")))["status"] == 201


async def test_old_anonymous_tokens_end_when_identity_becomes_required(
    http: aiohttp.ClientSession, shop: Shop
) -> None:
    caller = Caller(http, shop)
    await caller.open()
    await shop.stop()
    shop.settings = {**shop.settings, "identity_required": True}
    await shop.start()
    status, _ = await caller.call("GET", "messages")
    assert status == 401


async def test_an_identity_needs_a_secret(http: aiohttp.ClientSession) -> None:
    async with Shop(identity_secret="") as shop:
        answer = await open_session(http, shop, identity=proof("a"))
    assert answer["status"] == 403
    assert answer["code"] == "identity_off"


ALLOWED = ("https://shop.example", "https://*.shop.example", "http://localhost:3000")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 201),
        ("https://www.shop.example", 201),
        ("https://a.b.shop.example", 201),
        ("http://localhost:3000", 201),
        ("http://shop.example", 403),
        ("http://www.shop.example", 403),
        ("https://shop.example:8443", 403),
        ("https://evilshop.example", 403),
        ("https://shop.example.evil.test", 403),
        ("http://localhost:3001", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_only_allowed_sites(http: aiohttp.ClientSession, origin: str, status: int) -> None:
    async with Shop(allowed_origins=ALLOWED) as shop:
        async with http.post(
            f"{shop.url}/web/v1/{INBOX}/sessions", json={}, headers={"Origin": origin}
        ) as answer:
            body = await answer.json(content_type=None)
            assert answer.status == status
            assert answer.headers["Vary"] == "Origin"
        if status == 403:
            assert body["code"] == "origin_refused"
            assert "allowed sites" in body["detail"]


async def test_this_servers_own_pages_are_allowed(http: aiohttp.ClientSession, shop: Shop) -> None:
    assert (await open_session(http, shop, origin=shop.url))["status"] == 201
    assert (await open_session(http, shop, origin="http://127.0.0.1:1"))["status"] == 403


async def test_every_site_can_be_allowed(http: aiohttp.ClientSession) -> None:
    async with Shop(allowed_origins=("*",)) as shop:
        answer = await open_session(http, shop, origin="https://anything.example")
    assert answer["status"] == 201


async def test_the_origin_is_checked_on_each_request(
    caller: Caller, http: aiohttp.ClientSession
) -> None:
    status, body = await caller.call("GET", "messages", headers={"Origin": "https://evil.example"})
    assert (status, body["code"]) == (403, "origin_refused")


async def test_browsers_learn_what_they_may_ask(http: aiohttp.ClientSession, shop: Shop) -> None:
    for path in ("messages", "uploads", f"{INBOX}/sessions"):
        async with http.options(
            f"{shop.url}/web/v1/{path}",
            headers={
                "Origin": "https://shop.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type",
            },
        ) as answer:
            assert answer.status == 204
            headers = answer.headers
        assert headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert "Authorization" in headers["Access-Control-Allow-Headers"]
        assert "POST" in headers["Access-Control-Allow-Methods"]
        assert "Access-Control-Allow-Credentials" not in headers


async def test_newcomers_of_one_address_are_counted(http: aiohttp.ClientSession) -> None:
    async with Shop(sessions_per_hour=2) as shop:
        first = await open_session(http, shop)
        await open_session(http, shop)
        refused = await open_session(http, shop)
        assert (refused["status"], refused["code"]) == (429, "rate")
        back = await open_session(http, shop, session_token=first["session_token"])
        assert back["status"] == 201, "a returning visitor is no newcomer"
        known = await open_session(http, shop, identity=proof("a"))
        assert known["status"] == 201, "a customer with a proof is no newcomer"
        shop.bench.skew = 3_600_000
        assert (await open_session(http, shop))["status"] == 201


async def test_a_session_outlives_its_inboxs_absence(caller: Caller, shop: Shop) -> None:
    """Not 401, at which a widget drops its token and its visitor loses the history."""
    channels, shop.directory.channels = shop.directory.channels, ()
    status, body = await caller.call("GET", "messages")
    assert (status, body["code"]) == (503, "unavailable")
    shop.directory.channels = channels
    assert (await caller.call("GET", "messages"))[0] == 200


async def test_unknown_inboxes(http: aiohttp.ClientSession, shop: Shop) -> None:
    async with http.post(f"{shop.url}/web/v1/nothing/sessions", json={}) as answer:
        assert answer.status == 404
        assert (await answer.json(content_type=None))["code"] == "unknown_inbox"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 9000])
async def test_malformed_bodies(http: aiohttp.ClientSession, shop: Shop, body: bytes) -> None:
    async with http.post(f"{shop.url}/web/v1/{INBOX}/sessions", data=body) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["code"] == "malformed"


async def test_the_config_comes_before_any_session(
    http: aiohttp.ClientSession, shop: Shop
) -> None:
    url = f"{shop.url}/web/v1/{INBOX}/config"
    async with http.get(url, params={"lang": "en"}) as answer:
        english = await answer.json()
    async with http.get(url, headers={"Accept-Language": "zh-HK"}) as answer:
        traditional = await answer.json()
    assert english["greeting"]["text"].startswith("Hello")
    assert traditional["language"] == "zh-Hant"
    assert "session_token" not in english


async def test_a_greeting_can_be_switched_off(http: aiohttp.ClientSession) -> None:
    async with Shop(greeting=False) as shop:
        assert (await open_session(http, shop))["greeting"] is None


async def test_the_greeting_is_not_stored(caller: Caller, shop: Shop) -> None:
    assert await shop.bench.mailbox.history(INBOX, caller.visitor) == []
    shop.say("hi", to=caller.visitor, kind=MessageKind.AGENT)
    assert len(await shop.bench.mailbox.history(INBOX, caller.visitor)) == 1
