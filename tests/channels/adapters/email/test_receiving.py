"""What becomes of a mail: whose conversation it joins, and what is reported or discarded."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest

from channels.adapters.email import receiver
from channels.adapters.email.poller import deliver_all
from channels.adapters.email.receiver import NOBODY, Receiver
from channels.adapters.email.serving import Served, Serving
from channels.adapters.email.settings import EmailSettings
from channels.adapters.email.signing import Marks
from channels.contract import InboundMessage, MessageState
from channels.keeping import Thread
from channels.letters import Author, Automatic, Doubt, Participant
from channels.testing import INBOX, Bench
from tests.channels.adapters.email.post import CONVERSATION, MESSAGE, WANG, mail
from tests.mail_servers import USER

LI = "li@qingchuan.example"


class Desk:
    """A receiver over services in memory."""

    def __init__(self, **settings: Any) -> None:
        self.bench = Bench()
        self.marks = Marks(self.bench.signer, INBOX, USER)
        self.settings = EmailSettings(address=USER, smtp_host="127.0.0.1", **settings)
        self.receiver = Receiver(INBOX, self.settings, self.bench.context, self.marks)
        self.bench.threads.conversations[CONVERSATION] = Thread(
            inbox_id=INBOX, handle=WANG, thread="root"
        )

    async def take(self, *mails: bytes, envelope: tuple[str, ...] = ()) -> None:
        for raw in mails:
            await deliver_all([await self.receiver.take(raw, envelope)])

    async def took(self, raw: bytes) -> InboundMessage:
        await self.take(raw)
        return self.bench.sink.messages[-1]

    @property
    def keys(self) -> list[str]:
        return [message.conversation_key for message in self.bench.sink.messages]

    @property
    def discards(self) -> list[str]:
        return [discard.reason for discard in self.bench.sink.discards.values()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_mails_with_one_subject_are_not_one_conversation(desk: Desk) -> None:
    await desk.take(mail(1), mail(2), mail(3, subject="回复：登录失败"))
    assert len(set(desk.keys)) == 3


async def test_an_answer_joins_by_in_reply_to(desk: Desk) -> None:
    await desk.take(mail(1), mail(2, In_Reply_To="<m1@qingchuan.example>"))
    assert len(set(desk.keys)) == 1


async def test_an_answer_joins_by_the_newest_known_reference(desk: Desk) -> None:
    await desk.take(mail(1), mail(2))
    references = "<m1@qingchuan.example> <m2@qingchuan.example> <unknown@qingchuan.example>"
    await desk.take(mail(3, References=references))
    assert desk.keys[2] == desk.keys[1] != desk.keys[0]


async def test_our_signed_message_id_leads_to_its_conversation(desk: Desk) -> None:
    answered = desk.marks.message_id(CONVERSATION, MESSAGE)
    message = await desk.took(mail(1, In_Reply_To=f"<{answered}>"))
    assert (message.handle, message.thread, message.author) == (WANG, "root", None)


async def test_the_signed_address_counts_before_all_ids(desk: Desk) -> None:
    await desk.take(mail(1))
    address = desk.marks.reply_address(CONVERSATION)
    assert address is not None
    assert len(address.partition("@")[0]) <= 64
    message = await desk.took(mail(2, to=address.upper(), In_Reply_To="<m1@qingchuan.example>"))
    assert message.thread == "root"
    assert message.participants == (), "our own address takes no part"


async def test_the_address_in_the_envelope_serves_too(desk: Desk) -> None:
    address = desk.marks.reply_address(CONVERSATION)
    assert address is not None
    await desk.take(mail(1), envelope=(address,))
    assert desk.bench.sink.messages[0].thread == "root"


@pytest.mark.parametrize("place", [12, 30, 46])
async def test_forged_marks_lead_nowhere(desk: Desk, place: int) -> None:
    address = desk.marks.reply_address(CONVERSATION)
    assert address is not None
    forged = address[:place] + ("a" if address[place] != "a" else "b") + address[place + 1 :]
    identity = desk.marks.message_id(CONVERSATION, MESSAGE)
    tampered = identity[:place] + ("2" if identity[place] != "2" else "3") + identity[place + 1 :]
    message = await desk.took(mail(1, to=forged, In_Reply_To=f"<{tampered}>"))
    assert message.thread != "root"


async def test_a_strangers_answer_is_marked(desk: Desk) -> None:
    await desk.take(mail(1))
    message = await desk.took(
        mail(2, sender="陌生人 <x@evil.example>", In_Reply_To="<m1@qingchuan.example>")
    )
    assert message.handle == WANG
    assert message.author == Author(address="x@evil.example", name="陌生人", stranger=True)
    assert message.profile == {}, "a stranger teaches us nothing about the customer"


async def test_people_in_cc_belong_to_the_conversation(desk: Desk) -> None:
    message = await desk.took(mail(1, Cc=f"李强 <{LI}>, {USER}"))
    assert message.participants == (Participant(address=LI, name="李强", role="cc"),)
    answer = await desk.took(mail(2, sender=f"李强 <{LI}>", In_Reply_To="<m1@qingchuan.example>"))
    assert (answer.handle, answer.author) == (WANG, Author(address=LI, name="李强"))


async def test_whom_a_stranger_names_does_not_join(desk: Desk) -> None:
    reply = {"In_Reply_To": "<m1@qingchuan.example>"}
    await desk.take(mail(1), mail(2, sender="x@evil.example", Cc="y@evil.example", **reply))
    message = await desk.took(mail(3, sender="y@evil.example", **reply))
    assert message.author is not None
    assert message.author.stranger


async def test_a_mail_that_comes_again_has_its_id_and_place(desk: Desk) -> None:
    await desk.take(mail(1), b"Received: by another way\r\n" + mail(1))
    first, again = desk.bench.sink.messages
    assert (first.external_id, first.conversation_key) == (
        again.external_id,
        again.conversation_key,
    )


async def test_two_mails_with_one_message_id_are_both_kept(desk: Desk) -> None:
    one = mail(1, message_id="<same@scanner.example>")
    other = mail(2, message_id="<same@scanner.example>")
    await desk.take(one, other)
    assert len({message.external_id for message in desk.bench.sink.messages}) == 2


async def test_two_mails_with_one_message_id_and_no_date_are_both_kept(desk: Desk) -> None:
    raw = b"From: scan@q.example\r\nSubject: Scan\r\nMessage-ID: <1@localhost>\r\n\r\n"
    await desk.take(raw + b"first", raw + b"second", raw + b"first")
    ids = [message.external_id for message in desk.bench.sink.messages]
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize("letter", ["\u212a", "\u017f"])
async def test_letters_that_only_look_alike_are_no_mark(desk: Desk, letter: str) -> None:
    address = desk.marks.reply_address(CONVERSATION)
    assert address is not None
    place = address.index("+") + 5
    assert (
        desk.marks.conversation_of_address(address[:place] + letter + address[place + 1 :]) is None
    )
    forged = f"{'a' * 25}{letter}.{'0' * 12}.{'a' * 13}@shop.example"
    assert desk.marks.conversation_of_id(forged) is None


async def test_mails_without_an_id_are_told_apart(desk: Desk) -> None:
    bare = mail(1).replace(b"Message-ID: <m1@qingchuan.example>\r\n", b"")
    other = mail(2).replace(b"Message-ID: <m2@qingchuan.example>\r\n", b"")
    await desk.take(bare, other, bare)
    ids = [message.external_id for message in desk.bench.sink.messages]
    assert ids[0] == ids[2] != ids[1]


async def test_a_very_long_message_id_serves_all_the_same(desk: Desk) -> None:
    long = "x" * 600 + "@qingchuan.example"
    await desk.take(mail(1).replace(b"m1@qingchuan.example", long.encode()))
    reply = mail(2, In_Reply_To="<r@x>").replace(b"r@x", long.encode())
    await desk.take(reply)
    assert len(set(desk.keys)) == 1
    assert max(len(message.external_id) for message in desk.bench.sink.messages) < 500


async def test_our_own_automatic_mail_is_a_loop(desk: Desk) -> None:
    own = {"X_Yingda_Instance": desk.marks.instance}
    await desk.take(mail(1, **own), mail(1, **own))
    assert (desk.bench.sink.messages, desk.discards) == ([], ["loop"])


async def test_another_installations_automatic_mail_is_none_of_ours(desk: Desk) -> None:
    message = await desk.took(mail(1, X_Yingda_Instance="abcdefghijklm"))
    assert message.automatic is not Automatic.NONE


async def test_mail_from_our_own_address_is_discarded(desk: Desk) -> None:
    await desk.take(mail(1, sender=USER))
    assert (desk.bench.sink.messages, desk.discards) == ([], ["own"])


async def test_a_web_form_writes_for_its_customer(desk: Desk) -> None:
    message = await desk.took(mail(1, sender=f"Shop <{USER}>", Reply_To=f"王芳 <{WANG}>"))
    assert (message.handle, message.profile["name"]) == (WANG, "王芳")


async def test_automatic_answers_are_marked(desk: Desk) -> None:
    message = await desk.took(mail(1, Auto_Submitted="auto-replied", subject="自动回复: 休假"))
    assert message.automatic is Automatic.AUTO_REPLY
    message = await desk.took(mail(2, List_Id="<news.example>", Precedence="list"))
    assert message.automatic is Automatic.LIST
    message = await desk.took(mail(3, Auto_Submitted="auto-generated"))
    assert message.automatic is Automatic.GENERATED


FORWARD = """请处理。

---------- Forwarded message ---------
发件人： 王芳 <wang@qingchuan.example>
Date: 2026年3月4日 09:12
Subject: 登录失败
To: <boss@shop.example>

我的密码忘了。
"""


async def test_what_our_people_forward_is_the_customers() -> None:
    desk = Desk(staff=("@shop.example",))
    sender = "经理 <boss@shop.example>"
    message = await desk.took(mail(1, FORWARD, sender=sender, subject="Fwd: 登录失败"))
    assert (message.handle, message.author) == (WANG, None)
    assert message.facts["forwarded_by"] == "boss@shop.example"
    assert "密码忘了" in message.text
    assert not message.verified


async def test_who_only_claims_to_be_our_people_forwards_nothing() -> None:
    desk = Desk(staff=("@shop.example",), trusted_host="mx.shop.example")
    sender, subject = "经理 <boss@shop.example>", "Fwd: 登录失败"
    forged = await desk.took(mail(1, FORWARD, sender=sender, subject=subject))
    assert (forged.handle, "forwarded_by" in forged.facts) == ("boss@shop.example", False)
    results = "mx.shop.example; dmarc=pass header.from=shop.example"
    good = await desk.took(
        mail(2, FORWARD, sender=sender, subject=subject, Authentication_Results=results)
    )
    assert good.handle == WANG


async def test_a_forward_makes_nobody_known_to_a_conversation() -> None:
    desk = Desk(staff=("@shop.example",))
    answered = desk.marks.message_id(CONVERSATION, MESSAGE)
    body = FORWARD.replace(WANG, "eve@evil.example")
    sender = "经理 <boss@shop.example>"
    message = await desk.took(
        mail(1, body, sender=sender, subject="Fwd: x", In_Reply_To=f"<{answered}>")
    )
    assert message.thread == "root"
    assert message.author == Author(address="eve@evil.example", name="王芳", stranger=True)


async def test_what_a_customer_forwards_is_the_customers_own(desk: Desk) -> None:
    message = await desk.took(mail(1, FORWARD, sender=LI, subject="Fwd: 登录失败"))
    assert message.handle == LI


def bounce(to: str, original: str, status: str = "5.2.2", action: str = "failed") -> bytes:
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: {to}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <b1@mx.example>\r\n"
        "Date: Wed, 4 Mar 2026 09:31:00 +0800\r\nReturn-Path: <>\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThe mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {WANG}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 552 5.2.2 mailbox full\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{original}>\r\n"
        f"From: {USER}\r\nTo: {WANG}\r\nSubject: x\r\n\r\nhello\r\n--b--\r\n"
    ).encode("utf-8", "surrogateescape")


async def test_a_bounce_is_reported_by_its_address(desk: Desk) -> None:
    address = desk.marks.bounce_address(MESSAGE)
    assert address is not None
    await desk.take(bounce(address, "gone@x"))
    (report,) = desk.bench.sink.reports
    assert (report.message_id, report.state) == (MESSAGE, MessageState.FAILED)
    assert WANG in report.reason
    assert "mailbox is full" in report.reason
    assert (desk.bench.sink.messages, desk.discards) == ([], ["bounce"])


async def test_a_bounce_is_reported_by_the_message_that_came_back(desk: Desk) -> None:
    original = desk.marks.message_id(CONVERSATION, MESSAGE)
    await desk.take(bounce(USER, original))
    (report,) = desk.bench.sink.reports
    assert (report.message_id, report.external_id) == (None, original)
    assert report.signed_as == (CONVERSATION, MESSAGE[-12:])
    await desk.take(bounce(USER, original.replace(MESSAGE[-4:], "aaaa")))
    assert desk.bench.sink.reports[-1].signed_as is None, "a forged one"


async def test_a_hostile_bounce_holds_nothing_that_no_database_keeps(desk: Desk) -> None:
    raw = bounce(USER, "orig\x00\udc80@x.example").replace(
        b"mailbox full", b"\x00 \xed\xa0\x80 full"
    )
    await desk.take(raw.replace(WANG.encode(), b"wa\x00ng@qingchuan.example"))
    (report,) = desk.bench.sink.reports
    assert "\x00" not in f"{report.reason}{report.external_id}"
    f"{report.reason}{report.external_id}".encode()


@pytest.mark.parametrize("broken", ["report", "discard"])
async def test_a_report_that_cannot_be_kept_holds_up_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    async def fail(value: object) -> None:
        raise TypeError("cannot be written")

    monkeypatch.setattr(desk.bench.sink, broken, fail)
    await desk.take(bounce(USER, "x@y"))
    assert [message.doubt for message in desk.bench.sink.messages] == [Doubt.UNREADABLE]


async def test_whose_mail_came_back_has_it_no_more(desk: Desk) -> None:
    serving = Serving(desk.bench.state)
    await serving.note(MESSAGE, Served(got=(WANG, "li@qingchuan.example")))
    await desk.take(bounce(USER, desk.marks.message_id(CONVERSATION, MESSAGE)))
    assert (await serving.of(MESSAGE)).got == ("li@qingchuan.example",)


async def test_a_delay_is_no_failure(desk: Desk) -> None:
    await desk.take(bounce(USER, "x@y", status="4.4.1", action="delayed"))
    assert [report.state for report in desk.bench.sink.reports] == [MessageState.SENT]


async def test_a_bounce_of_nobodys_mail_is_only_counted(desk: Desk) -> None:
    desk.bench.sink.is_ours = lambda report: False
    await desk.take(bounce(USER, "forged@x"))
    assert (desk.bench.sink.messages, desk.discards) == ([], ["foreign bounce"])


async def test_verdicts_of_the_trusted_host_are_facts() -> None:
    desk = Desk(trusted_host="mx.shop.example")
    results = "mx.shop.example; dmarc=pass header.from=qingchuan.example; spf=pass"
    message = await desk.took(mail(1, Authentication_Results=results))
    assert message.verified
    assert message.facts["dmarc"].startswith("pass")
    forged = await desk.took(mail(2, Authentication_Results=results.replace("mx.shop", "mx.evil")))
    assert not forged.verified


@pytest.mark.parametrize(
    ("sender", "results"),
    [
        (f"王芳 <{WANG}>", "dmarc=pass header.from=evil.example"),
        (f"王芳 <{WANG}>, x@evil.example", "dmarc=pass header.from=qingchuan.example"),
        (f"x@evil.example, {WANG}", "dmarc=pass header.from=evil.example"),
        (f"王芳 <{WANG}>", "dmarc=pass"),
        (f"王芳 <{WANG}>", "dmarc=none header.from=qingchuan.example"),
    ],
)
async def test_a_domain_vouches_for_its_own_one_sender_alone(sender: str, results: str) -> None:
    desk = Desk(trusted_host="mx.shop.example")
    raw = mail(1, sender=sender, Authentication_Results=f"mx.shop.example; {results}")
    assert not (await desk.took(raw)).verified


async def test_microsoft_tells_its_verdicts_without_its_name() -> None:
    results = "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=qingchuan.example; dkim=pass;"
    results += " dmarc=pass action=none header.from=qingchuan.example;compauth=pass reason=100"
    raw = mail(1, Authentication_Results=results)
    assert (await Desk(imap_host="outlook.office365.com").took(raw)).verified
    assert not (await Desk(imap_host="imap.shop.example").took(raw)).verified
    above = b"Authentication-Results: spf=fail; dmarc=none header.from=qingchuan.example\r\n"
    assert not (await Desk(imap_host="outlook.office365.com").took(above + raw)).verified


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X_Spam_Flag": "YES"}, "spam"),
        ({"X_Spam_Status": "Yes, score=7"}, "spam"),
        ({"X_Spam_Score": "12.5"}, "spam_score=12.5"),
        ({"Authentication_Results": "mx.shop.example; dmarc=fail"}, "dmarc=fail"),
    ],
)
async def test_spam_and_forged_senders_are_doubtful(headers: dict[str, str], why: str) -> None:
    message = await Desk(trusted_host="mx.shop.example").took(mail(1, **headers))
    assert (message.doubt, message.facts["suspicious"]) == (Doubt.SUSPICIOUS, why)


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Spam_Status": "No, score=7"},
        {"X_Spam_Score": "-3"},
        {"Authentication_Results": "mx.evil.example; dmarc=fail"},
    ],
)
async def test_what_no_filter_minds_is_the_customers_word(headers: dict[str, str]) -> None:
    message = await Desk(trusted_host="mx.shop.example").took(mail(1, **headers))
    assert message.doubt is Doubt.NONE
    strict = await Desk(spam_limit=5).took(mail(2, X_Spam_Score="5"))
    assert strict.doubt is Doubt.SUSPICIOUS
    lax = await Desk(spam_limit=0).took(mail(2, X_Spam_Score="50"))
    assert lax.doubt is Doubt.NONE


def parsed(raw: bytes) -> EmailMessage:
    made = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert isinstance(made, EmailMessage)
    return made


async def test_files_are_kept_and_programs_named(desk: Desk) -> None:
    made = parsed(mail(1))
    made.add_attachment(b"%PDF-1.4\n", maintype="application", subtype="pdf", filename="发票.pdf")
    made.add_attachment(b"MZ\x90\x00", maintype="application", subtype="zip", filename="a.exe")
    message = await desk.took(made.as_bytes())
    assert [(file.name, file.mime) for file in message.attachments] == [
        ("发票.pdf", "application/pdf")
    ]
    assert message.facts["files_left_out"].startswith("a.exe")


async def test_html_is_kept_safe(desk: Desk) -> None:
    made = parsed(mail(1))
    made.add_alternative("<p onclick='x()'>密码<script>alert(1)</script></p>", subtype="html")
    message = await desk.took(made.as_bytes())
    assert message.html is not None
    safe = desk.bench.blobs.contents[message.html].decode()
    assert "密码" in safe
    assert "script" not in safe
    assert "onclick" not in safe


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff" * 50, b"From: \xff\r\n\r\n\x00", b"\r\n\r\n", mail(1)[:40]]
)
async def test_rubbish_is_kept_and_shown(desk: Desk, raw: bytes) -> None:
    message = await desk.took(raw)
    assert message.raw in desk.bench.blobs.contents
    assert message.external_id
    assert "\x00" not in message.text
    assert message.handle
    message.text.encode()


async def test_a_mail_without_a_sender_has_a_handle(desk: Desk) -> None:
    message = await desk.took(b"Subject: x\r\n\r\nhello\r\n")
    assert message.handle == NOBODY


@pytest.mark.parametrize("error", [RuntimeError("x"), RecursionError("x"), KeyError("x")])
async def test_a_mail_that_breaks_us_is_shown_as_unreadable(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(raw: bytes, **options: Any) -> None:
        raise error

    monkeypatch.setattr(receiver, "parse_email", fail)
    assert (await desk.took(mail(1))).doubt is Doubt.UNREADABLE


async def test_a_mail_waits_for_a_disk_that_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(raw: bytes, **options: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(receiver, "parse_email", fail)
    with pytest.raises(OSError, match="disk full"):
        await desk.take(mail(1))


async def test_a_value_that_cannot_be_kept_holds_up_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[InboundMessage] = []

    async def deliver(message: InboundMessage) -> None:
        if not message.doubt:
            raise TypeError("cannot be written")
        kept.append(message)

    monkeypatch.setattr(desk.bench.sink, "deliver", deliver)
    await desk.take(mail(1))
    assert [message.doubt for message in kept] == [Doubt.UNREADABLE]


def test_ids_are_made_again_and_only_by_us() -> None:
    bench = Bench()
    ours, theirs = Marks(bench.signer, INBOX, USER), Marks(Bench().signer, INBOX, USER)
    identity = ours.message_id(CONVERSATION, MESSAGE)
    assert identity == ours.message_id(CONVERSATION, MESSAGE)
    assert ours.conversation_of_id(identity) == CONVERSATION
    assert theirs.conversation_of_id(identity) is None
    assert ours.reply_address("no id of ours") is None
    long = Marks(bench.signer, INBOX, "x" * 40 + "@shop.example")
    assert long.reply_address(CONVERSATION) is None
