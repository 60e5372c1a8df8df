"""Encrypted callbacks: what the platform makes opens; everything else is refused in words."""

import base64
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import MalformedPayloadError, SignatureError
from channels.wechat.crypto import CallbackCipher, parse_key
from channels.wechat.payload import parse_xml
from tests.channels.adapters.wecom_simulator import AES_KEY, CORP, TOKEN, seal, sign

NOW = int(time.time()) * 1000
STAMP = str(NOW // 1000)
CIPHER = CallbackCipher(token=TOKEN, key=parse_key(AES_KEY), receiver=CORP)

FROZEN = (
    "418rAa8vThWdxNcA3A1wQd1pUFcvLSMS3Qa7XolinthiKb0LwV4djHVuFKdstynw8sUTf4e8YoH5TuZG"
    "dN0tjG7dJGcKKWbgmsewiYOvrfWfTcLGwFgrXFdSaZGsP124"
)


def opened(encrypted: str, *, stamp: str = STAMP, nonce: str = "n", now: int = NOW) -> bytes:
    signature = sign(encrypted, stamp, nonce)
    return CIPHER.open(encrypted, signature=signature, timestamp=stamp, nonce=nonce, now=now)


def test_a_frozen_callback_opens() -> None:
    """Sealed once with OpenSSL and written down."""
    cipher = CallbackCipher(token="frozen-token", key=parse_key("A" * 43), receiver="wwfrozen")
    assert (
        cipher.open(
            FROZEN,
            signature="0af673899d6c5de8976c4cc21a4950300e9feb10",
            timestamp="1700000000",
            nonce="nonce-1",
            now=1_700_000_000_000,
        ).decode()
        == "<xml><Content>登录失败 😀</Content></xml>"
    )


@given(st.binary(max_size=200))
def test_what_the_platform_seals_opens(content: bytes) -> None:
    assert opened(seal(content)) == content


@pytest.mark.parametrize("length", range(32))
def test_every_length_of_padding(length: int) -> None:
    assert opened(seal(b"x" * length)) == b"x" * length


@given(st.binary(max_size=120), st.integers(0, 500), st.integers(1, 255))
def test_a_changed_byte_is_refused(content: bytes, place: int, mask: int) -> None:
    """By the signature; and with a new one it is at most another content for us, never a fault."""
    encrypted = seal(content)
    sealed = bytearray(base64.b64decode(encrypted))
    sealed[place % len(sealed)] ^= mask
    changed = base64.b64encode(sealed).decode()
    with pytest.raises(SignatureError):
        CIPHER.open(
            changed, signature=sign(encrypted, STAMP, "n"), timestamp=STAMP, nonce="n", now=NOW
        )
    with suppress(SignatureError, MalformedPayloadError):
        opened(changed)


@given(st.text(max_size=200))
def test_any_text_is_refused_in_words(encrypted: str) -> None:
    with pytest.raises((MalformedPayloadError, SignatureError)):
        opened(encrypted.encode("utf-8", "ignore").decode())


@given(st.integers(0, 12))
def test_a_cut_callback_is_refused(blocks: int) -> None:
    sealed = base64.b64decode(seal(b"<xml>" + b"x" * 150 + b"</xml>"))
    with pytest.raises((MalformedPayloadError, SignatureError)):
        opened(base64.b64encode(sealed[: blocks * 16]).decode())


def test_refused_before_it_is_decrypted() -> None:
    encrypted = seal(b"x")
    for signature in ("", "0" * 40, sign(encrypted, STAMP, "other"), "é"):
        with pytest.raises(SignatureError, match="msg_signature"):
            CIPHER.open(encrypted, signature=signature, timestamp=STAMP, nonce="n", now=NOW)


@pytest.mark.parametrize("hours", [-2, 2, 24 * 365])
def test_an_old_or_early_callback_is_refused(hours: int) -> None:
    with pytest.raises(SignatureError, match="clock"):
        opened(seal(b"x"), now=NOW + hours * 3_600_000)


@pytest.mark.parametrize("stamp", ["", "now", "-1", "9" * 40, "１２"])
def test_a_time_that_is_none(stamp: str) -> None:
    with pytest.raises(SignatureError):
        opened(seal(b"x"), stamp=stamp)


def test_another_company_is_refused() -> None:
    for receiver in ("wwother", "", CORP + "x"):
        with pytest.raises(SignatureError, match="company"):
            opened(seal(b"x", receiver=receiver))


def test_keys() -> None:
    assert len(parse_key(AES_KEY)) == 32
    for wrong in ("", AES_KEY[:-1], AES_KEY + "x", AES_KEY[:-1] + "=", AES_KEY[:-1] + "é"):
        with pytest.raises(ValueError, match="43"):
            parse_key(wrong)


HOSTILE = {
    "doctype": "<!DOCTYPE xml><xml><A>1</A></xml>",
    "entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><A>&e;</A></xml>',
    "laughs": '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;">]><xml><A>&b;</A></xml>',
    "unknown entity": "<xml><A>&e;</A></xml>",
    "cut": "<xml><A>1</A>",
    "no xml": "hello",
    "nothing": "",
    "deep": "<a>" * 5_000 + "</a>" * 5_000,
    "wide": "<xml>" + "<a/>" * 5_000 + "</xml>",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_xml_is_refused(body: str) -> None:
    with pytest.raises(MalformedPayloadError, match="xml"):
        parse_xml(body.encode())


def test_bytes_that_are_no_utf_8() -> None:
    with pytest.raises(MalformedPayloadError):
        parse_xml("<xml><A>登录</A></xml>".encode("gb18030"))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(MalformedPayloadError):
        assert isinstance(parse_xml(b"<xml>" + body + b"</xml>"), dict)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), min_size=1, max_size=50)
)
def test_cdata_comes_out_as_it_went_in(text: str) -> None:
    body = f"\ufeff<xml><A><![CDATA[{text.replace(']]>', '')}]]></A><B><C>1</C><C>2</C></B></xml>"
    found = parse_xml(body.encode())
    assert found == {"A": text.replace("]]>", ""), "B": {"C": ["1", "2"]}}
