"""Where a request comes from: behind proxies, and from which site's page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Networks = Sequence[IPv4Network | IPv6Network]


def parse_networks(names: Sequence[str]) -> Networks:
    """Addresses and networks of proxies.

    Raises:
        ValueError: one is neither.
    """
    return [ip_network(name, strict=False) for name in names]


def _is_in(address: str, networks: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def sender_behind(remote: str, forwarded: str, networks: Networks) -> str:
    """The nearest address that is no trusted proxy, reading the chain from our side."""
    address = remote
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _is_in(address, networks):
            break
        address = hop
    return address


def believe_proxies(names: Sequence[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """A middleware that puts the real sender in `request.remote` and `request.scheme`."""
    networks = parse_networks(names)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        remote = request.remote or ""
        if _is_in(remote, networks):
            sender = sender_behind(remote, request.headers.get("X-Forwarded-For", ""), networks)
            scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
            request = request.clone(remote=sender, scheme="https" if scheme == "https" else "http")
        return await handler(request)

    return middleware


def is_same_site(request: web.Request, public_url: str) -> bool:
    """Whether the page that asks comes from this server; true for programs, which send none."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return host != "" and host in {request.host, urlsplit(public_url).netloc}
