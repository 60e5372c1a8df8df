"""Mail goes out to a real SMTP server; its refusals are told in words."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from channels.adapters.email import copies
from channels.adapters.email.channel import Email
from channels.adapters.email.threading import _member
from channels.contract import Attachment, MessageKind, MessageState, QuickReply
from channels.errors import PermanentDeliveryError, TransientDeliveryError
from channels.keeping import Thread
from channels.letters import Party, Quoted
from channels.testing import INBOX
from tests.channels.adapters.email.post import (
    CONVERSATION,
    MESSAGE,
    WANG,
    Post,
    mail,
    outbound,
    read,
    text_of,
)
from tests.conftest import running
from tests.mail_servers import USER, DovecotServer, Received, SmtpSink, write_certificate

LI = "li@qingchuan.example"


@pytest.fixture
async def post(smtp: SmtpSink) -> AsyncIterator[Post]:
    """A mailbox that only sends."""
    post = Post(None, smtp)
    yield post
    await post.channel.stop()


def only(post: Post) -> Received:
    (found,) = post.smtp.mails
    return found


async def test_an_answer_is_a_mail_as_people_write_it(post: Post) -> None:
    receipt = await post.channel.send(
        outbound(
            letter={
                "references": ("m1@qingchuan.example 0123456789ab", "sha256:aa 0123456789ab"),
                "quoted": Quoted(
                    author=Party(address=WANG, name="王芳"),
                    at=1_772_587_800_000,
                    text="忘了\n密码",
                ),
            }
        )
    )
    found = only(post)
    sent = read(found.content)
    assert found.recipients == [WANG]
    assert str(sent["From"]) == f"晴川客服 <{USER}>"
    assert str(sent["To"]) == f"王芳 <{WANG}>"
    assert sent["Subject"] == "Re: 登录失败"
    assert sent["In-Reply-To"] == "<m1@qingchuan.example>"
    assert sent["References"] == "<m1@qingchuan.example>"
    assert sent["Message-ID"] == f"<{receipt.external_id}>"
    assert "Auto-Submitted" not in sent
    text = text_of(found.content)
    assert text.startswith("请点“忘记密码”。")
    assert f"在 2026-03-04 09:30，王芳 <{WANG}> 写道：\n> 忘了\n> 密码" in text
    rich = sent.get_body(("html",))
    assert rich is not None
    assert '<blockquote type="cite"' in rich.get_content()
    found.content.decode("ascii")
    assert found.content.count(b"MIME-Version") == 1
    assert max(map(len, found.content.split(b"\r\n"))) <= 998


async def test_the_last_reference_is_answered(post: Post) -> None:
    ours = post.channel._marks.message_id(CONVERSATION, "a" * 32)
    await post.channel.send(outbound(letter={"references": (ours, "m1@qingchuan.example 00")}))
    sent = read(only(post).content)
    assert sent["In-Reply-To"] == "<m1@qingchuan.example>"
    assert sent["References"] == f"<{ours}> <m1@qingchuan.example>"


async def test_each_attempt_is_recognisable(post: Post) -> None:
    for attempt in (1, 2):
        await post.channel.send(outbound(attempt=attempt))
    first, again = (read(one.content)["Message-ID"] for one in post.smtp.mails)
    assert first == again


async def test_signed_addresses_where_the_server_delivers_them(smtp: SmtpSink) -> None:
    post = Post(None, smtp, plus_addresses=True)
    await post.channel.send(outbound())
    await post.channel.stop()
    found = only(post)
    assert re.fullmatch(r"support\+b[a-z2-7]{39}@shop\.example", found.sender)
    reply_to = str(read(found.content)["Reply-To"])
    assert re.fullmatch(r"support\+r[a-z2-7]{39}@shop\.example", reply_to)


async def test_the_bots_mails_say_that_no_person_wrote_them(post: Post) -> None:
    choices = (QuickReply(title="转人工", payload="/human"),)
    await post.channel.send(outbound(kind=MessageKind.BOT, choices=choices))
    sent = read(only(post).content)
    assert sent["Auto-Submitted"] == "auto-replied"
    assert sent["X-Auto-Response-Suppress"] == "All"
    assert sent["List-Unsubscribe"]
    assert sent["X-Yingda-Instance"]
    assert "转人工" in text_of(only(post).content)


async def test_robots_do_not_talk_on(smtp: SmtpSink) -> None:
    post = Post(None, smtp, auto_per_hour=2)
    for number in (1, 2):
        await post.channel.send(outbound(kind=MessageKind.BOT, id=f"{number:032x}"))
    with pytest.raises(PermanentDeliveryError, match="automatic"):
        await post.channel.send(outbound(kind=MessageKind.BOT))
    await post.channel.send(outbound())  # a person may write on
    await post.channel.send(outbound(kind=MessageKind.BOT, to=LI))
    await post.channel.stop()
    assert len(smtp.mails) == 4


async def test_cc_and_bcc(post: Post) -> None:
    letter = {
        "cc": (Party(address=LI, name="李强"),),
        "bcc": (Party(address="boss@shop.example"),),
    }
    await post.channel.send(outbound(letter=letter))
    found = only(post)
    assert found.recipients == [WANG, LI, "boss@shop.example"]
    assert b"boss" not in found.content


async def test_files_go_along(post: Post) -> None:
    blob = await post.bench.blobs.put(b"%PDF-1.4\n")
    file = Attachment(blob=blob, name="发票 三月.pdf", mime="application/pdf", size=9)
    await post.channel.send(outbound(attachments=(file,)))
    (part,) = read(only(post).content).iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("发票 三月.pdf", b"%PDF-1.4\n")


async def test_a_signature_and_rich_text(smtp: SmtpSink) -> None:
    post = Post(None, smtp, signature="晴川科技\n客服部")
    await post.channel.send(outbound("你好", letter={"html": "<p>你<b>好</b></p>"}))
    await post.channel.stop()
    assert text_of(only(post).content).startswith("你好\n\n-- \n晴川科技\n客服部")
    rich = read(only(post).content).get_body(("html",))
    assert rich is not None
    assert "<b>好</b>" in rich.get_content()


@pytest.mark.parametrize(
    "hostile",
    [
        {"subject": "a\r\nBcc: victim@evil.example\r\n\r\nx"},
        {"to": (Party(address=WANG, name="a\r\nBcc: victim@evil.example"),)},
        {"to": (Party(address=WANG, name='"><b@evil.example>, <c@evil.example'),)},
        {"references": ("a@b>\r\nBcc: victim@evil.example 00", "c@d 00")},
    ],
)
async def test_no_header_can_be_smuggled_in(post: Post, hostile: dict[str, Any]) -> None:
    await post.channel.send(outbound(letter=hostile))
    sent = read(only(post).content)
    assert "Bcc" not in sent
    assert [one.addr_spec for one in sent["To"].addresses] == [WANG]
    assert only(post).recipients == [WANG]


@pytest.mark.parametrize(
    "address", ["", "nobody", "a b@c.example", "a@b\r\nRCPT TO:<x@y>", "王@例子.example", "a@b@c"]
)
async def test_an_address_that_is_none_is_refused_with_its_name(post: Post, address: str) -> None:
    with pytest.raises(PermanentDeliveryError, match="address"):
        await post.channel.send(outbound(letter={"to": (Party(address=address),)}))
    assert post.smtp.mails == []


async def test_a_chinese_domain_is_written_in_ascii(post: Post) -> None:
    await post.channel.send(outbound(letter={"to": (Party(address="wang@例子.example"),)}))
    assert only(post).recipients == ["wang@xn--fsqu00a.example"]


async def test_long_threads_keep_their_ends(post: Post) -> None:
    references = tuple(f"{'x' * 90}{number}@qingchuan.example 00" for number in range(60))
    await post.channel.send(outbound(letter={"references": references}))
    ids = read(only(post).content)["References"].split()
    assert len(ids) == 20
    assert ids[0].startswith(f"<{'x' * 90}0@")
    assert ids[-1].startswith(f"<{'x' * 90}59@")


@pytest.mark.parametrize(
    ("answer", "error", "word"),
    [
        ("421 4.3.2 shutting down", TransientDeliveryError, "busy"),
        ("450 4.2.0 Greylisted, try again in 5 minutes", TransientDeliveryError, "Greylisted"),
        ("451 4.7.1 try later", TransientDeliveryError, "later"),
        ("452 4.2.2 over quota", TransientDeliveryError, "room"),
        ("550 5.7.1 spam", PermanentDeliveryError, "spam"),
        ("552 5.3.4 too large", PermanentDeliveryError, "too large"),
        ("554 5.7.1 refused", PermanentDeliveryError, "refused"),
    ],
)
async def test_refusals_are_told_apart(
    post: Post, answer: str, error: type[Exception], word: str
) -> None:
    post.smtp.answers.append(answer)
    with pytest.raises(error, match=word):
        await post.channel.send(outbound())
    await post.channel.send(outbound(attempt=2))
    assert len(post.smtp.mails) == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-Hans", "邮箱不存在，或拒绝收信"), ("zh-Hant", "信箱不存在，或拒絕收信")],
)
async def test_refusals_are_told_in_the_inboxs_language(
    smtp: SmtpSink, language: str, words: str
) -> None:
    post = Post(None, smtp)
    inbox = replace(post.channel.inbox, language=language)
    channel = Email(inbox, post.channel.context)
    smtp.refused[WANG] = "550 5.1.1 no such user"
    with pytest.raises(PermanentDeliveryError, match=words) as caught:
        await channel.send(outbound())
    assert "550 5.1.1 no such user" in caught.value.reason
    await channel.stop()


async def test_an_unknown_recipient(post: Post) -> None:
    post.smtp.refused[WANG] = "550 5.1.1 no such user"
    with pytest.raises(PermanentDeliveryError, match="no such user"):
        await post.channel.send(outbound())


async def test_of_several_recipients_one_is_refused(post: Post) -> None:
    post.smtp.refused[LI] = "550 5.1.1 no such user"
    await post.channel.send(outbound(letter={"cc": (Party(address=LI),)}))
    (report,) = post.bench.sink.reports
    assert (report.message_id, report.state) == (MESSAGE, MessageState.FAILED)
    assert LI in report.reason
    assert WANG not in report.reason


async def test_of_several_recipients_one_is_greylisted(post: Post) -> None:
    letter = {"cc": (Party(address=LI),)}
    post.smtp.refused[LI] = "451 4.7.1 greylisted"
    with pytest.raises(TransientDeliveryError, match=LI):
        await post.channel.send(outbound(letter=letter))
    del post.smtp.refused[LI]
    await post.channel.send(outbound(letter=letter, attempt=2))
    assert [found.recipients for found in post.smtp.mails] == [[WANG], [LI]]


async def test_a_connection_that_ends_within_a_mail_is_tried_again(post: Post) -> None:
    await post.channel.send(outbound())
    post.smtp.drops = 1
    with pytest.raises(TransientDeliveryError):
        await post.channel.send(outbound())
    await post.channel.send(outbound())
    assert len(post.smtp.mails) == 2


async def test_connections_are_used_again_and_few(post: Post) -> None:
    await asyncio.gather(
        *(post.channel.send(outbound(id=f"{number:032x}")) for number in range(20))
    )
    assert len(post.smtp.mails) == 20
    assert post.smtp.connections <= 3


async def test_mails_keep_the_pace(smtp: SmtpSink) -> None:
    post = Post(None, smtp, per_minute=600)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(post.channel.send(outbound()) for _ in range(30)))
    await post.channel.stop()
    assert asyncio.get_running_loop().time() - began > 0.8  # twenty at once, then ten a second


async def test_a_flood_waits_in_the_outbox_where_each_mail_keeps_its_turn(smtp: SmtpSink) -> None:
    post = Post(None, smtp, per_minute=600)
    mails = [outbound(id=f"{number:032x}") for number in range(80)]
    ends = await asyncio.gather(*(post.channel.send(one) for one in mails), return_exceptions=True)
    waits = {
        one.message.id: end.retry_after or 0
        for one, end in zip(mails, ends, strict=True)
        if isinstance(end, TransientDeliveryError) and not end.attempted
    }
    assert 30 < len(waits) < 50
    assert sorted(waits.values()) == pytest.approx(
        [min(waits.values()) + 0.1 * number for number in range(len(waits))], abs=0.05
    )
    await asyncio.sleep(min(waits.values()) - 1)
    first = next(one for one in mails if one.message.id in waits)
    await post.channel.send(first)
    await post.channel.stop()
    assert len(smtp.mails) == 81 - len(waits)


async def test_a_code_goes_before_what_waits(smtp: SmtpSink) -> None:
    post = Post(None, smtp, per_minute=20)
    await asyncio.gather(
        *(post.channel.send(outbound(id=f"{number:032x}")) for number in range(9)),
        return_exceptions=True,
    )
    before = len(smtp.mails)
    await post.channel.send(outbound(conversation_id="", kind=MessageKind.BOT))
    await post.channel.stop()
    assert len(smtp.mails) == before + 1


async def test_codes_do_not_use_up_what_the_bot_may_send(smtp: SmtpSink) -> None:
    post = Post(None, smtp, auto_per_hour=1)
    for _ in range(3):
        await post.channel.send(outbound(conversation_id="", kind=MessageKind.BOT))
    await post.channel.send(outbound(kind=MessageKind.BOT))
    await post.channel.stop()
    assert len(smtp.mails) == 4


async def test_what_waits_is_counted_once_among_the_automatic_mails(smtp: SmtpSink) -> None:
    post = Post(None, smtp, auto_per_hour=2, password="wrong")
    for _ in range(5):
        with pytest.raises(TransientDeliveryError) as caught:
            await post.channel.send(outbound(kind=MessageKind.BOT))
        assert not caught.value.attempted
    await post.channel.stop()


async def test_without_a_letter_it_is_tried_again(post: Post) -> None:
    with pytest.raises(TransientDeliveryError) as caught:
        await post.channel.send(replace(outbound(), letter=None))
    assert not caught.value.attempted


async def test_a_mail_sent_again_goes_to_those_alone_who_have_it_not(post: Post) -> None:
    post.smtp.refused[LI] = "550 5.1.1 no such user"
    await post.channel.send(outbound(letter={"cc": (Party(address=LI),)}))
    right = "li.na@qingchuan.example"
    await post.channel.send(outbound(letter={"cc": (Party(address=right),)}))
    assert [found.recipients for found in post.smtp.mails] == [[WANG], [right]]
    assert post.bench.state.values["served"] == "{}", "nothing is kept of what is done"
    await post.channel.send(outbound())
    assert post.smtp.mails[-1].recipients == [WANG], "an agent wants it"


@pytest.mark.parametrize(
    "broken", ["käse@x.example", "a\x01b@x.example", "a\ud800@x.example", "a<b@x.example"]
)
async def test_an_id_that_no_header_can_hold_is_left_out(post: Post, broken: str) -> None:
    references = ("good@x.example 00", f"{broken} 0123456789ab")
    await post.channel.send(outbound(letter={"references": references}))
    head = read(only(post).content)
    assert head["In-Reply-To"] == head["References"] == "<good@x.example>"


async def test_no_control_characters_and_lone_surrogates_reach_the_wire(post: Post) -> None:
    hostile = "a\x00b\x08c\x1b[31m\ud800d\x85"
    quoted = Quoted(author=Party(address=WANG, name=hostile), at=1, text=hostile)
    letter = {
        "subject": hostile,
        "to": (Party(address=WANG, name=hostile),),
        "html": f"<p>{hostile}</p>",
        "quoted": quoted,
    }
    await post.channel.send(outbound(f"{hostile}\n\t密码", letter=letter))
    found = read(only(post).content)
    rich = found.get_body(("html",))
    assert rich is not None
    for text in (text_of(only(post).content), rich.get_content(), *map(str, found.values())):
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", text)
    assert "abc[31md\n\t密码" in text_of(only(post).content)


@pytest.mark.parametrize(
    "address",
    ["-oProxy@x.example", "a\x01b@x.example", "a@-x.example", "a\ud800@x.example", "a@b@c"],
)
async def test_an_address_that_cannot_be_written_to_is_named(post: Post, address: str) -> None:
    with pytest.raises(PermanentDeliveryError, match="no mail address") as caught:
        await post.channel.send(outbound(letter={"to": (Party(address=address),)}))
    assert re.sub(r"[\x01\ud800]", "?", address) in caught.value.reason


async def test_one_is_refused_for_good_and_one_for_now(post: Post) -> None:
    third = "chen@qingchuan.example"
    letter = {"cc": (Party(address=LI), Party(address=third))}
    post.smtp.refused |= {LI: "550 5.1.1 no such user", third: "451 4.7.1 greylisted"}
    with pytest.raises(TransientDeliveryError, match=third):
        await post.channel.send(outbound(letter=letter))
    post.smtp.refused[third] = "550 5.7.1 refused after all"
    receipt = await post.channel.send(outbound(letter=letter, attempt=2))
    assert receipt.external_id
    assert [found.recipients for found in post.smtp.mails] == [[WANG]]
    reasons = [report.reason for report in post.bench.sink.reports]
    assert LI in reasons[0]
    assert third in reasons[-1]


async def test_a_wrong_password_is_told(smtp: SmtpSink) -> None:
    post = Post(None, smtp, password="wrong")
    with pytest.raises(TransientDeliveryError, match="authorisation code") as caught:
        await post.channel.send(outbound())
    assert (caught.value.retry_after, caught.value.attempted) == (300, False)


async def test_failure_reports_are_asked_for_where_offered(post: Post) -> None:
    post.smtp.dsn = True
    await post.channel.send(outbound())
    assert only(post).options == ["RET=HDRS", f"ENVID={MESSAGE}", "NOTIFY=FAILURE,DELAY"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_is_verified(tmp_path: Path, security: str) -> None:
    certificate = write_certificate(tmp_path / "server.pem")
    async with SmtpSink().running(certificate, starttls=security == "starttls") as sink:
        trusting = Post(None, sink, smtp_security=security, certificates=str(certificate))
        await trusting.channel.send(outbound())
        await trusting.channel.stop()
        wary = Post(None, sink, smtp_security=security)
        with pytest.raises(TransientDeliveryError, match="certificate"):
            await wary.channel.send(outbound())
    assert len(sink.mails) == 1


async def test_a_server_without_starttls_gets_nothing(post: Post) -> None:
    strict = Post(None, post.smtp, smtp_security="starttls")
    with pytest.raises(TransientDeliveryError):
        await strict.channel.send(outbound())
    assert post.smtp.mails == []


async def test_whom_we_write_to_belongs_to_the_conversation(post: Post) -> None:
    await post.channel.send(outbound(letter={"cc": (Party(address=LI),)}))
    thread = Thread(inbox_id=INBOX, handle=WANG)
    assert post.bench.threads.known[_member(thread, LI)] == thread


async def test_mails_are_signed(smtp: SmtpSink) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()
    post = Post(None, smtp, dkim_domain="shop.example", dkim_selector="yd", dkim_key=pem)
    await post.channel.send(outbound())
    await post.channel.stop()
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def lookup(name: bytes, timeout: float = 5) -> bytes:
        assert name == b"yd._domainkey.shop.example."
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)

    assert dkim.verify(only(post).content, dnsfunc=lookup)
    assert not dkim.verify(
        only(post).content.replace(b"Version: 1.0", b"Version: 1.1"), dnsfunc=lookup
    )


async def test_a_damaged_key_is_told(smtp: SmtpSink) -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"
    post = Post(None, smtp, dkim_domain="shop.example", dkim_selector="yd", dkim_key=pem)
    with pytest.raises(TransientDeliveryError, match="DKIM") as caught:
        await post.channel.send(outbound())
    assert not caught.value.attempted


async def test_a_copy_lies_in_the_sent_folder(dovecot: DovecotServer, smtp: SmtpSink) -> None:
    folder = "&XfJT0ZAB-"
    dovecot.folder(folder)
    post = Post(dovecot, smtp, sent_folder="已发送")
    await post.channel.send(outbound())
    await post.until(lambda: dovecot.contents(folder))
    await post.channel.stop()
    assert read(dovecot.contents(folder)[0])["Subject"] == "登录失败"


async def test_a_full_mailbox_takes_no_copy_and_that_is_told(
    smtp: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PAUSE_SECONDS", 0.1)
    with ExitStack() as stack:
        dovecot = running(lambda: DovecotServer(quota="1B"), stack)
        post = Post(dovecot, smtp, sent_folder="INBOX")
        await post.channel.send(outbound())
        await post.until(lambda: post.bench.sink.reports)
        await post.channel.stop()
    (report,) = post.bench.sink.reports
    assert (report.message_id, report.state) == (MESSAGE, MessageState.SENT)
    assert "quota" in report.reason.lower()
    assert len(smtp.mails) == 1


async def test_copies_are_tried_twice_and_few_at_once(
    smtp: SmtpSink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(copies, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(copies, "MOST_WAITING", 8)
    released = asyncio.Event()
    asked: list[int] = []

    async def open_session(*_: object) -> None:
        asked.append(1)
        await released.wait()
        raise ConnectionResetError("gone")

    monkeypatch.setattr(copies, "open_session", open_session)
    post = Post(None, smtp, sent_folder="Sent")
    for number in range(10):
        await post.channel.send(outbound(id=f"{number:032x}"))
    await post.until(lambda: len(asked) == 2)
    await post.until(lambda: len(post.bench.sink.reports) == 2)
    assert all("too many" in report.reason for report in post.bench.sink.reports)
    assert len(asked) == 2
    released.set()
    await post.until(lambda: len(post.bench.sink.reports) == 10)
    assert len(asked) == 16
    assert "gone" in post.bench.sink.reports[-1].reason
    released.clear()
    await post.channel.send(outbound(id="f" * 32))
    await post.until(lambda: len(asked) == 17)
    caplog.clear()
    await post.channel.stop()
    assert "the inbox stopped" in caplog.text


async def test_an_answer_to_our_mail_comes_back_to_its_conversation(
    dovecot: DovecotServer, smtp: SmtpSink
) -> None:
    post = Post(dovecot, smtp, plus_addresses=True, first_days=1)
    await post.channel.start()
    await post.channel.send(outbound())
    sent = read(only(post).content)
    dovecot.deliver(mail(2, to=str(sent["Reply-To"])))
    dovecot.deliver(mail(3, In_Reply_To=str(sent["Message-ID"])))
    await post.came(2)
    await post.channel.stop()
    assert {message.thread for message in post.bench.sink.messages} == {"root"}
    assert CONVERSATION in post.bench.threads.conversations
