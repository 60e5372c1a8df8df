"""A mailbox's settings: what is wrong with them is named, and they can be tried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from channels.adapters.email import CHANNEL
from channels.adapters.email.settings import EmailSettings
from channels.errors import SettingsError
from channels.registry import parse_settings, settings_schema
from channels.testing import make_settings
from tests.channels.adapters.email.post import Post
from tests.mail_servers import USER, DovecotServer, SmtpSink

GOOD = {"address": USER, "smtp_host": "smtp.shop.example", "imap_host": "imap.shop.example"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "nobody"}, "address"),
        ({"aliases": ["a@b.example", "nobody"]}, "aliases"),
        ({"imap_host": "imaps://x"}, "imap_host"),
        ({"smtp_host": "a b"}, "smtp_host"),
        ({"smtp_host": ""}, "smtp_host"),
        ({"smtp_port": 0}, "smtp_port"),
        ({"smtp_security": "ssl"}, "smtp_security"),
        ({"smtp_security": "none", "password": "x"}, "smtp_security"),
        (
            {"smtp_security": "none", "password": "x", "smtp_host": "127.0.0.1.shop.example"},
            "smtp_security",
        ),
        ({"after_fetch": "delete"}, "after_fetch"),
        ({"after_fetch": "move"}, "move_to"),
        ({"folders": []}, "folders"),
        ({"oauth": "microsoft"}, "oauth_client_id"),
        ({"oauth": "google", "oauth_client_id": "x"}, "oauth_refresh_token"),
        (
            {
                "oauth": "custom",
                "oauth_client_id": "x",
                "oauth_refresh_token": "y",
                "oauth_url": "http://token.example",
            },
            "oauth_url",
        ),
        ({"dkim_domain": "shop.example"}, "dkim_selector"),
        ({"dkim_domain": "shop.example", "dkim_selector": "s"}, "dkim_key"),
        ({"poll_seconds": 1}, "poll_seconds"),
        ({"listen_protocol": "uucp"}, "listen_protocol"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(CHANNEL, {**GOOD, **changes})
    assert caught.value.field == field
    assert all(caught.value.words)


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "x", "smtp_host": "localhost"},
        {"password": "x", "smtp_host": "::1"},
        {},
    ],
)
def test_without_encryption_no_password_leaves_the_host(changes: dict[str, Any]) -> None:
    found = parse_settings(CHANNEL, {**GOOD, "smtp_security": "none", **changes})
    assert found.smtp_security == "none"


def test_presets_are_settings() -> None:
    schema = settings_schema(CHANNEL)
    names = [preset["name"] for preset in schema["presets"]]
    assert names == ["163", "126", "qq", "aliyun", "exmail", "outlook", "gmail", "custom"]
    oauth = {"oauth_client_id": "x", "oauth_refresh_token": "y"}
    for preset in schema["presets"]:
        assert set(preset["label"]) == {"en", "zh-Hans", "zh-Hant"}
        parse_settings(CHANNEL, {**GOOD, **oauth, **preset["values"]})


def test_addresses_of_ours_and_of_our_people() -> None:
    settings = EmailSettings(
        address=USER,
        smtp_host="x",
        aliases=("Help@shop.example",),
        staff=("@Boss.example", "li@x.example"),
    )
    assert settings.is_ours("SUPPORT+r123@shop.example")
    assert settings.is_ours("help@shop.example")
    assert not settings.is_ours("support@other.example")
    assert settings.is_staff("anyone@boss.example")
    assert settings.is_staff("LI@x.example")
    assert not settings.is_staff("wang@x.example")


async def steps(post: Post, **changes: Any) -> list[tuple[bool, str]]:
    assert CHANNEL.test is not None
    found = await CHANNEL.test(make_settings(CHANNEL, {**post.settings, **changes}))
    assert all(all(step.name) and (step.detail is None or all(step.detail)) for step in found)
    return [(step.ok, step.detail.en if step.detail else "") for step in found]


async def test_settings_are_tried_out_step_by_step(dovecot: DovecotServer, smtp: SmtpSink) -> None:
    dovecot.folder("VIP")
    post = Post(dovecot, smtp)
    assert await steps(post, folders=("INBOX", "VIP")) == [(True, "")] * 4
    assert smtp.mails == []


@pytest.mark.parametrize(
    ("changes", "failing", "word"),
    [
        ({"password": "wrong"}, 0, "authorisation code"),
        ({"imap_host": "no-such-host.invalid"}, 0, "no server"),
        ({"imap_port": 1}, 0, "listens"),
        ({"certificates": ""}, 0, "certificate"),
        ({"folders": ("INBOX", "Nowhere")}, 2, "Nowhere"),
        ({"sent_folder": "Sent"}, 2, "Sent"),
        ({"smtp_port": 1}, 2, "listens"),
        ({"smtp_security": "tls"}, 2, "TLS"),
        ({"smtp_security": "starttls"}, 2, "STARTTLS"),
    ],
)
async def test_what_fails_is_told_exactly(
    dovecot: DovecotServer, smtp: SmtpSink, changes: dict[str, Any], failing: int, word: str
) -> None:
    found = await steps(Post(dovecot, smtp), **changes)
    assert [ok for ok, _ in found] == [True] * failing + [False]
    assert word in found[-1][1]


async def test_a_server_that_says_nothing_in_tls(tmp_path: Path, smtp: SmtpSink) -> None:
    post = Post(None, smtp, imap_host="127.0.0.1", imap_port=smtp.port)
    found = await steps(post)
    assert found[0][0] is False
    assert "TLS" in found[0][1]
