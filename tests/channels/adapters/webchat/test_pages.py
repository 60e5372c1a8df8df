"""The widget's script as it is served, and the demo page."""

import gzip
import re
import shutil
import subprocess

import aiohttp
import pytest

from channels.adapters.webchat import CHANNEL
from channels.adapters.webchat.pages import load_script
from channels.testing import INBOX, serve
from tests.channels.adapters.webchat.shop import Shop

LARGEST_SCRIPT = 25_000


async def test_the_script_is_small_and_cached(http: aiohttp.ClientSession, shop: Shop) -> None:
    url = f"{shop.url}/widget.js"
    async with http.get(url, headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as answer:
        packed = await answer.read()
        headers = answer.headers
    assert len(packed) <= LARGEST_SCRIPT
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"].startswith("public, max-age=300")
    assert headers["Vary"] == "Accept-Encoding"
    async with http.get(url, headers={"Accept-Encoding": "identity"}) as answer:
        plain = await answer.read()
        assert "Content-Encoding" not in answer.headers
    assert gzip.decompress(packed) == plain
    async with http.get(url, headers={"If-None-Match": headers["ETag"]}) as answer:
        assert answer.status == 304
        assert await answer.read() == b""
    async with http.get(url, headers={"If-None-Match": '"other"'}) as answer:
        assert answer.status == 200


def test_the_script_is_whole() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (Debian: apt-get install nodejs)")
    checked = subprocess.run(
        [node, "--check", "-"], input=load_script().content, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr.decode()


def test_the_script_never_writes_markup() -> None:
    script = load_script().content.decode()
    for dangerous in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert dangerous not in script
    assert "%STYLE%" not in script
    assert ":host{" in script.replace(" ", "")


@pytest.mark.parametrize(
    ("query", "accepted", "language", "words"),
    [
        ("?lang=zh-Hans", "en", "zh-Hans", "一家就够"),
        ("?lang=zh-TW", "en", "zh-Hant", "一家就夠"),
        ("", "zh-HK,en;q=0.5", "zh-Hant", "一家就夠"),
        ("", "fr, en;q=0.5", "en", "from one house"),
        ("?lang=%3Cscript%3E", "", "en", "from one house"),
    ],
)
async def test_the_demo_page_speaks_three_languages(
    http: aiohttp.ClientSession,
    shop: Shop,
    query: str,
    accepted: str,
    language: str,
    words: str,
) -> None:
    async with http.get(
        f"{shop.url}/demo{query}", headers={"Accept-Language": accepted}
    ) as answer:
        page = await answer.text()
        headers = answer.headers
    assert f'<html lang="{language}">' in page
    assert words in page
    assert f'data-inbox="{INBOX}"' in page
    assert headers["Content-Language"] == language
    assert "<script>" not in page


async def test_the_demo_page_runs_nothing_inline(http: aiohttp.ClientSession, shop: Shop) -> None:
    async with http.get(f"{shop.url}/demo") as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert f"ws://127.0.0.1:{shop.port}" in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:", page)
    async with http.get(f"{shop.url}/demo", headers={"Host": "evil; script-src *"}) as answer:
        assert "evil" not in answer.headers["Content-Security-Policy"]


async def test_the_demo_page_has_a_sign_in_the_tab(
    http: aiohttp.ClientSession, shop: Shop
) -> None:
    async with http.get(f"{shop.url}/demo") as answer:
        link = re.search(r'<link rel="icon" href="([^"]+)"', await answer.text())
    assert link is not None
    async with http.get(f"{shop.url}/{link[1]}") as answer:
        assert answer.content_type == "image/svg+xml"
        assert (await answer.text()).startswith("<svg")


async def test_the_demo_page_without_an_inbox(http: aiohttp.ClientSession) -> None:
    async with (
        serve(CHANNEL) as address,
        http.get(f"{address}/demo?lang=en") as answer,
    ):
        page = await answer.text()
    assert "No web chat inbox is enabled" in page
    assert "widget.js" not in page
