"""What is misconfigured, and how to mend it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bot.chat import ChatModel
from bot.encoder import EncoderError
from bot.errors import ChatError
from bot.grounding import (
    MOST_TOKENS,
    NothingSupportsError,
    Question,
    UngroundedError,
    check_answer,
    messages_for,
)
from bot.recognise import model_path
from gateway.bus.redis_streams import RedisBus
from gateway.domain.inbox import Inbox
from gateway.ports.bus import BusUnavailableError
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.services.wording import trial
from gateway.settings import Settings
from gateway.wiring.bot import (
    catalogue_dir,
    load_encoder,
    models_dir,
    reachable_recognisers,
)
from gateway.wiring.data_dir import StartError, prepare_data_dir
from gateway.wiring.serving import CONSOLE
from gateway.wiring.storage import key_path, open_storage
from intents.documents import lesson_hash
from intents.errors import CatalogueError
from intents.findings import Severity
from intents.loading import load_catalogue
from intents.model import Language
from intents.validation import check_catalogue

LOW_DISK = 1_000_000_000  # bytes


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One check: what was found, and what to do about it."""

    check: str
    verdict: Verdict
    found: str
    remedy: str = ""


async def examine(settings: Settings) -> list[Diagnosis]:
    """Runs every check; none of them stops the others."""
    found: list[Diagnosis] = []
    checks: tuple[Callable[[Settings], Awaitable[list[Diagnosis]]], ...] = (
        _data_dir,
        _database,
        _redis,
        _catalogue,
        _language_model,
        _console,
        _network,
    )
    for check in checks:
        found.extend(await check(settings))
    return found


def _ok(check: str, found: str) -> Diagnosis:
    return Diagnosis(check=check, verdict=Verdict.OK, found=found)


def _warning(check: str, found: str, remedy: str) -> Diagnosis:
    return Diagnosis(check=check, verdict=Verdict.WARNING, found=found, remedy=remedy)


def _error(check: str, found: str, remedy: str) -> Diagnosis:
    return Diagnosis(check=check, verdict=Verdict.ERROR, found=found, remedy=remedy)


async def _data_dir(settings: Settings) -> list[Diagnosis]:
    folder = settings.data_dir
    if not folder.exists() and _could_be_made(folder):
        return [_warning("data folder", f"there is no {folder} yet", "`yingda serve` makes it.")]
    try:
        prepare_data_dir(folder)
    except StartError as error:
        return [_error("data folder", str(error), "Then run `yingda doctor` again.")]
    free = shutil.disk_usage(folder).free
    result = _ok("data folder", f"{folder.resolve()}, {free / 1e9:.0f} GB free")
    if free < LOW_DISK:
        remedy = "Make room, or set YINGDA_DATA_DIR to a larger disk."
        result = _warning("data folder", f"only {free / 1e6:.0f} MB free", remedy)
    key = key_path(settings)
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        found = f"{key} can be read by others"
        return [result, _error("key file", found, f"chmod 600 {key}")]
    return [result]


def _could_be_made(folder: Path) -> bool:
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    return above.is_dir() and os.access(above, os.W_OK | os.X_OK)


async def _database(settings: Settings) -> list[Diagnosis]:
    if not settings.data_dir.is_dir():
        return []  # opening a database would make it: a look changes nothing
    try:
        store = open_storage(settings).store
    except (StartError, StoreUnavailableError) as error:
        return [_error("database", str(error), "See YINGDA_DATABASE_URL and YINGDA_DATA_DIR.")]
    try:
        await store.check()
        administrators, inboxes = await store.read(_people_and_inboxes)
    except StoreUnavailableError as error:
        return [_error("database", str(error), "Start the database, then try again.")]
    except ValueError as error:
        remedy = f"Put back the key file {key_path(settings)} that the database was made with."
        return [_error("key file", f"stored secrets cannot be read: {error}", remedy)]
    finally:
        await store.close()
    secrets = sum(bool(inbox.secrets) for inbox in inboxes)
    found = [_ok("database", f"answers; {len(inboxes)} inboxes, {secrets} of them with secrets")]
    found += _recognisers(settings, inboxes)
    if not administrators:
        remedy = (
            "Run `yingda serve` once, or `yingda user add EMAIL --name N --role administrator`."
        )
        found.append(_warning("administrator", "there is none", remedy))
    if settings.uses_sqlite and settings.redis_url:
        remedy = "Set YINGDA_DATABASE_URL to PostgreSQL, or leave YINGDA_REDIS_URL empty."
        found.append(_warning("database", "SQLite with Redis gains nothing", remedy))
    return found


def _people_and_inboxes(uow: UnitOfWork) -> tuple[int, list[Inbox]]:
    administrators = [a for a in uow.agents.all() if a.role.value == "administrator" and a.active]
    return len(administrators), uow.inboxes.all()


def _recognisers(settings: Settings, inboxes: Sequence[Inbox]) -> list[Diagnosis]:
    """Inboxes whose recogniser has no address: the built-in one answers for it."""
    there = reachable_recognisers(settings)
    return [
        _warning(
            "recogniser",
            f"the inbox {inbox.name} is understood by {inbox.recogniser}, which has no address",
            f"Set YINGDA_{inbox.recogniser.upper()}_URL, or choose the built-in recogniser.",
        )
        for inbox in inboxes
        if inbox.enabled and inbox.recogniser not in there
    ]


async def _language_model(settings: Settings) -> list[Diagnosis]:
    """Whether the model that words answers can be asked; costs a few tokens."""
    if not settings.llm_answers:
        return []
    model = ChatModel(settings.llm_url, model=settings.llm_model, key=settings.llm_key)
    asked = trial(Language.EN)
    question = Question(text=asked.text, language=asked.language)
    try:
        said = await model.complete(
            messages_for(question, asked.sources),
            most_tokens=MOST_TOKENS,
            seconds=settings.llm_seconds,
        )
        check_answer(said.text, question, asked.sources)
    except ChatError as error:
        remedy = "Correct YINGDA_LLM_URL, _MODEL or _KEY; until then articles answer as they are."
        return [_warning("language model", f"{settings.llm_model}: {error}", remedy)]
    except (NothingSupportsError, UngroundedError) as error:
        remedy = "Choose a model that cites as it is told; this one's answers will be refused."
        found = f"{settings.llm_model} answers a trial with {said.text[:80]!r}: {error}"
        return [_warning("language model", found, remedy)]
    return [_ok("language model", f"{settings.llm_model} answers, and cites what it was sent")]


async def _redis(settings: Settings) -> list[Diagnosis]:
    if not settings.redis_url:
        return [_ok("bus", "embedded in the database; one process")]
    bus = RedisBus(settings.redis_url, consumer="doctor")
    try:
        await bus.check()
        warnings = await bus.durability()
    except BusUnavailableError as error:
        return [_error("bus", str(error), "Start Redis, or correct YINGDA_REDIS_URL.")]
    finally:
        await bus.close()
    remedy = "Set `appendonly yes` and `appendfsync always` in redis.conf."
    return [_warning("bus", text, remedy) for text in warnings] or [_ok("bus", "Redis answers")]


async def _catalogue(settings: Settings) -> list[Diagnosis]:
    try:
        catalogue = await asyncio.to_thread(load_catalogue, catalogue_dir(settings))
    except CatalogueError as error:
        return [_error("catalogue", str(error), "Mend the file, then `yingda intents check`.")]
    try:
        encoder = await asyncio.to_thread(load_encoder, settings)
    except EncoderError as error:
        return [_error("encoder", str(error), "Correct YINGDA_ENCODER_DIR, or unset it.")]
    errors = [f for f in check_catalogue(catalogue) if f.severity is Severity.ERROR]
    mark = encoder.fingerprint if encoder is not None else None
    trained = model_path(models_dir(settings), lesson_hash(catalogue), mark).exists()
    state = "trained" if trained else "trained at the next start"
    found = [_ok("catalogue", f"{len(catalogue.intents)} intents, {state}")]
    if errors:
        remedy = "`yingda intents check` lists them."
        found.append(_warning("catalogue", f"{len(errors)} errors", remedy))
    return found


async def _console(settings: Settings) -> list[Diagnosis]:
    del settings
    if (CONSOLE / "index.html").exists():
        return [_ok("console", "built")]
    remedy = "Install Node.js with npm, then `make console`."
    return [_warning("console", "not built: agents cannot work in a browser", remedy)]


async def _network(settings: Settings) -> list[Diagnosis]:
    found = []
    place = (settings.host, settings.port)
    try:
        socket.create_connection(place, timeout=0.5).close()
        found.append(_ok("port", f"{settings.host}:{settings.port} answers: a server runs there"))
    except socket.gaierror as error:
        remedy = "Set YINGDA_HOST to an address of this machine, such as 127.0.0.1 or 0.0.0.0."
        found.append(_error("address", f"YINGDA_HOST: {settings.host}: {error.strerror}", remedy))
    except OSError:  # nobody listens there, as it should be before a start
        pass
    if settings.host not in {"127.0.0.1", "::1", "localhost"} and not settings.public_url:
        remedy = "Set YINGDA_PUBLIC_URL to the https address in front, so that cookies are Secure."
        found.append(_warning("address", f"listens on {settings.host} without public_url", remedy))
    if settings.public_url.startswith("https") and not settings.trusted_proxies:
        remedy = "Set YINGDA_TRUSTED_PROXIES to the reverse proxy's address."
        text = "rate limits see the proxy, not the visitor"
        found.append(_warning("address", text, remedy))
    return found
