"""What machines write is told from what people write; a report says who was missed and why."""

import pytest

from channels.mail.model import Auto, Reason
from channels.mail.parsing import Trust, parse_email
from channels.mail.reasons import judge_reason, reason_text
from tests.channels.mail.samples import RETURNED, mail, multipart, report, text


@pytest.mark.parametrize("headers", [
    {"Auto_Submitted": "auto-replied (vacation)"},
    {"Auto_Submitted": 'auto-notified; owner-email="x@y.example"'},
    {"Auto_Submitted": "auto-generated"}, {"X_Autoreply": "yes"}, {"X_Autorespond": "自动回复"},
    {"Precedence": "auto_reply"}, {"X_MS_Exchange_Inbox_Rules_Loop": "ann@x.example, OOF"},
    {"Subject": "自动回复: 订单"}, {"Subject": "自動回覆：訂單"},
    {"Subject": "Out of office", "In_Reply_To": "<m7@shop.example>"},
    {"Subject": "Automatic reply: order"}, {"Subject": "Automatische Antwort: Bestellung"},
    {"Subject": "Re: [自动回复] 订单", "Return_Path": "<>"},
    {"Subject": "Réponse automatique : commande"}, {"Subject": "Autosvar: ordre"},
    {"Subject": "不在通知", "References": "<m7@shop.example>"},
    {"Subject": "부재중 자동 응답", "X_Auto_Response_Suppress": "All"},
    {"Subject": "Out of Office AutoReply: order"},
])  # fmt: skip
def test_automatic_answers(headers: dict[str, str]) -> None:
    found = parse_email(mail("我五月十日回来。", From="ann@x.example", **headers))
    assert found.auto is Auto.AUTO_REPLY
    assert found.auto_sign
    assert not found.answerable


def test_a_machine_s_own_message_is_no_answer() -> None:
    alarm = parse_email(mail("disk full", From="cron@x.example", Auto_Submitted="auto-generated"))
    assert (alarm.auto, alarm.generated) == (Auto.AUTO_REPLY, True)
    away = parse_email(mail("away", From="ann@x.example", Auto_Submitted="auto-replied"))
    assert not away.generated


@pytest.mark.parametrize("body", [
    "您好，我正在休假，五月十日回来后回复您。", "这是一封自动回复邮件，您的来信我已收到。",
    "I am currently out of the office with limited access to e-mail.",
])  # fmt: skip
def test_the_words_of_an_absence_count_in_answers_that_name_no_sender(body: str) -> None:
    away = mail(body, From="ann@x.example", Subject="Re: x", Return_Path="<>",
                In_Reply_To="<m7@shop.example>")  # fmt: skip
    assert parse_email(away).auto is Auto.AUTO_REPLY
    first = mail(
        body, From="ann@x.example", Subject="休假期间的订单", Return_Path="<ann@x.example>"
    )
    assert parse_email(first).auto is Auto.NONE


@pytest.mark.parametrize("headers", [
    {"Subject": "自动回复怎么关？"}, {"Auto_Submitted": "no"}, {"Subject": "automation broken"},
    {"Subject": "absolutely lost"},
    {"Subject": "Out of office hours?"}, {"Subject": "Auto reply does not work"},
    {"Subject": "我收到一封退信"}, {"Subject": "失败"},
    {"Subject": "Holiday"}, {"Subject": "Absence"}, {"Subject": "Auto: my car insurance claim"},
    {"Subject": "vacation to your hotel"}, {"Subject": "外出通知"},
    {"Subject": "OOO - order question", "Return_Path": "<ann@x.example>"},
    {"Subject": "Re: Holiday", "In_Reply_To": "<m7@shop.example>"},
    {"Subject": "Re: 自动回复: 订单", "In_Reply_To": "<m7@shop.example>"},
    {"Subject": "Re: delivery of my order"}, {"Subject": "Bounce house order"},
])  # fmt: skip
def test_people_are_people(headers: dict[str, str]) -> None:
    found = parse_email(mail("请问什么时候能发货？", From="ann@x.example", **headers))
    assert (found.auto, found.bounce) == (Auto.NONE, None)
    assert found.answerable


@pytest.mark.parametrize("headers", [
    {"List_Id": "users <users.lists.example>"}, {"Precedence": "bulk"}, {"Precedence": "list"},
    {"List_Unsubscribe": "<https://x.example/u>"},
])  # fmt: skip
def test_lists(headers: dict[str, str]) -> None:
    found = parse_email(mail("news", From="ann@x.example", **headers))
    assert found.auto is Auto.LIST
    assert not found.answerable


def test_what_asks_for_no_automatic_answer_gets_none() -> None:
    quiet = mail("x", From="ann@x.example", X_Auto_Response_Suppress="DR, OOF, AutoReply")
    assert (parse_email(quiet).auto, parse_email(quiet).answerable) == (Auto.NONE, False)
    assert not parse_email(mail("x", From="no-reply@x.example")).answerable
    assert not parse_email(mail("x", From="a@x.example", Return_Path="<>")).answerable


def test_our_own_mail_is_known() -> None:
    marked = mail("x", From="ann@x.example", X_Yingda_Instance="a", Auto_Submitted="auto-replied")
    assert parse_email(marked).auto is Auto.OWN
    trust = Trust(own=frozenset({"desk@shop.example"}))
    assert parse_email(mail("x", From="Desk@shop.example"), trust=trust).auto is Auto.OWN


def test_a_report_tells_who_was_not_reached_and_which_mail_it_was() -> None:
    found = parse_email(report())
    assert found.auto is Auto.BOUNCE
    assert not found.answerable
    assert found.bounce is not None
    assert found.bounce.recipient == "wang@nowhere.example"
    assert (found.bounce.action, found.bounce.status) == ("failed", "5.1.1")
    assert found.bounce.reason is Reason.USER_UNKNOWN
    assert found.bounce.hard
    assert found.bounce.original_id == "m7.c42@shop.example"
    assert found.bounce.original_to == "wang@nowhere.example"
    assert found.forwarded is None


def test_a_delay_is_soft_and_a_delivery_is_no_bounce() -> None:
    late = parse_email(report("4.4.1", "smtp; connection timed out", action="delayed"))
    assert late.bounce is not None
    assert (late.auto, late.bounce.action, late.bounce.hard) == (Auto.BOUNCE, "delayed", False)
    done = parse_email(report("2.0.0", "smtp; 250 ok", action="delivered"))
    assert done.bounce is not None
    assert (done.auto, done.bounce.action) == (Auto.AUTO_REPLY, "delivered")


WRITTEN = {
    "qmail": mail(
        "Hi. This is the qmail-send program at mx.x.example.\nI'm afraid I wasn't able to deliver "
        "your message to the following addresses.\n\n<wang@nowhere.example>:\n192.0.2.9 does not "
        "like recipient.\nRemote host said: 550 5.1.1 no such user\n\n--- Below this line is a "
        "copy "
        "of the message.\n\n" + RETURNED.decode(),
        From="MAILER-DAEMON@mx.x.example", Subject="failure notice", Return_Path="<>",
    ),
    "exim": mail(
        "A message that you sent could not be delivered to one or more of its recipients.\n\n"
        "  wang@nowhere.example\n    host mx [192.0.2.9]: 550 user unknown\n\n------ This is a "
        "copy "
        "of the message, including all the headers. ------\n\n" + RETURNED.decode(),
        From="Mail Delivery System <Mailer-Daemon@mx.x.example>",
        X_Failed_Recipients="wang@nowhere.example",
        Subject="Mail delivery failed: returning message to sender",
    ),
    "qq": mail(
        "抱歉，您的邮件被退回来了……\n原邮件信息：\n收件人：wang@nowhere.example\n退信原因：收件"
        "人邮件地址"
        "（wang@nowhere.example）不存在，邮件无法送达。\nhost said: 550 Mailbox not found\n\n"
        + RETURNED.decode(),
        From="PostMaster@mx.qq.example", Subject="系统退信/Systems bounce",
        Content_Type="text/plain; charset=utf-8",
    ),
    "coremail": multipart(
        "mixed",
        text("您的邮件 投递失败。\n收件人 <wang@nowhere.example> 的邮箱不存在 550 User not found"),
        mail(RETURNED, Content_Type="message/rfc822"),
        From="Postmaster@mx.x.example", Subject="退信通知",
    ),
    "exchange": mail(
        "Your message\n\n  To: wang@nowhere.example\n  Subject: x\n\ndid not reach the following "
        "recipient(s):\n\nwang@nowhere.example on Mon, 6 May 2024\n    The e-mail account does "
        "not "
        "exist at the organization this message was sent to.\n    <mx.x.example #5.1.1>\n"
        "Message-ID: <m7.c42@shop.example>",
        From="System Administrator <postmaster@mx.x.example>", Subject="Undeliverable: x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("server", WRITTEN)
def test_reports_that_were_written_for_people(server: str) -> None:
    found = parse_email(WRITTEN[server])
    assert found.auto is Auto.BOUNCE
    assert found.bounce is not None
    assert found.bounce.recipient == "wang@nowhere.example"
    assert found.bounce.reason is Reason.USER_UNKNOWN
    assert found.bounce.hard
    assert found.bounce.original_id == "m7.c42@shop.example"


@pytest.mark.parametrize(("subject", "body"), [
    ("Fwd: Undelivered Mail Returned to Sender", "为什么会被退信？550 5.1.1 user unknown"),
    ("转发: 系统退信", "我收到这个，怎么办？\n> 550 Mailbox not found"),
    ("我的邮件被退回了", "发给你们的邮件被退回，提示 550 5.7.1"),
])  # fmt: skip
def test_a_customer_who_asks_about_a_bounce_is_none(subject: str, body: str) -> None:
    part = mail(RETURNED, Content_Type="message/rfc822")
    for raw in (mail(body, From="ann@x.example", Subject=subject),
                multipart("mixed", text(body), part, From="ann@x.example",
                          Subject=f"Fwd: {subject}")):  # fmt: skip
        assert parse_email(raw).auto is Auto.NONE


def test_a_complaint_is_no_bounce() -> None:
    fields = mail("Feedback-Type: abuse\r\n", Content_Type="message/feedback-report")
    found = parse_email(multipart("report; report-type=feedback-report", text("abuse"), fields,
                                  From="feedback@isp.example", Subject="FW: x"))  # fmt: skip
    assert found.complaint
    assert found.bounce is None


@pytest.mark.parametrize(("said", "status", "reason"), [
    ("552 5.2.2 Mailbox full", "5.2.2", Reason.MAILBOX_FULL),
    ("550 收件人邮箱已满", "", Reason.MAILBOX_FULL), ("550 User unknown", "", Reason.USER_UNKNOWN),
    ("550 用户不存在", "", Reason.USER_UNKNOWN), ("Host or domain name not "
     "found", "", Reason.HOST_UNKNOWN),
    ("552 message size exceeds fixed maximum", "", Reason.TOO_BIG),
    ("550 5.7.26 unauthenticated email: SPF fail", "5.7.26", Reason.AUTHENTICATION),
    ("554 listed at zen.spamhaus.org blocklist", "", Reason.BLOCKED),
    ("550 rejected as spam", "", Reason.SPAM), ("", "5.1.1", Reason.USER_UNKNOWN),
    ("", "4.4.7", Reason.EXPIRED), ("nothing known", "", Reason.UNKNOWN),
    ("450 greylisted, too many connections", "", Reason.TOO_MANY),
])  # fmt: skip
def test_reasons(said: str, status: str, reason: Reason) -> None:
    assert judge_reason(said, status, "") is reason


def test_every_reason_is_said_in_plain_words() -> None:
    for reason in Reason:
        said = {reason_text(reason, language) for language in ("zh-Hans", "zh-Hant", "en")}
        assert len(said) >= 2
        assert all(said)
