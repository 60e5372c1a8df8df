"""Signs mails for those whose mail server does not (RFC 6376)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import dkim

from channels.adapters.email.composing import Mail
from channels.adapters.email.settings import EmailSettings
from channels.errors import TransientDeliveryError

_SIGNED: Final = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references",
    b"reply-to", b"content-type", b"mime-version", b"list-unsubscribe",
)  # fmt: skip


def sign(mail: Mail, settings: EmailSettings) -> Mail:
    """The mail with a DKIM-Signature.

    Raises:
        TransientDeliveryError: the key cannot be used; somebody must correct the settings.
    """
    try:
        header = dkim.sign(
            mail.content,
            settings.dkim_selector.encode(),
            settings.dkim_domain.encode("idna"),
            str(settings.dkim_key).encode(),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(_SIGNED),
            signature_algorithm=b"ed25519-sha256" if _is_short(settings) else b"rsa-sha256",
        )
    except (dkim.DKIMException, ValueError) as error:
        reason = f"The mail cannot be signed (DKIM): {error}. Correct the inbox's key."
        raise TransientDeliveryError(reason, retry_after=600, attempted=False) from error
    return replace(mail, content=bytes(header) + mail.content)


def _is_short(settings: EmailSettings) -> bool:
    """An Ed25519 key is 32 bytes in base64, an RSA key has PEM's frame (RFC 8463)."""
    return "-----" not in str(settings.dkim_key)
