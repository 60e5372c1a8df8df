"""Who the site says a visitor is: signatures from other implementations, and forgeries."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from channels.adapters.webchat.identity import check_hmac, check_jwt
from channels.errors import SignatureError

VECTORS = {
    vector["id"]: vector
    for vector in json.loads(
        (Path(__file__).parents[2] / "vectors/widget_identity.json").read_text(encoding="utf-8")
    )["vectors"]
}
SECRET = "widgetSecret_0123456789abcdef0123456789"
NOW = 1_714_963_200_000


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def make_jwt(
    claims: Any, *, secret: str = SECRET, header: Any = None, digest: str = "sha256"
) -> str:
    signed = f"{part(header or {'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    proof = hmac.digest(secret.encode(), signed.encode(), digest)
    return f"{signed}.{base64.urlsafe_b64encode(proof).rstrip(b'=').decode()}"


def check(token: str, *, now: int = NOW, audience: str = "web:shop") -> Any:
    return check_jwt(token, SECRET, audience=audience, now=now)


def test_hmac_of_another_implementation() -> None:
    vector = VECTORS["hmac-hex"]
    inputs = vector["inputs"]
    identity = check_hmac(inputs["identifier"], vector["expected"], inputs["hmac_token"])
    assert identity.identifier == "user-42"
    assert identity.profile == {}


def test_hmac_may_be_written_in_upper_case() -> None:
    signature = hmac.digest(b"s" * 16, b"a", "sha256").hex().upper()
    assert check_hmac("a", signature, "s" * 16).identifier == "a"


@pytest.mark.parametrize(
    ("identifier", "signature"),
    [
        ("user-43", VECTORS["hmac-hex"]["expected"]),
        ("user-42", VECTORS["hmac-hex"]["expected"][:-1]),
        ("user-42", ""),
        ("user-42", "é" * 64),
        ("user-42", hashlib.sha256(b"user-42").hexdigest()),
    ],
)
def test_wrong_hmacs(identifier: str, signature: str) -> None:
    with pytest.raises(SignatureError):
        check_hmac(identifier, signature, "hmacTok3n")


@pytest.mark.parametrize("identifier", ["", "   ", "x" * 129, "a\nb", "a\u202eb", "a\u200bb"])
def test_identifiers_that_cannot_be_one(identifier: str) -> None:
    signature = hmac.digest(SECRET.encode(), identifier.encode(), "sha256").hex()
    with pytest.raises(SignatureError):
        check_hmac(identifier, signature, SECRET)


def test_jwt_of_another_implementation() -> None:
    vector = VECTORS["jwt-hs256"]
    identity = check_jwt(
        vector["expected"], vector["inputs"]["secret"], audience="web:shop", now=NOW + 1000
    )
    assert identity.identifier == "user-42"
    assert identity.profile == {"email": "c@example.org"}


def test_profile_is_cut_and_cleaned() -> None:
    token = make_jwt(
        {
            "sub": "u",
            "exp": NOW // 1000 + 60,
            "name": "Li\u202e Wei" + "x" * 200,
            "phone": 5,
            "email": "",
            "role": "admin",
        }
    )
    profile = check(token).profile
    assert set(profile) == {"name"}
    assert profile["name"].startswith("Li Wei")
    assert len(profile["name"]) == 100


EXP = NOW // 1000 + 600


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (make_jwt({"sub": "u", "exp": EXP}, secret="another secret of the kind"), "signature"),
        (make_jwt({"sub": "u", "exp": EXP}, header={"alg": "none"}), "HS256"),
        (make_jwt({"sub": "u", "exp": EXP}, header={"alg": "HS512"}, digest="sha512"), "HS256"),
        (make_jwt({"sub": "u", "exp": EXP}, header={"alg": "RS256"}), "HS256"),
        (
            make_jwt({"sub": "u", "exp": EXP}, header={"alg": "HS256", "crit": ["b64"]}),
            "crit",
        ),
        (make_jwt({"sub": "u", "exp": EXP}, header=[1]), "object"),
        (make_jwt({"sub": "u"}), "exp"),
        (make_jwt({"sub": "u", "exp": NOW // 1000 - 61}), "expired"),
        (make_jwt({"sub": "u", "exp": NOW // 1000 + 3700}), "one hour"),
        (make_jwt({"sub": "u", "exp": str(EXP)}), "number"),
        (make_jwt({"sub": "u", "exp": True}), "number"),
        (make_jwt({"sub": "u", "exp": EXP, "nbf": NOW // 1000 + 120}), "nbf"),
        (make_jwt({"sub": "u", "exp": EXP, "aud": "web:other"}), "aud"),
        (make_jwt({"sub": "u", "exp": EXP, "aud": ["a", "b"]}), "aud"),
        (make_jwt({"exp": EXP}), "sub"),
        (make_jwt({"sub": 42, "exp": EXP}), "sub"),
        (make_jwt({"sub": " ", "exp": EXP}), "identifier"),
        (make_jwt([1]), "object"),
        ("", "compact"),
        ("a.b", "compact"),
        ("a.b.c.d", "compact"),
        ("é.b.c", "compact"),
        ("x" * 5000, "compact"),
        ("!!.b.c", "base64url"),
        (f"{part('x')[:-1]}.b.c", "JSON"),
    ],
)
def test_jwts_that_prove_nothing(token: str, reason: str) -> None:
    with pytest.raises(SignatureError, match=reason):
        check(token)


def test_a_changed_claim_breaks_the_signature() -> None:
    head, _, signature = make_jwt({"sub": "u", "exp": EXP}).split(".")
    with pytest.raises(SignatureError, match="signature"):
        check(f"{head}.{part({'sub': 'admin', 'exp': EXP})}.{signature}")


@pytest.mark.parametrize("aud", ["web:shop", ["web:shop", "api"]])
def test_audiences_that_name_this_inbox(aud: object) -> None:
    assert check(make_jwt({"sub": "u", "exp": EXP, "aud": aud})).identifier == "u"


@pytest.mark.parametrize("skew", [-59_000, 59_000])
def test_a_minute_of_clock_skew_is_forgiven(skew: int) -> None:
    claims = {"sub": "u", "exp": NOW // 1000, "nbf": NOW // 1000}
    assert check(make_jwt(claims), now=NOW + skew).identifier == "u"
