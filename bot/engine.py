"""The bot that answers from a catalogue: understands, decides, acts and words the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from bot.actions.runner import RasaActionRunner
from bot.contract import (
    ActionContext,
    ArticleFeedback,
    BotMessage,
    BotState,
    Decision,
    Handoff,
    HandoffReason,
    Reply,
    Turn,
    Understanding,
)
from bot.errors import ActionFailedError, BotError, ModelMissingError
from bot.judging import judge_letter
from bot.knowledge import ArticleIndex
from bot.performing import Done, HandoverWishError, Performer, desk_values
from bot.plans import Answer, BotSettings, FromArticle, HandOver, Move, Plan, Say, Thank
from bot.playbook import Playbook, compile_playbook, link_articles, ticket_kind
from bot.policy import (
    answer_name,
    chosen_payload,
    decide_turn,
    missed,
    when_closed,
)
from bot.reading import OtherRecogniser, Reader, View
from bot.recognise import Recogniser
from bot.replies import Replies
from bot.summary import card_text, make_card, subject_of
from bot.texts import DESK_BUSY, DESK_CLOSED, DESK_QUEUE
from bot.times import tell_moment
from bot.wording import Asked, Wording, articles_for, whole_question
from intents.model import Catalogue, Language
from intents.text import to_traditional

_QUESTION_LENGTH = 200


class CatalogueBot:
    """Implements `bot.contract.Bot`; immutable but for the lazily loaded actions.

    Args:
        catalogue: what it answers from.
        recogniser: a model that was trained from that catalogue.
        context: what actions may ask of the gateway.
        settings: limits of the dialogue.
        others: other recognisers, by the names under which inboxes choose them.
        index: the articles to answer from, which come and go; the catalogue's if not given.
        wording: words answers from articles; without it their passages answer as they stand.

    Raises:
        ModelMissingError: the model belongs to another version of the catalogue.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        recogniser: Recogniser,
        context: ActionContext,
        settings: BotSettings | None = None,
        *,
        others: Mapping[str, OtherRecogniser] | None = None,
        index: ArticleIndex | None = None,
        wording: Wording | None = None,
    ) -> None:
        if recogniser.catalogue_version != catalogue.version:
            message = (
                f"the model is of catalogue {recogniser.catalogue_version}, not of "
                f"{catalogue.version}; train one with `yingda bot train`"
            )
            raise ModelMissingError(message)
        self._catalogue = catalogue
        self._settings = settings or BotSettings()
        self._wording = wording
        self._index = ArticleIndex(catalogue.articles) if index is None else index
        self._playbook = compile_playbook(catalogue, self._index)
        self._replies = Replies(catalogue, self._index)
        self._reader = Reader(
            catalogue,
            recogniser,
            others or {},
            index=self._index,
            replies=self._replies,
            playbook=self._playbook,
            settings=self._settings,
        )
        self._runner = RasaActionRunner(
            context,
            seconds=self._settings.action_seconds,
            zone=self._settings.time_zone,
            trees=self._playbook.trees,
        )
        self._performer = Performer(
            self._playbook,
            self._replies,
            self._runner,
            frozenset(catalogue.actions),
            self._settings.time_zone,
        )

    @property
    def catalogue_version(self) -> str:
        """The version of the catalogue that answers now."""
        return self._catalogue.version

    def link_articles(self) -> None:
        """Links intents to the articles about the same anew, after articles came or went."""
        linked = link_articles(self._catalogue, self._playbook.steps, self._index)
        self._playbook = replace(self._playbook, articles=linked)

    async def warm(self) -> None:
        """Load what is loaded at first use, so that no customer waits for it."""
        await self._runner.warm()
        for language in Language:
            self._replies.greeting(language)
            self._index.search("工單查詢 ticket", language)

    def article_title(self, slug: str, language: Language) -> str | None:
        """The title of an article that answers may name; None when there is no such article."""
        title = self._index.title(slug, language)
        return to_traditional(title) if title and language is Language.ZH_HANT else title

    def greeting(self, language: Language) -> BotMessage:
        """The first words on a channel that can greet, with quick replies (H1.3)."""
        return self._replies.greeting(language)

    def holding_reply(self, reason: HandoffReason, turn: Turn) -> BotMessage:
        """What the customer is told when the gateway itself hands a turn over."""
        language = turn.language or Language.EN
        if turn.letter:
            return self._letter_received(HandOver(reason=reason, kind=""), turn, language)
        return self._replies.holding(reason, language)

    def recognise(self, text: str) -> Understanding:
        """What the recogniser makes of a text."""
        return self._reader.recognise(text)

    def without_wording(self) -> CatalogueBot:
        """The same bot, which answers from articles as they stand."""
        bare = copy(self)
        bare._wording = None
        return bare

    async def respond(self, turn: Turn) -> Decision:
        """Decide on one turn; actions, other recognisers and the wording alone are waited for.

        Raises:
            BotError: nothing could be decided; the caller hands over with reason ERROR.
        """
        try:
            if turn.letter:
                return await self._answer_letter(turn)
            view = await self._reader.read(turn)
            plan = decide_turn(view.facts, self._playbook, self._settings)
            plan = when_closed(plan, view.facts, self._playbook)
            view, worded = await self._word(plan, _certain(view, plan))
            if worded is None and isinstance(plan, HandOver):
                return self._hand_over(plan, view)
            try:
                done = worded or await self._performer.perform(plan, view)
            except ActionFailedError:
                kind = ticket_kind(view.facts.understanding.intent)
                return self._hand_over(HandOver(reason=HandoffReason.ACTION, kind=kind), view)
            except HandoverWishError as wish:
                view = replace(view, facts=replace(view.facts, slots=wish.slots))
                return self._hand_over(_wished(wish.handover, view), view, wish.said)
        except Exception as error:
            message = f"the turn could not be decided: {error}"
            raise BotError(message) from error
        return Reply(
            messages=done.messages,
            state=self._next_state(done.plan, view, done.messages, done.slots, done.last),
            language=view.language,
            catalogue_version=self.catalogue_version,
            understanding=view.facts.understanding,
            feedback=_feedback(done.plan),
        )

    async def _answer_letter(self, turn: Turn) -> Decision:
        """A letter is answered in full when it asks one thing that is surely known."""
        judged = await judge_letter(turn, self._reader, self._playbook, self._settings)
        view, plan = judged.view, judged.plan
        if plan is None:
            return self._letter_reply((), view, turn.state)
        if isinstance(plan, HandOver):
            return self._hand_over(plan, view)
        done = await self._performer.perform(plan, view)
        state = self._next_state(plan, view, done.messages, done.slots, done.last)
        message = self._replies.letter(
            done.messages,
            view.language,
            name=turn.customer.name if turn.customer is not None else "",
            help_url=self._settings.help_url,
        )
        return self._letter_reply((message,), view, replace(state, offered=()))

    def _letter_reply(
        self, messages: tuple[BotMessage, ...], view: View, state: BotState
    ) -> Reply:
        return Reply(
            messages=messages,
            state=state,
            language=view.language,
            catalogue_version=self.catalogue_version,
            understanding=view.facts.understanding,
        )

    def _letter_received(self, plan: HandOver, turn: Turn, language: Language) -> BotMessage:
        due = turn.desk.due.get(plan.severity) if turn.desk is not None else None
        return self._replies.letter_received(
            plan.reason,
            language,
            name=turn.customer.name if turn.customer is not None else "",
            due=None if due is None else tell_moment(due, self._settings.time_zone),
        )

    async def _word(self, plan: Plan, view: View) -> tuple[View, Done | None]:
        """An article's answer in the words of a model, if there is one and its answer holds."""
        if self._wording is None:
            return view, None
        slugs = articles_for(plan, view.facts, self._playbook)
        sources = self._index.sources(slugs, whole_question(plan, view.facts), view.language)
        if not sources:
            return view, None
        turn, customer = view.turn, view.turn.customer
        worded = await self._wording.answer(
            Asked(
                conversation_id=turn.conversation_id,
                text=view.facts.text,
                language=view.language,
                sources=sources,
                lines=turn.lines,
                name=customer.name if customer is not None else "",
            )
        )
        seen = view.facts.understanding
        note = "; ".join(filter(None, (seen.note, worded.note)))
        view = replace(view, facts=replace(view.facts, understanding=replace(seen, note=note)))
        if worded.answer is None:
            return view, None
        message = self._replies.worded(worded.answer, view.language)
        found = FromArticle(slug=worded.answer.slugs[0])
        return view, Done(plan=found, messages=(message,), slots=view.slots)

    def _next_state(
        self,
        plan: Plan,
        view: View,
        messages: Sequence[BotMessage],
        slots: Mapping[str, Any],
        last: str | None,
    ) -> BotState:
        before = view.facts.state
        failed = missed(plan)
        topic = before.topic
        if isinstance(plan, Answer) and not plan.missed:
            topic = topic if self._playbook.is_small_talk(plan.intent) else plan.intent
        said = answer_name(plan, self._playbook)
        again = said is not None and said == before.said and not _is_new(messages, view)
        repeats = before.repeats + 1 if again else 0
        if isinstance(plan, Thank):  # stands between two askings of an answer, and ends no loop
            said, repeats = before.said, before.repeats
        return BotState(
            misses=before.misses + 1 if failed else 0,
            missed_at=view.turn.now if failed else None,
            turns=before.turns + (0 if _advances(plan, before) else 1),
            topic=topic,
            slots={name: value for name, value in slots.items() if value is not None},
            offered=tuple(choice.payload for m in messages for choice in m.choices),
            flow=_flow_after(plan, before),
            last=last or before.last,
            subject=view.subject,
            said=said,
            repeats=repeats,
            question=_question(plan, view, self._playbook),
        )

    def _hand_over(self, plan: HandOver, view: View, said: Sequence[BotMessage] = ()) -> Handoff:
        """The hand-off with its holding reply; counters start anew for a hand-back."""
        if view.turn.letter:
            holding = self._letter_received(plan, view.turn, view.language)
        else:
            holding = self._replies.holding(plan.reason, view.language, view.turn.channel)
            holding = self._promising(holding, view)
        outcome = self._replies.words(plan.text, view.language) if plan.text else None
        topic = self._topic_title(plan.topic or view.turn.state.topic, view.language)
        card = make_card(
            view.turn,
            plan,
            language=view.language,
            slots=view.slots,
            topic=topic,
            anger=self._playbook.people_first.anger,
        )
        return Handoff(
            reason=plan.reason,
            messages=(*said, *([outcome] if outcome else []), holding),
            summary=card_text(card),
            kind=plan.kind,
            severity=plan.severity,
            state=BotState(
                topic=view.turn.state.topic, slots=dict(view.slots), subject=view.subject
            ),
            language=view.language,
            catalogue_version=self.catalogue_version,
            understanding=view.facts.understanding,
            card=card,
            subject=view.turn.subject or subject_of(view.turn, plan.reason, topic=topic),
        )

    def _topic_title(self, topic: str | None, language: Language) -> str | None:
        if topic is None:
            return None
        tree = self._playbook.trees.get(topic)
        if tree is not None:
            return self._replies.words(tree.title[language.training], language).text
        return self._replies.topic(topic, language)

    def _promising(self, holding: BotMessage, view: View) -> BotMessage:
        """The holding reply with what may be promised now: hours, or the place in the queue."""
        desk = view.turn.desk
        if desk is None:
            return holding
        if not desk.open:
            name = DESK_CLOSED
        elif not desk.agents_online:
            name = DESK_BUSY
        elif desk.waiting:
            name = DESK_QUEUE
        else:
            return holding
        values = desk_values(desk, self._settings.time_zone)
        told = self._replies.own(name, view.language, view.turn.channel, values)
        return replace(holding, text=f"{holding.text}\n{told.text}")


def _is_new(messages: Sequence[BotMessage], view: View) -> bool:
    """Whether a model worded an answer of an article in a way that was not said before."""
    before = {line.text for line in view.turn.lines}
    return any(message.worded and message.text not in before for message in messages)


def _question(plan: Plan, view: View, playbook: Playbook) -> str | None:
    """The newest question that was understood, unless a button asked it; courtesies are none."""
    turn, before = view.turn, view.facts.state
    courtesy = isinstance(plan, Answer) and playbook.is_small_talk(plan.intent)
    asked = isinstance(plan, Answer | FromArticle) or (
        isinstance(plan, Move) and before.flow is None and plan.flow is not None
    )
    chosen = chosen_payload(view.facts) is not None
    if not asked or courtesy or chosen or missed(plan) or not turn.text:
        return before.question
    return turn.text[:_QUESTION_LENGTH]


def _advances(plan: Plan, before: BotState) -> bool:
    """Whether the turn is a step along a flow, which the turn cap does not count."""
    return (
        isinstance(plan, Move)
        and before.flow is not None
        and plan.flow is not None
        and not plan.failed
        and plan.inner is None
    )


def _flow_after(plan: Plan, before: BotState) -> Mapping[str, Any] | None:
    if isinstance(plan, Move):
        return plan.flow
    return before.flow if isinstance(plan, Say) else None


def _certain(view: View, plan: Plan) -> View:
    """The view with a sure intent when the customer chose it instead of wording it."""
    if not isinstance(plan, Answer) or chosen_payload(view.facts) is None:
        return view
    seen = view.facts.understanding
    chosen = Understanding(
        intent=plan.intent,
        confidence=1.0,
        ranking=((plan.intent, 1.0),),
        entities=seen.entities,
        found=seen.found,
    )
    return replace(view, facts=replace(view.facts, understanding=chosen))


def _wished(handover: Mapping[str, Any], view: View) -> HandOver:
    """The hand-over that an action asked for.

    `{"reason": …, "kind"?: …, "severity"?: …, "call_back"?: …}`.
    """
    told = handover.get("reason")
    known = {reason.value for reason in HandoffReason}
    reason = HandoffReason(told) if told in known else HandoffReason.WISH
    complaint = reason is HandoffReason.COMPLAINT
    kind = "complaint" if complaint else ticket_kind(view.facts.understanding.intent)
    call_back = handover.get("call_back")
    return HandOver(
        reason=reason,
        kind=str(handover.get("kind", kind)),
        severity=str(handover.get("severity", "important" if complaint else "general")),
        call_back=str(call_back) if call_back else None,
    )


def _feedback(plan: Plan) -> ArticleFeedback | None:
    """The word on an article that a plan answers, in a flow or not."""
    if isinstance(plan, Move):
        return None if plan.inner is None else _feedback(plan.inner)
    return ArticleFeedback(slug=plan.slug, helped=plan.helped) if isinstance(plan, Thank) else None
