"""Carries a plan out: says its texts, runs its actions, asks the question of a flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from bot.actions.runner import ActionResult, RasaActionRunner, Said
from bot.contract import BotMessage, Choice, Desk
from bot.errors import ActionFailedError
from bot.flows import FORM, SKIP_PAYLOAD, go_on
from bot.plans import Answer, FromArticle, HandOver, Move, NotUnderstood, Offer, Plan, Say, Thank
from bot.playbook import Playbook
from bot.reading import View
from bot.replies import Replies, fill
from bot.texts import FITS_NOT, FORM_DONE, HELP, HELPED_NO, HELPED_YES, SKIP
from bot.times import tell_moment
from bot.trees import HELPED, NOT_HELPED, payload_of
from intents.model import Outcome, Tree, TreeNode

_MOST_STEPS = 20
Slots = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a plan: at least one message; `last` is the last step that was done."""

    plan: Plan
    messages: tuple[BotMessage, ...]
    slots: Slots
    last: str | None = None


class HandoverWishError(Exception):
    """A signal between steps: an action asked to hand over; carries what was said before."""

    def __init__(
        self, said: Sequence[BotMessage], handover: Mapping[str, Any], slots: Slots
    ) -> None:
        super().__init__("handover")
        self.said = tuple(said)
        self.handover = handover
        self.slots = slots


class Performer:
    """Performs the plans of one catalogue.

    Args:
        playbook: what the catalogue prescribes.
        replies: its texts.
        runner: the actions.
        listed: the actions that the catalogue lists; validators and askers among them.
        zone: the time zone (IANA) in which times are told.
    """

    def __init__(
        self,
        playbook: Playbook,
        replies: Replies,
        runner: RasaActionRunner,
        listed: frozenset[str],
        zone: str,
    ) -> None:
        self._zone = zone
        self._playbook = playbook
        self._replies = replies
        self._runner = runner
        self._listed = listed

    async def perform(self, plan: Plan, view: View) -> Done:
        """Return what is said, and the slots after it.

        Raises:
            ActionFailedError: an action failed, or the steps said nothing.
            HandoverWishError: an action asked for people.
        """
        channel = view.turn.channel
        match plan:
            case Answer():
                return await self._steps(plan, plan.steps, view, view.slots, plan.article)
            case Move():
                return await self._move(plan, view)
            case FromArticle(slug=slug):
                found = self._replies.article(slug, view.facts.text, view.language)
                message = found or self._replies.not_understood(view.language, channel)
            case Thank(helped=helped):
                message = self._replies.thanks_for_feedback(
                    helped=helped, language=view.language, channel=channel
                )
            case Offer(payloads=payloads):
                message = self._replies.offer(payloads, view.language, channel)
            case NotUnderstood():
                message = self._replies.not_understood(view.language, channel)
            case Say(response=response):
                message = self._replies.own(response, view.language, channel)
            case HandOver():
                text = "hand-overs are not performed"
                raise ActionFailedError(text)
            case _:
                assert_never(plan)
        return Done(plan=plan, messages=(message,), slots=view.slots)

    async def _move(self, plan: Move, view: View) -> Done:
        """A step of a flow: what it says, an answer in the middle, then the question."""
        plan, said, slots = await self._validated(plan, view)
        values = {**slots, **desk_values(view.turn.desk, self._zone)}
        messages = [
            self._replies.own(name, view.language, view.turn.channel, values, base=_base(name))
            for name in plan.say
        ]
        messages += said
        last = None
        if plan.inner is not None:
            inner = await self.perform(plan.inner, view)
            messages += inner.messages
            slots = {**slots, **inner.slots}
        if plan.steps:
            done = await self._steps(plan, plan.steps, view, slots, None, messages)
            messages, slots, last = list(done.messages), done.slots, done.last
        if plan.node is not None:
            messages.append(self._outcome(self._playbook.trees[plan.name], plan.node, view))
        slots = dict(slots)
        if plan.flow is not None:
            messages += await self._question(plan.flow, view, slots)
        if not messages:
            messages.append(self._replies.own(FORM_DONE, view.language, view.turn.channel))
        return Done(plan=plan, messages=tuple(messages), slots=slots, last=last)

    async def _validated(self, plan: Move, view: View) -> tuple[Move, list[BotMessage], Slots]:
        """What `validate_<form>` of the catalogue makes of new values."""
        slots = {**view.slots, **plan.slots}
        form = self._playbook.forms.get(plan.name)
        validator = f"validate_{plan.name}"
        if form is None or not plan.slots or validator not in self._listed:
            return plan, [], slots
        result = await self._runner.run(
            validator,
            view.turn,
            slots,
            view.facts.understanding,
            loop=form.name,
            given=plan.slots,
        )
        said = self._spoken(result, view, slots)
        if result.handover is not None:
            raise HandoverWishError(said, result.handover, {**slots, **result.slots})
        judged = {**plan.slots, **result.slots}
        facts = replace(view.facts, slots=slots)
        again = go_on(form, plan.flow or {}, judged, facts, self._playbook)
        after = replace(again, say=plan.say)
        return after, said, {**slots, **judged}

    async def _steps(  # noqa: PLR0917 -- a plan's steps, and what they begin with
        self,
        plan: Plan,
        steps: tuple[str, ...],
        view: View,
        start: Slots,
        article: str | None,
        before: Sequence[BotMessage] = (),
    ) -> Done:
        slots = dict(start)
        messages = list(before)
        waiting = list(steps)
        last: str | None = None
        for _ in range(_MOST_STEPS):
            if not waiting:
                waiting += self._playbook.goes_on(last, slots) if last is not None else ()
            if not waiting:
                break
            last = waiting.pop(0)
            if last.startswith("utter_"):
                message = self._utter(last, view, slots)
                if message is not None and article is not None:
                    message = self._replies.sourced(message, article, view.language)
                    article = None
                messages += [message] if message is not None else []
            elif last == "action_restart":
                slots = {}
            elif last == "action_default_fallback":
                channel = view.turn.channel
                messages.append(self._replies.not_understood(view.language, channel))
            elif last not in {"action_listen", "action_deactivate_loop"}:
                await self._act(last, view, slots, messages)
        if not messages and not (isinstance(plan, Move) and plan.flow is not None):
            text = f"the steps {', '.join(steps)} said nothing"
            raise ActionFailedError(text)
        return Done(plan=plan, messages=tuple(messages), slots=slots, last=last)

    async def _act(
        self, name: str, view: View, slots: dict[str, Any], messages: list[BotMessage]
    ) -> None:
        result = await self._runner.run(name, view.turn, slots, view.facts.understanding)
        slots |= result.slots
        messages += self._spoken(result, view, slots)
        if result.handover is not None:
            raise HandoverWishError(messages, result.handover, slots)

    async def _question(
        self, flow: Mapping[str, Any], view: View, slots: dict[str, Any]
    ) -> list[BotMessage]:
        """The question that the flow asks now; an action that asks may set slots."""
        if flow["kind"] != FORM:
            return [self._node(self._playbook.trees[flow["name"]], flow["node"], view)]
        for name in (f"ask_{flow['name']}_{flow['slot']}", f"ask_{flow['slot']}"):
            if f"action_{name}" in self._listed:
                messages: list[BotMessage] = []
                await self._act(f"action_{name}", view, slots, messages)
                return messages
            message = self._utter(f"utter_{name}", view, slots)
            if message is not None:
                return [self._skippable(message, flow, view)]
        text = f"nothing asks for the slot {flow['slot']!r}"
        raise ActionFailedError(text)

    def _skippable(self, message: BotMessage, flow: Mapping[str, Any], view: View) -> BotMessage:
        """A question that may be left out says so by a button."""
        if flow["slot"] not in self._playbook.forms[flow["name"]].optional:
            return message
        title = self._replies.own(SKIP, view.language).text
        skip = Choice(title=title, payload=SKIP_PAYLOAD)
        return replace(message, choices=(*message.choices, skip))

    def _node(self, tree: Tree, name: str, view: View) -> BotMessage:
        node = tree.nodes[name]
        message = self._outcome(tree, name, view)
        return replace(message, choices=self._choices(tree, node, view))

    def _outcome(self, tree: Tree, name: str, view: View) -> BotMessage:
        node = tree.nodes[name]
        message = self._replies.words(node.text[view.language.training], view.language)
        if node.article is not None:
            message = self._replies.sourced(message, node.article, view.language)
        return message

    def _choices(self, tree: Tree, node: TreeNode, view: View) -> tuple[Choice, ...]:
        language = view.language
        if node.outcome is Outcome.FIX:
            titles = ((HELPED, HELPED_YES), (NOT_HELPED, HELPED_NO))
            return tuple(
                Choice(
                    title=self._replies.own(name, language).text,
                    payload=payload_of(tree, node, answer),
                )
                for answer, name in titles
            )
        return tuple(
            Choice(
                title=self._replies.words(choice.title[language.training], language).text,
                payload=payload_of(tree, node, number),
            )
            for number, choice in enumerate(node.choices)
        )

    def _utter(self, name: str, view: View, slots: Slots) -> BotMessage | None:
        return self._replies.response(
            name, view.language, view.turn.channel, slots, view.turn.state.turns
        )

    def _spoken(self, result: ActionResult, view: View, slots: Slots) -> list[BotMessage]:
        """An action's messages, rendered."""
        found = (self._word(said, view, {**slots, **said.values}) for said in result.said)
        return [message for message in found if message is not None]

    def _word(self, said: Said, view: View, values: Slots) -> BotMessage | None:
        buttons = tuple(Choice(title=title, payload=payload) for title, payload in said.buttons)
        if said.response is not None:
            message = self._utter(said.response, view, values)
            if message is None:
                return None
            return replace(message, choices=(*message.choices, *buttons))
        text = fill(said.text or "", values)
        return BotMessage(text=text, choices=buttons) if text.strip() else None


def desk_values(desk: Desk | None, zone: str) -> dict[str, Any]:
    """What texts may say about the desk: `opens_at`, `waiting`."""
    if desk is None:
        return {}
    opens = {} if desk.opens_at is None else {"opens_at": tell_moment(desk.opens_at, zone)}
    return {**opens, "waiting": desk.waiting}


def _base(name: str) -> str:
    """The built-in text behind a text of one slot or diagnosis."""
    return next((base for base in (HELP, FITS_NOT) if name.startswith(base)), name)
