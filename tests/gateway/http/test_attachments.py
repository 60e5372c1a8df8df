"""Uploads and downloads."""

import asyncio
import io

import pytest
from PIL import Image

from gateway.http.attachments_api import UPLOAD_LIFETIME_MS
from gateway.http.bodies import UPLOAD_LIMIT
from tests.gateway.http.place import Answer, Console, Place


def picture(size: tuple[int, int] = (640, 480)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "PNG")
    return buffer.getvalue()


async def upload(
    console: Console, content: bytes, name: str = "photo.png", mime: str = "image/png"
) -> Answer:
    return await console.ask(
        "POST",
        "/uploads",
        params={"name": name},
        data=io.BytesIO(content),
        headers={"Content-Type": mime},
    )


async def test_a_picture_goes_out_with_an_answer_and_is_shown(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    content = picture()

    uploaded = await upload(ann, content, "路线图.png")
    sent = await ann.post(
        f"/conversations/{waiting.id}/messages",
        {"text": "", "attachments": [uploaded.json["upload_id"]]},
    )

    (item,) = sent.json["attachments"]
    assert (item["name"], item["mime"], item["width"]) == ("路线图.png", "image/png", 640)
    path = item["url"].removeprefix("/api/v1")
    got = await ann.get(path)
    assert got.body == content
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["Content-Disposition"].startswith("inline;")
    assert "UTF-8''%E8%B7%AF" in got.headers["Content-Disposition"]
    assert "sandbox" in got.headers["Content-Security-Policy"]
    small = await ann.get(item["thumbnail_url"].removeprefix("/api/v1"))
    assert small.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(small.body)).width == 320
    row = (await ann.get("/conversations")).json["items"][0]
    assert row["preview"] == "路线图.png"


async def test_files_that_the_channel_cannot_carry_together_are_refused(place: Place) -> None:
    waiting = await place.customer_writes("hello", inbox_id="shop")
    ann = await place.console("ann")
    inboxes = {inbox["id"]: inbox for inbox in (await ann.get("/inboxes")).json["items"]}
    limits = inboxes["shop"]["limits"]
    content = b"line\n" * (limits["max_files_bytes"] // 8)
    uploaded = await upload(ann, content, "log.txt", "text/plain")
    path = f"/conversations/{waiting.id}/messages"

    one = await ann.post(path, {"attachments": [uploaded.json["upload_id"]]})
    two = await ann.post(path, {"attachments": [uploaded.json["upload_id"]] * 2})

    assert limits["files"] is True
    assert "text/plain" in limits["file_types"]
    assert one.status == 201
    assert (two.status, two.json["errors"][0]["pointer"]) == (422, "/attachments")


async def test_an_uploads_small_picture_is_shown_before_sending(place: Place) -> None:
    ann, bob = await place.console("ann"), await place.console("bob")
    uploaded = await upload(ann, picture())
    path = uploaded.json["thumbnail_url"].removeprefix("/api/v1")

    assert (await ann.get(path)).headers["Content-Type"] == "image/webp"
    assert (await bob.get(path)).code == "not_found"


async def test_text_is_downloaded_never_shown(place: Place) -> None:
    ann = await place.console("ann")
    waiting = await place.queued()
    uploaded = await upload(ann, "价格,1\n".encode(), "list.csv", "text/csv")
    assert uploaded.json["thumbnail_url"] is None

    sent = await ann.post(
        f"/conversations/{waiting.id}/messages",
        {"text": "The list", "attachments": [uploaded.json["upload_id"]]},
    )

    got = await ann.get(sent.json["attachments"][0]["url"].removeprefix("/api/v1"))
    assert got.headers["Content-Disposition"].startswith("attachment;")
    small = await ann.get(f"/attachments/{sent.json['id']}/0?thumbnail=1")
    assert small.code == "not_found"


async def test_hostile_types_in_the_store_do_not_run(place: Place) -> None:
    stored = await place.store_file(b"<script>alert(1)</script>", "text/html", "x.html")
    conversation = await place.customer_writes("see file", attachments=(stored,))
    ann = await place.console("ann")
    message = (await ann.get(f"/conversations/{conversation.id}/messages")).json["items"][0]

    got = await ann.get(f"/attachments/{message['id']}/0")

    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("index", ["1", "-1", "x", "0x0", "²", "99999999999999999999"])
async def test_a_file_that_is_none(place: Place, index: str) -> None:
    conversation = await place.customer_writes("hello")
    ann = await place.console("ann")
    message = (await ann.get(f"/conversations/{conversation.id}/messages")).json["items"][0]

    answer = await ann.get(f"/attachments/{message['id']}/{index}")

    assert answer.code == "not_found"


@pytest.mark.parametrize(
    ("content", "name", "mime", "pointer"),
    [
        (b"", "a.png", "image/png", "/content"),
        (b"MZ\x90\x00" + bytes(64), "a.exe", "application/octet-stream", "/content"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "image/svg+xml", "/content"),
        (b"<!doctype html><script>", "a.txt", "text/plain", "/content"),
        (b"plain words", "a.png", "image/png", "/mime"),
        (b"plain words", "../../a.exe", "text/plain", "/name"),
    ],
)
async def test_unwelcome_files_are_refused_with_the_reason(
    place: Place, content: bytes, name: str, mime: str, pointer: str
) -> None:
    ann = await place.console("ann")

    answer = await upload(ann, content, name, mime)

    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == pointer


async def test_a_path_in_a_file_name_is_only_a_name(place: Place) -> None:
    ann = await place.console("ann")

    answer = await upload(ann, picture(), "../../etc/pass\u202egnp.wd.png")

    assert answer.json["name"] == "passgnp.wd.png"


async def test_files_have_a_largest_size(place: Place) -> None:
    ann = await place.console("ann")

    told = await upload(ann, bytes(UPLOAD_LIMIT + 1))

    async def chunks() -> object:
        for _ in range(26):
            yield bytes(1_000_000)
            await asyncio.sleep(0)

    untold = await ann.ask("POST", "/uploads", data=chunks())

    assert (told.status, told.code) == (413, "too_large")
    assert (untold.status, untold.code) == (413, "too_large")


async def test_upload_references_are_ones_own_and_expire(place: Place) -> None:
    waiting = await place.queued()
    ann, bob = await place.console("ann"), await place.console("bob")
    token = (await upload(ann, picture())).json["upload_id"]
    path = f"/conversations/{waiting.id}/messages"

    foreign = await bob.post(path, {"text": "x", "attachments": [token]})
    forged = await ann.post(path, {"text": "x", "attachments": [token[:-3] + "abc"]})
    many = await ann.post(path, {"text": "x", "attachments": [token] * 11})
    place.pass_time(UPLOAD_LIFETIME_MS)
    ann = await place.console("ann")
    expired = await ann.post(path, {"text": "x", "attachments": [token]})

    pointers = [a.json["errors"][0]["pointer"] for a in (foreign, forged, many, expired)]
    assert pointers == ["/attachments/0", "/attachments/0", "/attachments", "/attachments/0"]
    assert (await place.conversation(waiting.id)).agent_id is None
