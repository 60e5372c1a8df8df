"""The unit of work: all repositories on one session."""

from __future__ import annotations

from sqlalchemy import bindparam, literal_column, update

from gateway.domain.events import Event
from gateway.ports.catalogue import (
    CatalogueState,
    Draft,
    Figures,
    Jobs,
    Models,
    Review,
    Versions,
)
from gateway.ports.channels import ChannelStates, ChannelThreads, Discards
from gateway.ports.conversations import (
    Contacts,
    Conversations,
    Messages,
    Outbox,
    Tickets,
    Trail,
    Turns,
)
from gateway.ports.exchanges import Exchanges
from gateway.ports.knowledge import Articles
from gateway.ports.letters import Holds, Mailings, Participants
from gateway.ports.people import Agents, Audit, Canned, Inboxes
from gateway.ports.store import Answers, Journal, Leases, SecretBox
from gateway.store.agents import SqlAgents
from gateway.store.answers import SqlAnswers
from gateway.store.articles import SqlArticles
from gateway.store.audit import SqlAudit
from gateway.store.canned import SqlCanned
from gateway.store.catalogue import SqlCatalogueState, SqlDraft, SqlVersions
from gateway.store.channel_keeping import SqlChannelStates, SqlChannelThreads, SqlDiscards
from gateway.store.contacts import SqlContacts
from gateway.store.conversations import SqlConversations
from gateway.store.exchanges import SqlExchanges
from gateway.store.inboxes import SqlInboxes
from gateway.store.jobs import SqlJobs
from gateway.store.journal import SqlJournal
from gateway.store.leases import SqlLeases
from gateway.store.letters import SqlHolds, SqlMailings, SqlParticipants
from gateway.store.messages import SqlMessages
from gateway.store.models import SqlModels
from gateway.store.outbox import SqlOutbox
from gateway.store.review import SqlFigures, SqlReview
from gateway.store.session import Session, Statement
from gateway.store.tables import counters
from gateway.store.tickets import SqlTickets
from gateway.store.trail import SqlTrail
from gateway.store.turns import SqlTurns

_TOUCH = Statement(
    update(counters)
    .where(counters.c.name == bindparam("counter"))
    .values(value=counters.c.value + literal_column("1")),
    "counter",
)


class SqlUnit:
    """`gateway.ports.store.UnitOfWork`; one serves a connection for all its transactions.

    Args:
        session: runs the statements; its owner begins and commits.
        secrets: encrypts the inboxes' secrets.
    """

    def __init__(self, session: Session, secrets: SecretBox) -> None:
        self._session = session
        self.events: list[Event] = []
        self.conversations: Conversations = SqlConversations(session)
        self.messages: Messages = SqlMessages(session)
        self.contacts: Contacts = SqlContacts(session)
        self.tickets: Tickets = SqlTickets(session)
        self.outbox: Outbox = SqlOutbox(session)
        self.trail: Trail = SqlTrail(session)
        self.turns: Turns = SqlTurns(session)
        self.agents: Agents = SqlAgents(session)
        self.inboxes: Inboxes = SqlInboxes(session, secrets)
        self.canned: Canned = SqlCanned(session)
        self.articles: Articles = SqlArticles(session)
        self.audit: Audit = SqlAudit(session)
        self.journal: Journal = SqlJournal(session)
        self.answers: Answers = SqlAnswers(session)
        self.leases: Leases = SqlLeases(session)
        self.draft: Draft = SqlDraft(session)
        self.versions: Versions = SqlVersions(session)
        self.models: Models = SqlModels(session)
        self.catalogue_state: CatalogueState = SqlCatalogueState(session)
        self.jobs: Jobs = SqlJobs(session)
        self.review: Review = SqlReview(session)
        self.figures: Figures = SqlFigures(session)
        self.channel_state: ChannelStates = SqlChannelStates(session, secrets)
        self.threads: ChannelThreads = SqlChannelThreads(session)
        self.discards: Discards = SqlDiscards(session)
        self.exchanges: Exchanges = SqlExchanges(session)
        self.participants: Participants = SqlParticipants(session)
        self.holds: Holds = SqlHolds(session)
        self.mailings: Mailings = SqlMailings(session)

    def emit(self, event: Event) -> None:
        """Publishes the event after the commit, and never without it."""
        self.events.append(event)

    def settle(self) -> None:
        """Waits for changes that are under way.

        Raises:
            psycopg.Error: one of them failed.
        """
        self._session.settle()

    def touch(self) -> None:
        """Writes something small, to see whether that succeeds."""
        self._session.run(_TOUCH, ("check",))
