"""Throw-away mail servers: Dovecot, an SMTP server in the test's own loop, and a bad line."""

from __future__ import annotations

import asyncio
import datetime
import grp
import ipaddress
import os
import pwd
import re
import signal
import socket
import ssl
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from typing_extensions import override

from tests.servers import ServerMissingError, ThrowawayServer, children

USER = "support@shop.example"
PASSWORD = "s3cret"
_IMAP = Path("/usr/lib/dovecot/imap")


def write_certificate(path: Path, name: str = "localhost") -> Path:
    """Write a key and its self-signed certificate into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName(names if name == "localhost" else names[:1]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path


_DOVECOT = """
base_dir = {here}/base
state_dir = {here}/state
log_path = /dev/stderr
instance_name = yingda-test
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{here}/server.pem
ssl_key = <{here}/server.pem
auth_mechanisms = plain login{mechanisms}
auth_failure_delay = 0
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{here}/mail/%u
mail_fsync = never
mail_max_userip_connections = 100
mail_plugins = quota
{passdb}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {here}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={here}/mail/%u
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage={quota}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""
_TOKENS = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {here}/oauth.conf
}}
"""


class DovecotServer(ThrowawayServer):
    """A Dovecot IMAP server with TLS, whose only user is `USER`.

    Args:
        quota: how much the mailbox holds, as Dovecot writes it.
        token_url: where access tokens are checked (`…?token=` is appended to); none where empty.
    """

    label = "dovecot"

    def __init__(self, *, quota: str = "1G", token_url: str = "") -> None:
        if not _IMAP.exists():
            raise ServerMissingError(
                "dovecot is not installed (Debian: apt-get install dovecot-imapd)"
            )
        super().__init__()
        self.certificate = self.directory / "server.pem"
        self._quota = quota
        self._token_url = token_url
        self.maildir = self.directory / "mail" / USER

    @override
    def command(self) -> list[str]:
        return ["/usr/sbin/dovecot", "-F", "-c", str(self.directory / "dovecot.conf")]

    @override
    def start(self) -> Self:
        """Run the server, writing its configuration the first time."""
        if not self.certificate.exists():
            self._configure()
        return super().start()

    @override
    def stop(self) -> None:
        """Say BYE to the clients and end; Dovecot itself would let them stay."""
        if self.process is None:
            return
        workers = children(self.pid)
        sessions = [pid for pid in workers if _name_of(pid) == "imap"]
        _signal(sessions, signal.SIGTERM)
        time.sleep(0.1)
        super().stop()
        _signal(workers, signal.SIGKILL)

    def _configure(self) -> None:
        uid = self.account.pw_uid if self.account else os.geteuid()
        gid = self.account.pw_gid if self.account else os.getegid()
        write_certificate(self.certificate)
        for folder in ("base", "state", "mail"):
            (self.directory / folder).mkdir()
        (self.directory / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        (self.directory / "oauth.conf").write_text(
            f"tokeninfo_url = {self._token_url}?token=\nusername_attribute = email\n"
        )
        with_tokens = bool(self._token_url)
        (self.directory / "dovecot.conf").write_text(
            _DOVECOT.format(
                here=self.directory,
                port=self.port,
                user=pwd.getpwuid(uid).pw_name,
                group=grp.getgrgid(gid).gr_name,
                quota=self._quota,
                mechanisms=" xoauth2" if with_tokens else "",
                passdb=_TOKENS.format(here=self.directory) if with_tokens else "",
            )
        )
        for path in self.directory.rglob("*"):
            self._give(path)

    def _give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    @override
    def answers(self) -> bool:
        context = ssl.create_default_context(cafile=self.certificate)
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=2) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as connection,
            ):
                return b"ready" in connection.recv(500)
        except OSError:
            return False

    def folder(self, name: str = "INBOX") -> Path:
        """Return a folder's Maildir, made where it is missing."""
        path = self.maildir if name == "INBOX" else self.maildir / f".{name}"
        for part in (self.maildir, path, *(path / one for one in ("tmp", "new", "cur"))):
            if not part.exists():
                part.mkdir()
                self._give(part)
        return path

    def deliver(self, content: bytes, folder: str = "INBOX", *, days_ago: int = 0) -> None:
        """Put a mail into a folder, as a delivery agent does, or did some days ago."""
        path = self.folder(folder)
        name = f"{time.time_ns()}.{uuid.uuid4().hex}.test"
        (path / "tmp" / name).write_bytes(content)
        self._give(path / "tmp" / name)
        came = time.time() - days_ago * 86_400
        os.utime(path / "tmp" / name, (came, came))
        (path / "tmp" / name).rename(path / "new" / name)

    def contents(self, folder: str = "INBOX") -> list[bytes]:
        """Return the mails of a folder."""
        path = self.folder(folder)
        return [mail.read_bytes() for part in ("new", "cur") for mail in (path / part).iterdir()]

    def flags(self, folder: str = "INBOX") -> list[str]:
        """Return the flags of the mails of a folder, as Maildir writes them."""
        names = [mail.name for mail in (self.folder(folder) / "cur").iterdir()]
        return [name.partition(":2,")[2] for name in names]

    def forget_uids(self, folder: str = "INBOX") -> None:
        """Lose a folder's UIDs, as a restore from a backup does: UIDVALIDITY changes."""
        path = self.folder(folder)
        for name in (
            "dovecot-uidlist",
            "dovecot.index",
            "dovecot.index.log",
            "dovecot.index.cache",
        ):
            (path / name).unlink(missing_ok=True)
        for kept in self.maildir.glob("dovecot-uidvalidity*"):
            kept.unlink()
        time.sleep(1.1)  # UIDVALIDITY is made of the second


def _name_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@dataclass
class Received:
    """A mail as the SMTP server got it."""

    sender: str
    recipients: list[str]
    content: bytes
    options: list[str] = field(default_factory=list)


class SmtpSink:
    """An SMTP server that keeps what it gets.

    `answers` are given to the next mails in place of "250"; `refused` to recipients by address.
    `drops` closes that many connections after DATA without a word.
    """

    def __init__(self) -> None:
        self.mails: list[Received] = []
        self.answers: deque[str] = deque()
        self.refused: dict[str, str] = {}
        self.drops = 0
        self.connections = 0
        self.dsn = False
        self.port = 0
        self.password: str | None = PASSWORD
        self._options: list[str] = []

    @asynccontextmanager
    async def running(
        self, certificate: Path | None = None, *, starttls: bool = False
    ) -> AsyncIterator[Self]:
        """Listen on a free port: with a certificate by TLS, or by STARTTLS."""
        context = None
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
        server = await asyncio.get_running_loop().create_server(
            lambda: _Sink(self, context if starttls else None),
            "127.0.0.1",
            self.port,
            ssl=None if starttls else context,
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    def authenticate(self, *args: Any) -> AuthResult:
        """Accept `USER` with the password."""
        given = args[4]
        right = (
            isinstance(given, LoginPassword)
            and given.login == USER.encode()
            and self.password is not None
            and given.password == self.password.encode()
        )
        return AuthResult(success=right, handled=False)

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, name: str, lines: list[str]
    ) -> list[str]:
        """Offer reports of delivery (RFC 3461) where the test wants them."""
        session.host_name = name
        return [*lines[:-1], "250-DSN", lines[-1]] if self.dsn else lines

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, unless told otherwise."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail, or answer by script."""
        content = envelope.content
        assert isinstance(content, bytes)
        if self.drops:
            self.drops -= 1
            server.transport.abort()
            return "421 gone"
        if self.answers and not self.answers[0].startswith("250"):
            return self.answers.popleft()
        if self.answers:
            self.answers.popleft()
        self.mails.append(
            Received(envelope.mail_from or "", envelope.rcpt_tos, content, [*self._options])
        )
        return "250 OK"

    def note(self, options: str) -> None:
        """Remember DSN options, which aiosmtpd knows nothing of."""
        self._options.append(options)


class _Sink(SMTP):
    def __init__(self, sink: SmtpSink, context: ssl.SSLContext | None) -> None:
        super().__init__(
            sink,
            hostname="sink.example",
            tls_context=context,
            require_starttls=context is not None,
            authenticator=sink.authenticate,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        self._sink = sink

    @override
    def connection_made(self, transport: Any) -> None:
        self._sink.connections += 1
        super().connection_made(transport)

    @override
    async def smtp_MAIL(self, arg: str) -> None:
        await super().smtp_MAIL(self._stripped(arg, r" (?:RET|ENVID)=\S+"))

    @override
    async def smtp_RCPT(self, arg: str) -> None:
        await super().smtp_RCPT(self._stripped(arg, r" NOTIFY=\S+"))

    def _stripped(self, arg: str, pattern: str) -> str:
        for found in re.findall(pattern, arg):
            self._sink.note(found.strip())
        return re.sub(pattern, "", arg)


class BadLine:
    """A line to a server that breaks on command: at once, or after so many bytes."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = 0
        self.connections = 0
        self.break_after: int | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Break every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        left, self.break_after = self.break_after, None
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            both = {writer, far_writer}
            self._writers |= both
            try:
                await asyncio.wait(
                    {
                        asyncio.ensure_future(_pump(reader, far_writer, None)),
                        asyncio.ensure_future(_pump(far_reader, writer, left)),
                    },
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                self._writers -= both
                for one in both:
                    one.transport.abort()
        writer.transport.abort()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None
) -> None:
    with suppress(OSError):
        while data := await reader.read(4096):
            if left is not None:
                left -= len(data)
                if left < 0:
                    return
            writer.write(data)
            await writer.drain()
