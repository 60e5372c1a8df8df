"""Mailing a code that proves who a customer is."""

from typing import Protocol

from intents.model import Language


class CodeMail(Protocol):
    """Sends a short code to an address on file."""

    async def send_code(self, address: str, code: str, language: Language) -> bool:
        """Sends it now; whether a mail server took it.

        Args:
            address: the contact's mail address.
            code: the code, six digits.
            language: in which the mail is written.
        """
        ...
