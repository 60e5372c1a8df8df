"""The way out over HTTP to addresses that somebody typed in: guarded against our own network.

Only public addresses are connected to, unless the inbox allows others by name or network. The
address that is checked is the one that is connected to, so a name that resolves differently the
second time gains nothing. No redirects, no proxies from the environment, no cookies, 15 s.
"""

from __future__ import annotations

import contextlib
import email.utils
import io
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from channels.errors import (
    OversizePayloadError,
    PermanentDeliveryError,
    TransientDeliveryError,
    Words,
    WrongValueError,
)

TIMEOUT_SECONDS: Final = 15
ANSWER_LIMIT: Final = 65_536
"""Bytes of an answer that are read."""

LONGEST_WAIT: Final = 86_400
"""The longest Retry-After that is believed, in seconds."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV6_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NEVER: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # a cloud's metadata service on a public address
        "192.0.0.0/24",  # protocol assignments, among them metadata services
        "192.88.99.0/24",  # 6to4 relays
        "2001::/32",  # Teredo: carries an IPv4 address
        "2002::/16",  # 6to4: carries an IPv4 address
        "3fff::/20",  # documentation (RFC 9637)
    )
)
# The last label holds a letter: `127.1`, `2130706433` and `0x7f.1` are addresses in disguise.
_HOST_NAME: Final = re.compile(
    r"(?!.*\.0x[0-9a-f]*\.?$)(?!0x[0-9a-f]*\.?$)"
    r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*"
    r"(?!\d+\.?$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?",
    re.IGNORECASE,
)
_INCOMPLETE: Final = Words(
    "write a complete address: https://host/path",
    "请写完整的地址：https://主机/路径",
    "請寫完整的網址：https://主機/路徑",
)
_WITH_PASSWORD: Final = Words(
    "leave user name and password out; requests are signed",
    "地址中不要写用户名和密码；请求带有签名",
    "網址中不要寫使用者名稱和密碼；請求帶有簽章",
)
_PLAIN_HTTP: Final = Words(
    "use https, or list the host under the allowed networks",
    "请使用 https，或把该主机列入允许的主机和网段",
    "請使用 https，或把該主機列入允許的主機與網段",
)
_RETRYABLE: Final = frozenset({408, 409, 425, 429})


class BlockedAddressError(OSError):
    """The address lies in a network that this inbox may not reach."""


@dataclass(frozen=True, slots=True)
class AllowedNetworks:
    """Hosts and networks beyond the public ones that an inbox may reach."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, entries: Sequence[str]) -> AllowedNetworks:
        """From host names, addresses and CIDR blocks.

        Raises:
            WrongValueError: an entry is none of them.
        """
        hosts: set[str] = set()
        networks: list[Network] = []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                if not _HOST_NAME.fullmatch(entry):
                    raise WrongValueError(
                        Words(
                            f"{entry[:80]!r} is neither a host name nor a network "
                            "such as 10.0.0.0/8",
                            f"“{entry[:80]}”既不是主机名，也不是 10.0.0.0/8 这样的网段",
                            f"「{entry[:80]}」既不是主機名稱，也不是 10.0.0.0/8 這樣的網段",
                        )
                    ) from None
                hosts.add(entry.casefold().rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def has_host(self, host: str) -> bool:
        """Whether the host is named here, or is an address within an allowed network."""
        address = _literal(host)
        if address is not None:
            return self._contains(address)
        return host.casefold().rstrip(".") in self.hosts

    def permits(self, host: str, address: IPAddress) -> bool:
        """Whether the host may be connected to at this address."""
        return is_public(address) or self.has_host(host) or self._contains(address)

    def _contains(self, address: IPAddress) -> bool:
        real = _unmapped(address)
        return any(real in network for network in self.networks if network.version == real.version)


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the public internet's unicast space.

    Excludes private, shared, loopback, link-local, multicast, reserved and documentation ranges
    (IANA special-purpose registries), transition addresses that carry an IPv4 address, and
    the metadata services of clouds.
    """
    real = _unmapped(address)
    if isinstance(real, ipaddress.IPv6Address) and real not in _IPV6_UNICAST:
        return False
    if any(real in network for network in _NEVER if network.version == real.version):
        return False
    return real.is_global and not real.is_multicast and not real.is_reserved


def check_url(url: str, allowed: AllowedNetworks) -> URL:
    """The address in a text, when it may be called.

    Raises:
        WrongValueError: not an absolute http(s) address, plain http to a host that is not
            allowed by name or address, with a password in it, or to a blocked literal address.
    """
    try:
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.port
    except ValueError as error:
        raise WrongValueError(_INCOMPLETE) from error
    if parsed.scheme not in {"http", "https"} or not host or port is None:
        raise WrongValueError(_INCOMPLETE)
    if parsed.user is not None or parsed.password is not None:
        raise WrongValueError(_WITH_PASSWORD)
    if parsed.scheme == "http" and not allowed.has_host(host):
        raise WrongValueError(_PLAIN_HTTP)
    address = _literal(host)
    if address is None and not _HOST_NAME.fullmatch(host):
        raise WrongValueError(
            Words(
                f"{host[:80]} is neither a host name nor an address in its usual form",
                f"{host[:80]} 既不是主机名，也不是通常写法的地址",
                f"{host[:80]} 既不是主機名稱，也不是通常寫法的位址",
            )
        )
    if address is not None and not allowed.permits(host, address):
        raise WrongValueError(
            Words(
                f"{host} is not a public address; list it under the allowed networks if it "
                "is meant",
                f"{host} 不是公网地址；如确需访问，请把它列入允许的网段",
                f"{host} 不是公開位址；如確需存取，請把它列入允許的網段",
            )
        )
    return parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer's status, and Retry-After in seconds where one was given.

    `body`, `mime` and `disposition` (the Content-Disposition) are what `fetch` read.
    """

    status: int
    retry_after: float | None
    body: bytes = b""
    mime: str = ""
    disposition: str = ""


class GuardedHttp:
    """Calls addresses from settings. One per channel; connections are kept open.

    Args:
        allowed: what may be reached beside public addresses.
        now: gives milliseconds since the epoch.
        resolver: answers DNS questions; the system's when None.
        timeout: seconds for a whole request.
    """

    def __init__(
        self,
        allowed: AllowedNetworks,
        now: Callable[[], int],
        *,
        resolver: AbstractResolver | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._allowed = allowed
        self._now = now
        self._resolver = resolver
        self._timeout = timeout
        self._http: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Sends one request; redirects are not followed.

        Raises:
            PermanentDeliveryError: the address may not be called.
            TransientDeliveryError: no connection, no answer in time, or a broken one.
        """
        async with self._exchange("POST", url, body, headers) as answer:
            await _drain(answer)
            return self._described(answer)

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = ANSWER_LIMIT,
    ) -> HttpAnswer:
        """Sends one request and reads the answer; redirects are not followed.

        Args:
            method: such as GET.
            url: where to.
            body: what is sent.
            headers: of the request.
            limit: bytes of the answer that are taken.

        Raises:
            PermanentDeliveryError: the address may not be called.
            TransientDeliveryError: no connection, no answer in time, or a broken or packed one.
            OversizePayloadError: the answer is larger than the limit.
        """
        # An answer that is packed could unpack to any size.
        plain = {**(headers or {}), "Accept-Encoding": "identity"}
        async with self._exchange(method, url, body, plain) as answer:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise TransientDeliveryError(f"{answer.url.host} answers packed, unasked")
            content = await _read(answer, limit)
            return self._described(answer, content)

    def _described(self, answer: aiohttp.ClientResponse, body: bytes = b"") -> HttpAnswer:
        return HttpAnswer(
            status=answer.status,
            retry_after=parse_retry_after(
                answer.headers.get("Retry-After"), now=self._now() / 1000
            ),
            body=body,
            mime=answer.content_type,
            disposition=answer.headers.get("Content-Disposition", ""),
        )

    @contextlib.asynccontextmanager
    async def _exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            target = check_url(url, self._allowed)
        except ValueError as error:
            raise PermanentDeliveryError(f"the address cannot be called: {error}") from error
        data = None if body is None else io.BytesIO(body)
        try:
            async with self._opened().request(
                method, target, data=data, headers=headers, allow_redirects=False
            ) as answer:
                yield answer
        except TimeoutError as error:
            raise TransientDeliveryError(
                f"{target.host} did not answer within {self._timeout:g} s"
            ) from error
        except aiohttp.ClientSSLError as error:
            raise TransientDeliveryError(
                f"{target.host} has no certificate that is trusted for this name"
            ) from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, BlockedAddressError):
                raise PermanentDeliveryError(str(error.os_error)) from error
            raise TransientDeliveryError(f"{target.host} cannot be reached") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransientDeliveryError(f"the connection to {target.host} broke") from error

    async def close(self) -> None:
        """Closes the connections; a later `post` opens new ones."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._http is None:
            resolver = GuardedResolver(self._allowed, self._resolver or aiohttp.ThreadedResolver())
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver, limit=20),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                # A packed answer could unpack to any size; it is not read anyhow.
                auto_decompress=False,
                trust_env=False,
            )
        return self._http


class GuardedResolver(AbstractResolver):
    """Resolves names and drops the addresses that may not be reached."""

    def __init__(self, allowed: AllowedNetworks, resolver: AbstractResolver) -> None:
        self._allowed = allowed
        self._resolver = resolver

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The permitted addresses of a name.

        Raises:
            BlockedAddressError: the name has addresses, but none that may be reached.
        """
        found = await self._resolver.resolve(host, port, family)
        permitted = [
            result
            for result in found
            if (address := _literal(result["host"])) is not None
            and self._allowed.permits(host, address)
        ]
        if found and not permitted:
            raise BlockedAddressError(
                f"{host} leads to {found[0]['host']}, which is not a public address; list the "
                "host under the allowed networks if it is meant"
            )
        return permitted

    @override
    async def close(self) -> None:
        await self._resolver.close()


def check_status(answer: HttpAnswer, receiver: str) -> None:
    """Does nothing for 2xx.

    Args:
        answer: what the receiver said.
        receiver: its name in the reason, for example "the callback".

    Raises:
        TransientDeliveryError: 408, 409, 425, 429 and 5xx, with the receiver's Retry-After.
        PermanentDeliveryError: 410, every other 4xx, and redirects, which are not followed.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if status in _RETRYABLE or status >= 500:
        raise TransientDeliveryError(
            f"{receiver} answered {status}; it will be tried again", retry_after=answer.retry_after
        )
    if status == 410:
        raise PermanentDeliveryError(f"{receiver} answered 410: it takes no messages any more")
    if 300 <= status < 400:
        raise PermanentDeliveryError(
            f"{receiver} redirects ({status}), which is not followed; set its final address"
        )
    raise PermanentDeliveryError(f"{receiver} refused the message ({status})")


def parse_retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds to wait from a Retry-After header (RFC 9110 §10.2.3), at most a day.

    Args:
        value: the header; seconds or an HTTP date.
        now: seconds since the epoch.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), LONGEST_WAIT))
    try:
        moment = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(0.0, moment - now), float(LONGEST_WAIT))


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Reads a short body, so that the connection can serve again; the status is what counts."""
    size = 0
    with contextlib.suppress(aiohttp.ClientError, OSError):
        while size <= ANSWER_LIMIT and (chunk := await answer.content.readany()):
            size += len(chunk)
    if not answer.content.at_eof():
        answer.close()


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body; stops reading as soon as it exceeds the limit."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > limit:
            answer.close()
            raise OversizePayloadError(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _literal(host: str) -> IPAddress | None:
    """The address that a host is, when it is one."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _unmapped(address: IPAddress) -> IPAddress:
    """The IPv4 address in an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2)."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
