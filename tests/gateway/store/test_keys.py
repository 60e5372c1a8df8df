import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import SignatureError
from gateway.store.keys import AesSecretBox, HmacSigner, KeyFileError, load_keys

BOX = AesSecretBox(b"k" * 32)
SIGNER = HmacSigner(b"s" * 32)


def test_the_key_file_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "yingda.key"
    first = load_keys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    again = load_keys(path)
    assert again.box.open(first.box.seal("secret")) == "secret"
    token = first.signer.sign("visitor", "v", expires_at=10)
    assert again.signer.verify("visitor", token, now=1) == "v"
    assert os.listdir(path.parent) == ["yingda.key"]


def test_processes_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "yingda.key"
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: load_keys(path), range(8)))
    sealed = loaded[0].box.seal("x")
    assert [keys.box.open(sealed) for keys in loaded] == ["x"] * 8
    assert os.listdir(tmp_path) == ["yingda.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "yingda.key"
    load_keys(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_keys(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_key_file_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "yingda.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="backup"):
        load_keys(path)
    assert path.read_bytes() == content


def test_a_key_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be used"):
        load_keys(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(KeyFileError, match="cannot be used"):
        load_keys(tmp_path / "file" / "yingda.key")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens_again(secret: str) -> None:
    sealed = BOX.seal(secret)
    assert BOX.open(sealed) == secret
    assert BOX.seal(secret) != sealed
    assert not secret or len(secret) < 4 or secret not in sealed


def test_a_secret_of_another_key_or_damaged_is_refused() -> None:
    sealed = BOX.seal("password")
    flipped = bytearray(base64.b64decode(sealed[3:]))
    flipped[-1] ^= 1
    damaged = "v1:" + base64.b64encode(bytes(flipped)).decode()
    for wrong in (damaged, "", "v1:", "v2" + sealed[2:], sealed[:-4], "v1:%%%", "密"):
        with pytest.raises(ValueError, match="cannot be decrypted"):
            BOX.open(wrong)
    with pytest.raises(ValueError, match="key file"):
        AesSecretBox(b"o" * 32).open(sealed)


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, texts, st.integers(0, 2**53))
def test_a_token_gives_its_value_back(purpose: str, value: str, expires_at: int) -> None:
    token = SIGNER.sign(purpose, value, expires_at=expires_at + 1)
    assert SIGNER.verify(purpose, token, now=expires_at) == value
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()
    with pytest.raises(SignatureError, match="expired"):
        SIGNER.verify(purpose, token, now=expires_at + 1)


def test_a_token_is_good_for_its_purpose_only() -> None:
    token = SIGNER.sign("visitor", "v", expires_at=10)
    for purpose in ("visitors", "", "visito"):
        with pytest.raises(SignatureError, match="wrong"):
            SIGNER.verify(purpose, token, now=1)
    with pytest.raises(SignatureError, match="wrong"):
        HmacSigner(b"o" * 32).verify("visitor", token, now=1)


def test_purpose_and_value_do_not_run_into_each_other() -> None:
    assert SIGNER.sign("ab", "c", expires_at=1) != SIGNER.sign("a", "bc", expires_at=1)


@given(st.text())
def test_foreign_tokens_are_refused(token: str) -> None:
    with pytest.raises(SignatureError):
        SIGNER.verify("visitor", token, now=1)


@given(st.integers(0, 100), st.characters(codec="ascii"))
def test_no_character_of_a_token_may_change(place: int, other: str) -> None:
    token = SIGNER.sign("visitor", "someone@qingchuan.example", expires_at=10)
    place %= len(token)
    changed = token[:place] + other + token[place + 1 :]
    if changed != token:
        with pytest.raises(SignatureError):
            SIGNER.verify("visitor", changed, now=1)
