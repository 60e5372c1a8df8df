"""Whom we believe to be the mail server."""

from __future__ import annotations

import ssl

from channels.adapters.email.settings import EmailSettings


def tls_context(settings: EmailSettings) -> ssl.SSLContext:
    """Verifies certificates and names, with the authority that the settings add."""
    context = ssl.create_default_context()
    if settings.certificates:
        context.load_verify_locations(settings.certificates)
    return context
