"""Search over messages, subjects, tickets and contacts, right for Chinese.

What is indexed are search tokens: words, and pairs of neighbouring Chinese characters, which
find any stretch of two characters and more without knowing where words end. Writers only note
what is to be indexed (`enqueue`); a worker indexes it a moment later (`index_pending`), because
making tokens of a long answer costs more than storing it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from gateway.ports.conversations import ConversationRow, Scope, SearchHit, Unindexed
from gateway.store import lists
from gateway.store.rows import NO_OFFSET, insert_into, pick, select_by
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import (
    contacts,
    conversations,
    messages,
    search_documents,
    search_pending,
    search_words,
    tickets,
)
from intents.text import to_simplified, tokens

_MOST_WORDS = 4000  # of one document
_SHORT = 500  # characters of a text whose words are remembered
_LONGEST_WORD = 64
_MOST_ASKED = 32  # words of one query
_LONGEST_QUERY = 500
_ROUND = 500  # hits looked at together
_MOST_ROUNDS = 20
# Stands in every contact's document; no text has such a word, half Chinese and half not.
_CONTACT = "人contact"
_SNIPPET_BEFORE = 30
_SNIPPET_LENGTH = 120

_TICKET_NUMBER = re.compile(r"#?(\d{1,12})", re.ASCII)
# What `tokens` cuts into pairs: Han, kana, Hangul.
_PAIRED = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U0003fffd〇ぁ-ゖァ-ヺー가-힣]{1,2}")

_ENQUEUE = insert_into(search_pending, ("kind", "ref"))
_pending = (
    select(
        search_pending.c.number,
        search_pending.c.kind,
        search_pending.c.ref,
        messages.c.conversation_id,
        messages.c.text,
    )
    .select_from(search_pending)
    .outerjoin(
        messages,
        and_(
            messages.c.id == search_pending.c.ref,
            search_pending.c.kind == literal_column("'message'"),
        ),
    )
    .order_by(search_pending.c.number)
    .with_for_update(skip_locked=True, of=search_pending)
)
_PENDING = Statement(_pending.limit(bindparam("most")).offset(NO_OFFSET), "most")
_PENDING_ONE = Statement(_pending.where(search_pending.c.number == bindparam("number")), "number")
_WAITING = Statement(
    select(*pick(search_pending, ("number", "kind", "ref")))
    .order_by(search_pending.c.number)
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "most",
)
_DONE = Statement(
    delete(search_pending).where(search_pending.c.number == bindparam("number")), "number"
)
_FORGET = Statement(
    delete(search_documents).where(
        search_documents.c.kind != literal_column("'message'"),  # names the partial index
        search_documents.c.kind == bindparam("kind"),
        search_documents.c.ref == bindparam("ref"),
    ),
    "kind",
    "ref",
)
_INSERT = insert_into(search_documents, ("number", "kind", "ref", "conversation_id", "contact_id"))
_fts = table(search_words.name, column("rowid"), column("words"))
_INDEX_SQLITE = Statement(
    insert(_fts).values(rowid=bindparam("new_number"), words=bindparam("new_words")),
    "new_number",
    "new_words",
)
_INDEX_POSTGRESQL = Statement(
    insert(search_words)
    .inline()
    .values(
        number=bindparam("new_number"),
        words=func.array_to_tsvector(
            func.string_to_array(bindparam("new_words", type_=Text), literal_column("' '"))
        ),
    ),
    "new_number",
    "new_words",
)
_TEXTS = {
    "message": select_by(messages, ("conversation_id", "text"), "id"),
    "subject": select_by(conversations, ("id", "subject"), "id"),
    "ticket": select_by(tickets, ("conversation_id", "subject"), "id"),
    "contact": select_by(contacts, ("id", "name", "email", "phone", "company"), "id"),
}
_TICKETED = select_by(tickets, ("conversation_id", "subject"), "number")


@dataclass(frozen=True, slots=True)
class _Document:
    """What is to be indexed; a document hangs on a conversation or on a contact."""

    number: int
    kind: str
    ref: str
    conversation_id: str | None
    contact_id: str | None
    words: tuple[str, ...]


def enqueue(session: Session, kind: str, refs: Sequence[str]) -> None:
    """Notes what is to be indexed."""
    session.run_many(_ENQUEUE, [(kind, ref) for ref in refs])


def index_pending(session: Session, limit: int) -> int:
    """Indexes what waits, oldest first; returns how much that was.

    Several processes may do so at once: each takes what no other has in hand.
    """
    pending = session.rows(_PENDING, (limit,))
    _index(session, pending)
    return len(pending)


def waiting(session: Session, limit: int) -> list[Unindexed]:
    """What waits, oldest first."""
    return [Unindexed(*row) for row in session.rows(_WAITING, (limit,))]


def index_one(session: Session, number: int) -> None:
    """Indexes what waits under that number; nothing when another process has it."""
    _index(session, session.rows(_PENDING_ONE, (number,)))


def give_up(session: Session, number: int) -> None:
    """Leaves what waits under that number out of the index."""
    session.run(_DONE, (number,))


def _index(session: Session, pending: Sequence[Row]) -> None:
    documents = [*_messages(pending), *_others(session, pending)]
    again = [(item.kind, item.ref) for item in documents if item.kind != "message"]
    session.run_many(_FORGET, again)
    session.run_many(
        _INSERT,
        [(d.number, d.kind, d.ref, d.conversation_id, d.contact_id) for d in documents],
    )
    index = _INDEX_SQLITE if session.on_sqlite else _INDEX_POSTGRESQL
    session.run_many(index, [(d.number, " ".join(d.words)) for d in documents])
    session.run_many(_DONE, [(row[0],) for row in pending])


def _messages(pending: Sequence[Row]) -> Iterator[_Document]:
    for number, kind, ref, conversation_id, text in pending:
        if conversation_id is not None:
            yield _Document(number, kind, ref, conversation_id, None, index_words(text))


def _others(session: Session, pending: Sequence[Row]) -> Iterator[_Document]:
    """Subjects, tickets and contacts, each once, as they are now."""
    newest = {(kind, ref): number for number, kind, ref, *_ in pending if kind != "message"}
    for (kind, ref), number in newest.items():
        row = session.row(_TEXTS[kind], (ref,))
        if row is None:
            continue
        owner, words = row[0], index_words("\n".join(row[1:]))
        if kind == "contact":
            yield _Document(number, kind, ref, None, owner, (*words, _CONTACT))
        else:
            yield _Document(number, kind, ref, owner, None, words)


def index_words(text: str) -> tuple[str, ...]:
    """The words under which a text is found, each once.

    The last character of a Chinese stretch begins no pair, so it stands alone too: then
    a single character is found as the beginning of a word.
    """
    return _short_words(text) if len(text) <= _SHORT else _words(text)


@lru_cache(maxsize=256)  # the bot says the same to many
def _short_words(text: str) -> tuple[str, ...]:
    return _words(text)


def _words(text: str) -> tuple[str, ...]:
    found = tokens(text)[:_MOST_WORDS]
    words = dict.fromkeys(word[:_LONGEST_WORD] for word in found)
    for word, following in pairwise((*found, "")):
        if len(word) == 2 and word[1] != following[:1] and not word.isascii():
            words[word[1]] = None
    return tuple(words)


def find(session: Session, scope: Scope, words: str, limit: int) -> list[SearchHit]:
    """Conversations in which all the words stand, newest first; a ticket's number leads.

    Hits in a subject, a ticket or a contact have an empty `message_id`.
    """
    words = words[:_LONGEST_QUERY].encode("utf-8", "ignore").decode()  # no lone surrogates
    asked = [word[:_LONGEST_WORD] for word in dict.fromkeys(tokens(words))][:_MOST_ASKED]
    texts: dict[str, tuple[str, str]] = {}
    if asked:
        _find_documents(session, scope, asked, limit, texts)
        _find_contacts(session, scope, asked, limit, texts)
    newest = sorted(lists.rows(session, list(texts)), key=_recency, reverse=True)
    first = _find_ticket(session, scope, words)
    rows = [row for row in newest if first is None or row.conversation.id != first.conversation.id]
    hits = [_hit(row, *texts[row.conversation.id], words, asked) for row in rows]
    if first is not None:
        hits.insert(0, SearchHit(row=first, message_id="", snippet=first.conversation.subject))
    return hits[:limit]


def _recency(row: ConversationRow) -> tuple[int, str]:
    return row.conversation.last_message_at, row.conversation.id


def _hit(
    row: ConversationRow, message_id: str, text: str, words: str, asked: Sequence[str]
) -> SearchHit:
    return SearchHit(row=row, message_id=message_id, snippet=snippet(text, words, asked))


def _find_ticket(session: Session, scope: Scope, words: str) -> ConversationRow | None:
    number = _TICKET_NUMBER.fullmatch(words.strip())
    if number is None:
        return None
    found = session.row(_TICKETED, (int(number[1]),))
    if found is None:
        return None
    row = lists.rows(session, [found[0]])[0]
    return row if _may_see(scope, row) else None


def _may_see(scope: Scope, row: ConversationRow) -> bool:
    seen = row.conversation
    own = seen.team_id is None or seen.team_id in scope.team_ids
    return scope.everything or own or seen.agent_id == scope.agent_id


def _visible(scope: Scope) -> list[ColumnElement[bool]]:
    if scope.everything:
        return []
    return [
        or_(
            conversations.c.team_id.is_(None),
            conversations.c.team_id.in_(scope.team_ids),
            conversations.c.agent_id == scope.agent_id,
        )
    ]


def _is_prefix(word: str) -> bool:
    """Whether longer words count too: a single Chinese character, and what is being typed."""
    return len(word) >= 3 or (len(word) == 1 and _PAIRED.fullmatch(word) is not None)


def _sqlite_query(asked: Sequence[str]) -> str:
    # Tokens hold letters and digits only; the quotes keep AND, OR and NOT words.
    return " ".join(f'"{word}"*' if _is_prefix(word) else f'"{word}"' for word in asked)


def _postgresql_query(asked: Sequence[str]) -> str:
    return " & ".join(f"'{word}':*" if _is_prefix(word) else f"'{word}'" for word in asked)


def _hits(session: Session, asked: Sequence[str]) -> CTE:
    """The numbers of the documents in which all the words stand."""
    if session.on_sqlite:
        matches = _fts.c.words.op("MATCH", is_comparison=True)(_sqlite_query(asked))
        return select(_fts.c.rowid.label("number")).where(matches).cte("hits")
    query = cast(_postgresql_query(asked), TSQUERY)
    matches = search_words.c.words.op("@@", is_comparison=True)(query)
    # Found first, by the words' own index: without statistics PostgreSQL may think of reading
    # all documents from the newest on.
    hits = select(search_words.c.number).where(matches).cte("hits")
    return hits.prefix_with("MATERIALIZED", dialect="postgresql")


def _find_documents(
    session: Session,
    scope: Scope,
    asked: Sequence[str],
    limit: int,
    texts: dict[str, tuple[str, str]],
) -> None:
    """Adds the newest document of each conversation: (message id, text)."""
    hits = _hits(session, asked)
    found: dict[str, tuple[str, str]] = {}
    before = None
    for _ in range(_MOST_ROUNDS):
        newest = select(hits.c.number).order_by(hits.c.number.desc()).limit(_ROUND)
        if before is not None:
            newest = newest.where(hits.c.number < before)
        rows = session.select(_documents_of(newest.cte("newest"), scope))
        for row in rows:
            if row[3] is not None:
                found.setdefault(row[3], (row[1], row[2]))
        if len(rows) < _ROUND or len(found) >= limit:
            break
        before = rows[-1][0]
    for conversation_id, (kind, ref) in list(found.items())[:limit]:
        text = session.rows(_TEXTS[kind], (ref,))[0][1]
        texts[conversation_id] = (ref if kind == "message" else "", text)


def _documents_of(newest: CTE, scope: Scope) -> Select[Any]:
    """Number, kind, reference, and the conversation's id if the agent may see it."""
    documents = search_documents
    seen = and_(conversations.c.id == documents.c.conversation_id, *_visible(scope))
    return (
        select(newest.c.number, documents.c.kind, documents.c.ref, conversations.c.id)
        .select_from(
            newest.outerjoin(documents, documents.c.number == newest.c.number).outerjoin(
                conversations, seen
            )
        )
        .order_by(newest.c.number.desc())
    )


def _find_contacts(
    session: Session,
    scope: Scope,
    asked: Sequence[str],
    limit: int,
    texts: dict[str, tuple[str, str]],
) -> None:
    """Adds conversations of contacts whose name or address matches."""
    hits = _hits(session, [*asked, _CONTACT])
    documents = search_documents
    query = (
        select(conversations.c.id, contacts.c.name, contacts.c.email, contacts.c.phone)
        .select_from(
            hits.join(documents, documents.c.number == hits.c.number)
            .join(contacts, contacts.c.id == documents.c.contact_id)
            .join(conversations, conversations.c.contact_id == contacts.c.id)
        )
        .where(*_visible(scope))
        .order_by(conversations.c.last_message_at.desc(), conversations.c.id.desc())
        .limit(limit)
    )
    for conversation_id, *address in session.select(query):
        texts.setdefault(conversation_id, ("", " · ".join(part for part in address if part)))


def snippet(text: str, words: str, asked: Sequence[str]) -> str:
    """The part of a text around the first of the words, on one line."""
    line = " ".join(text.split())
    start = max(0, _place(line, words, asked) - _SNIPPET_BEFORE)
    cut = line[start : start + _SNIPPET_LENGTH]
    before = "…" if start else ""
    after = "…" if start + _SNIPPET_LENGTH < len(line) else ""
    return f"{before}{cut}{after}"


def _place(line: str, words: str, asked: Sequence[str]) -> int:
    lower = line.lower()
    simplified = to_simplified(lower)
    for word in (*words.lower().split(), *asked):
        for form in (lower, simplified):
            place = form.find(word)
            if place >= 0:
                return place
    return 0
