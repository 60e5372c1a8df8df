"""Runs one process: start, serve, and a stop that drains."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bot.errors import BotError
from channels.registry import kind_names, load_kind
from gateway import __version__
from gateway.http.app import build_app, build_health_app
from gateway.http.parts import HttpParts
from gateway.ports.bus import BusUnavailableError
from gateway.ports.store import StoreUnavailableError
from gateway.services.intake import language_of
from gateway.services.signing_in import Passwords, one_time_password
from gateway.wiring.bot import (
    JOBS_TOPIC,
    load_articles,
    plant_catalogue,
    reachable_recognisers,
    start_bot,
)
from gateway.wiring.bus_lease import BusLease
from gateway.wiring.data_dir import StartError
from gateway.wiring.parts import Parts
from gateway.wiring.process import ALL_ROLES, RoleName, Workers
from gateway.wiring.seed import FirstStart, is_empty, plant
from gateway.wiring.storage import key_path

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 5.0  # for requests that are still under way
CONSOLE = Path(__file__).resolve().parents[1] / "console" / "dist"


@dataclass(slots=True)
class Draining:
    """Turns on when the process is about to stop, so that /readyz says so first."""

    on: bool = False


async def serve(parts: Parts, roles: frozenset[RoleName]) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is in hand.

    Raises:
        StartError: the port is taken, or a server that is needed does not answer.
    """
    passwords = Passwords()
    lease = _bus_lease(parts)
    try:
        password = await _start(parts, passwords, lease)
    except BaseException:  # nothing runs yet: what is open is closed, the folder set free
        await parts.store.close()
        passwords.close()
        parts.held.close()
        raise
    draining = Draining()
    workers = Workers(parts, roles, lease)
    runner = await _listen(parts, roles, passwords, draining)
    workers.start()
    warming = asyncio.create_task(_warm(parts))
    _calm_the_collector()
    _say_where(parts, roles, password)
    await _until_told_to_stop()
    log.info("stopping: finishing what is in hand", extra={"action": "draining"})
    draining.on = True
    parts.sink.close()
    warming.cancel()
    # Workers first: requests that wait for a turn get it. Then the channels end their sockets and
    # long polls, which would hold up the end of the HTTP server until its time limit.
    await workers.stop()
    await parts.channels.stop()
    await runner.cleanup()
    await parts.bus.close()
    if lease is not None:
        await lease.release()
    await parts.hub.close()
    await parts.store.close()
    passwords.close()
    parts.held.close()
    log.info("stopped", extra={"action": "stopped"})


def _bus_lease(parts: Parts) -> BusLease | None:
    settings = parts.settings
    if settings.redis_url or settings.uses_sqlite:
        return None
    return BusLease(parts.store, parts.name, parts.clock)


async def _start(parts: Parts, passwords: Passwords, lease: BusLease | None) -> str | None:
    """Connects and plants the first rows; returns a password that was made."""
    try:
        if lease is not None:
            await lease.acquire()
        await _start_bus(parts)
        await parts.hub.start()
        await plant_catalogue(parts.settings, parts.store, parts.clock)
        await load_articles(parts.settings, parts.store, parts.clock, parts.new_id, parts.articles)
        await start_bot(parts.bot, parts.store, parts.maker, parts.clock)
        # Last of what may fail: a password that was made is shown only by a start that succeeds.
        password = await _first_start(parts, passwords)
        await parts.channels.reload()
    except StoreUnavailableError as error:
        raise StartError(f"YINGDA_DATABASE_URL: the database does not answer: {error}") from error
    except ValueError as error:  # the inboxes' secrets were sealed with another key
        raise StartError(f"{key_path(parts.settings)}: {error}") from error
    except BusUnavailableError as error:
        raise StartError(
            f"YINGDA_REDIS_URL: Redis does not answer: {error}. Start it, correct the address, or "
            "leave the setting empty to run without Redis."
        ) from error
    return password


async def _start_bus(parts: Parts) -> None:
    try:
        await parts.bus.start()
    except ValueError as error:  # its entries were spread by another number of partitions
        raise StartError(f"YINGDA_REDIS_URL: {error}") from error


async def _first_start(parts: Parts, passwords: Passwords) -> str | None:
    if not await parts.store.read(is_empty):
        return None
    settings = parts.settings
    password = settings.admin_password or one_time_password()
    first = FirstStart(
        admin_email=settings.admin_email,
        password_hash=await passwords.hash(password),
        must_change=not settings.admin_password,
        now=parts.clock(),
        new_id=parts.new_id,
    )
    planted = await parts.store.write(lambda uow: plant(uow, first))
    return password if planted and not settings.admin_password else None


def _calm_the_collector() -> None:
    """Lets the cycle collector look at little, and seldom.

    What start-up left stays for good, so it need not be walked over again; and a turn makes many
    short-lived objects but hardly any cycles. It made for a third of the slowest turns.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _warm(parts: Parts) -> None:
    try:
        await parts.bot.warm()
    except BotError as error:
        log.warning("actions are not ready: %s", error, extra={"action": "warm_failed"})


async def _listen(
    parts: Parts, roles: frozenset[RoleName], passwords: Passwords, draining: Draining
) -> web.AppRunner:
    given = _http_parts(parts, roles, passwords, draining)
    app = build_app(given) if RoleName.HTTP in roles else build_health_app(given)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    settings = parts.settings
    try:
        await web.TCPSite(runner, settings.host, settings.port, reuse_port=False).start()
    except OSError as error:
        await runner.cleanup()
        raise StartError(_cannot_listen(error, settings.host, settings.port)) from error
    return runner


def check_port(host: str, port: int) -> None:
    """Asks for the port before anything is trained or written, which takes a while.

    Raises:
        StartError: it is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(_cannot_listen(error, host, port)) from error


def _cannot_listen(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"YINGDA_PORT: {port} is taken by another program; choose another, such as {port + 1}."
        )
    return f"YINGDA_HOST: cannot listen on {host}:{port} ({error.strerror})."


def _http_parts(
    parts: Parts, roles: frozenset[RoleName], passwords: Passwords, draining: Draining
) -> HttpParts:
    async def reload_inboxes() -> None:
        await parts.channels.reload()
        parts.hub.publish("inboxes", {"type": "changed"})

    return HttpParts(
        store=parts.store,
        bus=parts.bus,
        hub=parts.hub,
        blobs=parts.storage.blobs,
        signer=parts.storage.keys.signer,
        passwords=passwords,
        clock=parts.clock,
        new_id=parts.new_id,
        channel_routes=parts.channels.routes() if RoleName.HTTP in roles else (),
        kinds=kind_names(),
        load_kind=load_kind,
        recognisers=reachable_recognisers(parts.settings),
        reload_inboxes=reload_inboxes,
        find_channel=parts.channels.find_channel,
        article_title=lambda slug, tag: parts.bot.article_title(slug, language_of(tag, "en")),
        articles=parts.index,
        catalogue_version=lambda: parts.bot.catalogue_version,
        bench=parts.bench,
        wording=parts.wording,
        wake_jobs=lambda: parts.hub.publish(JOBS_TOPIC, {"type": "waiting"}),
        checks={"database": parts.store.check, "bus": parts.bus.check},
        is_draining=lambda: draining.on,
        registry=parts.metrics.registry,
        console=CONSOLE,
        version=__version__,
        roles=sorted(role.value for role in roles),
        time_zone=parts.settings.time_zone,
        public_url=parts.settings.public_url,
        trusted_proxies=parts.settings.trusted_proxies,
    )


def _say_where(parts: Parts, roles: frozenset[RoleName], password: str | None) -> None:
    """Tells a person at the terminal where to click."""
    settings = parts.settings
    url = settings.public_url or f"http://{settings.host}:{settings.port}"
    made = [
        f"    Sign in as          {settings.admin_email}",
        f"    One-time password   {password}",
    ]
    if RoleName.HTTP not in roles:
        log.info("ready: %s", ", ".join(sorted(roles)), extra={"action": "ready"})
        if password:
            print("\n".join(made), flush=True)  # noqa: T201
        return
    lines = [
        "",
        "  Yingda 应答 is ready.",
        f"    Chat as a visitor   {url}/demo",
        f"    Answer as an agent  {url}/console/",
        f"    Read the API        {url}/api/docs",
    ]
    if password:
        lines += made
    elif roles == ALL_ROLES:
        lines.append(f"    Forgot a password?  yingda user reset {settings.admin_email}")
    print("\n".join([*lines, ""]), flush=True)  # noqa: T201  # the first words of `make run`


async def _until_told_to_stop() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
