"""Mail servers hand mail to us, by LMTP and SMTP."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from channels.adapters.email import listening as listening_port
from channels.errors import SettingsError
from tests.channels.adapters.email.post import WANG, Post, mail
from tests.mail_servers import USER, SmtpSink, write_certificate
from tests.servers import free_port


@asynccontextmanager
async def listening(**settings: Any) -> AsyncIterator[Post]:
    post = Post(None, SmtpSink(), listen_port=free_port(), **settings)
    await post.channel.start()
    try:
        yield post
    finally:
        await post.channel.stop()


def port(post: Post) -> int:
    return int(post.settings["listen_port"])


async def test_a_mail_is_kept_before_it_is_answered() -> None:
    async with listening() as post:

        def deliver() -> dict[str, tuple[int, bytes]]:
            with smtplib.LMTP("127.0.0.1", port(post), local_hostname="mx.example") as client:
                return client.sendmail(WANG, [USER], mail(1))

        assert await asyncio.to_thread(deliver) == {}
        (message,) = post.bench.sink.messages
        assert message.handle == WANG
        health = await post.channel.health()
        assert health is not None
        assert health.message_at is not None


async def hand_over(post: Post, *recipients: str, content: bytes = b"", **options: Any) -> Any:
    client = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=port(post), start_tls=bool(options), timeout=10, **options
    )
    async with client:
        return await client.sendmail(WANG, list(recipients), content or mail(1))


async def test_smtp_is_spoken_too_and_tells_the_thread() -> None:
    async with listening(listen_protocol="smtp") as post:
        await hand_over(post, USER.replace("@", "+anything@"))
        assert len(post.bench.sink.messages) == 1


async def test_we_are_nobodys_relay() -> None:
    async with listening(listen_protocol="smtp") as post:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as caught:
            await hand_over(post, "victim@other.example")
        assert caught.value.recipients[0].code == 550
        assert post.bench.sink.messages == []


async def test_a_full_bus_is_told_and_the_mail_comes_again() -> None:
    async with listening(listen_protocol="smtp") as post:
        post.bench.sink.full = True
        with pytest.raises(aiosmtplib.SMTPDataError) as caught:
            await hand_over(post, USER)
        assert caught.value.code == 451
        post.bench.sink.full = False
        await hand_over(post, USER)
        assert len(post.bench.sink.messages) == 1


async def test_after_a_fault_of_ours_the_mail_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(listen_protocol="smtp") as post:

        async def fail(message: object) -> None:
            raise RuntimeError("a fault of ours")

        with monkeypatch.context() as patch:
            patch.setattr(post.bench.sink, "deliver", fail)
            with pytest.raises(aiosmtplib.SMTPDataError) as caught:
                await hand_over(post, USER)
        assert caught.value.code == 451
        health = await post.channel.health()
        assert health is not None
        assert health.error is not None
        await hand_over(post, USER)
        assert len(post.bench.sink.messages) == 1


async def test_more_connections_than_are_allowed_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening_port, "MOST_CONNECTIONS", 1)
    async with listening(listen_protocol="smtp") as post:
        _, writer = await asyncio.open_connection("127.0.0.1", port(post))
        await post.until(lambda: post.channel._listening.connections)
        with pytest.raises(aiosmtplib.SMTPException) as caught:
            await hand_over(post, USER)
        assert "421" in str(caught.value)
        writer.close()
        await post.until(lambda: not post.channel._listening.connections)
        await hand_over(post, USER)
        assert len(post.bench.sink.messages) == 1


async def test_a_second_recipient_is_sent_alone() -> None:
    async with listening(listen_protocol="smtp", aliases=("help@shop.example",)) as post:
        refused, _ = await hand_over(post, USER, "help@shop.example")
        assert refused["help@shop.example"].code == 452


async def test_a_mail_that_is_too_large_is_refused() -> None:
    async with listening(listen_protocol="smtp", max_mail_mb=1) as post:
        with pytest.raises(aiosmtplib.SMTPResponseException) as caught:
            await hand_over(post, USER, content=mail(1, ("x" * 70 + "\n") * 20_000))
        assert caught.value.code == 552
        assert post.bench.sink.messages == []


async def test_starttls_is_asked_for_where_there_is_a_certificate(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "server.pem")
    async with listening(listen_protocol="smtp", listen_certificate=str(certificate)) as post:
        with pytest.raises(aiosmtplib.SMTPResponseException):
            await hand_over(post, USER)
        context = ssl.create_default_context(cafile=certificate)
        await hand_over(post, USER, tls_context=context)
        assert len(post.bench.sink.messages) == 1


async def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    post = Post(
        None, SmtpSink(), listen_port=free_port(), listen_certificate=str(tmp_path / "empty.pem")
    )
    with pytest.raises(SettingsError) as caught:
        await post.channel.start()
    assert caught.value.field == "listen_certificate"


async def test_a_changed_inbox_listens_before_the_old_one_stops() -> None:
    async with listening(listen_protocol="smtp") as post:
        changed = post.build()
        await changed.start()
        await post.channel.stop()
        await hand_over(post, USER)
        await changed.stop()
        assert len(post.bench.sink.messages) == 1
