"""A mail is read as its writer meant it, and no bytes break the reading."""

import base64
import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.model import Address, Attachment, Limits
from channels.mail.parsing import Trust, parse_email
from tests.channels.mail.samples import RETURNED, file, mail, multipart, page, report, text

CHINESE = "您好，订单还没有收到。"


def word(text: str, charset: str) -> str:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def names(found: tuple[Attachment, ...]) -> list[str]:
    return [each.name for each in found]


def test_headers_and_body_of_a_plain_mail() -> None:
    found = parse_email(
        mail(
            CHINESE.encode("gb18030"),
            From=f"{word('王芳', 'gb18030')} <Wang@shop.example>",
            To='"Lee, Ann" <ann@desk.example>, desk@desk.example (Help)',
            Cc="all: bob@x.example, =?utf-8?q?J=C3=BCrgen?= <j@x.example>;",
            Reply_To="orders@shop.example",
            Subject=f"答复: Re: {word('订单', 'gb18030')} [#C42]",
            Date="Mon, 06 May 2024 10:40:00 +0800",
            Message_ID="<a1@shop.example>",
            In_Reply_To="<c42.m7@desk.example>",
            References="<c42.m1@desk.example>\r\n <c42.m7@desk.example>",
            Delivered_To="desk+c42.abc@desk.example",
            Content_Type="text/plain; charset=gb2312",
            Content_Transfer_Encoding="8bit",
        )
    )
    assert found.sender == Address("Wang@shop.example", "王芳")
    assert found.to == (
        Address("ann@desk.example", "Lee, Ann"),
        Address("desk@desk.example", "Help"),
    )
    assert found.cc == (Address("bob@x.example"), Address("j@x.example", "Jürgen"))
    assert found.reply_to == (Address("orders@shop.example"),)
    assert (found.subject, found.base_subject) == ("答复: Re: 订单 [#C42]", "订单")
    assert found.date == "2024-05-06T10:40:00+08:00"
    assert found.message_id == "a1@shop.example"
    assert found.in_reply_to == "c42.m7@desk.example"
    assert found.references == ("c42.m1@desk.example", "c42.m7@desk.example")
    assert found.delivered_to == ("desk+c42.abc@desk.example",)
    assert found.text == found.reply == CHINESE
    assert found.html_safe == ""
    assert not found.notes
    assert not found.charset_notes


@pytest.mark.parametrize(("header", "expected"), [
    ("=?gb2312?B?tcfC?= =?gb2312?B?vMqnsNw=?=", "登录失败"),  # a letter cut in two
    ("=?utf-8?Q?=E7=99=BB?=\r\n =?utf-8?Q?=E5=BD=95?=", "登录"),
    ("=?UTF-8?B?55m75b2V?= now", "登录 now"),
    ("=?utf-8*zh?B?55m75b2V?=", "登录"),
    ("=?utf-8?B?55m75b2V", "=?utf-8?B?55m75b2V"),
    ("=?utf-8?B?aGkNCkJjYzogZXZpbEBleGFtcGxlLm5ldA==?=", "hi Bcc: evil@example.net"),
    ("=?x-nothing?B?55m75b2V?=", "登录"),
])  # fmt: skip
def test_encoded_words(header: str, expected: str) -> None:
    assert parse_email(mail(Subject=header)).subject == expected


def test_raw_letters_in_headers_are_guessed_and_noted() -> None:
    found = parse_email(
        "Subject: 无法登录我的账号\r\nFrom: a@b.example\r\n\r\n正文".encode("gb18030")
    )
    assert found.subject == "无法登录我的账号"
    assert found.text == "正文"


@pytest.mark.parametrize(("header", "expected"), [
    ("Ann Lee <ann@x.example>", Address("ann@x.example", "Ann Lee")),
    ("ann@x.example", Address("ann@x.example")),
    ('"ann@x.example" <ann@x.example>', Address("ann@x.example")),
    ("ann@x.example (Ann Lee)", Address("ann@x.example", "Ann Lee")),
    ("Lee Ann ann@x.example", Address("ann@x.example", "Lee Ann")),
    ('"Lee\\, \\"A\\"" <ann@x.example>', Address("ann@x.example", 'Lee, "A"')),
    ("'Ann' <ann@x.example", Address("ann@x.example", "Ann")),
    ("<mailto:ann@x.example>", Address("ann@x.example")),
    ('"Ann <ann@x.example>', Address("ann@x.example", "Ann")),
    ("Mail Delivery <>", Address("", "Mail Delivery")),
    ("Root <root>", Address("root", "Root")),
])  # fmt: skip
def test_senders_as_programs_write_them(header: str, expected: Address) -> None:
    assert parse_email(mail(From=header)).sender == expected


@pytest.mark.parametrize(("disposition", "expected"), [
    ("attachment; filename*=UTF-8''%E6%97%A5%E5%BF%97.txt", "日志.txt"),
    ("attachment; filename*0*=gb18030''%C8%D5; filename*1*=%D6%BE.txt", "日志.txt"),
    ('attachment; filename="=?GB18030?B?yNXWvi50eHQ=?="', "日志.txt"),
    ("attachment; filename=my file.txt", "my file.txt"),
    ('attachment; filename="../../etc/passwd"', "passwd"),
    (r'attachment; filename="C:\\temp\\a.txt"', "a.txt"),
    ('attachment; filename="a\x00b.txt"', "a b.txt"),
    ('attachment; filename="a;b.txt"', "a;b.txt"),
])  # fmt: skip
def test_names_of_files(disposition: str, expected: str) -> None:
    part = mail(b"QUJD", Content_Type="application/octet-stream",
                Content_Disposition=disposition, Content_Transfer_Encoding="base64")  # fmt: skip
    found = parse_email(multipart("mixed", text("见附件"), part, Subject="x"))
    assert names(found.attachments) == [expected]
    assert found.attachments[0].content == b"ABC"
    assert found.attachments[0].sha256 == hashlib.sha256(b"ABC").hexdigest()
    assert found.text == "见附件"


def test_a_raw_name_of_a_file_is_guessed() -> None:
    part = file("RAW", b"ABC").replace(b"RAW", "日志.txt".encode("gb18030"))
    assert names(parse_email(multipart("mixed", text("x"), part)).attachments) == ["日志.txt"]


def test_text_and_html_are_one_body_and_pictures_stay_by_their_id() -> None:
    shown = page('<p>您好</p><img src="cid:logo@x"><img src="https://t.example/p.gif">')
    picture = mail(b"R0lG", Content_Type="image/gif; name=logo.gif", Content_ID="<logo@x>",
                   Content_Transfer_Encoding="base64", Content_Disposition="inline")  # fmt: skip
    both = multipart("alternative", text("您好"), shown, boundary="b2")
    found = parse_email(multipart("related", both, picture, Subject="x"))
    assert found.text == "您好"
    assert 'src="cid:logo@x"' in found.html_safe
    assert 'data-remote-src="https://t.example/p.gif"' in found.html_safe
    assert found.remote_images
    assert [(a.content_id, a.inline) for a in found.attachments] == [("logo@x", True)]


def test_flowed_text_is_joined() -> None:
    body = "one \r\ntwo\r\n> quo \r\n> ted\r\n-- \r\nAnn"
    kind = "text/plain; charset=utf-8; format=flowed"
    assert parse_email(mail(body, Content_Type=kind)).text == "one two\n> quo ted\n-- \nAnn"
    spaceless = parse_email(mail("订单 \r\n号", Content_Type=kind + "; delsp=yes"))
    assert spaceless.text == "订单号"


def test_an_invitation_is_shown_as_text() -> None:
    event = (
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:回访\\, 第二次\r\n"
        "DTSTART;TZID=Asia/Shanghai:20240506T100000\r\nDTEND;TZID=Asia/Shanghai:20240506T110000"
        "\r\n"
        "LOCATION:三号\r\n 会议室\r\nORGANIZER;CN=Ann:mailto:ann@x.example\r\nEND:VEVENT\r\n"
    )
    found = parse_email(mail(event, Content_Type="text/calendar; charset=utf-8"))
    assert found.text.split("\n") == [
        "回访, 第二次",
        "2024-05-06 10:00 Asia/Shanghai – 2024-05-06 11:00 Asia/Shanghai",
        "三号会议室",
        "ann@x.example",
    ]
    invited = multipart("alternative", text("请参加"), mail(event, Content_Type="text/calendar"))
    both = parse_email(invited)
    assert both.reply == "请参加"
    assert both.text.startswith("请参加\n\n回访, 第二次\n2024-05-06")


def test_a_forwarded_mail_tells_who_wrote_it() -> None:
    inner = mail("原文", From=f"{word('王芳', 'utf-8')} <wang@x.example>", Subject="坏了")
    part = mail(inner, Content_Type="message/rfc822")
    found = parse_email(multipart("mixed", text("请处理"), part, Subject="Fwd: x"))
    assert found.forwarded is not None
    assert found.forwarded.sender == Address("wang@x.example", "王芳")
    assert found.forwarded.subject == "坏了"
    assert names(found.attachments) == ["message.eml"]


@pytest.mark.parametrize("body", [
    "请处理\n\n---------- Forwarded message ---------\nFrom: 王芳 <wang@x.example>\n"
    "Date: Mon, May 6, 2024\nSubject: 坏了\nTo: <ann@x.example>\n\n原文",
    "请处理\n\n-------- 转发邮件信息 --------\n发件人：\"王芳\" <wang@x.example>\n"
    "发送日期：2024-05-06 10:21:33\n收件人：ann@x.example\n主题：坏了\n\n原文",
    "请处理\n\n发件人: 王芳 <wang@x.example>\n发送时间: 2024年5月6日\n收件人: ann\n主题: 坏了"
    "\n\n原文",
    "请处理\n\n寄件者: 王芳 <wang@x.example>\n日期: 2024\n收件者: ann\n主旨: 坏了\n\n原文",
    "Begin forwarded message:\n\n> From: 王芳 <wang@x.example>\n> Subject: 坏了\n> Date: May 6"
    "\n>\n> 原文",
])  # fmt: skip
def test_a_forward_written_into_the_text_tells_who_wrote_it(body: str) -> None:
    forwarded = parse_email(mail(body, Subject="转发: 坏了", Content_Type=
                                 "text/plain; charset=utf-8")).forwarded  # fmt: skip
    assert forwarded is not None
    assert forwarded.sender == Address("wang@x.example", "王芳")
    assert forwarded.subject == "坏了"


def test_an_answer_is_no_forward() -> None:
    body = "好的\n\n发件人: 客服 <desk@x.example>\n发送时间: 2024年5月6日\n主题: 坏了\n\n原文"
    assert parse_email(mail(body, Subject="回复: 坏了")).forwarded is None


@pytest.mark.parametrize(("kind", "expected"), [
    ("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "smime-encrypted"),
    ("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "smime-signed"),
])  # fmt: skip
def test_s_mime_is_shown_as_such(kind: str, expected: str) -> None:
    found = parse_email(mail("MIAG", Content_Type=kind, Content_Transfer_Encoding="base64"))
    assert found.protection == expected
    assert names(found.attachments) == ["smime.p7m"]


def test_pgp_is_shown_as_such_and_its_armour_taken_off() -> None:
    signed = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n你好\n- -- \n王芳\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
    )
    found = parse_email(mail(signed, Content_Type="text/plain; charset=utf-8"))
    assert (found.protection, found.reply) == ("pgp-signed", "你好")
    secret = parse_email(mail("-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----"))
    assert secret.protection == "pgp-encrypted"
    part = mail("iQEz", Content_Type="application/pgp-signature; name=signature.asc")
    detached = parse_email(multipart("signed", text("你好"), part))
    assert (detached.protection, detached.attachments) == ("pgp-signed", ())


def test_files_within_the_text_are_taken_out() -> None:
    body = "见附件\n\nbegin 644 a.txt\n#0V%T\n`\nend\n\n谢谢"
    found = parse_email(mail(body, Content_Type="text/plain; charset=utf-8"))
    assert [(a.name, a.content) for a in found.attachments] == [("a.txt", b"Cat")]
    assert found.text == "见附件\n\n\n\n谢谢"
    packed = bytes((byte + 42) & 255 for byte in b"Cat")
    yenc = b"=ybegin line=128 size=3 name=b.bin\r\n" + packed + b"\r\n=yend size=3\r\n"
    assert parse_email(mail(yenc)).attachments[0].content == b"Cat"


@pytest.mark.parametrize("raw", [
    b"", b"\n", b"\r\n\r\n", b"From: a@b.example", b"no header at all", b"\x00\xff", b"Subject",
    b"Content-Type: multipart/mixed\r\n\r\nhello", b"Message-ID: <>\r\n\r\n", b": x\n\ny",
    b"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\nhello",
    b"Content-Type: text/plain; charset=\"\"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
    b"Content-Type: text/html\r\n\r\n<a href='x", b"Date: Tue, 99 Foo 99999 99:99\r\n\r\n",
])  # fmt: skip
def test_broken_mails_are_read_as_far_as_they_go(raw: bytes) -> None:
    found = parse_email(raw)
    assert found.message_id == ""
    assert found.date == ""


def test_a_multipart_whose_boundary_is_missing_or_wrong_is_read() -> None:
    whole = multipart("mixed", text("您好"), file("a.txt", b"ABC"))
    for broken in (
        whole.replace(b"; boundary=b1", b""),
        whole.replace(b"boundary=b1", b"boundary=z"),
    ):
        found = parse_email(broken)
        assert found.text == "您好"
        assert names(found.attachments) == ["a.txt"]
        assert "boundary missing or wrong" in found.notes


def test_headers_survive_lines_that_are_none() -> None:
    raw = b"From ann Mon May 6\r\nFrom: a@b.example\r\nrubbish here\r\nSubject: x\r\n\r\nbody\r\n"
    found = parse_email(raw)
    assert (found.subject, found.text) == ("x", "body")
    old = parse_email(b"From: a@b.example\rSubject: x\r\rbody\r")
    assert (old.subject, old.text) == ("x", "body")


def test_what_is_cut_is_noted() -> None:
    limits = Limits(header=50, header_count=5, depth=2, parts=4, text=10, attachment=2)
    long = parse_email(mail("x" * 100, Subject="y" * 100), limits=limits)
    assert long.text == "x" * 10
    assert long.subject == "y" * 50
    assert set(long.notes) == {"header Subject cut", "text cut at 10 characters"}
    many = multipart("mixed", *[file(f"{i}.txt", b"ABC") for i in range(9)])
    found = parse_email(many, limits=limits)
    assert len(found.attachments) == 3
    assert found.attachments[0].content == b"AB"
    assert "more than 4 parts" in found.notes
    nested = multipart("mixed", text("deep"), boundary="b0")
    for level in range(1, 6):
        nested = multipart("mixed", nested, boundary=f"b{level}")
    assert "parts nested deeper than 2" in parse_email(nested, limits=limits).notes
    chain = " ".join(f"<{i}@x.example>" for i in range(9))
    assert parse_email(mail(References=chain), limits=Limits(references=3)).references == (
        "0@x.example", "7@x.example", "8@x.example")  # fmt: skip


def test_verdicts_come_from_the_trusted_host_alone() -> None:
    raw = mail(
        From="a@b.example",
        Authentication_Results="mx.own.example; spf=pass smtp.mailfrom=a@b.example;\r\n"
        " dkim=pass (good) header.d=b.example; dmarc=fail header.from=b.example",
    ).replace(b"From:", b"Authentication-Results: evil.example; dmarc=pass\r\nFrom:", 1)
    assert parse_email(raw).verdicts == ()
    found = parse_email(raw, trust=Trust(hosts=frozenset({"mx.own.example"})))
    assert [(v.method, v.result, v.domain) for v in found.verdicts] == [
        ("spf", "pass", "b.example"),
        ("dkim", "pass", "b.example"),
        ("dmarc", "fail", "b.example"),
    ]


def test_the_score_of_a_spam_filter_is_read() -> None:
    found = parse_email(mail(X_Spam_Flag="YES", X_Spam_Status="Yes, score=12.5 required=5.0"))
    assert (found.spam, found.spam_score) == (True, 12.5)
    assert parse_email(mail(X_Spam_Status="No, hits=-0.1")).spam_score == -0.1


HOSTILE = {
    "parts within parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(5000)
    ),
    "one boundary again and again": b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 50_000,
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 200_000,
    "almost boundaries": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bx" * 500_000,
    "many headers": b"".join(b"X-%d: y\n" % i for i in range(100_000)),
    "a huge header": b"Subject: " + b"=?utf-8?B?5LiT?= " * 300_000,
    "quotes that never close": b'To: ' + b'"\\' * 200_000,
    "many addresses": b"To: " + b"a@b.c, " * 200_000,
    "many parameters": b"Content-Type: text/plain; " + b"a*0*=x;" * 50_000,
    "many ids": b"References: " + b"<a@b> " * 50_000,
    "a word without end": b"References: " + b"a" * 500_000 + b"\n\n" + b"a" * 500_000,
    "carriage returns": b"\r" * 1_000_000,
    "quoted lines": b"From: a\n\n" + b"> a line of some length, quoted, again and again"
    b"\n" * 100_000,
    "blank lines": b"From: a\n\n" + b"\n" * 1_000_000,
    "nested tags": b"Content-Type: text/html\n\n" + b"<div><blockquote type=cite>x" * 50_000,
    "open formats": b"Content-Type: text/html\n\n" + b"<b><i><font color=a>" * 50_000,
    "ampersands": b"Content-Type: text/html\n\n" + b"&" * 1_000_000,
    "open comments": b"Content-Type: text/html\n\n" + b"<!--" * 250_000,
    "open attributes": b"Content-Type: text/html\n\n" + b"<a b=\"" * 150_000,
    "uuencode": b"From: a\n\n" + b"begin 644 a\n" * 80_000,
    "a bounce of codes": b"From: mailer-daemon@x\nSubject: Undelivered\n\n" + b"550 " * 250_000,
    "a bounce of words": b"From: mailer-daemon@x\nSubject: Undelivered\n\n" + b"mailbox user"
    b" " * 80_000,
    "shifts": b"Content-Type: text/plain; charset=iso-2022-cn\n\n" + b"\x0e\x0f" * 300_000,
    "a packet that lies": b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x01\x00"
    + b"\x01\x03\x90\x06\x00\xff\x00\x00\x00" + b"\xff" * 300_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_costs_what_its_length_costs(name: str) -> None:
    started = time.process_time()
    parse_email(HOSTILE[name])
    assert time.process_time() - started < 5


SHAPES = [
    mail(CHINESE, From="a@b.example", Subject="=?utf-8?B?55m75b2V?=", To='"x" <y@z.example>'),
    multipart("alternative", text("您好"), page("<div class=gmail_quote><p>q</p></div"
    ">"), From="a"),
    multipart("mixed", text("x", "gb2312"), file("a.txt", b"ABC"), mail(RETURNED,
              Content_Type="message/rfc822"), From="a@b.example"),
    report(),
]  # fmt: skip


@given(st.binary())
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    parse_email(raw)


@settings(max_examples=200)
@given(st.sampled_from(SHAPES), st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=9))))
def test_any_damage_is_borne(shape: bytes, wounds: list[tuple[int, bytes]]) -> None:
    raw = bytearray(shape)
    for at, damage in wounds:
        raw[at : at + len(damage)] = damage
    found = parse_email(bytes(raw))
    assert all(ord(letter) >= 32 for letter in found.subject)
    assert not any("/" in a.name or "\\" in a.name for a in found.attachments)
