"""The knowledge base over the API: drafts, review, publishing, search, import, export."""

import asyncio
import io
import zipfile
from typing import Any

import pytest

from gateway.workers.knowledge import ArticleKeeper
from tests.gateway.http.place import Console, Place

TEXT = {"language": "zh", "title": "怎么退款", "body": "打开订单页，点申请退款。"}


def new(slug: str = "ask-refund", **draft: Any) -> dict[str, Any]:
    return {"slug": slug, "category": "billing", "draft": {**TEXT, **draft}}


async def added(console: Console, slug: str = "ask-refund", **draft: Any) -> dict[str, Any]:
    answer = await console.post("/articles", new(slug, **draft))
    assert answer.status == 201, answer.json
    return dict(answer.json)


async def no_bot() -> None:
    """Nothing to link."""


def keeper(place: Place) -> ArticleKeeper:
    return ArticleKeeper(place.store, place.parts.articles, place.parts.clock, no_bot)


async def test_a_draft_is_reviewed_published_and_found_at_once(place: Place) -> None:
    ann, lee = await place.console("ann"), await place.console("lee")
    following = asyncio.create_task(keeper(place).follow(place.parts.hub))
    article = await added(ann, questions=["钱多久退回来"])
    version = article["versions"][0]
    path = f"/articles/{article['id']}/versions/{version['id']}"
    assert version["state"] == "draft"

    assert (await ann.post(f"{path}/publish")).code == "not_allowed"
    assert (await ann.post(f"{path}/submit")).json["state"] == "review"
    back = await lee.post(f"{path}/send-back", {"reason": "Say where"})
    assert (back.json["state"], back.json["reason"]) == ("draft", "Say where")
    assert (await lee.post(f"{path}/publish")).json["state"] == "published"

    async with asyncio.timeout(1):
        while not (found := (await ann.get("/article-search?q=钱多久退回来")).json["items"]):
            await asyncio.sleep(0.02)
    assert found[0]["slug"] == "ask-refund"
    assert found[0]["url"] == "/help/ask-refund"
    following.cancel()
    actions = await place.actions()
    assert actions[:4] == [
        "article.published",
        "article.sent_back",
        "article.submitted",
        "article.added",
    ]


async def test_versions_are_compared_and_restored(place: Place) -> None:
    lee = await place.console("lee")
    article = await added(lee)
    first = article["versions"][0]
    base = f"/articles/{article['id']}"
    await lee.post(f"{base}/versions/{first['id']}/publish")
    draft = {**TEXT, "body": "打开订单页。\n联系客服。", "reason": "shorter"}
    second = (await lee.ask("PUT", f"{base}/draft", json=draft)).json
    assert second["number"] == 2

    diff = await lee.get(f"{base}/versions/{second['id']}/diff?against={first['id']}")
    assert [(x["change"], x["text"]) for x in diff.json["items"] if x["part"] == "body"] == [
        ("removed", "打开订单页，点申请退款。"),
        ("added", "打开订单页。"),
        ("added", "联系客服。"),
    ]
    refused = await lee.post(f"{base}/versions/{first['id']}/restore")
    assert refused.code == "conflict"
    await lee.post(f"{base}/versions/{second['id']}/publish")
    restored = (await lee.post(f"{base}/versions/{first['id']}/restore")).json
    assert (restored["number"], restored["body"]) == (3, TEXT["body"])
    listed = (await lee.get(f"{base}/versions")).json["items"]
    assert [(v["number"], v["state"]) for v in listed] == [
        (3, "draft"),
        (2, "published"),
        (1, "retired"),
    ]


async def test_the_second_of_two_editors_is_told(place: Place) -> None:
    ann, bob = await place.console("ann"), await place.console("bob")
    article = await added(ann)
    seen = article["versions"][0]
    base = {"base_id": seen["id"], "base_updated_at": seen["updated_ms"]}
    path = f"/articles/{article['id']}/draft"
    first = await ann.ask("PUT", path, json={**TEXT, **base, "body": "甲"})
    assert first.status == 200

    second = await bob.ask("PUT", path, json={**TEXT, **base, "body": "乙"})

    assert (second.status, second.code) == (409, "conflict")
    assert second.json["version_id"] == seen["id"]
    kept = await bob.get(f"/articles/{article['id']}/versions/{seen['id']}")
    assert kept.json["body"] == "甲"


async def test_what_expires_is_archived_or_turns_internal_leaves_customers(place: Place) -> None:
    lee, index = await place.console("lee"), place.parts.articles
    article = await added(lee)
    base = f"/articles/{article['id']}"
    await lee.post(f"{base}/versions/{article['versions'][0]['id']}/publish")
    kept = keeper(place)
    await kept.load()
    assert "ask-refund" in index

    async def change(**fields: Any) -> None:
        nonlocal article
        sent = {"version": article["version"], **fields}
        answer = await lee.patch(base, sent)
        assert answer.status == 200, answer.json
        article = answer.json
        await kept.load()

    await change(audience="internal")
    assert "ask-refund" not in index
    assert [h["slug"] for h in (await lee.get("/article-search?q=怎么退款")).json["items"]] == [
        "ask-refund"
    ]
    page = await lee.session.get(place.server.make_url("/help/ask-refund"))
    assert page.status == 404
    await change(audience="public", expires_at="2000-01-01T00:00:00Z")
    assert index.held("ask-refund", "zh") is None
    await change(expires_at=None)
    assert "ask-refund" in index
    article = (await lee.post(f"{base}/archive")).json
    await kept.load()
    assert "ask-refund" not in index
    stale = await lee.patch(base, {"version": 1, "category": "x"})
    assert stale.code == "conflict"


async def test_lists_are_filtered_and_paged(place: Place) -> None:
    ann = await place.console("ann")
    for number in range(3):
        await added(ann, f"page-{number}", title=f"Page {number} 100%")
    first = (await ann.get("/articles?limit=2&q=100%25")).json
    assert [item["slug"] for item in first["items"]] == ["page-0", "page-1"]
    rest = await ann.get(f"/articles?limit=2&q=100%25&cursor={first['next_cursor']}")
    assert [item["slug"] for item in rest.json["items"]] == ["page-2"]
    assert (await ann.get("/articles?q=1%25%25")).json["items"] == []
    assert (await ann.get("/articles?state=published")).json["items"] == []
    assert first["categories"] == ["billing"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"slug": "Not a slug"}, "/slug"),
        ({"category": " "}, "/category"),
        ({"draft": {**TEXT, "title": ""}}, "/draft/title"),
        ({"draft": {**TEXT, "body": "x" * 100_001}}, "/draft/body"),
        ({"draft": {**TEXT, "language": "fr"}}, "/draft/language"),
        ({"draft": {**TEXT, "questions": ["a\nb"]}}, "/draft/questions/0"),
    ],
)
async def test_wrong_fields_are_named(place: Place, change: dict[str, Any], pointer: str) -> None:
    ann = await place.console("ann")
    answer = await ann.post("/articles", {**new(), **change})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)


async def test_previews_are_harmless(place: Place) -> None:
    ann = await place.console("ann")
    body = {"body": "# A\n\n<script>x</script> [l](javascript:x) **b**"}
    html = (await ann.post("/article-preview", body)).json["html"]
    assert "<strong>b</strong>" in html
    assert "<script" not in html
    assert "href" not in html


def packed(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return made.getvalue()


async def imported(console: Console, content: bytes, query: str = "name=a.zip") -> dict[str, Any]:
    begun = await console.ask("POST", f"/article-imports?{query}", data=content)
    assert begun.status == 202
    async with asyncio.timeout(5):
        while True:
            job = (await console.get(f"/article-imports/{begun.json['id']}")).json
            if job["state"] != "running":
                return dict(job)
            await asyncio.sleep(0.02)


async def test_an_archive_is_taken_in_and_comes_out_again(place: Place) -> None:
    lee = await place.console("lee")
    content = packed(
        zh__fapiao_md="---\ntitle: 开发票\ncategory: billing\nquestions: [怎么开票]\n---\n正文。",
        en__fapiao_md="# Invoices\n\nAsk for one.",
        logo_png="x",
    )
    job = await imported(lee, content, "name=a.zip&publish=true")
    assert (job["state"], job["added"]) == ("done", 2), job
    assert job["skipped"] == ["logo.png: files of this kind are not read"]
    again = await imported(lee, content, "name=a.zip&publish=true")
    assert (again["added"], again["changed"]) == (0, 0)

    exported = await lee.get("/article-export")
    with zipfile.ZipFile(io.BytesIO(exported.body)) as archive:
        assert archive.namelist() == ["en/fapiao.md", "zh/fapiao.md"]
        text = archive.read("zh/fapiao.md").decode()
    assert text.startswith('---\ntitle: "开发票"\ncategory: "billing"\nquestions:\n  - "怎么开票"')


async def test_one_bad_file_keeps_the_whole_archive_out(place: Place) -> None:
    lee = await place.console("lee")
    job = await imported(lee, packed(good_md="# G\n\ntext", bad_md="---\ntitle: [\n---\nx"))
    assert job["state"] == "failed"
    assert job["problems"][0].startswith("bad.md: ")
    assert (await lee.get("/articles")).json["items"] == []
    outside = await imported(lee, packed(**{"..__x_md": "# x"}))
    assert "leads outside" in outside["problems"][0]
    assert (await imported(lee, b"PK\x03\x04 rubbish"))["state"] == "failed"


async def test_only_publishers_import(place: Place) -> None:
    ann = await place.console("ann")
    answer = await ann.ask("POST", "/article-imports?name=a.zip", data=b"x")
    assert answer.code == "not_allowed"


async def test_the_help_centre_lists_searches_and_counts_misses(place: Place) -> None:
    ann = await place.console("ann")

    async def page(path: str) -> str:
        async with ann.session.get(place.server.make_url(path)) as answer:
            assert answer.status == 200
            assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
            return await answer.text()

    front = await page("/help?lang=en")
    assert 'href="/help/refunds?lang=en"' in front
    assert "Billing and invoices" in front
    found = await page("/help?lang=en&q=get my money back")
    assert "Refunds" in found
    nothing = await page("/help?lang=zh-Hant&q=火星<b>旅行")
    assert "沒有找到" in nothing
    assert "<b>" not in nothing
    misses = (await ann.get("/article-misses")).json["items"]
    assert [(m["words"], m["times"]) for m in misses] == [("火星<b>旅行", 1)]
