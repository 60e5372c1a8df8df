"""Letters through the API: written, held, shown, and inboxes tried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from channels.checking import Health, Step
from channels.contract import ChannelKind, Discard
from channels.errors import UnsupportedEventError, Words
from channels.letters import Author, Automatic, Doubt, Participant
from channels.registry import load_kind
from gateway.http.letter_pages import show_html
from gateway.http.serial import PREFIX
from gateway.store.blobs import DirectoryBlobs
from tests.gateway.http.place import Opener, Place

STRANGER = Author(address="zhao@elsewhere.example", name="赵六", stranger=True)
LETTER = "wang@qingchuan.example"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def mail_kind(name: str) -> ChannelKind[Any]:
    """The shop's platform, as if its messages were letters."""
    kind = load_kind(name)
    if name != "api":
        return kind

    async def try_out(_: Any) -> Sequence[Step]:
        step = Words("Sign in", "登录", "登入")
        return [Step(name=step, ok=True), Step(name=step, ok=False, detail=step)]

    can = replace(kind.capabilities, letters=True, attachments=True)
    return replace(kind, capabilities=can, test=try_out)


class Channel:
    """An inbox's channel, as health and catching up see it."""

    def __init__(self) -> None:
        self.since: list[int] = []

    async def health(self) -> Health:
        return Health(heard_at=5, message_at=None, error=Words("No", "否", "否"), error_at=6)

    async def catch_up(self, since: int) -> None:
        if self.since:
            raise UnsupportedEventError("no")
        self.since.append(since)


CHANNEL = Channel()


@pytest.fixture
async def post(open_at: Opener) -> Place:
    """A place whose shop gets letters."""
    CHANNEL.since.clear()
    return await open_at(
        load_kind=mail_kind, find_channel=lambda key: CHANNEL if key == "shop" else None
    )


async def write(post: Place, text: str, **more: Any) -> Any:
    more = {"subject": "登录失败", "profile": {"name": "王芳"}, **more}
    return await post.customer_writes(text, handle=LETTER, inbox_id="shop", **more)


async def test_an_answer_shows_its_recipients_and_rich_text(post: Place) -> None:
    copied = Participant(address="li@qingchuan.example", name="李强", role="cc")
    asked = await write(post, "忘了", participants=(copied,), automatic=Automatic.GENERATED)
    ann = await post.console("ann")
    shown = await ann.get(f"/conversations/{asked.id}")
    assert shown.json["participants"] == [
        {"address": "li@qingchuan.example", "name": "李强", "part": "cc"}
    ]
    number = shown.json["ticket"]["number"]
    draft = await ann.get(f"/conversations/{asked.id}/letter")
    assert draft.json == {
        "subject": f"登录失败 [#{number}]",
        "to": [{"address": LETTER, "name": "王芳"}],
        "cc": [{"address": "li@qingchuan.example", "name": "李强"}],
    }
    html = "<p>好了 <b>现在</b><script>alert(1)</script><img src=x onerror=alert(2)></p>"
    answer = await ann.post(
        f"/conversations/{asked.id}/messages",
        {"letter": {"to": [{"address": LETTER}], "subject": "密码", "html": html}},
    )
    assert answer.json["text"] == "好了 现在"
    letter = answer.json["letter"]
    assert letter["html"] == "<p>好了 <b>现在</b></p>"
    assert (letter["subject"], letter["to"]) == ("密码", [{"address": LETTER, "name": ""}])
    assert letter["cc"] == []


@pytest.mark.parametrize(
    ("letter", "field"),
    [
        ({"to": []}, "/letter/to"),
        ({"to": [{"address": "nobody"}]}, "/letter/to/0/address"),
        ({"subject": "a\nBcc: x@y.example"}, "/letter/subject"),
        ({"to": [{"address": "a@b.example", "name": "x\r\nBcc: y"}]}, "/letter/to/0/name"),
    ],
)
async def test_a_wrong_letter_names_its_field(
    post: Place, letter: dict[str, Any], field: str
) -> None:
    asked = await write(post, "忘了")
    ann = await post.console("ann")
    answer = await ann.post(f"/conversations/{asked.id}/messages", {"text": "x", "letter": letter})
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == field


async def test_a_stranger_is_held_and_decided_about(post: Place) -> None:
    asked = await write(post, "忘了")
    await write(post, "我是同事", author=STRANGER)
    ann = await post.console("ann")
    held = await ann.get("/messages/held")
    (item,) = held.json["items"]
    assert item["conversation"]["id"] == asked.id
    message = item["message"]
    assert (message["kind"], message["author"]) == ("note", None)
    assert message["letter"]["held"] is True
    assert message["letter"]["aside"] == "stranger"
    assert message["letter"]["author"] == {"address": STRANGER.address, "name": "赵六"}
    refused = await ann.post(f"/messages/{message['id']}/release")
    assert refused.code == "conflict"
    joined = await ann.post(f"/messages/{message['id']}/join")
    assert (joined.json["kind"], joined.json["letter"]["held"]) == ("customer", False)
    assert joined.json["letter"]["decision"]["by"] == "Ann"
    assert (await ann.get("/messages/held")).json["items"] == []
    await write(post, "广告", author=replace(STRANGER, address="spam@x.example"))
    (item,) = (await ann.get("/messages/held")).json["items"]
    message = item["message"]
    discarded = await ann.post(f"/messages/{message['id']}/discard", {"reason": "广告"})
    assert discarded.json["letter"]["decision"]["reason"] == "广告"
    await ann.post(f"/messages/{message['id']}/restore")
    own = await ann.post(f"/messages/{message['id']}/separate")
    assert own.json["id"] != asked.id
    assert own.json["handle"] == "spam@x.example"


async def test_what_is_held_is_counted_and_filtered(post: Place) -> None:
    await write(post, "忘了")
    await write(post, "我是同事", author=STRANGER)
    await post.customer_writes("?", handle="x@y.example", inbox_id="shop", doubt=Doubt.UNREADABLE)
    ann = await post.console("ann")
    assert (await ann.get("/conversations/counts")).json["held"] == 2
    reasons = {
        query: [
            item["message"]["letter"]["aside"]
            for item in (await ann.get(f"/messages/held{query}")).json["items"]
        ]
        for query in ("", "?limit=1", "?reason=stranger", "?inbox_id=shop", "?inbox_id=site")
    }
    assert reasons == {
        "": ["unreadable", "stranger"],
        "?limit=1": ["unreadable"],
        "?reason=stranger": ["stranger"],
        "?inbox_id=shop": ["unreadable", "stranger"],
        "?inbox_id=site": [],
    }


async def test_what_is_not_shown_is_listed_and_the_balance_is_drawn(post: Place) -> None:
    await write(post, "忘了")
    await write(post, "我是同事", author=STRANGER)
    raw = await post.parts.blobs.put(b"From: robot@x.example")
    lost = Discard(inbox_id="shop", external_id="<a/b@x> 12?&", reason="loop", raw=raw)
    at = post.now()
    await post.store.write(lambda uow: uow.discards.add(lost, now=at))
    admin = await post.console("ada")
    (shown,) = (await admin.get("/operations/discarded?inbox_id=shop")).json["items"]
    assert (shown["external_id"], shown["reason"]) == (lost.external_id, "loop")
    file = await admin.get(shown["raw_url"].removeprefix(PREFIX))
    assert file.body == b"From: robot@x.example"
    assert file.headers["Content-Type"] == "message/rfc822"
    assert (await admin.get("/operations/discarded?inbox_id=site")).json["items"] == []
    (day,) = (await admin.get("/operations/balance?offset_minutes=480")).json["items"]
    figures = [day[name] for name in ("received", "shown", "held", "discarded")]
    assert (day["inbox_id"], figures) == ("shop", [3, 1, 1, 1])
    ann = await post.console("ann")
    for path in ("discarded", "balance", "discarded/raw?inbox_id=shop&external_id=x"):
        assert (await ann.get(f"/operations/{path}")).status == 403


async def test_letters_are_begun_forwarded_and_readdressed(post: Place) -> None:
    ann = await post.console("ann")
    letter = {"to": [{"address": "neu@x.example"}], "subject": "回访"}
    body = {"inbox_id": "shop", "text": "您好", "letter": letter}
    begun = await ann.post("/conversations", body, headers={"Idempotency-Key": "k1"})
    again = await ann.post("/conversations", body, headers={"Idempotency-Key": "k1"})
    assert begun.json["id"] == again.json["id"]
    assert begun.json["agent"]["id"] == "ann"
    refused = await ann.post("/conversations", {**body, "inbox_id": "site"})
    assert refused.json["errors"][0]["pointer"] == "/inbox_id"
    (message, *_) = [
        m
        for m in (await ann.get(f"/conversations/{begun.json['id']}/messages")).json["items"]
        if m["kind"] == "agent"
    ]
    to = [{"address": "expert@x.example"}]
    sent = await ann.post(f"/messages/{message['id']}/forward", {"to": to, "text": "请看"})
    assert sent.json["letter"]["third"] is True
    assert sent.json["letter"]["forwards"] == message["id"]
    await post.fail(message["id"], "neu@x.example: refused (550 5.1.1 no such user).")
    shown = await ann.get(f"/conversations/{begun.json['id']}/messages")
    failed = next(m for m in shown.json["items"] if m["id"] == message["id"])
    assert failed["failure_words"]["zh-Hans"].startswith("对方邮箱不存在")
    resent = await ann.post(f"/messages/{message['id']}/resend", {"to": to})
    assert resent.json["letter"]["to"] == [{"address": "expert@x.example", "name": ""}]
    assert (resent.json["state"], resent.json["failure_words"]) == ("pending", None)


async def test_the_letter_itself_and_its_safe_page(post: Place) -> None:
    raw = (
        b"From: a@b.example\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/related; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: text/html\r\n\r\n<img src=cid:one>"
        b"<img src=https://x.example/p.png alt=p>\r\n"
        b"--x\r\nContent-Type: image/png\r\nContent-ID: <one>\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoAAAANSUhEUg==\r\n--x--\r\n"
    )
    markup = '<img src="cid:one"><img data-remote-src="https://x.example/p.png" alt="p">'
    asked = await write(
        post,
        "看图",
        raw=await post.parts.blobs.put(raw),
        html=await post.parts.blobs.put(markup.encode()),
        facts={"remote_images": "yes", "spf": "pass"},
        automatic=Automatic.GENERATED,  # to the first line's queue
    )
    ann = await post.console("ann")
    (message, *_) = (await ann.get(f"/conversations/{asked.id}/messages")).json["items"]
    letter = message["letter"]
    assert (letter["remote_images"], letter["facts"]["spf"]) == (True, "pass")
    assert not {"raw", "html"} & set(message["details"])
    file = await ann.get(f"/messages/{message['id']}/raw")
    assert file.body == raw
    assert file.headers["Content-Type"] == "message/rfc822"
    assert file.headers["Content-Disposition"].startswith("attachment")
    page = await ann.get(f"/messages/{message['id']}/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "https:" not in policy
    assert b'src="data:image/png;base64,iVBORw0KGgo' in page.body
    assert b' src="https://x.example' not in page.body
    pictures = await ann.get(f"/messages/{message['id']}/html?images=1")
    assert "img-src data: https: http:" in pictures.headers["Content-Security-Policy"]
    assert b' src="https://x.example/p.png"' in pictures.body
    cai = await post.console("cai")
    assert (await cai.get(f"/messages/{message['id']}/raw")).status == 404
    plain = await post.customer_writes("hi")
    (chat, *_) = (await ann.get(f"/conversations/{plain.id}/messages")).json["items"]
    assert chat["letter"] is None
    assert (await ann.get(f"/messages/{chat['id']}/html")).status == 404


async def test_a_lost_letter_still_shows_its_page(tmp_path: Any) -> None:
    page = await show_html(DirectoryBlobs(tmp_path), '<img src="cid:x">', "0" * 64, images=False)
    assert 'src="cid:x"' in str(page.text)


async def test_settings_are_tried_out_before_they_are_stored(post: Place) -> None:
    ada, ann = await post.console("ada"), await post.console("ann")
    body: dict[str, Any] = {"settings": {}, "secrets": {"signing_secret": SECRET}}
    tried = await ada.post("/channel-kinds/api/test", body)
    assert tried.json["ok"] is False
    assert [step["ok"] for step in tried.json["steps"]] == [True, False]
    assert tried.json["steps"][1]["detail"]["zh-Hans"] == "登录"
    missing = await ada.post("/channel-kinds/api/test", {})
    assert missing.json["errors"][0]["pointer"] == "/secrets/signing_secret"
    await ada.patch("/inboxes/shop", {"secrets": {"signing_secret": SECRET}})
    stored = await ada.post("/channel-kinds/api/test", {"inbox_id": "shop"})
    assert stored.status == 200, "the inbox's own secret"
    url = {"callback_url": "https://evil.example/hook"}
    astray = await ada.post("/channel-kinds/api/test", {"inbox_id": "shop", "settings": url})
    assert astray.json["errors"][0]["pointer"] == "/secrets/signing_secret"
    assert astray.json["errors"][0]["words"]["zh-Hans"].startswith("请重新输入")
    again = await ada.post(
        "/channel-kinds/api/test", {**body, "inbox_id": "shop", "settings": url}
    )
    assert again.status == 200, "typed anew"
    assert (await ada.post("/channel-kinds/webchat/test", body)).status == 422
    assert (await ada.post("/channel-kinds/none/test", body)).status == 422
    wrong = await ada.post("/channel-kinds/api/test", {**body, "settings": {"nonsense": 1}})
    assert wrong.json["errors"][0]["pointer"] == "/settings/nonsense"
    assert (await ann.post("/channel-kinds/api/test", body)).code == "not_allowed"


async def test_an_inboxs_health_and_catching_up(post: Place) -> None:
    ada = await post.console("ada")
    health = await ada.get("/inboxes/shop/health")
    assert health.json["state"] == "failing"
    assert health.json["error"]["en"] == "No"
    assert health.json["heard_at"] == "1970-01-01T00:00:00.005Z"
    assert (await ada.get("/inboxes/site/health")).json["running"] is False
    since = {"since": "2026-06-01T00:00:00+08:00"}
    assert (await ada.post("/inboxes/shop/catch-up", since)).status == 422, "too long ago"
    since = {"since": "2026-09-20T00:00:00+08:00"}
    assert (await ada.post("/inboxes/shop/catch-up", since)).status == 204
    assert CHANNEL.since == [1_789_833_600_000]
    assert (await ada.post("/inboxes/shop/catch-up", since)).code == "conflict"
    assert (await ada.post("/inboxes/site/catch-up", since)).code == "conflict"
    naive = {"since": "2026-09-20T00:00:00"}
    assert (await ada.post("/inboxes/shop/catch-up", naive)).status == 422


async def test_a_chat_goes_on_by_an_inbox_that_sends_letters(post: Place) -> None:
    ada = await post.console("ada")
    linked = await ada.patch("/inboxes/site", {"mail_inbox_id": "shop"})
    assert linked.json["mail_inbox_id"] == "shop"
    for inbox, target in (("site", "desk"), ("shop", "shop"), ("site", "none")):
        refused = await ada.patch(f"/inboxes/{inbox}", {"mail_inbox_id": target})
        assert refused.json["errors"][0]["pointer"] == "/mail_inbox_id"
    listed = await ada.get("/inboxes")
    limits = {item["id"]: item["limits"]["letters"] for item in listed.json["items"]}
    assert limits == {"site": False, "shop": True, "desk": False}
