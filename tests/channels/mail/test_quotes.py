"""The reply is what the writer wrote, in the habits of many programs and languages."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.quotes import split_reply

SAID = "还是登录不上，\n请再看看。"
ATTRIBUTIONS = [
    "On Mon, May 6, 2024 at 10:21 AM Help Desk <desk@shop.example> wrote:",
    "On 6 May 2024, at 10:21, Help Desk <desk@shop.example> wrote:",
    "On Mon, May 6, 2024 at 10:21 AM Help Desk\n<desk@shop.example> wrote:",
    "Help Desk <desk@shop.example> 于2024年5月6日周一 10:21写道：",
    "Help Desk <desk@shop.example>\n于2024年5月6日周一 10:21写道：",
    "在 2024年5月6日，上午10:21，Help Desk <desk@shop.example> 写道：",
    "在 2024/5/6 10:21, Help Desk 写道:",
    '在 2024-05-06 10:21:33，"客服" <desk@shop.example> 写道：',
    'At 2024-05-06 10:21:33, "客服" <desk@shop.example> wrote:',
    "於 2024年5月6日 週一 上午10:21 寫道：",
    "Help Desk <desk@shop.example> 於 2024年5月6日 週一 上午10:21寫道：",
    "Am 06.05.2024 um 10:21 schrieb Help Desk <desk@shop.example>:",
    "Help Desk <desk@shop.example> schrieb am Mo., 6. Mai 2024\num 10:21 Uhr:",
    "Le lun. 6 mai 2024 à 10:21, Help Desk <desk@shop.example> a écrit :",
    "El lun, 6 may 2024 a las 10:21, Help Desk (<desk@shop.example>) escribió:",
    "Em seg., 6 de mai. de 2024 às 10:21, Help Desk <desk@shop.example> escreveu:",
    "Il giorno lun 6 mag 2024 alle ore 10:21 Help Desk <desk@shop.example> ha scritto:",
    "Op ma 6 mei 2024 om 10:21 schreef Help Desk <desk@shop.example>:",
    "Den mån 6 maj 2024 kl 10:21 skrev Help Desk <desk@shop.example>:",
    "man. 6. maj 2024 kl. 10.21 skrev Help Desk <desk@shop.example>:",
    "ma 6. toukok. 2024 klo 10.21 Help Desk (desk@shop.example) kirjoitti:",
    "pon., 6 maj 2024 o 10:21 Help Desk <desk@shop.example> napisał(a):",
    "пн, 6 мая 2024 г. в 10:21, Help Desk <desk@shop.example>:",
    "06.05.2024, 10:21, Help Desk пишет:",
    "2024年5月6日(月) 10:21 Help Desk <desk@shop.example>:",
    "2024년 5월 6일 (월) 오전 10:21, Help Desk <desk@shop.example>님이 작성:",
    "---- On Mon, 06 May 2024 10:21:33 +0800 desk@shop.example wrote ----",
    "On Thursday, June 27, 2013, desk via Shop wrote:",
    "2015-10-12 12:30 GMT+02:00 Help Desk <desk@shop.example>:",
    "Help Desk hat am 6. Mai 2024 um 10:21 geschrieben:",
    "Op 6 mei 2024 om 10:21 heeft Help Desk <desk@shop.example> het volgende geschreven:",
    "21 мая 2024 г., 10:21 пользователь Help Desk <desk@shop.example> написал:",
    "Четверг, 6 мая 2024, 10:21 +03:00 от Help Desk <desk@shop.example>:",
    "Help Desk <desk@shop.example>, 6 May 2024 Pzt, 10:21 tarihinde şunu yazdı:",
    "Help Desk <desk@shop.example> ezt írta (időpont: 2024. máj. 6., H, 10:21):",
    "po 6. 5. 2024 v 10:21 odesílatel Help Desk <desk@shop.example> napsal:",
    "În lun., 6 mai 2024 la 10:21, Help Desk <desk@shop.example> a scris:",
    "Στις Δευ, 6 Μαΐ 2024 στις 10:21 ο/η Help Desk <desk@shop.example> έγραψε:",
    "\u202bבתאריך יום ב׳, 6 במאי 2024 ב-10:21 מאת \u202aDesk\u202c "
    "<\u202adesk@shop.example\u202c>:\u202c",
    "Vào 10:21 Th 2, 6 thg 5, 2024 Help Desk <desk@shop.example> đã viết:",
    "Pada tanggal Sen, 6 Mei 2024 pukul 10.21 Help Desk <desk@shop.example> menulis:",
    "ในวันที่ จ. 6 พ.ค. 2024 10:21 Help Desk <desk@shop.example> เขียนว่า:",
    "пн, 6 трав. 2024 р. о 10:21 Help Desk <desk@shop.example> пише:",
]
HEADERS = [
    "From: Help Desk <desk@shop.example>\nSent: Monday, May 6, 2024 10:21\nTo: Ann\nSubject: Hi",
    "发件人: 客服 <desk@shop.example>\n发送时间: 2024年5月6日 10:21\n收件人: 王芳\n主题: 您好",
    "发件人：客服\n发送时间：2024-05-06 10:21\n收件人：王芳\n抄送：\n主题：您好",
    "发 件 人：客服 <desk@shop.example>\n发送日期：2024-05-06 10:21\n收 件 人：王芳\n主 题：您好",
    "寄件者: 客服 <desk@shop.example>\n寄件日期: 2024年5月6日 上午\n收件者: 王芳\n主旨: 您好",
    "*From:* Help Desk [mailto:desk@shop.example]\n*Sent:* Monday\n*To:* Ann\n*Subject:* Hi",
    "Von: Help Desk <desk@shop.example>\nGesendet: Montag, 6. Mai 2024\nAn: Ann\nBetreff: Hallo",
    "De : Help Desk <desk@shop.example>\nEnvoyé : lundi 6 mai 2024\nÀ : Ann\nObjet : Bonjour",
    "De: Help Desk <desk@shop.example>\nEnviado el: lunes\nPara: Ann\nAsunto: Hola",
    "差出人: Help Desk <desk@shop.example>\n送信日時: 2024年5月6日\n宛先: Ann\n件名: こんにちは",
    "보낸 사람: Help Desk <desk@shop.example>\n보낸 날짜: 2024년\n받는 사람: Ann\n제목: 안녕",
]
RULES = [
    "------------------ 原始邮件 ------------------",
    "------------------&nbsp;原始邮件&nbsp;------------------",
    "-----邮件原件-----",
    "-------- 原始郵件 --------",
    "---- 回复的原邮件 ----",
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "________________________________",
    "------------------------------------------------------------------",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("mark", ["> ", ">", ""])
def test_what_follows_an_attribution_is_quotation(attribution: str, mark: str) -> None:
    text = f"{SAID}\n\n{attribution}\n\n{mark}请重试一次。\n{mark}\n{mark}客服"
    split = split_reply(text)
    assert split.reply == SAID
    assert split.quoted


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_the_answer_may_stand_below_the_quotation(attribution: str) -> None:
    assert split_reply(f"{attribution}\n> 请重试一次。\n> 客服\n\n{SAID}\n").reply == SAID


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("rule", ["", *RULES])
def test_headers_of_an_earlier_mail_begin_the_quotation(headers: str, rule: str) -> None:
    assert split_reply(f"{SAID}\n\n\n{rule}\n{headers}\n\n请重试一次。\n").reply == SAID


@pytest.mark.parametrize("signature", [
    "发自我的 iPhone", "发自我的华为手机", "發自我的 iPad", "Sent from my Galaxy",
    "Get Outlook for iOS<https://example.com/o>", "Von meinem iPhone gesendet",
    "Envoyé de mon iPhone", "Enviado desde mi iPhone", "iPhoneから送信", "나의 iPhone에서 보냄",
    "从 Outlook for Android 发送", "Sent from Yahoo Mail for iPhone", "来自我的小米手机",
    "-- \n王芳\n示例公司 销售部\n电话 021-5555 0100", "--\nAnn Lee",
    "Best regards,\nAnn Lee\nExample Ltd", "Mit freundlichen Grüßen\nAnn Lee", "Mvh\nAnn",
])  # fmt: skip
def test_signatures_are_left_out(signature: str) -> None:
    assert split_reply(f"{SAID}\n\n{signature}\n").reply == SAID
    quoted = "在 2024-05-06 10:21:33，客服 <desk@shop.example> 写道：\n> 请重试"
    assert split_reply(f"{SAID}\n\n{signature}\n\n{quoted}\n").reply == SAID


@pytest.mark.parametrize("text", [
    "> 哪个版本？\n5.2\n> 什么系统？\nWindows",
    "有三点：\n- 登录慢\n- 报错\n--- 第二部分\n还有发票",
    "Thanks,\nAnn",
    "On Monday I wrote to you twice, and nobody answered.",
    "发票抬头如下\n公司：示例公司\n税号：123",
    "From the beginning: it never worked.\nTo be clear: I want my money back.",
    "他在电话里写道歉信的事我不想再提。",
    "时间：周一\n地点：上海",
    "收到\n\n王芳",
    "From: Beijing\nTo: Shanghai\nplease change my ticket",
    "寄件人：张三\n寄件日期：五月六日\n收件人：李四\n收件地址：北京",
    "第一部分如下。\n---------\n第二部分：请退款\n谢谢",
    "订单信息\n------\n订单号 12345\n收件人 王芳",
    "我的邮箱是：\nwang@x.example",
    "As Ann wrote:\n> it works\nit does not, and as Bob wrote:\n> it never did\nso what now?",
])  # fmt: skip
def test_people_s_own_words_stay(text: str) -> None:
    split = split_reply(text)
    assert split.reply == text
    assert not split.quoted


def test_answers_within_the_quotation_stay_with_what_they_answer() -> None:
    text = (
        "On Mon, May 6, 2024 at 10:21 Help Desk <desk@shop.example> wrote:\n"
        "> Which version?\n5.2\n\n> Which system?\nWindows 11\n"
    )
    assert split_reply(text).reply == "> Which version?\n5.2\n\n> Which system?\nWindows 11"


def test_a_quoted_line_that_was_broken_is_still_quoted() -> None:
    text = (
        "好的\n\nOn Mon, May 6, 2024 at 10:21 Help Desk <desk@shop.example> wrote:\n"
        "> this line was too long for the program that sent it and so it was\nbroken here\n> end\n"
    )
    assert split_reply(text).reply == "好的"


@pytest.mark.parametrize("marker", [
    "## 请在此线以上回复 ##", "##- Please type your reply above this line -##",
    "=== 請在此線以上回覆 ===",
])  # fmt: skip
def test_our_own_line_ends_the_reply(marker: str) -> None:
    assert split_reply(f"{SAID}\n\n{marker}\n\n您好，工单已更新。").reply == SAID
    assert split_reply(f"{SAID}\n\n> {marker}\n> 您好").reply == SAID


EARLIER = {
    "netease on a telephone": "| |\n王芳\n|\n|\nwang@x.example\n|\n---- 回复的原邮件 ----\n"
    "| 发件人 | 客服<desk@x.example> |\n| 发送日期 | 2024年5月6日 |\n| 主题 | Re: x |\n请重试",
    "a table of headers": "| 发件人 | 客服<desk@x.example> |\n| 日期 | 2024年05月06日 |\n| 主题 "
                          "| x |\n请重试",
    "foxmail": "\n\nwang@x.example\n \n发件人： 客服\n发送时间： 2024-05-06 10:21\n收件人： 王芳\n"
    "主题： Re: x\n请重试",
    "qq in English": "------------------ Original ------------------\nFrom: \"desk\"<desk@x."
                     "example>;\n"
    "Date: Mon, May 6, 2024\nTo: \"me\"<m@x.example>;\nSubject: Re: x\n\nretry",
    "wecom": "---Original---\nFrom: \"desk\"<desk@x.example>\nDate: Mon\nSubject: Re: x\n\nretry",
    "lark": "发件人：\"客服\"<desk@x.example>\n日期：2024年5月6日 (周一) 10:21\n主题：Re: x\n请"
            "重试",
    "yahoo zh-Hant": "    在 2024年5月6日 星期一 上午10:21:33 [GMT+8]， 客服<desk@x.example> 寫"
                     "道：  \n \n請重試",
    "notes": "发件人:  客服/X\n收件人:  w@x.example, \n日期:  2024/05/06 10:21\n主题:  Re: x"
             "\n\n请重试",
    "a date and an address": "2013/10/2 Help Desk <desk@shop.example>\n> 请重试",
    "a name alone": "客服 写道：\n> 请重试\n> 再试",
    "a card under a rule": "_______________\n王芳\n示例公司 销售部\n电话 021-5555 0100",
    "a desk of programmers": "—\nReply to this email directly or view it on GitHub.",
    "a forum": "---\n*Previous Replies*\n\n以前的话",
}  # fmt: skip


@pytest.mark.parametrize("program", EARLIER)
def test_habits_of_programs(program: str) -> None:
    assert split_reply(f"{SAID}\n\n{EARLIER[program]}\n").reply == SAID


def test_a_disclaimer_and_a_list_s_footer_are_left_out() -> None:
    notice = (
        "This e-mail and any attachments are confidential and intended solely for the addressee."
    )
    assert split_reply(f"{SAID}\n\n{notice}\n").reply == SAID
    footer = "_" * 47 + "\nusers mailing list\nusers@lists.example\nhttps://lists.example/listinfo"
    assert split_reply(f"{SAID}\n\n{footer}\n").reply == SAID


@pytest.mark.parametrize("text", ["", " \n\n", "> 只有引用", "发自我的 iPhone", "-- \n王芳"])
def test_what_would_leave_nothing_is_kept(text: str) -> None:
    assert split_reply(text).reply == text.strip()


@pytest.mark.parametrize("piece", [
    "On ", "On \n", "> ", ">\n", "\n", "wrote:\n", "From: a\n", "写道：", "a@b.c, ", "-----\n",
    "On 2024-01-01 10:00 <a@b.c>\n", "x@y.z,\n", "<", "1:00 \n", "a:\n",
    "> a quoted line that is long enough to be taken for a broken one, it is\nx\n",
])  # fmt: skip
def test_a_hostile_text_costs_what_its_length_costs(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    started = time.process_time()
    split_reply(text)
    assert time.process_time() - started < 5


LINES = st.lists(
    st.sampled_from(
        [*ATTRIBUTIONS, *HEADERS, *RULES, SAID, "> 引用", "", "-- ", "好的", "> > 再引"]
    )
)


@given(LINES)
def test_a_reply_is_made_of_lines_of_the_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    reply = split_reply(text).reply
    assert bool(reply.strip()) == bool(text.strip())
    written = [line.rstrip() for line in text.split("\n")]
    assert all(line.rstrip() in written or not line.strip() for line in reply.split("\n"))


@given(st.text())
def test_any_text_can_be_split(text: str) -> None:
    split_reply(text)
