"""Mail through the whole house: bot, agent, threads, bounce, out of office, stranger, forward."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.channels.adapters.email.post import WANG, mail, read, text_of
from tests.conftest import running
from tests.journeys.gateway import Administrator, GatewayProcess
from tests.journeys.test_mail import inbox, until
from tests.mail_servers import USER, DovecotServer, SmtpSink

DSN = """From: MAILER-DAEMON@mx.qingchuan.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <dsn1@mx.qingchuan.example>
Date: Wed, 4 Mar 2026 10:00:00 +0800
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail system could not deliver your message.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.qingchuan.example

Final-Recipient: rfc822; {who}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: x
--b--
"""


@pytest.fixture
def dovecot() -> Iterator[DovecotServer]:
    with ExitStack() as stack:
        yield running(DovecotServer, stack)


class Walk:
    """One mailbox, one administrator, and what went out."""

    def __init__(self, dovecot: DovecotServer, sink: SmtpSink, admin: Administrator) -> None:
        self.dovecot = dovecot
        self.sink = sink
        self.admin = admin

    async def next_mail(self, number: int) -> EmailMessage:
        """The mail that went out with that number, counted from 1."""
        await until(lambda: len(self.sink.mails) >= number)
        return read(self.sink.mails[number - 1].content)

    async def conversation(self) -> Any:
        """The only conversation."""
        (found,) = (await self.admin.call("GET", "/conversations?view=all&limit=10"))["items"]
        return found

    async def messages(self) -> list[Any]:
        found = await self.conversation()
        page = await self.admin.call("GET", f"/conversations/{found['id']}/messages?limit=100")
        return list(page["items"])

    async def message(self, text: str) -> Any:
        """The message that says so, as soon as it is there."""
        async with asyncio.timeout(60):
            while True:
                found = [m for m in await self.messages() if text in m["text"]]
                if found:
                    return found[0]
                await asyncio.sleep(0.1)


async def test_a_mail_from_question_to_bounce(dovecot: DovecotServer, tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, environ={"YINGDA_PUBLIC_URL": "http://help.example"})
    async with SmtpSink().running() as sink:
        try:
            await asyncio.to_thread(gateway.start)
            async with Administrator(gateway.url) as admin:
                wanted = inbox(dovecot, imap_port=dovecot.port, smtp_port=sink.port, bot=True)
                wanted["settings"]["plus_addresses"] = True
                await admin.call("POST", "/inboxes", wanted)
                walk = Walk(dovecot, sink, admin)
                answer = await _the_bot_answers(walk)
                await _a_reply_reaches_people(walk, answer)
                theirs = await _the_agents_answer_threads(walk, answer)
                await _an_out_of_office_changes_nothing(walk, theirs)
                await _a_bounce_shows_on_the_message(walk, theirs)
                await _a_stranger_is_held_and_joins(walk, theirs)
                await _a_third_party_answers_agents_alone(walk)
            assert gateway.terminate() == 0
        finally:
            gateway.close()


async def _the_bot_answers(walk: Walk) -> EmailMessage:
    text = "您好！\n我忘记了登录密码，请问怎么重置？\n谢谢！"
    walk.dovecot.deliver(mail(1, text, charset="gbk", Cc="李强 <li@qingchuan.example>"))
    answer = await walk.next_mail(1)
    assert walk.sink.mails[0].recipients == [WANG], "an automatic answer goes to its sender alone"
    said = text_of(walk.sink.mails[0].content)
    assert said.startswith("王芳，您好：")
    assert "http://help.example/help/reset-password" in said
    assert "直接回复本邮件" in said
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"] == "<m1@qingchuan.example>"
    assert (await walk.conversation())["ticket"] is None
    return answer


async def _a_reply_reaches_people(walk: Walk, answer: EmailMessage) -> None:
    walk.dovecot.deliver(mail(2, "还是不行，收不到短信", In_Reply_To=str(answer["Message-ID"])))
    received = await walk.next_mail(2)
    found = await walk.conversation()
    assert (found["controller"], found["unread"] > 0) == ("queue", True)
    number = found["ticket"]["number"]
    said = text_of(walk.sink.mails[1].content)
    assert "预计在" in said
    assert str(number) in said
    assert f"[#{number}]" in received["Subject"]


async def _the_agents_answer_threads(walk: Walk, answer: EmailMessage) -> EmailMessage:
    """What a mail reader threads by, RFC 5256: References, its last being In-Reply-To."""
    found = await walk.conversation()
    body = {"letter": {"html": "<p>请用<b>邮箱</b>重置。</p>"}}
    await walk.admin.call("POST", f"/conversations/{found['id']}/messages", body)
    theirs = await walk.next_mail(3)
    chain = str(theirs["References"]).split()
    assert str(theirs["In-Reply-To"]) == "<m2@qingchuan.example>" == chain[-1]
    assert "<m1@qingchuan.example>" in chain
    assert str(answer["Message-ID"]) in chain
    assert theirs["Auto-Submitted"] is None
    assert str(theirs["Reply-To"]).startswith("support+r")
    assert f"[#{found['ticket']['number']}]" in theirs["Subject"]
    assert sorted(walk.sink.mails[2].recipients) == ["li@qingchuan.example", WANG]
    html = theirs.get_body(("html",))
    assert html is not None
    assert "<b>邮箱</b>" in html.get_content()
    return theirs


async def _an_out_of_office_changes_nothing(walk: Walk, theirs: EmailMessage) -> None:
    before = await walk.conversation()
    walk.dovecot.deliver(
        mail(
            3,
            "我正在休假",
            subject="自动回复: 登录失败",
            Auto_Submitted="auto-replied",
            In_Reply_To=str(theirs["Message-ID"]),
        )
    )
    note = await walk.message("我正在休假")
    assert (note["kind"], note["letter"]["aside"]) == ("note", "auto-reply")
    after = await walk.conversation()
    changing = {"last_seq"}
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }


async def _a_bounce_shows_on_the_message(walk: Walk, theirs: EmailMessage) -> None:
    to = walk.sink.mails[2].sender
    assert to.startswith("support+b")
    report = DSN.format(to=to, who=WANG, message_id=theirs["Message-ID"])
    walk.dovecot.deliver(report.replace("\n", "\r\n").encode())
    sent = await walk.message("请用")
    async with asyncio.timeout(60):
        while sent["state"] != "failed":
            await asyncio.sleep(0.1)
            sent = await walk.message("请用")
    assert WANG in sent["failure"]
    assert sent["failure_words"]["zh-Hans"].startswith("对方邮箱不存在")
    assert len(await walk.messages()) == len({m["id"] for m in await walk.messages()})
    assert not [m for m in await walk.messages() if "Undelivered" in m["text"]]


async def _a_stranger_is_held_and_joins(walk: Walk, theirs: EmailMessage) -> None:
    before = len(walk.sink.mails)
    walk.dovecot.deliver(
        mail(
            4,
            "我是王芳的同事",
            sender="赵六 <zhao@elsewhere.example>",
            In_Reply_To=str(theirs["Message-ID"]),
        )
    )
    held = await walk.message("我是王芳的同事")
    assert (held["kind"], held["letter"]["held"]) == ("note", True)
    (waiting,) = (await walk.admin.call("GET", "/messages/held"))["items"]
    assert waiting["message"]["id"] == held["id"]
    await walk.admin.call("POST", f"/messages/{held['id']}/join", {})
    found = await walk.conversation()
    body = {"text": "两位好"}
    await walk.admin.call("POST", f"/conversations/{found['id']}/messages", body)
    await walk.next_mail(before + 1)
    assert "zhao@elsewhere.example" in walk.sink.mails[before].recipients


async def _a_third_party_answers_agents_alone(walk: Walk) -> None:
    before = len(walk.sink.mails)
    question = await walk.message("收不到短信")
    body = {"to": [{"address": "expert@maker.example"}], "text": "请看一下"}
    await walk.admin.call("POST", f"/messages/{question['id']}/forward", body)
    passed_on = await walk.next_mail(before + 1)
    assert walk.sink.mails[before].recipients == ["expert@maker.example"]
    assert "收不到短信" in text_of(walk.sink.mails[before].content)
    walk.dovecot.deliver(
        mail(
            5,
            "短信通道坏了",
            sender="expert@maker.example",
            to=f"{USER}, {passed_on['Reply-To']}",
            In_Reply_To=str(passed_on["Message-ID"]),
        )
    )
    told = await walk.message("短信通道坏了")
    assert (told["kind"], told["letter"]["aside"]) == ("note", "third")
