"""Questions that the bot did not answer well: grouped, judged by people, learnt from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.knowledge import ArticleIndex, Hit
from bot.likeness import Alike, Likeness, Sentence
from bot.replay import redact
from channels.contract import MessageKind
from gateway.domain.catalogue import (
    DraftDocument,
    FiledSentence,
    RegressionTest,
    ReviewMark,
    ReviewOutcome,
    ReviewTurn,
)
from gateway.domain.errors import InvalidInputError, NotFoundError
from gateway.domain.people import Agent, Right
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import get_conversation, get_message, require
from gateway.services.auditing import note
from gateway.services.draft import StaleError
from gateway.services.drafting import gather, question_of, typical
from gateway.services.pasting import add_sentences
from intents.documents import Kind
from intents.model import Language
from intents.text import detect_language, normalise_text

MOST = 3000
"""Turns that are grouped at once, newest first."""
DOUBT = 0.5
"""The confidence from which the bot answers without asking back."""
_SHOWN = 50
_ABOUT = 0.6  # the chance of being right from which an editor is told of an article
_MOST_STEPS = 100
_LEARNT = (ReviewOutcome.UTTERANCE, ReviewOutcome.CHECK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Sentences that are alike; `reasons` counts why they are here."""

    leader: ReviewTurn
    turns: tuple[ReviewTurn, ...]
    reasons: Mapping[str, int]
    likely: tuple[Alike, ...]

    @property
    def shown(self) -> tuple[ReviewTurn, ...]:
        """As many of them as a page shows."""
        return self.turns[:_SHOWN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question that a person answered."""

    turn: ReviewTurn
    answer: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A question that people answered again and again; `answer` is the one most like all."""

    answers: tuple[Answered, ...]
    answer: str

    @property
    def question(self) -> ReviewTurn:
        """The question in its shortest words."""
        return self.answers[0].turn


def reasons_of(turn: ReviewTurn) -> list[str]:
    """Why a turn is in the queue."""
    found = []
    if turn.decision == "handoff":
        found.append("handed_off")
    elif turn.intent is None or (turn.confidence < DOUBT and turn.article is None):
        found.append("unanswered")
    if turn.intent is not None and turn.confidence < DOUBT:
        found.append("low_confidence")
    if turn.disliked:
        found.append("disliked")
    if turn.decision == "handoff" and turn.solved and turn.answered_by_agent:
        found.append("solved_by_people")
    if turn.filed is not None:
        found.append("filed")
    return found


def questionable(uow: UnitOfWork, actor: Agent, *, since: int) -> list[ReviewTurn]:
    """What waits for review, newest first.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.EDIT_CATALOGUE)
    return uow.review.questionable(since=since, below=DOUBT, limit=MOST)


def cluster(turns: Sequence[ReviewTurn], draft: Likeness) -> list[Cluster]:
    """Groups like questions, the largest group first; pure, the same for equal input."""
    by_text: dict[str, list[ReviewTurn]] = {}
    for turn in turns:
        by_text.setdefault(normalise_text(turn.text) or turn.text, []).append(turn)
    texts = list(by_text.values())
    likeness = Likeness(
        Sentence(text=same[0].text, intent="", language=same[0].language) for same in texts
    )
    found = []
    for places in likeness.groups():
        held = [turn for place in places for turn in texts[place]]
        leader = max((texts[place] for place in places), key=len)[0]
        found.append(
            Cluster(
                leader=leader,
                turns=tuple(held),
                reasons=Counter(reason for turn in held for reason in reasons_of(turn)),
                likely=tuple(draft.nearest(leader.text, 3, least=0.2)),
            )
        )
    return sorted(found, key=lambda each: (-len(each.turns), each.leader.text))


def resolve(
    uow: UnitOfWork,
    actor: Agent,
    texts: Mapping[str, str | None],
    outcome: ReviewOutcome,
    *,
    intent: str | None,
    seen: int | None,
    now: int,
) -> tuple[int, DraftDocument | None]:
    """Notes what became of customers' messages; as examples or checks they go into the draft.

    Addresses and telephone numbers are replaced. What the draft has already is not added again.

    Args:
        uow: the transaction.
        actor: who judges.
        texts: messages by id, with words that replace the customer's, or None.
        outcome: what they are.
        intent: of examples and checks; else it may be None.
        seen: the revision of the intent that the editor saw.
        now: ms since the epoch.

    Returns:
        How many were dealt with, and the intent's document if it changed.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: a message or the intent is not there.
        InvalidInputError: examples and checks without an intent.
        StaleError: the intent is at another revision.
    """
    require(actor, Right.EDIT_CATALOGUE)
    messages = uow.messages.by_ids(list(texts))
    if len(messages) != len(texts):
        raise NotFoundError("There is no such message.")
    document = None
    if outcome in _LEARNT:
        own = _intent(uow, intent, seen)
        said = [texts[key] or redact(messages[key].text) for key in texts]
        fresh = _fresh(uow, said)
        if fresh:
            check = outcome is ReviewOutcome.CHECK
            document = add_sentences(uow, actor, own, fresh, check=check, now=now)
    uow.review.mark(
        [
            ReviewMark(message_id=key, outcome=outcome, intent=intent, actor_id=actor.id, at=now)
            for key in texts
        ]
    )
    note(
        uow,
        actor.id,
        "catalogue.reviewed",
        ("message", next(iter(texts))),
        after={"outcome": outcome.value, "intent": intent, "messages": len(texts)},
        now=now,
    )
    return len(texts), document


def _intent(uow: UnitOfWork, intent: str | None, seen: int | None) -> DraftDocument:
    if intent is None:
        raise InvalidInputError("Examples and checks need an intent.", field="/intent")
    own = uow.draft.find(Kind.INTENT, intent)
    if own is None:
        raise NotFoundError("There is no such intent in the draft.")
    if own.revision != seen:
        raise StaleError(own)
    return own


def _fresh(uow: UnitOfWork, texts: Iterable[str]) -> list[dict[str, Any]]:
    """Sentences that stand nowhere in the draft, each once."""
    known = {
        normalise_text(each["text"])
        for document in uow.draft.all()
        if document.kind is Kind.INTENT
        for shelf in ("utterances", "checks")
        for each in document.body.get(shelf, ())
    }
    found = []
    for text in texts:
        line = " ".join(text.split())[:2000]
        bare = normalise_text(line)
        if line and bare not in known:
            known.add(bare)
            language = detect_language(line, Language.EN).training
            found.append({"text": line, "language": language, "entities": []})
    return found


def file_sentence(
    uow: UnitOfWork, actor: Agent, message_id: str, remark: str, *, now: int
) -> None:
    """Puts a customer's message before the editors; every agent may, of what they see.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is none that the agent may see.
        InvalidInputError: no customer wrote it.
    """
    require(actor, Right.WORK)
    message, _ = get_message(uow, actor, message_id)
    if message.kind is not MessageKind.CUSTOMER or uow.turns.of_message(message_id) is None:
        raise InvalidInputError(
            "Only a customer's message that the bot dealt with can be filed.", field="/message_id"
        )
    uow.review.file(FiledSentence(message_id=message_id, note=remark, actor_id=actor.id, at=now))
    note(
        uow,
        actor.id,
        "catalogue.sentence_filed",
        ("message", message_id),
        after={"note": remark},
        now=now,
    )


def answered_by_people(
    uow: UnitOfWork, actor: Agent, *, since: int, limit: int = 500
) -> list[Answered]:
    """Questions that the bot handed over, with what solved them; not those that were reviewed.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.EDIT_CATALOGUE)
    turns = uow.review.solved_by_people(since=since, limit=limit)
    messages = uow.messages.by_ids([turn.message_id for turn in turns])
    found: dict[str, Answered] = {}
    for turn in turns:
        key = question_of(uow, messages[turn.message_id]).id
        told = gather(uow, actor, [key])
        if told and told[0].answer:
            asked = replace(turn, text=told[0].question, message_id=key)
            found[key] = Answered(turn=asked, answer=told[0].answer, agent=told[0].agent)
    reviewed = uow.review.reviewed(list(found))
    return [answered for key, answered in found.items() if key not in reviewed]


def suggest(answered: Sequence[Answered]) -> list[Suggestion]:
    """Drafts of questions and answers, most asked first; pure."""
    likeness = Likeness(
        Sentence(text=each.turn.text, intent="", language=each.turn.language) for each in answered
    )
    found = []
    for places in likeness.groups():
        held = sorted((answered[place] for place in places), key=lambda a: len(a.turn.text))
        found.append(Suggestion(answers=tuple(held), answer=typical([a.answer for a in held])))
    return found


def known_articles(suggestions: Sequence[Suggestion], index: ArticleIndex) -> dict[int, Hit]:
    """Articles that are about suggested questions already, by the places of these; pure."""
    found: dict[int, Hit] = {}
    for place, each in enumerate(suggestions):
        text = each.question.text
        language = detect_language(text, Language.EN)
        hits = index.search(text, language, 1, internal=True, with_passages=False)
        if hits and hits[0].score >= _ABOUT:
            found[place] = hits[0]
    return found


def keep_as_test(
    uow: UnitOfWork,
    actor: Agent,
    conversation_id: str,
    name: str,
    expected: Mapping[int, Mapping[str, Any]],
    *,
    now: int,
    new_id: NewId,
) -> RegressionTest:
    """Keeps a conversation as a test: what the customer said, and what the bot made of it.

    Args:
        uow: the transaction.
        actor: who keeps it.
        conversation_id: the conversation.
        name: what the list calls it.
        expected: corrections by the `seq` of a customer's message: `intent`, `decision`,
            `article`.
        now: ms since the epoch.
        new_id: gives the test's id.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is no such conversation that the agent may see.
        InvalidInputError: the bot took no turn in it.
    """
    require(actor, Right.EDIT_CATALOGUE)
    conversation = get_conversation(uow, actor, conversation_id)
    steps = []
    for message in uow.messages.page(conversation_id, after=0, limit=1000):
        turn = None
        if message.kind is MessageKind.CUSTOMER and (message.text or message.payload):
            turn = uow.turns.of_message(message.id)
        if turn is None or turn.decision == "dropped":
            continue
        told = {"intent": turn.intent, "decision": turn.decision, "article": turn.article}
        steps.append(
            {
                "text": redact(message.text),
                "payload": message.payload,
                **told,
                **expected.get(message.seq, {}),
            }
        )
    if not steps:
        raise InvalidInputError(
            "The bot took no turn in this conversation.", field="/conversation_id"
        )
    test = RegressionTest(
        id=new_id(),
        name=name,
        language=conversation.language,
        channel=uow.inboxes.get(conversation.inbox_id).kind,
        steps=tuple(steps[:_MOST_STEPS]),
        conversation_id=conversation_id,
        author_id=actor.id,
        created_at=now,
    )
    uow.review.add_test(test)
    note(
        uow,
        actor.id,
        "catalogue.test_kept",
        ("regression_test", test.id),
        after={"name": name, "conversation_id": conversation_id},
        now=now,
    )
    return test


def remove_test(uow: UnitOfWork, actor: Agent, test_id: str, *, now: int) -> None:
    """Removes a test.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is none.
    """
    require(actor, Right.EDIT_CATALOGUE)
    if not uow.review.remove_test(test_id):
        raise NotFoundError("There is no such test.")
    note(uow, actor.id, "catalogue.test_removed", ("regression_test", test_id), now=now)
