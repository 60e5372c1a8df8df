"""Standard Webhooks against its published vectors and its reference library."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from channels.errors import SignatureError
from channels.webhooks import parse_secret, sign, signed_headers, verify

VECTORS = {
    vector["id"]: vector
    for vector in json.loads(
        (Path(__file__).parent / "vectors" / "standard_webhooks.json").read_text("utf-8")
    )["vectors"]
}
SECRET = VECTORS["utf8-body"]["inputs"]["secret"]
KEY = parse_secret(SECRET)
NOW = 1_714_963_200


def headers(**changes: str) -> dict[str, str]:
    names = {name.replace("_", "-"): value for name, value in changes.items()}
    return {**signed_headers([KEY], message_id="m-1", timestamp=NOW, body=b"{}"), **names}


@pytest.mark.parametrize("name", ["published-example", "utf8-body"])
def test_published_vectors(name: str) -> None:
    given_inputs, expected = VECTORS[name]["inputs"], VECTORS[name]["expected"]
    key = parse_secret(given_inputs["secret"])
    body = given_inputs["body"].encode()
    timestamp = given_inputs["webhook-timestamp"]
    signature = sign([key], message_id=given_inputs["webhook-id"], timestamp=timestamp, body=body)
    assert signature == expected["webhook-signature"]
    received = {
        "webhook-id": given_inputs["webhook-id"],
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }
    assert verify([key], received, body, now=timestamp) == given_inputs["webhook-id"]


def test_one_of_several_signatures_is_enough() -> None:
    inputs: dict[str, Any] = VECTORS["utf8-body"]["inputs"]
    received = {
        "webhook-id": inputs["webhook-id"],
        "webhook-timestamp": str(inputs["webhook-timestamp"]),
        "webhook-signature": VECTORS["rotation"]["inputs"]["webhook-signature"],
    }
    body = inputs["body"].encode()
    assert verify([KEY], received, body, now=inputs["webhook-timestamp"])


def test_any_valid_key_is_enough() -> None:
    other = b"\x01" * 32
    assert verify([other, KEY], headers(), b"{}", now=NOW) == "m-1"
    both = headers(
        webhook_signature=sign([other, KEY], message_id="m-1", timestamp=NOW, body=b"{}")
    )
    assert verify([KEY], both, b"{}", now=NOW) == "m-1"
    assert verify([other], both, b"{}", now=NOW) == "m-1"
    with pytest.raises(SignatureError):
        verify([other], headers(), b"{}", now=NOW)


@pytest.mark.parametrize(
    ("offset", "accepted"), [(-301, False), (-300, True), (300, True), (301, False)]
)
def test_the_clock_may_be_off_by_five_minutes(offset: int, accepted: bool) -> None:
    if accepted:
        assert verify([KEY], headers(), b"{}", now=NOW - offset) == "m-1"
    else:
        with pytest.raises(SignatureError, match="clock"):
            verify([KEY], headers(), b"{}", now=NOW - offset)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_id": ""},
        {"webhook_id": "m 1"},
        {"webhook_id": "m" * 256},
        {"webhook_id": "m-2"},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "1714963200.0"},
        {"webhook_timestamp": "-1714963200"},
        {"webhook_timestamp": "١٧١٤٩٦٣٢٠٠"},
        {"webhook_timestamp": "9" * 5000},
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v2," + "A" * 44},
        {"webhook_signature": "v1,\udcff"},
        {"webhook_signature": " ".join(["v1,AAAA"] * 17)},
    ],
)
def test_malformed_headers_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        verify([KEY], headers(**changes), b"{}", now=NOW)


def test_only_a_few_signatures_are_looked_at() -> None:
    good = headers()["webhook-signature"]
    with pytest.raises(SignatureError):
        verify([KEY], headers(webhook_signature="v1,AAAA " * 16 + good), b"{}", now=NOW)
    assert verify([KEY], headers(webhook_signature="v1,AAAA " * 15 + good), b"{}", now=NOW)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_" + "A" * 30, "whsec_" + "A" * 88, "whsec_!!!", "密钥" * 20, "A" * 33],
)
def test_weak_or_broken_secrets_are_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base64|bytes"):
        parse_secret(secret)


def test_padding_and_prefix_may_be_missing() -> None:
    key = bytes(range(25))
    encoded = base64.b64encode(key).decode()
    assert parse_secret("whsec_" + encoded) == parse_secret(encoded.rstrip("=")) == key


@given(
    body=st.text(max_size=200),
    message_id=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1),
    key=st.binary(min_size=24, max_size=64),
)
def test_the_reference_library_agrees(body: str, message_id: str, key: bytes) -> None:
    moment = datetime.now(tz=UTC)
    stamp = int(moment.timestamp())
    ours = sign([key], message_id=message_id, timestamp=stamp, body=body.encode())
    assert ours == Webhook(key).sign(message_id, moment, body)
    sent = signed_headers([key], message_id=message_id, timestamp=stamp, body=body.encode())
    Webhook(key).verify(body, sent, json_parse=False)
    assert verify([key], sent, body.encode(), now=stamp) == message_id
