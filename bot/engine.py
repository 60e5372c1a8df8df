"""The bot that answers from a catalogue: understands, decides, acts and words the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, assert_never

from bot.actions.runner import ActionResult, RasaActionRunner, Said
from bot.contract import (
    ActionContext,
    ArticleFeedback,
    BotMessage,
    BotState,
    Choice,
    Decision,
    Handoff,
    HandoffReason,
    Reply,
    Speaker,
    Turn,
    Understanding,
)
from bot.entities import EntityFinder
from bot.errors import ActionFailedError, BotError, ModelMissingError
from bot.knowledge import ArticleIndex, Hit
from bot.passages import shorten
from bot.playbook import compile_playbook, ticket_kind
from bot.policy import (
    Answer,
    BotSettings,
    Facts,
    FromArticle,
    HandOver,
    Heard,
    NotUnderstood,
    Offer,
    Plan,
    chosen_payload,
    decide_turn,
    missed,
)
from bot.recognise import OUT_OF_SCOPE, Recogniser
from bot.replies import Replies, fill
from bot.texts import SUMMARY, TITLE
from intents.model import Catalogue, Language
from intents.text import detect_language, to_traditional

UNDERSTOOD_LENGTH = 500
_REMEMBERED_LINES = 6
_REMEMBERED_TEXTS = 4096
_LINE_LENGTH = 160
_SLOT_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """A turn with what the bot made of it; `turn.language` is the language to answer in."""

    turn: Turn
    language: Language
    facts: Facts
    slots: Mapping[str, Any]


class _HandoverWish(Exception):  # noqa: N818  # a signal between steps, no error
    """An action asked to hand over; carries what was said before."""

    def __init__(self, said: Sequence[BotMessage], handover: Mapping[str, Any]) -> None:
        super().__init__("handover")
        self.said = tuple(said)
        self.handover = handover


class CatalogueBot:
    """Implements `bot.contract.Bot`; immutable but for the lazily loaded actions.

    Args:
        catalogue: what it answers from.
        recogniser: a model that was trained from that catalogue.
        context: what actions may ask of the gateway.
        settings: limits of the dialogue.
        index: the articles to answer from, which come and go; the catalogue's if not given.

    Raises:
        ModelMissingError: the model belongs to another version of the catalogue.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        recogniser: Recogniser,
        context: ActionContext,
        settings: BotSettings | None = None,
        index: ArticleIndex | None = None,
    ) -> None:
        if recogniser.catalogue_version != catalogue.version:
            message = (
                f"the model is of catalogue {recogniser.catalogue_version}, not of "
                f"{catalogue.version}; train one with `yingda bot train`"
            )
            raise ModelMissingError(message)
        self._catalogue = catalogue
        self._recogniser = recogniser
        self._settings = settings or BotSettings()
        self._index = ArticleIndex(catalogue.articles) if index is None else index
        # Many customers send the very same words: pressed buttons, greetings, common questions.
        self._recognise = lru_cache(maxsize=_REMEMBERED_TEXTS)(recogniser.recognise)
        self._playbook = compile_playbook(catalogue, self._index)
        self._entities = EntityFinder(catalogue)
        self._replies = Replies(catalogue, self._index)
        self._runner = RasaActionRunner(context, seconds=self._settings.action_seconds)

    @property
    def catalogue_version(self) -> str:
        """The version of the catalogue that answers now."""
        return self._catalogue.version

    def link_articles(self) -> None:
        """Links intents to the articles about the same anew, after articles came or went."""
        self._playbook = compile_playbook(self._catalogue, self._index)

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

    def holding_reply(self, reason: HandoffReason, language: Language) -> BotMessage:
        """What the customer is told when the gateway itself hands over."""
        return self._replies.holding(reason, language)

    async def respond(self, turn: Turn) -> Decision:
        """Decide on one turn; everything but actions is done without waiting.

        Raises:
            BotError: nothing could be decided; the caller hands over with reason ERROR.
        """
        try:
            view = self._read(turn)
            plan = decide_turn(view.facts, self._playbook, self._settings)
            view = _certain(view, plan)
            if isinstance(plan, HandOver):
                return self._hand_over(plan, view)
            try:
                messages, slots = await self._carry_out(plan, view)
            except ActionFailedError:
                kind = ticket_kind(view.facts.understanding.intent)
                return self._hand_over(HandOver(reason=HandoffReason.ACTION, kind=kind), view)
            except _HandoverWish as wish:
                return self._hand_over(_wished(wish.handover, view), view, wish.said)
        except Exception as error:
            message = f"the turn could not be decided: {error}"
            raise BotError(message) from error
        return Reply(
            messages=messages,
            state=self._next_state(plan, view, messages, slots),
            language=view.language,
            catalogue_version=self.catalogue_version,
            understanding=view.facts.understanding,
            feedback=(
                ArticleFeedback(slug=plan.slug, helped=plan.helped)
                if isinstance(plan, Heard)
                else None
            ),
        )

    def _read(self, turn: Turn) -> _View:
        text = turn.text[:UNDERSTOOD_LENGTH]
        language = _language(turn, text)
        entities = self._entities.find(text)
        understanding = replace(self._recognise(text), entities=entities)
        sure = understanding.confidence >= self._settings.accept
        hits: tuple[Hit, ...] = ()
        if not sure or understanding.intent == OUT_OF_SCOPE:
            hits = self._index.search(text, language, with_passages=False)
        return _View(
            turn=replace(turn, language=language),
            language=language,
            facts=Facts(
                text=text,
                payload=turn.payload,
                state=turn.state,
                understanding=understanding,
                hits=hits,
                titles=[self._replies.title(p, language) for p in turn.state.offered],
            ),
            slots=self._slots(turn.state.slots, entities),
        )

    def _slots(self, kept: Mapping[str, Any], entities: Mapping[str, str]) -> dict[str, Any]:
        """Initial values, what was collected before, and this message's values on top."""
        slots: dict[str, Any] = {
            slot.name: slot.initial_value
            for slot in self._catalogue.slots
            if slot.initial_value is not None
        }
        slots |= kept
        slots |= {name: value[:_SLOT_LENGTH] for name, value in entities.items()}
        for slot in self._catalogue.slots:
            for entity in slot.entities:
                if entity in entities:
                    slots[slot.name] = entities[entity][:_SLOT_LENGTH]
        return slots

    async def _carry_out(
        self, plan: Answer | FromArticle | Heard | Offer | NotUnderstood, view: _View
    ) -> tuple[tuple[BotMessage, ...], Mapping[str, Any]]:
        """The messages of a plan, at least one, and the slots after it."""
        channel = view.turn.channel
        match plan:
            case Answer():
                return await self._do_steps(plan, view)
            case FromArticle(slug=slug):
                found = self._replies.article(slug, view.facts.text, view.language)
                message = found or self._replies.not_understood(view.language, channel)
            case Heard(helped=helped):
                message = self._replies.thanks_for_feedback(
                    helped=helped, language=view.language, channel=channel
                )
            case Offer(payloads=payloads):
                message = self._replies.offer(payloads, view.language, channel)
            case NotUnderstood():
                message = self._replies.not_understood(view.language, channel)
            case _:
                assert_never(plan)
        return (message,), view.slots

    async def _do_steps(
        self, plan: Answer, view: _View
    ) -> tuple[tuple[BotMessage, ...], Mapping[str, Any]]:
        slots = dict(view.slots)
        messages: list[BotMessage] = []
        article = plan.article
        for step in plan.steps:
            if step.startswith("utter_"):
                message = self._utter(step, view, slots)
                if message is not None and article is not None:
                    message = self._replies.sourced(message, article, view.language)
                    article = None
                messages += [message] if message is not None else []
                continue
            result = await self._runner.run(step, view.turn, slots, view.facts.understanding)
            slots |= result.slots
            messages += self._spoken(result, view, slots)
            if result.handover is not None:
                raise _HandoverWish(messages, result.handover)
        if not messages:
            message_text = f"the steps of {plan.intent} said nothing"
            raise ActionFailedError(message_text)
        return tuple(messages), {k: v for k, v in slots.items() if v is not None}

    def _utter(self, name: str, view: _View, slots: Mapping[str, Any]) -> BotMessage | None:
        return self._replies.response(
            name, view.language, view.turn.channel, slots, view.turn.state.turns
        )

    def _spoken(
        self, result: ActionResult, view: _View, slots: Mapping[str, Any]
    ) -> list[BotMessage]:
        """An action's messages, rendered."""
        messages = []
        for said in result.said:
            message = self._word(said, view, {**slots, **said.values})
            if message is not None:
                messages.append(message)
        return messages

    def _word(self, said: Said, view: _View, values: Mapping[str, Any]) -> BotMessage | None:
        buttons = tuple(Choice(title=title, payload=payload) for title, payload in said.buttons)
        if said.response is not None:
            message = self._utter(said.response, view, values)
            if message is None:
                return None
            return replace(message, choices=(*message.choices, *buttons))
        text = fill(said.text or "", values)
        return BotMessage(text=text, choices=buttons) if text.strip() else None

    def _next_state(
        self,
        plan: Plan,
        view: _View,
        messages: Sequence[BotMessage],
        slots: Mapping[str, Any],
    ) -> BotState:
        before = view.turn.state
        topic = before.topic
        if isinstance(plan, Answer) and not plan.missed:
            topic = topic if self._playbook.is_small_talk(plan.intent) else plan.intent
        return BotState(
            misses=before.misses + 1 if missed(plan) else 0,
            turns=before.turns + 1,
            topic=topic,
            slots=dict(slots),
            offered=tuple(choice.payload for m in messages for choice in m.choices),
        )

    def _hand_over(self, plan: HandOver, view: _View, said: Sequence[BotMessage] = ()) -> Handoff:
        """The hand-off with its holding reply; counters start anew for a hand-back."""
        holding = self._replies.holding(plan.reason, view.language, view.turn.channel)
        return Handoff(
            reason=plan.reason,
            messages=(*said, holding),
            summary=self._summary(view),
            kind=plan.kind,
            severity=plan.severity,
            state=BotState(topic=view.turn.state.topic, slots=dict(view.slots)),
            language=view.language,
            catalogue_version=self.catalogue_version,
            understanding=view.facts.understanding,
        )

    def _summary(self, view: _View) -> str:
        """What was asked, tried and collected (H2.6), in the customer's language."""
        words = SUMMARY[view.language.training]
        if view.language is Language.ZH_HANT:
            words = {name: to_traditional(word) for name, word in words.items()}
        lines = view.turn.lines[-2 * _REMEMBERED_LINES :]
        asked = [line.text for line in lines if line.speaker is Speaker.CUSTOMER]
        if not asked or asked[-1] != view.turn.text:
            asked.append(view.turn.text)
        tried = [line.text for line in lines if line.speaker is Speaker.BOT]
        collected = [f"{name} = {value}" for name, value in sorted(view.slots.items())]
        topic = view.turn.state.topic
        parts = [
            words["asked"].format(_listed(asked, words)),
            words["tried"].format(_listed(tried, words)),
            words["collected"].format(_listed(collected, words)),
        ]
        if topic is not None:
            title = self._replies.response(f"{TITLE}{topic}", view.language)
            parts.insert(0, words["topic"].format(title.text if title is not None else topic))
        return "\n".join(parts)


def _listed(texts: Sequence[str], words: Mapping[str, str]) -> str:
    """The last texts on one line, each cut short."""
    flat = [shorten(" ".join(text.split()), _LINE_LENGTH) for text in texts]
    kept = [text for text in flat if text][-_REMEMBERED_LINES:]
    return words["between"].join(kept) or words["nothing"]


def _language(turn: Turn, text: str) -> Language:
    """The language of the message; of the conversation when the message does not tell."""
    default = turn.language
    if default is None:
        default = Language.ZH_HANS
        for line in turn.lines[-_REMEMBERED_LINES:]:
            if line.speaker is Speaker.CUSTOMER:
                default = detect_language(line.text[:UNDERSTOOD_LENGTH], default)
    if turn.payload is not None and turn.language is not None:
        return default
    return detect_language(text, default)


def _certain(view: _View, plan: Plan) -> _View:
    """The view with a sure intent when the customer chose it instead of wording it."""
    if not isinstance(plan, Answer) or chosen_payload(view.facts) is None:
        return view
    chosen = Understanding(
        intent=plan.intent,
        confidence=1.0,
        ranking=((plan.intent, 1.0),),
        entities=view.facts.understanding.entities,
    )
    return replace(view, facts=replace(view.facts, understanding=chosen))


def _wished(handover: Mapping[str, Any], view: _View) -> HandOver:
    """The hand-over that an action asked for: `{"reason": …, "kind"?: …, "severity"?: …}`."""
    told = handover.get("reason")
    known = {reason.value for reason in HandoffReason}
    reason = HandoffReason(told) if told in known else HandoffReason.WISH
    complaint = reason is HandoffReason.COMPLAINT
    kind = "complaint" if complaint else ticket_kind(view.facts.understanding.intent)
    return HandOver(
        reason=reason,
        kind=str(handover.get("kind", kind)),
        severity=str(handover.get("severity", "important" if complaint else "general")),
    )
