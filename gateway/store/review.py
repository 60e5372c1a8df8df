"""Customers' sentences that deserve a look, conversations kept as tests, figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Select, and_, bindparam, case, delete, exists, func, or_, select
from sqlalchemy.sql.expression import ColumnElement

from channels.contract import MessageKind
from gateway.domain.catalogue import (
    DayCounts,
    FiledSentence,
    IntentCounts,
    RegressionTest,
    ReviewMark,
    ReviewOutcome,
    ReviewTurn,
)
from gateway.domain.conversation import ConversationStatus
from gateway.store.article_tables import article_feedback
from gateway.store.catalogue_tables import filed_sentences, regression_tests, review_marks
from gateway.store.rows import insert_into, pick
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import conversations, messages, turns

QUARTER = 900_000  # ms; days of every time zone are made of such pieces

_MARK = ("message_id", "outcome", "intent", "actor_id", "at")
_FILED = ("message_id", "note", "actor_id", "at")
_TEST = (
    "id",
    "name",
    "language",
    "channel",
    "steps",
    "conversation_id",
    "author_id",
    "created_at",
)
_INSERT_MARK = insert_into(review_marks, _MARK)
_DROP_MARK = Statement(
    delete(review_marks).where(review_marks.c.message_id == bindparam("key")), "key"
)
_INSERT_FILED = insert_into(filed_sentences, _FILED)
_DROP_FILED = Statement(
    delete(filed_sentences).where(filed_sentences.c.message_id == bindparam("key")), "key"
)
_INSERT_TEST = insert_into(regression_tests, _TEST)
_DROP_TEST = Statement(
    delete(regression_tests).where(regression_tests.c.id == bindparam("key")), "key"
)

_answers = messages.alias("answers")
_ANSWERED: ColumnElement[bool] = exists().where(
    _answers.c.conversation_id == turns.c.conversation_id,
    _answers.c.kind == MessageKind.AGENT.value,
    _answers.c.seq > messages.c.seq,
)


def _turns() -> Select[Any]:
    """Turns with message, conversation and what people said of them."""
    return (
        select(
            turns.c.message_id,
            turns.c.conversation_id,
            messages.c.text,
            conversations.c.language,
            turns.c.intent,
            turns.c.confidence,
            turns.c.decision,
            turns.c.reason,
            turns.c.article,
            turns.c.created_at,
            conversations.c.status,
            _ANSWERED.label("answered"),
            filed_sentences.c.note,
            article_feedback.c.helped,
        )
        .join(messages, messages.c.id == turns.c.message_id)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .outerjoin(filed_sentences, filed_sentences.c.message_id == turns.c.message_id)
        .outerjoin(article_feedback, article_feedback.c.turn_message_id == turns.c.message_id)
        .order_by(turns.c.created_at.desc(), turns.c.message_id)
    )


def _turn(row: Row) -> ReviewTurn:
    return ReviewTurn(
        message_id=row[0],
        conversation_id=row[1],
        text=row[2],
        language=row[3],
        intent=row[4],
        confidence=row[5],
        decision=row[6],
        reason=row[7],
        article=row[8],
        at=row[9],
        solved=row[10] == ConversationStatus.SOLVED.value,
        answered_by_agent=bool(row[11]),
        filed=row[12],
        disliked=row[13] is not None and not row[13],
    )


class SqlReview:
    """`gateway.ports.catalogue.Review`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def questionable(self, *, since: int, below: float, limit: int) -> list[ReviewTurn]:
        """Turns not reviewed yet, newest first."""
        reviewed = exists().where(review_marks.c.message_id == turns.c.message_id)
        query = _turns().where(
            turns.c.created_at >= since,
            messages.c.payload.is_(None),
            messages.c.text != "",
            ~reviewed,
            or_(
                turns.c.confidence < below,
                turns.c.intent.is_(None),
                turns.c.decision == "handoff",
                filed_sentences.c.note.is_not(None),
                article_feedback.c.helped.is_(False),
            ),
        )
        return [_turn(tuple(row)) for row in self._session.select(query.limit(limit))]

    def solved_by_people(self, *, since: int, limit: int) -> list[ReviewTurn]:
        """Handed-over turns of conversations that agents answered and solved, newest first."""
        reviewed = exists().where(review_marks.c.message_id == turns.c.message_id)
        query = _turns().where(
            turns.c.created_at >= since,
            turns.c.decision == "handoff",
            conversations.c.status == ConversationStatus.SOLVED.value,
            _ANSWERED,
            ~reviewed,
        )
        return [_turn(tuple(row)) for row in self._session.select(query.limit(limit))]

    def mark(self, marks: Sequence[ReviewMark]) -> None:
        """Inserts or replaces."""
        for item in marks:
            self._session.run(_DROP_MARK, (item.message_id,))
            values = (item.message_id, item.outcome.value, item.intent, item.actor_id, item.at)
            self._session.run(_INSERT_MARK, values)

    def reviewed(self, message_ids: Sequence[str]) -> frozenset[str]:
        """Those of these messages that were reviewed."""
        key = review_marks.c.message_id
        rows = self._session.select(select(key).where(key.in_(message_ids)))
        return frozenset(str(row[0]) for row in rows)

    def file(self, sentence: FiledSentence) -> None:
        """Inserts or replaces."""
        self._session.run(_DROP_FILED, (sentence.message_id,))
        self._session.run(_INSERT_FILED, tuple(getattr(sentence, name) for name in _FILED))

    def tests(self) -> list[RegressionTest]:
        """Oldest first."""
        columns = regression_tests.c
        query = select(*pick(regression_tests, _TEST)).order_by(columns.created_at, columns.id)
        found = []
        for row in self._session.select(query):
            values = dict(zip(_TEST, row, strict=True))
            found.append(
                RegressionTest(**{**values, "steps": tuple(orjson.loads(values["steps"]))})
            )
        return found

    def add_test(self, test: RegressionTest) -> None:
        """Inserts."""
        values = {name: getattr(test, name) for name in _TEST}
        values["steps"] = orjson.dumps(test.steps).decode()
        self._session.run(_INSERT_TEST, tuple(values.values()))

    def remove_test(self, test_id: str) -> bool:
        """Deletes; false when there is none."""
        return bool(self._session.run(_DROP_TEST, (test_id,)))


class SqlFigures:
    """`gateway.ports.catalogue.Figures`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def intents(self, *, since: int, until: int) -> list[tuple[int, IntentCounts]]:
        """Turns by quarter of an hour and intent."""
        quarter = _quarter(turns.c.created_at)
        wrong = and_(
            turns.c.decision == "reply",
            review_marks.c.outcome.in_((ReviewOutcome.UTTERANCE.value, ReviewOutcome.CHECK.value)),
            review_marks.c.intent != turns.c.intent,
        )
        query = (
            select(
                quarter,
                turns.c.intent,
                func.count(turns.c.message_id),
                _count(turns.c.decision == "handoff"),
                _count(article_feedback.c.helped.is_(True)),
                _count(article_feedback.c.helped.is_(False)),
                _count(wrong),
            )
            .outerjoin(review_marks, review_marks.c.message_id == turns.c.message_id)
            .outerjoin(article_feedback, article_feedback.c.turn_message_id == turns.c.message_id)
            .where(turns.c.created_at >= since, turns.c.created_at < until)
            .group_by(quarter, turns.c.intent)
        )
        return [
            (
                int(row[0]) * QUARTER,
                IntentCounts(
                    day="",
                    intent=row[1],
                    hits=row[2],
                    handed_off=row[3],
                    helped=row[4],
                    not_helped=row[5],
                    false_answers=row[6],
                ),
            )
            for row in self._session.select(query)
        ]

    def days(self, *, since: int, until: int) -> list[tuple[int, DayCounts]]:
        """Conversations by the quarter of an hour in which they began."""
        quarter = _quarter(conversations.c.created_at)

        def said(kind: MessageKind) -> ColumnElement[int]:
            return (
                select(func.count(_answers.c.id))
                .where(
                    _answers.c.conversation_id == conversations.c.id,
                    _answers.c.kind == kind.value,
                )
                .correlate(conversations)
                .scalar_subquery()
            )

        own = (
            select(
                quarter.label("quarter"),
                said(MessageKind.BOT).label("bot"),
                said(MessageKind.AGENT).label("agent"),
                conversations.c.ticket_id,
            )
            .where(conversations.c.created_at >= since, conversations.c.created_at < until)
            .subquery()
        )
        alone = and_(own.c.agent == 0, own.c.bot > 0, own.c.ticket_id.is_(None))
        query = select(
            own.c.quarter,
            func.count(),
            _count(alone),
            _count(or_(own.c.agent > 0, own.c.ticket_id.is_not(None))),
            func.sum(own.c.bot),
            func.sum(own.c.agent),
        ).group_by(own.c.quarter)
        return [
            (
                int(row[0]) * QUARTER,
                DayCounts(
                    day="",
                    conversations=row[1],
                    bot_only=row[2],
                    with_people=row[3],
                    bot_messages=int(row[4]),
                    agent_messages=int(row[5]),
                ),
            )
            for row in self._session.select(query)
        ]


def _quarter(column: ColumnElement[int]) -> ColumnElement[int]:
    return column // QUARTER


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
