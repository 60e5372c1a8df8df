"""Takes mail from a mail server that is pointed at us: LMTP (RFC 2033) or SMTP, by aiosmtpd.

"250" is said only when the mail is durable; while it cannot be kept the server is asked to come
again, and keeps it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any, Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from typing_extensions import override

from channels.adapters.email.errors import FAULT, WAITS
from channels.adapters.email.health import HealthKeeper
from channels.adapters.email.poller import deliver_all
from channels.adapters.email.receiver import Receiver
from channels.adapters.email.settings import EmailSettings
from channels.errors import SettingsError, SinkFullError, UnavailableError, Words

log = logging.getLogger(__name__)

MOST_CONNECTIONS: Final = 50
TIMEOUT: Final = 120.0  # seconds of silence after which a client is dropped

_LATER: Final = "451 4.3.0 Cannot keep the mail now, try again later"


class _Counted:
    """A connection that counts as long as it lasts."""

    event_handler: Listening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.connections.add(self)
        super().connection_made(transport)  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.connections.discard(self)
        super().connection_lost(error)  # type: ignore[misc]


class _Smtp(_Counted, SMTP):
    """SMTP."""


class _Lmtp(_Counted, LMTP):
    """LMTP."""


class _Refusal(asyncio.Protocol):
    """A connection beyond those that are allowed: the server comes again."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
        transport.close()


class Listening:
    """The port of one mailbox."""

    def __init__(self, settings: EmailSettings, receiver: Receiver, health: HealthKeeper) -> None:
        self._settings = settings
        self._receiver = receiver
        self._health = health
        self._server: asyncio.Server | None = None
        self.connections: set[Any] = set()

    async def start(self) -> None:
        """Begins to listen. An inbox's next channel may listen before this one stops.

        Raises:
            SettingsError: the port or the certificate cannot be used.
        """
        settings = self._settings
        where = f"{settings.listen_host}:{settings.listen_port}"
        context = self._certificate()
        kind = _Lmtp if settings.listen_protocol == "lmtp" else _Smtp

        def session() -> Any:
            if len(self.connections) >= MOST_CONNECTIONS:
                return _Refusal()
            return kind(
                self,
                data_size_limit=settings.max_mail_bytes,
                hostname=settings.domain,
                ident="Yingda",
                tls_context=context,
                require_starttls=context is not None,
                timeout=TIMEOUT,
                enable_SMTPUTF8=True,
            )

        try:
            self._server = await asyncio.get_running_loop().create_server(
                session, settings.listen_host, settings.listen_port, reuse_port=True
            )
        except OSError as error:
            why = error.strerror or str(error)
            raise SettingsError(
                "listen_port",
                Words(
                    f"cannot listen on {where} ({why}); choose another port",
                    f"无法监听 {where}（{why}），请改用其他端口",
                    f"無法監聽 {where}（{why}），請改用其他連接埠",
                ),
            ) from error

    async def stop(self) -> None:
        """Takes no more connections; mails under way are answered by their own time limit."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _certificate(self) -> ssl.SSLContext | None:
        path = self._settings.listen_certificate
        if not path:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(path)
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(
                "listen_certificate",
                Words(
                    f"the file holds no certificate with its key ({error})",
                    f"文件中没有证书及其私钥（{error}）",
                    f"檔案中沒有憑證及其私鑰（{error}）",
                ),
            ) from error
        return context

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: Any,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Mail for others is refused: we are nobody's relay."""
        if not self._settings.is_ours(address):
            return "550 5.1.1 No such mailbox here"
        if envelope.rcpt_tos:
            # One answer can be given to each mail; servers send the others on by themselves.
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self,
        server: Any,
        session: Session,
        envelope: Envelope,
    ) -> str:
        """Answers when the mail is durable."""
        content = envelope.content
        raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        try:
            await deliver_all([await self._receiver.take(raw or b"", envelope.rcpt_tos)])
        except (SinkFullError, UnavailableError):
            await self._health.fail(WAITS)
            return _LATER
        except Exception:  # aiosmtpd would answer 500, and the server give the mail up
            log.exception("a mail is not taken", extra={"action": "mail_failed"})
            await self._health.fail(FAULT)
            return _LATER
        self._health.message()
        await self._health.heard()
        return "250 2.6.0 Kept"
