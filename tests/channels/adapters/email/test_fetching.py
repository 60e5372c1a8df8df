"""Mail comes in from a real IMAP server, whatever happens to it and to the line."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from channels.adapters.email import poller, receiver
from channels.adapters.email.imap import ImapSession, quote_folder
from channels.letters import Doubt
from channels.mail.parsing import parse_email
from channels.testing import serve_application
from tests.channels.adapters.email.post import WANG, Post, mail
from tests.conftest import running
from tests.mail_servers import USER, BadLine, DovecotServer, SmtpSink, write_certificate


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "PAUSES", (0.05, 0.1))


@asynccontextmanager
async def fetching(dovecot: DovecotServer | None, **settings: Any) -> AsyncIterator[Post]:
    """A mailbox with these settings that is being fetched."""
    post = Post(dovecot, SmtpSink(), **settings)
    await post.channel.start()
    try:
        yield post
    finally:
        await post.channel.stop()


def numbers(post: Post) -> list[str]:
    """The texts of what came, each once."""
    return sorted(set(post.texts), key=int)


async def error_of(post: Post) -> str:
    """What administrators read, once there is something."""
    async with asyncio.timeout(15):
        while True:
            health = await post.channel.health()
            if health is not None and health.error is not None:
                assert all(health.error)
                return health.error.en
            await asyncio.sleep(0.02)


async def test_a_mail_arrives_by_idle(post: Post, dovecot: DovecotServer) -> None:
    await post.ready()
    dovecot.deliver(mail(1, charset="gbk"))
    await post.came(1)
    (message,) = post.bench.sink.messages
    assert message.text.strip() == "密码忘了，怎么办？"
    assert (message.handle, message.subject) == (WANG, "登录失败")
    assert message.profile == {"name": "王芳", "email": WANG}
    assert message.raw is not None
    assert b"gbk" in post.bench.blobs.contents[message.raw].lower()
    assert dovecot.flags() == [""], "the mailbox is left as it was"
    health = await post.channel.health()
    assert health is not None
    assert health.error is None


async def test_old_mail_stays_unless_asked_for(dovecot: DovecotServer) -> None:
    dovecot.deliver(mail(1, "1"))
    async with fetching(dovecot) as post:
        await post.ready()
        dovecot.deliver(mail(2, "2"))
        await post.came(1)
        assert post.texts == ["2"]
    async with fetching(dovecot, first_days=1) as post:
        await post.came(2)
        assert post.texts == ["1", "2"]


async def test_what_came_during_an_outage_is_fetched(dovecot: DovecotServer) -> None:
    async with fetching(dovecot) as post:
        await post.ready()
        dovecot.stop()  # says BYE
        for number in range(1, 31):
            dovecot.deliver(mail(number, str(number)))
        dovecot.start()
        await post.came(30)
        assert post.texts == [str(number) for number in range(1, 31)]


async def test_a_killed_server_is_found_again(dovecot: DovecotServer) -> None:
    async with fetching(dovecot) as post:
        await post.ready()
        dovecot.kill()
        dovecot.deliver(mail(1, "1"))
        await asyncio.sleep(0.2)
        dovecot.start()
        await post.came(1)


async def test_a_line_that_breaks_within_a_mail_loses_none(dovecot: DovecotServer) -> None:
    async with BadLine(dovecot.port).running() as line:
        line.break_after = 9_000  # within the third mail
        for number in range(1, 11):
            dovecot.deliver(mail(number, f"{number}\n" + " \n" * 1500))
        async with fetching(dovecot, imap_port=line.port, first_days=1) as post:
            await post.until(lambda: len(set(post.texts)) == 10)
            assert numbers(post) == [str(number) for number in range(1, 11)]
            ids = {message.external_id for message in post.bench.sink.messages}
            assert len(ids) == 10, "whatever came twice came under the same id"
            assert line.connections >= 2


async def test_new_uids_double_nothing_and_lose_nothing(dovecot: DovecotServer) -> None:
    dovecot.deliver(mail(9, "9"), days_ago=1)
    async with fetching(dovecot) as post:
        await post.ready()
        dovecot.deliver(mail(1, "1"))
        await post.came(1)
        dovecot.stop()
        dovecot.forget_uids()
        dovecot.deliver(mail(2, "2"))
        dovecot.start()
        await post.until(lambda: "2" in post.texts)
        dovecot.deliver(mail(3, "3"))
        await post.until(lambda: "3" in post.texts)
        assert len({message.external_id for message in post.bench.sink.messages}) == 3
        await post.until(lambda: json.loads(post.bench.state.values["cursor:INBOX"])["uid"] == 4)
        assert "9" not in post.texts, "what came before we began is none of ours"


async def test_a_missing_folder_is_told_and_holds_up_no_other(dovecot: DovecotServer) -> None:
    async with fetching(dovecot, folders=("INBOX", "投诉"), poll_seconds=5) as post:
        assert "投诉" in await error_of(post)
        dovecot.deliver(mail(1, "1"))
        post.nudge()
        await post.came(1)


async def test_a_folder_that_is_deleted_comes_back(dovecot: DovecotServer) -> None:
    dovecot.folder("VIP")
    async with fetching(dovecot, folders=("VIP",), poll_seconds=5) as post:
        await post.ready()
        shutil.rmtree(dovecot.folder("VIP"))
        post.nudge()
        assert "VIP" in await error_of(post)
        dovecot.deliver(mail(1, "1"), "VIP")
        post.nudge()
        await post.came(1)


async def test_several_folders_are_read(dovecot: DovecotServer) -> None:
    dovecot.folder("VIP")
    async with fetching(dovecot, folders=("INBOX", "VIP"), first_days=1, poll_seconds=5) as post:
        await post.ready()
        dovecot.deliver(mail(1, "1"), "VIP")
        dovecot.deliver(mail(2, "2"))
        post.nudge()
        await post.came(2)
        assert numbers(post) == ["1", "2"]


async def test_a_server_without_idle_is_polled(
    dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    can = ImapSession.can
    monkeypatch.setattr(ImapSession, "can", lambda self, name: name != "IDLE" and can(self, name))
    async with fetching(dovecot, poll_seconds=5) as post:
        await post.ready()
        dovecot.deliver(mail(1, "1"))
        await post.came(1)


async def test_mails_are_flagged_when_asked(dovecot: DovecotServer) -> None:
    async with fetching(dovecot, first_days=1, after_fetch="flag") as post:
        dovecot.deliver(mail(1))
        await post.until(lambda: dovecot.flags() == ["S"])


@pytest.mark.parametrize("can_move", [True, False])
async def test_mails_are_moved_when_asked(
    dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch, *, can_move: bool
) -> None:
    can = ImapSession.can
    if not can_move:
        monkeypatch.setattr(
            ImapSession, "can", lambda self, name: name != "MOVE" and can(self, name)
        )
    dovecot.folder("Done")
    async with fetching(dovecot, first_days=1, after_fetch="move", move_to="Done") as post:
        await post.ready()
        dovecot.deliver(mail(1, "1"))
        dovecot.deliver(mail(2, "2"))
        await post.until(lambda: len(dovecot.contents("Done")) == 2 and not dovecot.contents())
        assert post.texts == ["1", "2"]


async def test_of_a_mail_that_is_too_large_the_head_is_shown(dovecot: DovecotServer) -> None:
    async with fetching(dovecot, first_days=1, max_mail_mb=1) as post:
        dovecot.deliver(mail(1, "x" * 70 + "\n" + ("y" * 70 + "\n") * 20_000))
        dovecot.deliver(mail(2, "2"))
        await post.came(2)
        large, small = post.bench.sink.messages
        assert (large.doubt, large.subject, large.handle) == (Doubt.OVERSIZE, "登录失败", WANG)
        assert small.doubt is Doubt.NONE
        assert sum(map(len, post.bench.blobs.contents.values())) < 10_000


async def test_while_the_bus_is_full_mail_waits(dovecot: DovecotServer) -> None:
    async with fetching(dovecot) as post:
        await post.ready()
        before = post.bench.state.values["cursor:INBOX"]
        post.bench.sink.full = True
        dovecot.deliver(mail(1, "1"))
        await asyncio.sleep(0.5)
        assert post.bench.state.values["cursor:INBOX"] == before
        post.bench.sink.full = False
        await post.came(1)


async def test_a_mail_that_breaks_us_holds_up_no_other(
    post: Post, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(raw: bytes, **options: Any) -> Any:
        if b"<m1@" in raw:
            raise ValueError("a fault of ours")
        return parse_email(raw, **options)

    monkeypatch.setattr(receiver, "parse_email", fail)
    await post.ready()
    dovecot.deliver(mail(1, "1"))
    dovecot.deliver(mail(2, "2"))
    await post.came(2)
    broken, whole = post.bench.sink.messages
    assert broken.doubt is Doubt.UNREADABLE
    assert broken.raw in post.bench.blobs.contents
    assert whole.text.strip() == "2"


async def test_one_process_fetches_and_another_takes_over(
    post: Post, dovecot: DovecotServer
) -> None:
    second = post.build()
    await second.start()
    await post.ready()
    dovecot.deliver(mail(1, "1"))
    await post.came(1)
    await asyncio.sleep(0.3)
    assert post.texts == ["1"]
    await post.channel.stop()
    dovecot.deliver(mail(2, "2"))
    await post.came(2)
    await second.stop()
    assert post.texts == ["1", "2"]


async def test_what_was_missed_is_fetched_on_demand(post: Post, dovecot: DovecotServer) -> None:
    await post.ready()
    dovecot.deliver(mail(1, "1"))
    await post.came(1)
    await post.channel.catch_up(post.bench.now() - 86_400_000)
    await post.came(2)
    first, again = post.bench.sink.messages
    assert first.external_id == again.external_id
    await post.until(lambda: post.bench.state.values["catch_up"] == "")


async def test_a_wrong_password_is_told_and_not_tried_again_soon(dovecot: DovecotServer) -> None:
    async with (
        BadLine(dovecot.port).running() as line,
        fetching(dovecot, imap_port=line.port, password="wrong") as post,
    ):
        assert "authorisation code" in await error_of(post)
        await asyncio.sleep(0.5)
        assert line.connections == 1


async def test_an_unknown_certificate_is_refused(dovecot: DovecotServer) -> None:
    async with fetching(dovecot, certificates="") as post:
        assert "certificate" in await error_of(post)


@pytest.mark.parametrize("content", [None, ""])
async def test_an_authority_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_text(content)
    async with fetching(None, imap_host="127.0.0.1", certificates=str(path)) as post:
        assert str(path) in await error_of(post)


async def test_a_certificate_for_another_name_is_refused(
    dovecot: DovecotServer, smtp: SmtpSink
) -> None:
    dovecot.stop()
    write_certificate(dovecot.certificate, "mail.other.example")
    dovecot.process = None
    post = Post(dovecot, smtp)
    with ExitStack() as stack:
        stack.callback(dovecot.kill)
        dovecot.process = dovecot.run_program(dovecot.command())
        await asyncio.sleep(0.5)
        await post.channel.start()
        assert "certificate" in await error_of(post)
        await post.channel.stop()


async def test_nobody_listens(dovecot: DovecotServer) -> None:
    dovecot.stop()
    async with fetching(dovecot) as post:
        assert "Nobody listens" in await error_of(post)


class TokenServer:
    """A provider: gives access tokens for a refresh token, and tells Dovecot which are good."""

    def __init__(self) -> None:
        self.given = 0
        self.good: set[str] = set()
        self.refuses = False

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/token", self._give)
        application.router.add_get("/check", self._check)
        return application

    async def _give(self, request: web.Request) -> web.Response:
        form = await request.post()
        if self.refuses or form["refresh_token"] != "refresh":
            return web.json_response({"error_description": "AADSTS70000: expired"}, status=400)
        self.given += 1
        token = f"token{self.given}"
        self.good.add(token)
        return web.json_response({"access_token": token, "expires_in": 3600})

    async def _check(self, request: web.Request) -> web.Response:
        if request.query["token"] not in self.good:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"email": USER})


@pytest.fixture
async def oauth() -> AsyncIterator[tuple[TokenServer, DovecotServer, dict[str, Any]]]:
    server = TokenServer()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serve_application(server.application()))
        dovecot = await asyncio.to_thread(
            running, lambda: DovecotServer(token_url=f"{address}/check"), ExitStack()
        )
        stack.callback(dovecot.close)
        settings = {
            "oauth": "custom",
            "oauth_url": f"{address}/token",
            "oauth_client_id": "client",
            "oauth_refresh_token": "refresh",
            "password": "",
        }
        yield server, dovecot, settings


async def test_a_token_signs_in_and_is_kept(
    oauth: tuple[TokenServer, DovecotServer, dict[str, Any]],
) -> None:
    server, dovecot, settings = oauth
    async with fetching(dovecot, **settings) as post:
        await post.ready()
        assert server.given == 1
        dovecot.stop()
        dovecot.start()
        dovecot.deliver(mail(1, "1"))
        await post.came(1)
        assert server.given == 1


async def test_an_expired_token_is_renewed_once(
    oauth: tuple[TokenServer, DovecotServer, dict[str, Any]],
) -> None:
    server, dovecot, settings = oauth
    async with fetching(dovecot, **settings) as post:
        await post.ready()
        server.good.clear()
        dovecot.stop()
        dovecot.start()
        dovecot.deliver(mail(1, "1"))
        await post.came(1)
        assert server.given == 2


async def test_a_refused_refresh_token_is_told(
    oauth: tuple[TokenServer, DovecotServer, dict[str, Any]],
) -> None:
    server, dovecot, settings = oauth
    server.refuses = True
    async with fetching(dovecot, **settings) as post:
        assert "AADSTS70000" in await error_of(post)


def test_folder_names_are_written_as_imap_writes_them() -> None:
    assert quote_folder("INBOX") == '"INBOX"'
    assert quote_folder("已处理 & 完成") == '"&XfJZBHQG- &- &W4xiEA-"'
    assert quote_folder('a"b\\c') == '"a\\"b\\\\c"'
