"""Whom we believe to be the mail server."""

from __future__ import annotations

import ssl

from channels.adapters.email.errors import MailServerError, no_authority
from channels.adapters.email.settings import EmailSettings


def tls_context(settings: EmailSettings) -> ssl.SSLContext:
    """Verifies certificates and names, with the authority that the settings add.

    Raises:
        MailServerError: the authority's file is not there, or holds no certificate.
    """
    context = ssl.create_default_context()
    if settings.certificates:
        try:
            context.load_verify_locations(settings.certificates)
        except OSError as error:  # ssl.SSLError is one
            raise MailServerError(no_authority(settings.certificates, error)) from error
    return context
