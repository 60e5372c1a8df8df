"""Signatures of domains are verified with keys that are given."""

import base64

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from channels.mail.model import Verdict
from channels.mail.verdicts import verify_dkim
from tests.channels.mail.samples import mail

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
)
LETTER = mail("body\r\n", From="a@b.example", To="c@d.example", Subject="x")
SIGNED = dkim.sign(LETTER, b"s1", b"b.example", PRIVATE) + LETTER


def lookup(name: str) -> bytes | None:
    return b"v=DKIM1; k=rsa; p=" + PUBLIC if name.startswith("s1._domainkey.b.example") else None


def test_a_good_signature_passes_and_a_changed_mail_fails() -> None:
    assert verify_dkim(SIGNED, lookup) == Verdict(method="dkim", result="pass", domain="b.example")
    changed = verify_dkim(SIGNED.replace(b"body", b"bodY"), lookup)
    assert (changed.result, changed.domain) == ("fail", "b.example")


def test_a_missing_signature_and_a_missing_key() -> None:
    assert verify_dkim(LETTER, lookup).result == "none"
    assert verify_dkim(SIGNED, lambda name: None).result in ("fail", "permerror")
    assert verify_dkim(b"DKIM-Signature: nonsense\r\n\r\nx", lookup).result in (
        "fail",
        "permerror",
    )
