"""The landing page, the documentation and the built console."""

import re
from pathlib import Path
from typing import NoReturn

import pytest
from aiohttp import ClientSession
from typing_extensions import override

from bot.knowledge import ArticleIndex
from gateway.http.app import ENDPOINTS
from intents.model import Language
from tests.gateway.http.place import Opener, Place


async def fetch(place: Place, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    async with (
        ClientSession() as session,
        session.get(
            place.server.make_url("/")
            .with_path(path.partition("?")[0], encoded=True)
            .with_query(path.partition("?")[2]),
            headers=headers,
            allow_redirects=False,
        ) as response,
    ):
        return response.status, await response.text(), dict(response.headers)


@pytest.mark.parametrize(
    ("path", "accepted", "words"),
    [
        ("/", "", "Answer as an agent"),
        ("/", "zh-CN,zh;q=0.9,en;q=0.8", "以坐席身份答复"),
        ("/", "zh-TW,en", "以客服身分答覆"),
        ("/", "fr,en-GB", "Answer as an agent"),
        ("/?lang=zh-Hant", "en", "以客服身分答覆"),
        ("/?lang=<script>", "en", "Answer as an agent"),
    ],
)
async def test_the_landing_page_speaks_three_languages(
    place: Place, path: str, accepted: str, words: str
) -> None:
    status, body, headers = await fetch(place, path, **{"Accept-Language": accepted})

    assert status == 200
    assert words in body
    for link in ('href="/demo"', 'href="/console/"', 'href="/api/docs"'):
        assert link in body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_documentation_needs_nothing_else(place: Place) -> None:
    status, body, headers = await fetch(place, "/api/docs")

    assert status == 200
    for endpoint in ENDPOINTS:
        assert f"/api/v1{endpoint.path}" in body
        assert f'id="{endpoint.handler.__name__}"' in body
    assert not re.search(r"<script|https?://(?!127\.0\.0\.1|www\.w3\.org/2000/svg)", body)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert str(place.server.make_url("/api/v1/sign-in")) in body
    targets = set(re.findall(r'href="#([^"]+)"', body))
    assert targets <= set(re.findall(r'id="([^"]+)"', body))


async def test_the_type_of_a_problem_leads_to_its_explanation(place: Place) -> None:
    status, _, headers = await fetch(place, "/problems/already_claimed")
    unknown, _, _ = await fetch(place, "/problems/nonsense")

    assert (status, headers["Location"]) == (302, "/api/docs#problem-already_claimed")
    assert unknown == 404


async def test_without_a_built_console_one_page_says_how(place: Place) -> None:
    for path in ("/console/", "/console/inbox"):
        status, body, _ = await fetch(place, path)
        assert status == 503
        assert "make run" in body


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as the console's build leaves it, with a secret beside it."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>the console")
    (folder / "assets" / "main-abc123.js").write_text("run()")
    (folder / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


async def test_the_built_console(open_at: Opener, built: Path) -> None:
    place = await open_at(console=built)

    redirect = await fetch(place, "/console")
    page = await fetch(place, "/console/")
    deep = await fetch(place, "/console/conversations/42")
    script = await fetch(place, "/console/assets/main-abc123.js")
    missing = await fetch(place, "/console/assets/main-old.js")
    icon = await fetch(place, "/console/favicon.svg")

    assert (redirect[0], redirect[2]["Location"]) == (302, "/console/")
    assert "the console" in page[1]
    assert page[2]["Cache-Control"] == "no-cache"
    assert "script-src 'self'" in page[2]["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page[2]["Content-Security-Policy"]
    assert deep[1] == page[1]
    assert "immutable" in script[2]["Cache-Control"]
    assert script[2]["Content-Type"].partition(";")[0] in {
        "text/javascript",
        "application/javascript",
    }
    assert missing[0] == 404
    assert icon[2]["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "assets/../../secret.txt",
        "assets/..%2f..%2fsecret.txt",
        "link.txt",
        "%00",
        "assets/%00.js",
        "/etc/passwd",
        "%2fetc%2fpasswd",
    ],
)
async def test_no_path_leads_out_of_the_console(open_at: Opener, built: Path, path: str) -> None:
    place = await open_at(console=built)

    _, body, _ = await fetch(place, f"/console/{path}")

    assert "secret" not in body
    assert "root:" not in body


async def test_any_other_address_says_that_there_is_nothing(place: Place) -> None:
    status, body, headers = await fetch(place, "/nowhere/at/all", Accept="text/html")

    assert status == 404
    assert "There is nothing here" in body
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/nowhere", 404, "not_found"),
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("DELETE", "/", 405, "method_not_allowed"),
    ],
)
async def test_programs_get_a_problem(
    place: Place, method: str, path: str, status: int, code: str
) -> None:
    async with (
        ClientSession() as session,
        session.request(method, place.server.make_url(path)) as response,
    ):
        body = await response.json(content_type="application/problem+json")

    assert (response.status, body["code"]) == (status, code)
    assert ("Allow" in response.headers) == (status == 405)


async def test_a_page_that_fails_is_still_a_page(open_at: Opener) -> None:
    class Broken(ArticleIndex):
        @override
        def article(self, slug: str, language: Language, *, internal: bool = False) -> NoReturn:
            raise RuntimeError(slug)

    place = await open_at(articles=Broken())

    status, body, headers = await fetch(place, "/help/refunds", **{"Accept-Language": "zh-CN"})

    assert status == 500
    assert "这里出了点问题" in body
    assert "RuntimeError" not in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_the_documentation_names_what_a_tuple_holds(place: Place) -> None:
    _, body, _ = await fetch(place, "/api/docs")

    marks = body[body.index("snippet_marks") :][:200]
    assert "[[integer, integer], …]" in marks
