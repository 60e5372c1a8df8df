"""Article drafts from what customers asked and agents answered (H4.5).

A draft takes its words from conversations: the title and the questions from customers, the text
from agents, without personal data. The conversations that show it are named in the version's
reason and in the audit, which readers do not see.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.grounding import Grounded
from bot.likeness import Likeness, Sentence
from bot.passages import Source
from bot.phrases import wants_person
from bot.redaction import REMOVED, without_personal_data
from bot.wording import Asked
from channels.contract import MessageKind
from gateway.domain.article import (
    QUESTION_LIMIT,
    TITLE_LIMIT,
    ArticleText,
    Audience,
    make_slug,
)
from gateway.domain.catalogue import ReviewMark, ReviewOutcome
from gateway.domain.conversation import Message
from gateway.domain.errors import InvalidInputError, NotFoundError
from gateway.domain.people import Agent, Right
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.article_lookup import ArticleRecord
from gateway.services.articles import ArticleDetails, Draft, add_article
from gateway.services.auditing import note
from intents.model import Language
from intents.text import detect_language, normalise_text

CATEGORY = "faq"
_MOST_QUESTIONS = 20
_MOST_ADDED = 6  # sentences of other answers
_SAME = 0.5  # likeness from which two sentences say the same
_NAMED = 10  # conversations that the reason names
_CUSTOMER, _AGENT = frozenset({MessageKind.CUSTOMER}), frozenset({MessageKind.AGENT})
_ANSWERS = 5
_SENTENCE = re.compile(r"[^。！？!?\n]*?(?:[。！？!?]+|\.(?=\s|$)|\n|$)")
_COURTESY = re.compile(
    r"^\W*(?:您好|你好|亲|hi|hello|dear|good (?:morning|afternoon|evening))(?![a-z]).{0,12}$"
    r"|^\W*(?:感谢|谢谢|多谢|不客气|不用谢|祝您|抱歉久等|让您久等|稍等|请稍等|请问还有|还有(?:其他|其它|什么|别的)"
    r"|thanks|thank you|you'?re welcome|best regards|kind regards|regards|one moment"
    r"|is there anything else|sorry for the wait)",
    re.I,
)
_REASON = {
    Language.ZH_HANS: "来自会话：",
    Language.ZH_HANT: "來自對話：",
    Language.EN: "From conversations: ",
}
_EMPTY = {
    "zh": "（没有同事回答过，请在此写下答案。）",
    "en": "(No colleague has answered this yet.)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A customer's question with what agents answered, without personal data; "" if nothing.

    `agent` is the name of the first who answered.
    """

    message_id: str
    conversation_id: str
    question: str
    answer: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleDraft:
    """A proposed text in its language (`zh`, `en`), and what it rests on."""

    language: str
    text: ArticleText
    evidence: tuple[Evidence, ...]


def gather(uow: UnitOfWork, actor: Agent, message_ids: Sequence[str]) -> list[Evidence]:
    """What was asked in these messages, and what agents answered after them.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: a message is not there, or no customer wrote it.
    """
    require(actor, Right.EDIT_CATALOGUE)
    require(actor, Right.DRAFT_ARTICLES)
    messages = uow.messages.by_ids(list(message_ids))
    asked = [each for each in messages.values() if each.kind is MessageKind.CUSTOMER]
    if len(asked) != len(set(message_ids)):
        raise NotFoundError("There is no such message of a customer.")
    found = [_evidence(uow, messages[key]) for key in dict.fromkeys(message_ids)]
    return [each for each in found if each.question]


def question_of(uow: UnitOfWork, message: Message) -> Message:
    """What a customer wanted to know with a message: the longest of their last three."""
    home, end = message.conversation_id, message.seq + 1
    before = uow.messages.page(home, before=end, limit=3, kinds=_CUSTOMER)
    return max(before, key=lambda each: len(each.text), default=message)


def _evidence(uow: UnitOfWork, message: Message) -> Evidence:
    home = message.conversation_id
    said = uow.messages.page(home, after=message.seq, limit=_ANSWERS, kinds=_AGENT)
    # Who only asks for a person has asked something before.
    asked = question_of(uow, message) if wants_person(message.text) else message
    contact = uow.conversations.get(message.conversation_id).contact_id
    names = [uow.contacts.get(contact).name, *(each.author_name for each in said)]
    return Evidence(
        message_id=message.id,
        conversation_id=message.conversation_id,
        question=_impersonal(without_personal_data(asked.text, names)),
        answer="\n".join(
            told for each in said if (told := _bare(without_personal_data(each.text, names)))
        ),
        agent=said[0].author_name if said else "",
    )


def _impersonal(text: str) -> str:
    """A question on one line, without the sentences about the one who asks, if others remain."""
    parts = [part.strip() for part in _SENTENCE.findall(text) if part.strip()]
    kept = [part for part in parts if REMOVED not in part and not _is_courtesy(part)]
    return " ".join(kept or parts)


def _bare(text: str) -> str:
    """What is said, without greetings and thanks."""
    kept = [part for part in _SENTENCE.findall(text) if part.strip() and not _is_courtesy(part)]
    return "".join(kept).strip()


def _is_courtesy(sentence: str) -> bool:
    return _COURTESY.search(sentence.strip()) is not None


def propose(evidence: Sequence[Evidence]) -> ArticleDraft:
    """Return a draft in the words of customers and agents; pure, the same for equal input.

    The shortest question is the title. The text is the answer that is most like all of them,
    with the sentences of others that say something else.

    Raises:
        InvalidInputError: nobody asked anything.
    """
    if not evidence:
        raise InvalidInputError("These messages hold no words.", field="/message_ids")
    spoken = Counter(_language(each.question) for each in evidence)
    language = max(spoken, key=lambda tag: (spoken[tag], tag))
    own = [each for each in evidence if _language(each.question) == language]
    by_words = {normalise_text(each.question): each.question for each in reversed(own)}
    questions = sorted(by_words.values(), key=lambda text: (len(text), text))
    answers = [each.answer for each in own if each.answer and _language(each.answer) == language]
    return ArticleDraft(
        language=language,
        text=ArticleText(
            title=questions[0][:TITLE_LIMIT],
            body=_merged(answers) if answers else _EMPTY[language],
            questions=tuple(text[:QUESTION_LIMIT] for text in questions[:_MOST_QUESTIONS]),
        ),
        evidence=tuple(evidence),
    )


def _language(text: str) -> str:
    return detect_language(text, Language.EN).training


def _merged(answers: Sequence[str]) -> str:
    body = typical(answers)
    said = [part.strip() for part in _SENTENCE.findall(body) if part.strip()]
    added: list[str] = []
    for answer in answers:
        for sentence in (part.strip() for part in _SENTENCE.findall(answer)):
            known = Likeness(Sentence(text=t, intent="", language="") for t in (*said, *added))
            if sentence and not known.nearest(sentence, 1, least=_SAME):
                added.append(sentence)
    return "\n\n".join((body, *added[:_MOST_ADDED]))


def typical(answers: Sequence[str]) -> str:
    """The answer that is most like all of them."""
    likeness = Likeness(Sentence(text=text, intent="", language="") for text in answers)

    def closeness(text: str) -> float:
        return sum(each.similarity for each in likeness.nearest(text, len(answers)))

    return max(answers, key=lambda text: (closeness(text), -len(text)))


def question_for(draft: ArticleDraft) -> Asked | None:
    """What a language model is asked to word the draft; None where nobody answered."""
    answers = dict.fromkeys(each.answer for each in draft.evidence if each.answer)
    sources = tuple(
        Source(slug="draft", title=draft.text.title, text=text[:700]) for text in answers
    )
    if not sources:
        return None
    language = Language.EN if draft.language == "en" else Language.ZH_HANS
    return Asked(conversation_id="", text=draft.text.title, language=language, sources=sources[:8])


def worded(draft: ArticleDraft, answer: Grounded) -> ArticleDraft:
    """The draft with a text that a language model worded from the same answers."""
    return replace(draft, text=replace(draft.text, body=answer.text))


def add_draft(
    uow: UnitOfWork,
    actor: Agent,
    draft: ArticleDraft,
    *,
    reader: Language,
    now: int,
    new_id: NewId,
) -> ArticleRecord:
    """Adds an article with the draft, which only staff see, and marks its messages as reviewed.

    `reader` is the language in which staff are told where it comes from.

    Raises:
        NotAllowedError: the role does not permit it.
        InvalidInputError: a field is wrong.
    """
    require(actor, Right.EDIT_CATALOGUE)
    details = ArticleDetails(
        slug=_free_slug(uow, draft.text.title, new_id),
        category=CATEGORY,
        audience=Audience.PUBLIC,
        owner_id=actor.id,
    )
    conversations = list(dict.fromkeys(each.conversation_id for each in draft.evidence))
    reason = _REASON[reader] + " ".join(conversations[:_NAMED])
    written = Draft(language=draft.language, text=draft.text, reason=reason)
    record = add_article(uow, actor, details, written, now=now, new_id=new_id)
    uow.review.mark(
        [
            ReviewMark(
                message_id=each.message_id,
                outcome=ReviewOutcome.ARTICLE,
                intent=None,
                actor_id=actor.id,
                at=now,
            )
            for each in draft.evidence
        ]
    )
    note(
        uow,
        actor.id,
        "catalogue.article_drafted",
        ("article", record.article.id),
        after={"messages": len(draft.evidence), "conversations": conversations},
        now=now,
    )
    return record


def _free_slug(uow: UnitOfWork, title: str, new_id: NewId) -> str:
    """An address that reads well if the title gives one, and is free."""
    slug = make_slug(title)[:60].strip("-") or f"faq-{new_id()[-6:]}"
    return f"{slug}-{new_id()[-6:]}" if uow.articles.by_slugs([slug]) else slug
