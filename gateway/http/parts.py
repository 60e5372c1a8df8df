"""What the HTTP side is given by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.knowledge import ArticleIndex
from channels.contract import Blobs, Capabilities, Channel, ChannelKind, Signer
from channels.errors import SettingsError
from gateway.domain.inbox import RecogniserKind
from gateway.ports.bus import Bus, Hub
from gateway.ports.clock import Clock, NewId
from gateway.ports.store import Store
from gateway.services.bench import Bench
from gateway.services.signing_in import Passwords
from gateway.services.wording import GroundedWording


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpParts:
    """Everything that the handlers use.

    `channel_routes` are the adapters' own routes. `kinds` names the kinds of channel and
    `load_kind` imports one (raising `SettingsError` for an unknown name). `recognisers` are those
    that inboxes may choose. `reload_inboxes` is
    called after an inbox changed; `find_channel` gives an enabled inbox's channel. `article_title`
    gives an article's title by slug and language,
    or None; `articles` is the index of what is published. `bench` looks at the catalogue's draft
    and tries it out; `wake_jobs` is called when long work on it waits. `checks` are what
    readiness needs, each raising when it does not answer. `is_draining` turns true when the
    process is about to stop. `console` is the folder of the built console. Figures are by days
    of `time_zone`. `wording` is the language model that words answers, where one is set up.
    `public_url` is the address under which people reach the server, or "".
    `trusted_proxies` are addresses or networks whose forwarded-for header is believed.
    """

    store: Store
    bus: Bus
    hub: Hub
    blobs: Blobs
    signer: Signer
    passwords: Passwords
    clock: Clock
    new_id: NewId
    channel_routes: Sequence[web.AbstractRouteDef]
    kinds: Sequence[str]
    load_kind: Callable[[str], ChannelKind[Any]]
    recognisers: Collection[RecogniserKind]
    reload_inboxes: Callable[[], Awaitable[None]]
    find_channel: Callable[[str], Channel[Any] | None]
    article_title: Callable[[str, str], str | None]
    articles: ArticleIndex
    catalogue_version: Callable[[], str]
    bench: Bench
    wake_jobs: Callable[[], None]
    checks: Mapping[str, Callable[[], Awaitable[None]]]
    is_draining: Callable[[], bool]
    registry: CollectorRegistry
    console: Path
    version: str
    roles: Sequence[str]
    wording: GroundedWording | None = None
    time_zone: str = "UTC"
    public_url: str = ""
    trusted_proxies: Sequence[str] = ()

    def capabilities_of(self, kind: str) -> Capabilities:
        """What a kind of channel can do; an inbox may outlive the kind that it was made for."""
        try:
            return self.load_kind(kind).capabilities
        except SettingsError:
            return Capabilities()
