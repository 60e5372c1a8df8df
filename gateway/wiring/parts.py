"""The parts of one process, built once from the settings."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from bot.knowledge import ArticleIndex
from channels.contract import ChannelContext, PublicGreeting, QuickReply
from channels.registry import kind_names
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.hub import LocalHub
from gateway.domain.inbox import HasLetters, Inbox, IsMailbox
from gateway.metrics import Metrics
from gateway.ports.bus import Bus, Hub
from gateway.ports.clock import Clock, NewId
from gateway.services.bench import Bench
from gateway.services.bot_data import StoreActionContext
from gateway.services.channel_files import ChannelBlobs
from gateway.services.channel_keeping import StoreLeases, StoreState, StoreThreads
from gateway.services.code_mail import ChannelCodeMail
from gateway.services.frame_codec import decode_frame, encode_frame
from gateway.services.inbox_directory import InboxDirectory
from gateway.services.intake import language_of
from gateway.services.live_bot import BotMaker, LiveBot
from gateway.services.mailbox import StoreMailbox
from gateway.services.publishing import Publisher
from gateway.services.sink import BusSink
from gateway.services.wording import GroundedWording
from gateway.settings import Settings
from gateway.store import SqlStore
from gateway.wiring.bot import make_maker, make_wording
from gateway.wiring.data_dir import StartError, hold_data_dir
from gateway.wiring.ids import clock, new_id
from gateway.wiring.live_channels import LiveChannels, letter_kinds, mailbox_kinds
from gateway.wiring.storage import Storage, open_storage
from gateway.workers.knowledge import ArticleKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a process is made of. `name` tells it from others, in leases and on the bus."""

    settings: Settings
    name: str
    storage: Storage
    bus: Bus
    hub: Hub
    bot: LiveBot
    maker: BotMaker
    bench: Bench
    wording: GroundedWording | None
    articles: ArticleKeeper
    index: ArticleIndex
    inboxes: InboxDirectory
    channels: LiveChannels
    sink: BusSink
    metrics: Metrics
    is_mailbox: IsMailbox
    has_letters: HasLetters
    clock: Clock
    new_id: NewId
    held: ExitStack

    @property
    def store(self) -> SqlStore:
        """The store."""
        return self.storage.store


def build_parts(settings: Settings, *, receives: bool, alone: bool) -> Parts:
    """Opens everything that needs no event loop.

    Args:
        settings: as read.
        receives: whether channels that poll do so in this process.
        alone: whether this process has all roles.

    Raises:
        StartError: something cannot be opened; says what to do.
        CatalogueError: the bot's catalogue is wrong.
    """
    if not alone and (settings.uses_sqlite or not settings.redis_url):
        raise StartError(
            "--role: split roles need YINGDA_DATABASE_URL (PostgreSQL) and YINGDA_REDIS_URL."
        )
    with ExitStack() as held:  # closed again when something below cannot be opened
        storage = open_storage(settings)
        if not settings.redis_url:
            held.enter_context(hold_data_dir(settings.data_dir))
        name = f"{socket.gethostname()}-{os.getpid()}-{new_id()[-6:]}"
        bus, hub = _bus_and_hub(settings, storage.store, name)
        index = ArticleIndex()
        wording = make_wording(settings, storage.store, clock, new_id)
        maker = make_maker(settings, storage.store, clock, index, wording)
        # The channels come below: they are given the bot's greeting.
        mail = ChannelCodeMail(lambda: channels.first_for_letters(), clock, new_id)  # noqa: PLW0108
        bot = LiveBot(storage.store, maker, StoreActionContext(storage.store, clock, mail))
        storage.store.listen(Publisher(hub).publish)
        inboxes = InboxDirectory(storage.store, clock)
        sink = BusSink(bus, storage.store, clock)
        context = _context(storage, hub, sink, bot)
        channels = LiveChannels(inboxes, context, receives=receives)
        return Parts(
            settings=settings,
            name=name,
            storage=storage,
            bus=bus,
            hub=hub,
            bot=bot,
            maker=maker,
            bench=Bench(storage.store, maker, bot),
            wording=wording,
            articles=ArticleKeeper(storage.store, index, clock, bot.link_articles),
            index=index,
            inboxes=inboxes,
            channels=channels,
            sink=sink,
            metrics=Metrics(),
            is_mailbox=mailbox_kinds(kind_names()).__contains__,
            has_letters=letter_kinds(kind_names()).__contains__,
            clock=clock,
            new_id=new_id,
            held=held.pop_all(),
        )


def _bus_and_hub(settings: Settings, store: SqlStore, name: str) -> tuple[Bus, Hub]:
    if not settings.redis_url:
        bus = EmbeddedBus(store, clock=clock, max_depth=settings.bus_max_depth)
        return bus, LocalHub()
    from gateway.bus.redis_hub import RedisHub
    from gateway.bus.redis_streams import RedisBus

    return (
        RedisBus(settings.redis_url, consumer=name, max_depth=settings.bus_max_depth),
        RedisHub(settings.redis_url, encode=encode_frame, decode=decode_frame),
    )


def _context(
    storage: Storage, hub: Hub, sink: BusSink, bot: LiveBot
) -> Callable[[Inbox], ChannelContext]:
    """Makes the context of each inbox."""
    store = storage.store
    mailbox = StoreMailbox(store, hub, clock)

    def greeting(tag: str) -> PublicGreeting:
        said = bot.greeting(language_of(tag, "en"))
        choices = tuple(QuickReply(title=c.title, payload=c.payload) for c in said.choices)
        return PublicGreeting(text=said.text, choices=choices)

    def make(inbox: Inbox) -> ChannelContext:
        return ChannelContext(
            sink=sink,
            mailbox=mailbox,
            blobs=ChannelBlobs(storage.blobs),
            signer=storage.keys.signer,
            now=clock,
            new_id=new_id,
            greeting=greeting,
            state=StoreState(store, inbox.id),
            leases=StoreLeases(store, inbox.id, clock, new_id),
            threads=StoreThreads(store, inbox.id, clock),
        )

    return make
