"""Mail in the console: a mailbox is set up and tried out, a hostile mail is read and answered.

Screenshots go where those of `test_walk` go.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.accessibility import find_faults
from tests.channels.adapters.email.post import read
from tests.conftest import running
from tests.journeys.gateway import GatewayProcess
from tests.journeys.test_walk import CONSOLE, PATIENCE, Desk, shoot
from tests.mail_servers import PASSWORD, USER, DovecotServer, SmtpSink

pytestmark = pytest.mark.browser

WANG = "王芳 <wang@qingchuan.example>"
LI = "李雷 <li@qingchuan.example>"
HOSTILE = """\
<html><head><base href="{trap}/base/"><meta http-equiv="refresh" content="0;url={trap}/refresh">
<link rel="stylesheet" href="{trap}/sheet.css">
<style>@import url({trap}/import.css); body {{ background: url({trap}/paper.png) }}</style>
<script>parent.document.title = 'owned'; fetch('{trap}/script')</script></head>
<body onload="top.location = '{trap}/load'" background="{trap}/back.png">
<h2 style="color: #1d3557">订单 A-1001</h2><p>您好，我的订单已付款三天，仍未<b>发货</b>。</p>
<img src="x" onerror="parent.postMessage('owned', '*')">
<svg onload="alert(1)"><script>alert(2)</script><image href="{trap}/svg.png"/></svg>
<div style="position: fixed; inset: 0; z-index: 99999; background: red">overlay</div>
<form action="{trap}/form"><input name="password"><button>Sign in</button></form>
<a href="javascript:alert(3)">a</a> <a href="data:text/html,<script>alert(4)</script>">b</a>
<iframe src="{trap}/frame"></iframe><object data="{trap}/object"></object>
<embed src="{trap}/embed"><video src="{trap}/video" autoplay></video>
<table border="1"><tr><th>商品</th><th>数量</th></tr><tr><td>签章 Key</td><td>2</td></tr></table>
<p style="font-size: 13px">谢谢！<br>王芳</p>
<p><img src="{trap}/pixel.png" width="1" height="1"></p>{filling}</body></html>"""
NOTHING_OF = "script,style,form,input,iframe,object,embed,video,svg,link,base,[onload],[onerror]"


class Trap:
    """Whatever the mail wants to fetch is on this server; it remembers who came."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Trap]:
        """Listens on a free port."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield self
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode("latin-1")
        self.paths.append(line.partition(" ")[2].partition(" ")[0])
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


@pytest.fixture
def dovecot() -> Iterator[DovecotServer]:
    with ExitStack() as stack:
        yield running(DovecotServer, stack)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    if not CONSOLE.exists():
        reason = "the console is not built (make console; it needs npm)"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    process = GatewayProcess(tmp_path)
    process.start()
    yield process
    process.close()


def hostile(trap: str) -> bytes:
    """A mail that tries all it can."""
    made = EmailMessage()
    made["From"], made["To"], made["Cc"] = WANG, USER, LI
    made["Subject"] = "订单没有发货"
    made["Message-ID"] = "<hostile-1@qingchuan.example>"
    made["Authentication-Results"] = "mx.shop.example; spf=fail; dkim=pass; dmarc=pass"
    made.set_content("您好，我的订单没有发货。")
    filling = "<p>.</p>" * 200
    made.add_alternative(HOSTILE.format(trap=trap, filling=filling), subtype="html")
    return made.as_bytes()


async def open_desk(chromium: Browser, gateway: GatewayProcess) -> Desk:
    context = await chromium.new_context(
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport={"width": 1440, "height": 900},
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    desk = Desk(page)
    await desk.sign_in(gateway.url)
    return desk


async def set_up(desk: Desk, dovecot: DovecotServer, sink: SmtpSink, folder: Path) -> None:
    """Through the form: a provider's preset, our own servers, a wrong and a right password."""
    page = desk.page
    await page.goto(page.url.partition("/console/")[0] + "/console/administration/inboxes")
    await desk.part("inbox-add").click()
    await desk.part("inbox-kind").click()
    await page.get_by_role("option", name="电子邮件").click()
    await page.locator("label", has=desk.part("preset-163")).click()
    await expect(desk.part("setting-imap_host")).to_have_value("imap.163.com")
    await expect(desk.part("preset-help")).to_contain_text("授权码")
    await shoot(page, folder, "mailbox")
    await page.locator("label", has=desk.part("preset-custom")).click()
    await desk.part("inbox-name").fill("售后邮箱")
    await desk.part("setting-address").fill(USER)
    await desk.part("setting-password").fill("wrong")
    await desk.part("setting-imap_host").fill("127.0.0.1")
    await desk.part("setting-imap_port").locator("input").fill(str(dovecot.port))
    await desk.part("setting-smtp_host").fill("127.0.0.1")
    await desk.part("setting-smtp_port").locator("input").fill(str(sink.port))
    await desk.part("setting-smtp_security").click()
    await page.get_by_role("option", name="不加密").click()
    await desk.part("more-").click()
    await desk.part("setting-certificates").fill(str(dovecot.certificate))
    await desk.part("more-incoming").click()
    await desk.part("setting-trusted_host").fill("mx.shop.example")
    await desk.part("setting-first_days").locator("input").fill("1")
    await page.locator("label.switch", has_text="机器人").click()

    await desk.part("inbox-test").click()
    failed = desk.part("test-step").last
    await expect(failed).to_have_attribute("data-ok", "false")
    await expect(failed).to_contain_text("密码")
    await desk.part("setting-password").fill(PASSWORD)
    await desk.part("inbox-test").click()
    steps = page.locator('[data-testid="test-step"][data-ok="true"]')
    await expect(steps).to_have_count(3)
    await expect(page.locator('[data-testid="test-step"][data-ok="false"]')).to_have_count(0)
    await desk.part("inbox-save").click()
    await expect(desk.part("inbox-save")).to_be_hidden()
    assert not sink.mails, "a trial sends nothing"


async def test_a_mailbox_is_set_up_and_a_hostile_mail_read_and_answered(
    dovecot: DovecotServer, gateway: GatewayProcess, chromium: Browser, tmp_path: Path
) -> None:
    expect.set_options(timeout=PATIENCE)
    async with SmtpSink().running() as sink, Trap().running() as trap:
        desk = await open_desk(chromium, gateway)
        await set_up(desk, dovecot, sink, tmp_path)
        dovecot.deliver(hostile(trap.url))
        await read_safely(desk, gateway, trap)
        await shoot(desk.page, tmp_path, "mail")
        await answer(desk, sink)
        desk.page.on("dialog", lambda found: pytest.fail(found.message))
        await desk.part("show-pictures").click()
        async with asyncio.timeout(20):
            while not trap.paths:
                await asyncio.sleep(0.05)
        assert set(trap.paths) == {"/pixel.png"}, "pictures alone, when they are asked for"
    assert gateway.terminate() == 0


async def read_safely(desk: Desk, gateway: GatewayProcess, trap: Trap) -> None:
    """The mail is there, legible, and nothing of what it tried came about."""
    page = desk.page
    strange: list[str] = []
    page.on("dialog", lambda found: strange.append(found.message))
    page.on("popup", lambda found: strange.append(found.url))
    page.on("request", lambda wish: strange.append(wish.url) if is_foreign(wish.url) else None)
    ours = f"{gateway.url}/console/"

    def is_foreign(url: str) -> bool:
        return not url.startswith((gateway.url, "data:", "blob:"))

    await page.evaluate("addEventListener('message', (e) => (window.told ??= []).push(e.data))")
    await desk.open_first("all", "王芳")
    frame = desk.part("mail-frame")
    await expect(frame).to_be_visible()
    await expect(page.locator(".glass")).to_have_attribute("data-measured", "true")
    sandbox = (await frame.get_attribute("sandbox") or "").split()
    assert not {"allow-scripts", "allow-same-origin", "allow-forms"} & set(sandbox)
    inside = await page.evaluate(
        """(parts) => {
          const doc = document.querySelector('.gauge').contentDocument
          const shown = document.querySelector('.shown').getBoundingClientRect()
          const fixed = [...doc.querySelectorAll('*')].filter(
            (e) => ['fixed', 'absolute', 'sticky'].includes(getComputedStyle(e).position))
          return {
            text: doc.body.innerText, bad: doc.body.querySelectorAll(parts).length,
            links: [...doc.links].map((a) => a.href), fixed: fixed.length,
            fits: shown.height >= doc.documentElement.scrollHeight,
          }
        }""",
        NOTHING_OF,
    )
    assert "仍未发货" in inside["text"]
    assert (inside["bad"], inside["fixed"], inside["links"]) == (0, 0, [])
    assert inside["fits"]
    assert await page.evaluate("window.told ?? []") == []
    assert page.url.startswith(ours)
    assert await page.title() != "owned"
    assert (strange, trap.paths) == ([], [])
    verdicts = desk.part("verdict")
    await expect(verdicts).to_have_count(3)
    await expect(verdicts.first).to_contain_text("未通过")
    assert "\n".join(await find_faults(page)) == ""
    await page.emulate_media(color_scheme="dark")
    assert "\n".join(await find_faults(page)) == ""
    await page.emulate_media(color_scheme="light")


async def answer(desk: Desk, sink: SmtpSink) -> None:
    """Rich text to the writer, with the others in Cc."""
    page = desk.page
    await expect(desk.part("letter-line")).to_contain_text("李雷")
    text = desk.part("rich-text")
    await text.click()
    await page.keyboard.type("您好，")
    await page.keyboard.press("Control+b")
    await page.keyboard.type("今天发货")
    await desk.part("send").click()
    await expect(desk.messages("agent", "今天发货")).to_have_count(1)
    async with asyncio.timeout(20):
        while not sink.mails:
            await asyncio.sleep(0.05)
    sent = read(sink.mails[0].content)
    assert str(sent["In-Reply-To"]) == "<hostile-1@qingchuan.example>"
    assert "li@qingchuan.example" in str(sent["Cc"])
    markup = sent.get_body(("html",))
    assert markup is not None
    assert "<strong>今天发货</strong>" in markup.get_content()
