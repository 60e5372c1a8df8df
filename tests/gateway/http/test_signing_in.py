"""Sessions: cookies, CSRF, limits, one-time passwords."""

import pytest

from gateway.services.signing_in import IDLE_MS, LONGEST_MS, TOUCH_MS
from tests.gateway.http.place import PASSWORD, Console, Opener, Place


async def test_signing_in_gives_a_guarded_cookie_and_rights(place: Place) -> None:
    console = await place.console()

    answer = await console.sign_in("ann")

    assert answer.json["agent"]["email"] == "ann@qingchuan.example"
    assert answer.json["rights"] == ["draft_articles", "see_team", "work"]
    assert [team["name"] for team in answer.json["teams"]] == ["First line"]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    me = await console.get("/me")
    assert me.json["csrf"] == answer.json["csrf"]
    assert await place.actions() == ["agent.signed_in"]


async def test_the_cookie_is_secure_behind_https(open_at: Opener) -> None:
    place = await open_at(public_url="https://chat.qingchuan.example")
    console = await place.console()

    answer = await console.sign_in("ann")

    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("off", PASSWORD)]
)
async def test_every_refusal_reads_the_same(place: Place, name: str, password: str) -> None:
    console = await place.console()

    answer = await console.sign_in(name, password)

    assert (answer.status, answer.code) == (401, "not_signed_in")
    assert answer.json["detail"] == "The e-mail address or the password is wrong."
    assert "Set-Cookie" not in answer.headers


async def test_the_address_may_be_written_in_any_case(place: Place) -> None:
    console = await place.console()

    answer = await console.post(
        "/sign-in", {"email": " Ann@Qingchuan.Example ", "password": PASSWORD}
    )

    assert answer.status == 200


async def test_the_store_never_holds_the_token_itself(place: Place) -> None:
    console = await place.console("ann")
    (cookie,) = list(console.session.cookie_jar)

    found = await place.store.read(lambda uow: uow.agents.session(cookie.value))

    assert found is None


async def test_ten_wrong_passwords_close_the_door_for_a_while(place: Place) -> None:
    console = await place.console()
    for _ in range(10):
        assert (await console.sign_in("ann", "wrong")).status == 401

    refused = await console.sign_in("ann")

    assert (refused.status, refused.code) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) == 300
    place.pass_time(5 * 60_000)
    assert (await console.sign_in("ann")).status == 200


async def test_signing_in_rightly_does_not_count(place: Place) -> None:
    console = await place.console()

    statuses = [(await console.sign_in("ann")).status for _ in range(12)]

    assert statuses == [200] * 12


async def test_one_persons_wrong_passwords_do_not_shut_out_from_elsewhere(
    open_at: Opener,
) -> None:
    place = await open_at(trusted_proxies=("127.0.0.1",))
    console = await place.console()
    for number in range(10):
        body = {"email": f"guess{number}@x.example", "password": "wrong"}
        await console.post("/sign-in", body, headers={"X-Forwarded-For": "203.0.113.9"})

    same = await console.post(
        "/sign-in",
        {"email": "ann@qingchuan.example", "password": PASSWORD},
        headers={"X-Forwarded-For": "203.0.113.9"},
    )
    other = await console.post(
        "/sign-in",
        {"email": "ann@qingchuan.example", "password": PASSWORD},
        headers={"X-Forwarded-For": "6.6.6.6, 198.51.100.4"},
    )

    assert same.status == 429
    assert other.status == 200


async def guess(console: Console, address: str, password: str = "wrong") -> int:
    body = {"email": "ann@qingchuan.example", "password": password}
    return (await console.post("/sign-in", body, headers={"X-Forwarded-For": address})).status


async def test_a_stranger_elsewhere_shuts_nobody_out(open_at: Opener) -> None:
    place = await open_at(trusted_proxies=("127.0.0.1",))
    console = await place.console()

    guesses = [await guess(console, "203.0.113.9") for _ in range(11)]

    assert guesses == [401] * 10 + [429]
    assert await guess(console, "198.51.100.4", PASSWORD) == 200


async def test_another_sites_page_cannot_sign_anybody_in(place: Place) -> None:
    console = await place.console()
    body = {"email": "ann@qingchuan.example", "password": PASSWORD}

    answer = await console.post("/sign-in", body, headers={"Origin": "https://evil.example"})

    assert (answer.status, answer.code) == (403, "csrf")


@pytest.mark.parametrize("token", ["", "wrong", "é"])
async def test_changes_need_the_csrf_token(place: Place, token: str) -> None:
    console = await place.console("ann")
    console.csrf = token or None

    answer = await console.patch("/me", {"name": "Mallory"})

    assert (answer.status, answer.code) == (403, "csrf")
    assert (await console.get("/me")).json["agent"]["name"] == "Ann"


async def test_another_agents_csrf_token_does_not_help(place: Place) -> None:
    ann, bob = await place.console("ann"), await place.console("bob")
    ann.csrf = bob.csrf

    assert (await ann.patch("/me", {"name": "Mallory"})).code == "csrf"


async def test_without_a_session_there_is_nothing(place: Place) -> None:
    console = await place.console()

    answer = await console.get("/me")

    assert (answer.status, answer.code) == (401, "not_signed_in")


@pytest.mark.parametrize("token", ["", "x", "x" * 300, "ü", "../../etc"])
async def test_made_up_sessions_are_none(place: Place, token: str) -> None:
    console = await place.console()

    answer = await console.get("/me", headers={"Cookie": f"yingda_session={token}"})

    assert answer.status == 401


async def test_signing_out_ends_the_session(place: Place) -> None:
    console = await place.console("ann")
    (cookie,) = list(console.session.cookie_jar)

    answer = await console.post("/sign-out")

    assert answer.status == 204
    again = await console.get("/me", headers={"Cookie": f"yingda_session={cookie.value}"})
    assert again.status == 401


async def test_an_idle_session_ends_and_a_used_one_goes_on(place: Place) -> None:
    idle, used = await place.console("ann"), await place.console("bob")
    for _ in range(13):
        place.pass_time(IDLE_MS // 12)
        assert (await used.get("/me")).status == 200

    assert (await idle.get("/me")).status == 401
    place.pass_time(TOUCH_MS)
    assert (await used.get("/me")).status == 200


async def test_no_session_lasts_for_ever(place: Place) -> None:
    console = await place.console("ann")
    for _ in range(LONGEST_MS // (IDLE_MS // 2)):
        place.pass_time(IDLE_MS // 2)
        await console.get("/me")

    assert (await console.get("/me")).status == 401


async def test_a_one_time_password_must_be_replaced_first(place: Place) -> None:
    console = await place.console("new")

    for path in ("/conversations", "/agents", "/inboxes"):
        assert (await console.get(path)).code == "password_change_required"
    assert (await console.get("/me")).json["must_change_password"] is True
    changed = await console.post(
        "/me/password", {"current": PASSWORD, "new": "a password of mine"}
    )

    assert changed.status == 204
    assert (await console.get("/conversations")).status == 200
    assert (await console.sign_in("new", "a password of mine")).status == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        (PASSWORD, "short", "/new"),
        (PASSWORD, PASSWORD, "/new"),
        ("not mine", "long enough indeed", "/current"),
    ],
)
async def test_bad_new_passwords_name_the_field(
    place: Place, current: str, new: str, field: str
) -> None:
    console = await place.console("ann")

    answer = await console.post("/me/password", {"current": current, "new": new})

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == field


async def test_a_new_password_ends_the_other_sessions(place: Place) -> None:
    here, elsewhere = await place.console("ann"), await place.console("ann")

    await here.post("/me/password", {"current": PASSWORD, "new": "a password of mine"})

    assert (await here.get("/me")).status == 200
    assert (await elsewhere.get("/me")).status == 401


async def test_guessing_ones_present_password_is_limited_too(place: Place) -> None:
    console = await place.console("ann")
    for _ in range(10):
        await console.post("/me/password", {"current": "no", "new": "long enough indeed"})

    answer = await console.post("/me/password", {"current": "no", "new": "long enough indeed"})

    assert answer.status == 429


async def test_agents_change_their_own_name_language_and_availability(place: Place) -> None:
    console = await place.console("ann")

    answer = await console.patch(
        "/me", {"name": " 安 ", "language": "zh-Hans", "availability": "away"}
    )

    agent = answer.json["agent"]
    assert (agent["name"], agent["language"], agent["availability"]) == ("安", "zh-Hans", "away")
    assert (await place.actions())[0] == "agent.changed"


async def test_nobody_raises_their_own_role(place: Place) -> None:
    console = await place.console("ann")

    answer = await console.patch("/me", {"role": "administrator"})

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == "/role"
