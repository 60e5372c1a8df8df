"""Outgoing HTTP: which addresses may be reached, and what each answer means."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from channels.errors import OversizePayloadError, PermanentDeliveryError, TransientDeliveryError
from channels.outbound import (
    ANSWER_LIMIT,
    AllowedNetworks,
    BlockedAddressError,
    GuardedHttp,
    GuardedResolver,
    HttpAnswer,
    check_status,
    check_url,
    is_public,
    parse_retry_after,
)
from channels.testing import LoopbackPlatform, PlatformAnswer

NOTHING = AllowedNetworks.parse(())
LOOPBACK = AllowedNetworks.parse(("127.0.0.0/8",))
NOW = 1_700_000_000


def now() -> int:
    return NOW * 1000


class TableResolver(AbstractResolver):
    """Answers from a table; the last answer of a name stays."""

    def __init__(self, table: dict[str, list[list[str]]]) -> None:
        self.table = table
        self.questions: list[str] = []

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.questions.append(host)
        answers = self.table[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    @override
    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "114.114.114.114", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"],
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_mapping_an_address_changes_nothing(address: ipaddress.IPv4Address) -> None:
    assert is_public(address) is is_public(ipaddress.IPv6Address(f"::ffff:{address}"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/hook",
        "//shop.example",
        "https://",
        "https:///hook",
        "ftp://shop.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://shop.example",
        "https://me:secret@shop.example",
        "https://me@shop.example",
        "https://127.0.0.1",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.0.0.1",
        "https://0177.0.0.1",
        "https://127.0.0.1.",
        "https://１２７.0.0.1",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[fe80::1%25eth0]",
        "https://shop.example:99999",
        "https://exa mple",
        "https://-.example",
    ],
)
def test_addresses_that_may_not_be_called(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_url(url, NOTHING)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook?x=1",
        "https://8.8.8.8:8443/",
        "https://qingchuan.example.",
        "https://晴川.example",
    ],
)
def test_addresses_that_may_be_called(url: str) -> None:
    assert check_url(url, NOTHING).host


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        ("127.0.0.0/8", "https://127.0.0.9"),
        ("127.0.0.0/8", "https://[::ffff:127.0.0.9]"),
        ("::1", "http://[::1]:80/"),
        ("[::1]", "http://[::1]:80/"),
        ("Shop.Internal", "http://shop.internal/hook"),
        ("shop.internal.", "http://SHOP.internal/hook"),
    ],
)
def test_listed_hosts_may_be_called_also_without_encryption(entry: str, url: str) -> None:
    assert check_url(url, AllowedNetworks.parse((entry,)))


@pytest.mark.parametrize("entry", ["", "10.0.0.0/33", "a b", "https://shop.example", "*", "127.1"])
def test_entries_that_are_no_network(entry: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        AllowedNetworks.parse((entry,))


async def resolve(addresses: list[str], allowed: AllowedNetworks) -> Sequence[str]:
    resolver = GuardedResolver(allowed, TableResolver({"shop.example": [addresses]}))
    return [entry["host"] for entry in await resolver.resolve("shop.example", 443)]


async def test_names_are_judged_by_their_addresses() -> None:
    assert await resolve(["8.8.8.8"], NOTHING) == ["8.8.8.8"]
    assert await resolve(["10.0.0.1", "8.8.8.8"], NOTHING) == ["8.8.8.8"]
    assert await resolve(["127.0.0.1"], LOOPBACK) == ["127.0.0.1"]
    assert await resolve(["10.0.0.1"], AllowedNetworks.parse(("shop.example",))) == ["10.0.0.1"]
    for addresses in (["10.0.0.1"], ["::1", "127.0.0.1"], ["::ffff:10.0.0.1"], ["not-an-address"]):
        with pytest.raises(BlockedAddressError, match="not a public address"):
            await resolve(addresses, NOTHING)


async def post(
    url: str,
    allowed: AllowedNetworks = LOOPBACK,
    *,
    resolver: AbstractResolver | None = None,
    timeout: float = 5,
) -> HttpAnswer:
    http = GuardedHttp(allowed, now, resolver=resolver, timeout=timeout)
    try:
        return await http.post(url, b"{}", {})
    finally:
        await http.close()


async def test_a_name_that_changes_its_address_gains_nothing() -> None:
    """The second look-up leads to loopback, where a server waits; it is never called."""
    platform = LoopbackPlatform()
    table = TableResolver({"shop.example": [["8.8.8.8"], ["127.0.0.1"]]})
    await GuardedResolver(NOTHING, table).resolve("shop.example")
    async with platform.running() as address:
        port = address.rpartition(":")[2]
        with pytest.raises(PermanentDeliveryError, match="not a public address"):
            await post(f"https://shop.example:{port}/", NOTHING, resolver=table)
    assert table.questions == ["shop.example"] * 2
    assert not platform.requests


async def test_an_allowed_name_is_called_where_it_resolves_to() -> None:
    platform = LoopbackPlatform()
    table = TableResolver({"shop.internal": [["127.0.0.1"]]})
    async with platform.running() as address:
        port = address.rpartition(":")[2]
        answer = await post(
            f"http://shop.internal:{port}/hook",
            AllowedNetworks.parse(("shop.internal",)),
            resolver=table,
        )
    assert answer.status == 200
    assert platform.requests[0].headers["Host"] == f"shop.internal:{port}"


async def test_a_slow_receiver_is_transient() -> None:
    platform = LoopbackPlatform()
    platform.script.append(PlatformAnswer(delay=0.5))
    async with platform.running() as address:
        with pytest.raises(TransientDeliveryError, match="did not answer within"):
            await post(address, timeout=0.1)


async def test_an_unknown_name_is_transient() -> None:
    class Nowhere(TableResolver):
        @override
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            raise OSError("no such name")

    with pytest.raises(TransientDeliveryError, match="cannot be reached"):
        await post("https://gone.example", resolver=Nowhere({}))


async def test_plain_text_on_an_encrypted_port_is_transient() -> None:
    platform = LoopbackPlatform()
    async with platform.running() as address:
        with pytest.raises(TransientDeliveryError):
            await post(address.replace("http://", "https://"))


async def serve_raw(reply: bytes, *, endless: bool = False) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        try:
            while endless:
                writer.write(b"x" * 10_000)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


def address_of(server: asyncio.Server) -> str:
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_endless_answer_is_cut() -> None:
    server = await serve_raw(b"HTTP/1.1 200 OK\r\n\r\n", endless=True)
    async with server:
        assert (await post(address_of(server))).status == 200


async def test_a_broken_body_does_not_undo_a_success() -> None:
    server = await serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    async with server:
        assert (await post(address_of(server))).status == 200


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 999999 ??\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"])
async def test_a_broken_answer_is_transient(reply: bytes) -> None:
    server = await serve_raw(reply)
    async with server:
        with pytest.raises(TransientDeliveryError):
            await post(address_of(server))


async def test_a_long_answer_and_cookies_leave_no_trace() -> None:
    platform = LoopbackPlatform()
    platform.script.append(
        PlatformAnswer(headers={"Set-Cookie": "a=b"}, body=b"x" * (ANSWER_LIMIT * 3))
    )
    http = GuardedHttp(LOOPBACK, now)
    async with platform.running() as address:
        for _ in range(2):
            assert (await http.post(address, b"{}", {})).status == 200
        await http.close()
    assert "Cookie" not in platform.requests[1].headers


async def test_proxies_from_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    platform = LoopbackPlatform()
    async with platform.running() as address:
        assert (await post(address)).status == 200


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success(status: int) -> None:
    check_status(HttpAnswer(status=status, retry_after=None), "the callback")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, TransientDeliveryError) for status in (408, 409, 425, 429, 500, 503, 599)),
        *((status, PermanentDeliveryError) for status in (301, 304, 400, 403, 404, 410, 422)),
    ],
)
def test_failures(status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=str(status)) as caught:
        check_status(HttpAnswer(status=status, retry_after=4.0), "the callback")
    if isinstance(caught.value, TransientDeliveryError):
        assert caught.value.retry_after == 4.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 400, 86_400.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:12:20 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("Fri, 99 Dec 9999 99:59:59 GMT", None),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == expected


@given(st.text(max_size=60))
def test_any_retry_after_is_read_or_ignored(value: str) -> None:
    wait = parse_retry_after(value, now=NOW)
    assert wait is None or 0 <= wait <= 86_400


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with suppress(ValueError):
        url = check_url("https://" + text, NOTHING)
        assert url.scheme == "https"
        assert url.raw_host


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (PlatformAnswer(body=b"x" * 101), OversizePayloadError),
        (PlatformAnswer(headers={"Content-Encoding": "gzip"}, body=b"x"), TransientDeliveryError),
        (PlatformAnswer(delay=2), TransientDeliveryError),
    ],
    ids=["large", "packed", "slow"],
)
async def test_answers_that_are_not_taken(answer: PlatformAnswer, error: type[Exception]) -> None:
    platform = LoopbackPlatform()
    platform.script.append(answer)
    async with platform.running() as address:
        http = GuardedHttp(AllowedNetworks.parse(["127.0.0.1"]), lambda: 0, timeout=1)
        with pytest.raises(error):
            await http.fetch("GET", address, limit=100)
        await http.close()


async def test_an_answer_is_read() -> None:
    platform = LoopbackPlatform({"/standing": PlatformAnswer(body=b"stands")})
    platform.script.append(PlatformAnswer(headers={"Content-Disposition": "inline"}, body=b"ok"))
    async with platform.running() as address:
        http = GuardedHttp(AllowedNetworks.parse(["127.0.0.1"]), lambda: 0)
        found = await http.fetch("PUT", address + "/x?y=1", body=b"z", limit=2)
        stands = await http.fetch("GET", address + "/standing/z")
        await http.close()
    assert (found.status, found.body, found.disposition) == (200, b"ok", "inline")
    assert stands.body == b"stands"
    (request,) = platform.requests
    assert (request.method, request.path, request.body) == ("PUT", "/x?y=1", b"z")
    assert request.headers["Accept-Encoding"] == "identity"
