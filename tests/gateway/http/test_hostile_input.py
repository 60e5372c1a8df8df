"""Bad input gets a clear answer and changes nothing."""

import asyncio
import logging

import pytest

from gateway.ports.store import StoreUnavailableError
from tests.gateway.http.place import PASSWORD, Answer, Console, Place


async def send(console: Console, path: str, body: bytes, **headers: str) -> Answer:
    return await console.ask(
        "POST", path, data=body, headers={"Content-Type": "application/json", **headers}
    )


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b"nonsense", 400, "bad_json"),
        (b'{"text": "\xff\xfe"}', 400, "bad_json"),
        (b'{"text": "\\ud800"}', 400, "bad_json"),
        (b'{"text": NaN}', 400, "bad_json"),
        (b"[" * 100_000 + b"]" * 100_000, 400, "bad_json"),
        (b'{"text":' + b"[" * 33 + b"]" * 33 + b"}", 400, "bad_json"),
        (b'{"text": "' + b"x" * 1_000_000 + b'"}', 413, "too_large"),
        (b"[]", 422, "invalid_input"),
        (b'"text"', 422, "invalid_input"),
        (b"null", 422, "invalid_input"),
        (b'{"text": 7}', 422, "invalid_input"),
        (b'{"text": null}', 422, "invalid_input"),
        (b'{"text": ["a"]}', 422, "invalid_input"),
        (b'{"text": "a\\u0000b"}', 422, "invalid_input"),
        (b'{"text": "a", "kind": "bot"}', 422, "invalid_input"),
        (b'{"text": "a", "expected_seq": "1"}', 422, "invalid_input"),
        (b'{"text": "a", "expected_seq": 1e300}', 422, "invalid_input"),
        (b'{"text": "a", "expected_seq": true}', 422, "invalid_input"),
        (b'{"text": "' + b"x" * 10_001 + b'"}', 422, "invalid_input"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else None,
)
async def test_a_bad_body_is_refused_in_words(
    place: Place, body: bytes, status: int, code: str
) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    answer = await send(ann, f"/conversations/{waiting.id}/messages", body)

    assert (answer.status, answer.code) == (status, code)
    assert answer.json["detail"]
    if code == "invalid_input":
        assert "errors" in answer.json
    assert await place.conversation(waiting.id) == waiting


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_json_must_say_that_it_is(place: Place, kind: str) -> None:
    console = await place.console()

    answer = await console.ask(
        "POST", "/sign-in", data=b'{"email":"a","password":"b"}', headers={"Content-Type": kind}
    )

    assert (answer.status, answer.code) == (415, "unsupported_type")


async def test_strangers_may_only_send_little(place: Place) -> None:
    console = await place.console()

    answer = await send(console, "/sign-in", b'{"email": "' + b"x" * 20_000 + b'"}')

    assert answer.code == "too_large"


async def test_a_missing_field_is_named(place: Place) -> None:
    console = await place.console()

    answer = await console.post("/sign-in", {"email": "a@b.example"})

    assert answer.json["errors"] == [{"pointer": "/password", "detail": "Field required"}]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\u202egnp.exe \u2066hidden\u2069",
        "zero\u200bwidth",
        "👩\u200d👩\u200d👧 中文 \U0001f600",
        "a\r\nb\tc",
    ],
)
async def test_text_comes_back_as_it_was_and_only_as_text(place: Place, text: str) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    answer = await ann.post(f"/conversations/{waiting.id}/messages", {"text": text})

    assert answer.json["text"] == text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "%00",
        "..%2f..%2fetc%2fpasswd",
        "'%20OR%201=1",
        "%F0%9F%98%80",
        "x" * 3000,
        "%ff%fe",
    ],
)
async def test_made_up_ids_are_none(place: Place, name: str) -> None:
    ann = await place.console("ann")

    for path in (f"/conversations/{name}", f"/contacts/{name}", f"/messages/{name}/trail"):
        answer = await ann.get(path)
        assert answer.status in {404, 422, 400}, (path, answer.status)


async def test_unknown_addresses_and_methods_are_problems_too(place: Place) -> None:
    ann = await place.console("ann")

    nowhere = await ann.get("/nowhere")
    wrong_way = await ann.ask("DELETE", "/me")

    assert (nowhere.status, nowhere.code) == (404, "not_found")
    assert (wrong_way.status, wrong_way.code) == (405, "method_not_allowed")
    assert set(wrong_way.headers["Allow"].split(",")) >= {"GET", "PATCH"}


async def test_request_ids_are_passed_through_when_they_are_harmless(place: Place) -> None:
    ann = await place.console("ann")

    kept = await ann.get("/me", headers={"X-Request-Id": "trace-7.b_1"})
    replaced = await ann.get("/me", headers={"X-Request-Id": "<script>"})
    problem = await ann.get("/nowhere", headers={"X-Request-Id": "trace-8"})

    assert kept.headers["X-Request-Id"] == "trace-7.b_1"
    assert replaced.headers["X-Request-Id"] != "<script>"
    assert problem.json["instance"] == "/requests/trace-8"


async def test_a_fault_of_ours_tells_its_number_and_nothing_else(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ann = await place.console("ann")

    def broken(*_: object) -> object:
        raise RuntimeError("secret inner matter")

    monkeypatch.setattr("gateway.services.reading.scope_of", broken)
    with caplog.at_level(logging.ERROR):
        async with ann.session.get(
            place.server.make_url("/api/v1/conversations"), headers={"X-Request-Id": "r-1"}
        ) as response:
            body = await response.text()

    assert response.status == 500
    assert "r-1" in body
    assert "secret" not in body
    assert "secret inner matter" in caplog.text
    assert "r-1" in caplog.text


async def test_a_database_that_is_away_is_told_as_such(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await place.console("ann")

    async def away(*_: object) -> object:
        raise StoreUnavailableError("disk I/O error: /var/lib/secret.db is locked")

    monkeypatch.setattr(type(place.store), "read", away)
    answer = await ann.get("/conversations")

    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert b"secret" not in answer.body


async def raw(place: Place, request: bytes) -> bytes:
    """What the server answers to bytes that no client library would send."""
    url = place.server.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    await writer.drain()
    async with asyncio.timeout(3):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_body_that_stops_half_way_is_given_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.http.bodies.read_bytes.__defaults__", (0.05,))

    answer = await raw(
        place,
        b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{",
    )

    assert b" 408 " in answer


@pytest.mark.parametrize(
    "header",
    [
        b"Cookie: yingda_session=\xff\xfe",
        b"X-CSRF-Token: \xff",
        b"Origin: http://[",
        b"User-Agent: \xff\xfe\x01",
        b"Idempotency-Key: \xff",
        b"X-Request-Id: \xff",
        b"Accept-Language: \xff",
    ],
)
@pytest.mark.parametrize("path", [b"/api/v1/me", b"/api/v1/sign-in", b"/api/v1/teams", b"/"])
async def test_headers_that_are_no_text(place: Place, header: bytes, path: bytes) -> None:
    ada = await place.console("ada")
    (cookie,) = list(ada.session.cookie_jar)
    body = b'{"email":"ann@qingchuan.example","password":"wrong","name":"Team"}'
    session = f"Cookie: yingda_session={cookie.value}\r\n".encode()
    csrf = f"X-CSRF-Token: {ada.csrf}\r\n".encode()
    others = (b"" if b"Cookie" in header else session) + (b"" if b"CSRF" in header else csrf)
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    for method in (b"GET", b"POST"):
        start = method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n"
        answer = await raw(place, start + header + b"\r\n" + others + length + body)
        assert not answer.split()[1].startswith(b"5"), answer


async def test_a_right_sign_in_from_a_strange_browser(place: Place) -> None:
    body = f'{{"email":"ann@qingchuan.example","password":"{PASSWORD}"}}'.encode()

    answer = await raw(
        place,
        b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nUser-Agent: \xffMozilla\r\n"
        b"Content-Type: application/json\r\nContent-Length: "
        + str(len(body)).encode()
        + b"\r\n\r\n"
        + body,
    )

    assert b" 200 " in answer


@pytest.mark.parametrize("number", [10**30, -(10**30), 2**63])
async def test_numbers_beyond_all_measure(place: Place, number: int) -> None:
    ada = await place.console("ada")

    answer = await ada.patch("/inboxes/site", {"settings": {"messages_per_minute": number}})

    assert answer.status == 422


async def test_the_event_socket_is_no_page(place: Place) -> None:
    ann = await place.console("ann")
    origin = {"Origin": f"http://127.0.0.1:{place.server.port}"}

    answer = await ann.get("/events", headers=origin)

    assert (answer.status, answer.code) == (400, "bad_request")
