"""Settings, the choice of language, allowances, and tokens."""

from typing import Any

import pytest

from channels.adapters.webchat.settings import WebChatSettings
from channels.adapters.webchat.texts import choose_language, cut_line, find_language
from channels.adapters.webchat.tokens import (
    HOUR_MS,
    StoredFile,
    Visitor,
    read_file,
    read_upload,
    read_visitor,
    sign_file,
    sign_upload,
    sign_visitor,
)
from channels.contract import Attachment, Secret
from channels.errors import SettingsError, SignatureError
from channels.limits import RateLimiter
from channels.testing import MemorySigner

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"allowed_origins": ("shop.example",)}, "allowed_origins"),
        ({"allowed_origins": ("https://shop.example/",)}, "allowed_origins"),
        ({"allowed_origins": ("https://shop.example/path",)}, "allowed_origins"),
        ({"allowed_origins": ("https://Shop.example",)}, "allowed_origins"),
        ({"allowed_origins": ("https://a:b@shop.example",)}, "allowed_origins"),
        ({"allowed_origins": ("ftp://shop.example",)}, "allowed_origins"),
        ({"allowed_origins": ("https://s*p.example",)}, "allowed_origins"),
        ({"allowed_origins": ("null",)}, "allowed_origins"),
        ({"title_en": " "}, "title_en"),
        ({"title_zh_hant": "長" * 41}, "title_zh_hant"),
        ({"accent": "blue"}, "accent"),
        ({"accent": "#12345"}, "accent"),
        ({"accent": "#2457d6;}"}, "accent"),
        ({"max_attachment_mb": 0}, "max_attachment_mb"),
        ({"max_attachment_mb": 51}, "max_attachment_mb"),
        ({"messages_per_minute": 0}, "messages_per_minute"),
        ({"sessions_per_hour": 0}, "sessions_per_hour"),
        ({"identity_secret": Secret("short")}, "identity_secret"),
        ({"identity_required": True}, "identity_required"),
        ({"help_url": "https://help.example/"}, "help_url"),
        ({"help_url": "javascript:alert('{slug}')"}, "help_url"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        WebChatSettings(**values)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://shop.example",
        "http://localhost:3000",
        "https://*.shop.example",
        "http://[::1]:8080",
    ],
)
def test_origins_that_can_be_allowed(origin: str) -> None:
    assert WebChatSettings(allowed_origins=(origin,)).allowed_origins == (origin,)


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh_SG", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-hk", "zh-Hant"),
        ("zh-Hant-CN", "zh-Hant"),
        ("zh-Hans-HK", "zh-Hans"),
        ("en-GB", "en"),
        ("fr", None),
        ("", None),
    ],
)
def test_tags_find_their_language(tag: str, language: str | None) -> None:
    assert find_language(tag) == language


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("zh-TW", "en", "zh-Hant"),
        (None, "fr, en;q=0.4, zh-HK;q=0.8", "zh-Hant"),
        (None, "en;q=0, fr", "zh-Hans"),
        (None, "en;q=abc", "zh-Hans"),
        ("klingon", "", "zh-Hans"),
    ],
)
def test_the_choice_of_language(asked: str | None, accepted: str, language: str) -> None:
    assert choose_language(asked, accepted, "zh-Hans") == language


def test_an_inbox_in_another_language_falls_back_to_english() -> None:
    assert choose_language(None, "", "fr") == "en"


def test_lines_are_cut_clean() -> None:
    assert cut_line("  a\u202e\n b  ", 9) == "a b"
    assert cut_line("abc def", 4) == "abc"


def test_an_allowance_refills_evenly() -> None:
    limiter = RateLimiter(3, 60_000)
    assert [limiter.wait_seconds("a", NOW) for _ in range(4)] == [0, 0, 0, 20]
    assert limiter.wait_seconds("b", NOW) == 0
    assert limiter.wait_seconds("a", NOW + 19_000) == 1
    assert limiter.wait_seconds("a", NOW + 20_001) == 0
    assert limiter.wait_seconds("a", NOW + 20_002) == 20


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limiter = RateLimiter(1, 1000)
    assert limiter.wait_seconds("a", NOW) == 0
    assert limiter.wait_seconds("a", NOW - 3_600_000) == 1


def test_allowances_take_bounded_memory() -> None:
    limiter = RateLimiter(1, 60_000, max_keys=10)
    for key in range(100):
        limiter.wait_seconds(str(key), NOW)
    assert len(limiter) == 10
    assert limiter.wait_seconds("99", NOW) > 0


VISITOR = Visitor(inbox_id="shop", handle="v:1")
FILE = Attachment(blob="b", name="a.png", mime="image/png", size=3)


def test_a_session_token_names_its_visitor() -> None:
    signer = MemorySigner()
    known = Visitor(inbox_id="shop", handle="id:7", verified=True, profile={"name": "Li"})
    for visitor in (VISITOR, known):
        token, expires_at = sign_visitor(signer, visitor, NOW)
        assert read_visitor(signer, token, NOW) == visitor
        with pytest.raises(SignatureError):
            read_visitor(signer, token, expires_at)


def test_an_upload_belongs_to_its_visitor() -> None:
    signer = MemorySigner()
    token = sign_upload(signer, VISITOR, FILE, NOW)
    assert read_upload(signer, VISITOR, token, NOW) == FILE
    for other in (
        Visitor(inbox_id="shop", handle="v:2"),
        Visitor(inbox_id="else", handle="v:1"),
    ):
        with pytest.raises(SignatureError):
            read_upload(signer, other, token, NOW)


def test_tokens_serve_one_purpose() -> None:
    signer = MemorySigner()
    session, _ = sign_visitor(signer, VISITOR, NOW)
    stored = StoredFile(inbox_id="shop", blob="b", name="a", mime="text/plain")
    file = sign_file(signer, stored, NOW)
    assert read_file(signer, file, NOW) == stored
    with pytest.raises(SignatureError):
        read_file(signer, session, NOW)
    with pytest.raises(SignatureError):
        read_visitor(signer, file, NOW)
    with pytest.raises(SignatureError):
        read_upload(signer, VISITOR, session, NOW)


def test_a_file_keeps_its_address_for_caches() -> None:
    signer = MemorySigner()
    stored = StoredFile(inbox_id="shop", blob="b", name="a", mime="text/plain")
    hour = NOW - NOW % HOUR_MS
    assert sign_file(signer, stored, hour) == sign_file(signer, stored, hour + HOUR_MS - 1)
    assert sign_file(signer, stored, hour) != sign_file(signer, stored, hour + HOUR_MS)
