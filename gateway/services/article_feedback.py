"""What customers say of answers from articles: kept for the article and for the turn (H1.5)."""

from __future__ import annotations

from bot.contract import ArticleFeedback
from gateway.domain.records import TurnRecord
from gateway.ports.knowledge import Feedback
from gateway.ports.store import UnitOfWork


def hear(uow: UnitOfWork, turn: TurnRecord, said: ArticleFeedback, *, now: int) -> None:
    """Keeps what the message of a turn says of the last answer from an article.

    A second word about the same answer replaces the first, so that pressing twice counts once.
    """
    asked = uow.articles.last_turn_with(turn.conversation_id, said.slug)
    if asked is None:
        return  # the bot never gave that answer here: whoever says so counts nothing
    uow.articles.add_feedback(
        Feedback(
            message_id=turn.message_id,
            turn_message_id=asked,
            slug=said.slug,
            helped=said.helped,
            created_at=now,
        )
    )
