"""Configured channels; their secrets lie encrypted."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from sqlalchemy import select

from gateway.domain.errors import NotFoundError
from gateway.domain.inbox import Inbox, RecogniserKind
from gateway.ports.store import SecretBox
from gateway.store.rows import dump_map, insert_into, load_map, pick, select_by, update_by
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import inboxes

_COLUMNS = (
    "id",
    "kind",
    "name",
    "settings",
    "secrets",
    "language",
    "team_id",
    "bot",
    "enabled",
    "created_at",
    "recogniser",
    "mail_inbox_id",
)

_ALL = Statement(select(*pick(inboxes, _COLUMNS)).order_by(inboxes.c.created_at, inboxes.c.id))
_BY_ID = select_by(inboxes, _COLUMNS, "id")
_INSERT = insert_into(inboxes, _COLUMNS)
_UPDATE = update_by(inboxes, _COLUMNS[1:], "id")


class SqlInboxes:
    """`gateway.ports.people.Inboxes`.

    Args:
        session: runs the statements.
        secrets: encrypts what is secret before it goes into the database.
    """

    def __init__(self, session: Session, secrets: SecretBox) -> None:
        self._session = session
        self._secrets = secrets

    def all(self) -> list[Inbox]:
        """Every inbox, oldest first."""
        return [self._to_inbox(row) for row in self._session.rows(_ALL)]

    def get(self, inbox_id: str) -> Inbox:
        """One inbox."""
        row = self._session.row(_BY_ID, (inbox_id,))
        if row is None:
            raise NotFoundError("There is no such inbox.")
        return self._to_inbox(row)

    def add(self, inbox: Inbox) -> None:
        """Inserts; secrets are encrypted."""
        self._session.run(_INSERT, self._values(inbox))

    def update(self, inbox: Inbox) -> None:
        """Writes all columns."""
        self._session.run(_UPDATE, (*self._values(inbox)[1:], inbox.id))

    def _values(self, item: Inbox) -> Row:
        return (
            item.id,
            item.kind,
            item.name,
            dump_map(item.settings),
            self._seal(item.secrets),
            item.language,
            item.team_id,
            item.bot,
            item.enabled,
            item.created_at,
            item.recogniser.value,
            item.mail_inbox_id,
        )

    def _to_inbox(self, row: Row) -> Inbox:
        return Inbox(
            id=row[0],
            kind=row[1],
            name=row[2],
            settings=load_map(row[3]),
            secrets=self._open(row[4]),
            language=row[5],
            team_id=row[6],
            bot=bool(row[7]),
            enabled=bool(row[8]),
            created_at=row[9],
            recogniser=RecogniserKind(row[10]),
            mail_inbox_id=row[11],
        )

    def _seal(self, secrets: Mapping[str, str]) -> str:
        return self._secrets.seal(orjson.dumps(dict(secrets)).decode()) if secrets else ""

    def _open(self, sealed: str) -> dict[str, str]:
        return load_map(self._secrets.open(sealed)) if sealed else {}
