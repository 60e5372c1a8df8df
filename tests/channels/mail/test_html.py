"""HTML becomes text that people can read, and markup that harms nobody."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.html_text import render
from channels.mail.markup import tokens
from channels.mail.parsing import parse_email
from channels.mail.safe_html import safe_html
from tests.channels.mail.samples import mail, multipart, page, text


def shown(source: str) -> str:
    return render(tokens(source)).text


def safe(source: str) -> str:
    return safe_html(tokens(source)).markup


@pytest.mark.parametrize(("source", "expected"), [
    ("<p>one</p><p>two</p>", "one\n\ntwo"), ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
    ("<div>one</div><div>two</div>", "one\ntwo"), ("a &lt;b&gt; &amp;&nbsp;c", "a <b> & c"),
    ("<ul><li>a<li>b</ul><ol><li>c<li>d</ol>", "- a\n- b\n\n1. c\n2. d"),
    ("<table><tr><td>1<td>2<tr><td>3<td>4</table>", "1  2\n3  4"),
    ('<a href="https://x.example/p">这里</a>', "这里 <https://x.example/p>"),
    ('<a href="https://x.example/">x.example</a>', "x.example"),
    ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc"),
    ("<pre>a\n  b</pre>", "a\n  b"), ("a<style>p{}</style><script>1<2</script>b", "ab"),
    ('<div style="display:none">x</div>y', "y"), ("<img alt=合影>", "[合影]"),
    ("x <!-- <b>no</b> --> y", "x y"), ("1 < 2 <b>bold", "1 < 2 bold"),
    ('<b x="never closed>text is <i>kept', "text is kept"),
])  # fmt: skip
def test_text(source: str, expected: str) -> None:
    assert shown(source) == expected


@pytest.mark.parametrize("source", [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>", "<a href=' java\nscript:alert(1)'>x</a>",
    "<iframe src=//evil.example></iframe>", "<img src='data:text/html,<script>1</script>'>",
    "<p style='background:url(//evil.example/x)'>x</p>", "<meta http-equiv=refresh content=0>",
    "<div style='position:fixed;top:0'>x</div>", "<form action=//evil.example><input></form>",
    "<p style='width:expression(alert(1))'>x</p>", "<base href=//evil.example>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", "<link rel=stylesheet "
     "href=x>",
    "<table background='//evil.example/x'><tr><td>x</table>", "<object data=x></object>",
    "<b onmouseover=alert(1)>x</b>", "<img src='//evil.example/p.gif'>", "<p id=x class=y name=z"
     ">x",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
])  # fmt: skip
def test_nothing_runs_loads_or_escapes(source: str) -> None:
    written = safe(source)
    assert not re.search(
        r"(?i)<(script|svg|iframe|meta|form|base|link|object|style|math)|\son\w+=|javascript:|"
        r"expression|url\(|\ssrc=\"(?!cid:|data:image/)|position|background=|\sid=|class=",
        written,
    )


def test_what_is_harmless_stays() -> None:
    source = (
        '<p style="color: red; background-image: url(x)">a <b>b</b></p>'
        '<a href="https://x.example/?a=1&amp;b=2">c</a><img src="cid:logo@x" alt="d">'
    )
    assert safe(source) == (
        '<p style="color:red">a <b>b</b></p><a href="https://x.example/?a=1&amp;b=2" '
        'target="_blank" rel="noopener noreferrer nofollow">c</a><img src="cid:logo@x" alt="d">'
    )


def test_pictures_on_the_web_wait_until_they_are_asked_for() -> None:
    found = safe_html(tokens('<img src="https://x.example/a.png" width="9">'))
    assert found.markup == '<img width="9" data-remote-src="https://x.example/a.png">'
    assert found.remote_images
    assert not safe_html(tokens('<img src="cid:a">')).remote_images


TAGS = st.lists(st.sampled_from([
    "<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<table>", "<tr>", "<td>", "</table>", "<li>",
    "<ul>", "</ul>", "<a href='https://x.example'>", "</a>", "<blockquote>", "text", " ", "&amp;",
    "<br>", "<img src=https://x.example/a>", "<font color=red"
     ">", "<pre>", "\n", "<x>", "<!--", "-->",
    '<td style="color:red;width:1px"'
    '>', "<", "&", '"', "'", ">", "<h1>", "<center>", "</h1>", "\xa0",
]))  # fmt: skip


@given(TAGS)
def test_safe_markup_is_safe_again_without_change(pieces: list[str]) -> None:
    once = safe("".join(pieces))
    assert safe(once) == once
    assert "<x" not in once


@given(st.text())
def test_any_text_is_a_page(source: str) -> None:
    found = list(tokens(source))
    render(found)
    safe_html(found)


QUOTED = "<p>请重试</p><p>客服</p>"
PROGRAMS = {
    "gmail": '<div dir="ltr">还是不行</div><br><div class="gmail_quote"><div class="gmail_attr">'
    "客服 &lt;desk@shop.example&gt; 于2024年5月6日周一 10:21写道：<br></div>"
    f'<blockquote class="gmail_quote">{QUOTED}</blockquote></div>',
    "apple": '还是不行<br><div><br><blockquote type="cite"><div>在 2024年5月6日，10:21，客服 写'
    "道：</div>"
    f"{QUOTED}</blockquote></div>",
    "thunderbird": '<p>还是不行</p><div class="moz-cite-prefix">在 2024/5/6 10:21, 客服 写道:<br'
    "></div>"
    f'<blockquote type="cite" cite="mid:x">{QUOTED}</blockquote>',
    "outlook": '<div class="WordSection1"><p class="MsoNormal">还是不行</p><div style="border:'
    "none;"
    'border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal"><b>发件人:</b> 客服 &lt;desk@shop.'
    "example&gt;"
    "<br><b>发送时间:</b> 2024年5月6日<br><b>收件人:</b> 王芳<br><b>主题:</b> 您好</p></div>"
    f"{QUOTED}</div>",
    "outlook on the web": '<div>还是不行</div><div id="appendonsend"></div><hr><div id="'
    'divRplyFwdMsg">'
    f"<b>From:</b> desk<br><b>Sent:</b> Monday<br><b>Subject:</b> x</div>{QUOTED}",
    "qq": "<div>还是不行</div><div><includetail><div>------------------ 原始邮件 ---------------"
    "---</div>"
    '<div><b>发件人:</b> "客服"&lt;desk@shop.example&gt;;</div><div><b>发送时间:</b> 2024年</div>'
    f"<div><b>主题:</b> 您好</div>{QUOTED}</includetail></div>",
    "foxmail": '<div>还是不行</div><blockquote style="margin-left:0.5em"><div>&nbsp;</div><div>'
    "<b>发件人：</b> 客服</div><div><b>发送时间：</b> 2024-05-06</div><div><b>收件人：</b> 王芳<"
    "/div>"
    f"<div><b>主题：</b> 您好</div>{QUOTED}</blockquote>",
    "netease": '<div>还是不行</div><br><div id="isReplyContent">在 2024-05-06 10:21:33，"客服" '
    f"&lt;desk@shop.example&gt; 写道：<br><blockquote>{QUOTED}</blockquote></div>",
    "netease master": '<div>还是不行</div><div id="ntes-pcmail-quote"><div>---- 回复的原邮件 ---'
    "-</div>"
    "<table><tr><td>发件人</td><td>客服&lt;desk@shop.example&gt;</td></tr></table>"
    f"<blockquote>{QUOTED}</blockquote></div>",
    "aliyun": "<div>还是不行</div><blockquote><div>---------------------------------------------"
    "---"
    "------------------</div><div>发件人：客服 &lt;desk@shop.example&gt;</div><div>发送时间：202"
    "4年5月6日"
    f"</div><div>收件人：王芳</div><div>主　题：您好</div>{QUOTED}</blockquote>",
    "yahoo": '<div>还是不行</div><div id="ydp1yahoo_quoted_1" class="yahoo_quoted"><div>On '
    "Monday, May 6, "
    f"2024, desk &lt;desk@shop.example&gt; wrote:</div>{QUOTED}</div>",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_reply_is_found_in_the_markup_of_programs(program: str) -> None:
    source = PROGRAMS[program]
    assert parse_email(multipart("alternative", page(source))).reply == "还是不行"
    plain = shown(source)
    both = parse_email(multipart("alternative", text(plain), page(source)))
    assert both.reply == "还是不行"
    assert "请重试" in both.text


def test_answers_within_gmail_s_quotation_are_kept() -> None:
    source = (
        '<div class="gmail_quote"><div class="gmail_attr">On Mon, May 6, 2024 at 10:21 desk '
        '&lt;desk@shop.example&gt; wrote:<br></div><blockquote class="gmail_quote">哪个版本？'
        '</blockquote><div>5.2</div><blockquote class="gmail_quote">什么系统？</blockquote>'
        "<div>Windows</div></div>"
    )
    reply = parse_email(multipart("alternative", page(source))).reply
    assert re.sub(r"\s+", " ", reply) == "> 哪个版本？ 5.2 > 什么系统？ Windows"


def test_a_signature_that_the_markup_names_is_left_out() -> None:
    source = '<div>好的</div><div class="gmail_signature"><div>王芳</div><div>示例公司</div></div>'
    assert parse_email(mail(source, Content_Type="text/html; charset=utf-8")).reply == "好的"
