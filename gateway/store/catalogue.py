"""The catalogue's draft, its published versions, and single values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, literal_column, select, update

from gateway.domain.catalogue import DraftDocument, Version
from gateway.domain.errors import ConflictError, NotFoundError
from gateway.store.catalogue_tables import (
    catalogue_documents,
    catalogue_state,
    catalogue_versions,
)
from gateway.store.rows import dump_map, insert_into, load_map, pick, select_by, update_by
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import counters
from intents.documents import CatalogueDocument, Kind

_DOCUMENT = ("kind", "name", "place", "body", "revision", "editor_id", "changed_at")
_VERSION = (
    "number",
    "hash",
    "lessons",
    "author_id",
    "reason",
    "created_at",
    "figures",
    "restored",
    "overridden",
)
_ORDER = list(Kind)

_documents = catalogue_documents.c
_ONE = Statement(
    select(*pick(catalogue_documents, _DOCUMENT)).where(
        _documents.kind == bindparam("own_kind"), _documents.name == bindparam("own_name")
    ),
    "own_kind",
    "own_name",
)
_INSERT = insert_into(catalogue_documents, _DOCUMENT)
_REPLACE = Statement(
    update(catalogue_documents)
    .where(
        _documents.kind == bindparam("own_kind"),
        _documents.name == bindparam("own_name"),
        _documents.revision == bindparam("seen"),
    )
    .values(
        body=bindparam("new_body"),
        revision=bindparam("new_revision"),
        editor_id=bindparam("new_editor"),
        changed_at=bindparam("new_time"),
    ),
    "new_body",
    "new_revision",
    "new_editor",
    "new_time",
    "own_kind",
    "own_name",
    "seen",
)
_REMOVE = Statement(
    delete(catalogue_documents).where(
        _documents.kind == bindparam("own_kind"),
        _documents.name == bindparam("own_name"),
        _documents.revision == bindparam("seen"),
    ),
    "own_kind",
    "own_name",
    "seen",
)
_CLEAR = Statement(delete(catalogue_documents))
_STEP = Statement(
    update(counters)
    .where(counters.c.name == bindparam("counter"))
    .values(value=counters.c.value + literal_column("1")),
    "counter",
)
_REVISION = select_by(counters, ("value",), "name")
_CONTENT = select_by(catalogue_versions, ("content",), "number")
_TAKEN = select_by(catalogue_versions, ("number",), "number")
_ADD_VERSION = insert_into(catalogue_versions, (*_VERSION, "content"))
_STATE = select_by(catalogue_state, ("value",), "name")
_ADD_STATE = insert_into(catalogue_state, ("name", "value"))
_SET_STATE = update_by(catalogue_state, ("value",), "name")


def _draft(row: Row) -> DraftDocument:
    kind, name, _, body, revision, editor, changed_at = row
    return DraftDocument(
        kind=Kind(kind),
        name=name,
        body=load_map(body),
        revision=revision,
        editor_id=editor,
        changed_at=changed_at,
    )


def _version(row: Row) -> Version:
    values = dict(zip(_VERSION, row, strict=True))
    return Version(**{**values, "figures": load_map(values["figures"])})


class SqlDraft:
    """`gateway.ports.catalogue.Draft`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> list[DraftDocument]:
        """Every document, in the order of a catalogue."""
        query = select(*pick(catalogue_documents, _DOCUMENT))
        rows = self._session.select(query.order_by(_documents.place, _documents.name))
        return sorted((_draft(tuple(row)) for row in rows), key=lambda d: _ORDER.index(d.kind))

    def find(self, kind: Kind, name: str) -> DraftDocument | None:
        """One document, or None."""
        row = self._session.row(_ONE, (kind.value, name))
        return None if row is None else _draft(row)

    def revision(self) -> int:
        """A number that rises with each change of whatever document."""
        row = self._session.row(_REVISION, ("draft",))
        return 0 if row is None else int(row[0])

    def put(
        self, document: CatalogueDocument, *, expected: int | None, editor: str | None, now: int
    ) -> DraftDocument | None:
        """Inserts (`expected` None) or replaces the revision that was seen."""
        kind, name, body = document.kind.value, document.name, dump_map(document.body)
        # The counter first: it is locked until the commit, so that two editors of one document
        # come one after the other on every database.
        self._session.run(_STEP, ("draft",))
        revision = self.revision()
        if expected is not None:
            values = (body, revision, editor, now, kind, name, expected)
            if not self._session.run(_REPLACE, values):
                return None
        elif self.find(document.kind, name) is not None:
            return None
        else:
            self._session.run(_INSERT, (kind, name, revision, body, revision, editor, now))
        return DraftDocument(
            kind=document.kind,
            name=name,
            body=document.body,
            revision=revision,
            editor_id=editor,
            changed_at=now,
        )

    def remove(self, kind: Kind, name: str, *, expected: int) -> bool:
        """Deletes; false when it is not at that revision."""
        self._session.run(_STEP, ("draft",))
        return bool(self._session.run(_REMOVE, (kind.value, name, expected)))

    def replace_all(
        self, documents: Sequence[CatalogueDocument], *, editor: str | None, now: int
    ) -> None:
        """Makes the draft hold these; those that stay as they are keep their revision."""
        self._session.run(_STEP, ("draft",))
        revision = self.revision()
        before = {(own.kind, own.name): own for own in self.all()}
        self._session.run(_CLEAR)
        rows = []
        for place, document in enumerate(documents):
            old = before.get((document.kind, document.name))
            told = (revision, editor, now)
            if old is not None and old.body == document.body:
                told = (old.revision, old.editor_id, old.changed_at)
            body = dump_map(document.body)
            # Places of what is added later are revisions: they must come after these.
            rows.append((document.kind.value, document.name, place - 1_000_000, body, *told))
        self._session.run_many(_INSERT, rows)
        self._session.settle()


class SqlVersions:
    """`gateway.ports.catalogue.Versions`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def newest(self, limit: int) -> list[Version]:
        """By falling number."""
        query = select(*pick(catalogue_versions, _VERSION))
        rows = self._session.select(
            query.order_by(catalogue_versions.c.number.desc()).limit(limit)
        )
        return [_version(tuple(row)) for row in rows]

    def get(self, number: int) -> Version:
        """One version."""
        query = select(*pick(catalogue_versions, _VERSION))
        rows = self._session.select(query.where(catalogue_versions.c.number == number))
        if not rows:
            raise NotFoundError("There is no such version.")
        return _version(tuple(rows[0]))

    def content(self, number: int) -> str:
        """Its documents."""
        row = self._session.row(_CONTENT, (number,))
        if row is None:
            raise NotFoundError("There is no such version.")
        return str(row[0])

    def published(self) -> Version | None:
        """The newest, which is the one that answers; None before the first start."""
        return next(iter(self.newest(1)), None)

    def by_hash(self, content_hash: str) -> Version | None:
        """The newest version with that content."""
        query = select(*pick(catalogue_versions, _VERSION)).where(
            catalogue_versions.c.hash == content_hash
        )
        rows = self._session.select(query.order_by(catalogue_versions.c.number.desc()).limit(1))
        return _version(tuple(rows[0])) if rows else None

    def add(self, version: Version, content: str) -> None:
        """Inserts."""
        if self._session.row(_TAKEN, (version.number,)) is not None:
            raise ConflictError("Another version was published a moment ago; look at it first.")
        values = [getattr(version, name) for name in _VERSION]
        values[_VERSION.index("figures")] = dump_map(version.figures)
        self._session.run(_ADD_VERSION, (*values, content))


class SqlCatalogueState:
    """`gateway.ports.catalogue.CatalogueState`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, name: str) -> Mapping[str, Any] | None:
        """The value, or None."""
        row = self._session.row(_STATE, (name,))
        return None if row is None else load_map(row[0])

    def put(self, name: str, value: Mapping[str, Any]) -> None:
        """Inserts or replaces."""
        if not self._session.run(_SET_STATE, (dump_map(value), name)):
            self._session.run(_ADD_STATE, (name, dump_map(value)))
