"""What a catalogue prescribes, in the form that the policy needs it.

Intents with a part in the dialogue are known by their names: `human_handoff`, `complaint`,
`out_of_scope` and the small talk of `SMALL_TALK` (a retrieval intent by its group).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from bot.knowledge import ArticleIndex
from bot.recognise import OUT_OF_SCOPE
from intents.model import Catalogue, Form, Intent, Language, PeopleFirst, Rule, Slot, Tree

ARTICLE_PAYLOAD = "/article/"
HANDOFF_PAYLOAD = "/human_handoff"
NONE_PAYLOAD = "/none_of_these"
TREE_STEP = "tree/"
FALLBACK_INTENT = "nlu_fallback"
HELPED_PAYLOAD = "/helped/"
UNHELPED_PAYLOAD = "/not_helped/"

HANDOFF_INTENTS = frozenset({"human_handoff", "handoff", "handover", "trigger_handoff"})
COMPLAINT_INTENTS = frozenset({"complaint", "complain"})
SMALL_TALK = frozenset(
    {"greet", "goodbye", "thanks", "thank", "affirm", "deny", "bot_challenge", "chitchat"}
)
THANKS = ("thanks", "thank")
DENY = "deny"
AFFIRM = "affirm"

_ASKED_PER_LANGUAGE = 6
_LINK_SCORE = 0.25
_LINK_LEAD = 1.5
# Words in an intent's name that tell the kind of ticket it would make (H2.2), first match.
_KINDS = (
    ("complain", "complaint"),
    ("suggest", "suggestion"),
    ("refund", "order"),
    ("delivery", "order"),
    ("order", "order"),
    ("fault", "fault"),
    ("error", "fault"),
    ("fail", "fault"),
    ("damage", "fault"),
    ("not_recognised", "fault"),
    ("no_internet", "fault"),
    ("slow", "fault"),
    ("remote", "service"),
    ("warranty", "service"),
    ("replace", "service"),
    ("locked", "service"),
    ("delete", "service"),
    ("cancel", "service"),
    ("upgrade", "service"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """Steps by intent, the article that stands behind an intent, and all public articles.

    `rules` are those that depend on slots, on the step before or on a form; `steps` the rest.
    `slugs` is the index itself: articles come and go while the bot works.
    """

    steps: Mapping[str, tuple[str, ...]]
    articles: Mapping[str, str] = field(default_factory=dict)
    slugs: Container[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    forms: Mapping[str, Form] = field(default_factory=dict)
    trees: Mapping[str, Tree] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    people_first: PeopleFirst = field(default_factory=PeopleFirst)

    def steps_for(
        self, intent: str, slots: Mapping[str, Any], last: str | None, *, first: bool
    ) -> tuple[str, ...] | None:
        """The steps that answer an intent now; None when nothing does.

        The rule that asks for most goes first: the step before, then its conditions.
        """
        fitting = [
            rule
            for rule in self.rules
            if rule.loop is None
            and rule.intent in {intent, group(intent)}
            and rule.after in {None, last}
            and (first or not rule.starts)
            and all(condition.holds(slots) for condition in rule.conditions)
        ]
        if not fitting:
            return self.steps.get(intent)
        best = max(fitting, key=lambda r: (r.after is not None, len(r.conditions), r.starts))
        return keyed(best.steps, intent)

    def within(self, form: str, intent: str, slots: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The steps for an intent in the middle of a form; None when no rule tells."""
        return self._looped(form, {intent, group(intent)}, slots)

    def when_filled(self, form: str, slots: Mapping[str, Any]) -> tuple[str, ...]:
        """The steps after a form is filled."""
        return self._looped(form, {None}, slots) or ()

    def goes_on(self, last: str, slots: Mapping[str, Any]) -> tuple[str, ...]:
        """The steps that follow another step in the same turn."""
        for rule in self.rules:
            follows = rule.intent is None and rule.loop is None and rule.after == last
            if follows and all(condition.holds(slots) for condition in rule.conditions):
                return rule.steps
        return ()

    def _looped(
        self, form: str, intents: AbstractSet[str | None], slots: Mapping[str, Any]
    ) -> tuple[str, ...] | None:
        fitting = [
            rule
            for rule in self.rules
            if rule.loop == form
            and rule.intent in intents
            and all(condition.holds(slots) for condition in rule.conditions)
        ]
        return max(fitting, key=lambda r: len(r.conditions)).steps if fitting else None

    def is_small_talk(self, intent: str | None) -> bool:
        """Whether the intent is a courtesy that needs no solution."""
        return intent is not None and group(intent) in SMALL_TALK

    def thanks(self) -> str | None:
        """The catalogue's intent for thanks."""
        return next((name for name in THANKS if name in self.steps), None)

    def is_topic(self, intent: str) -> bool:
        """Whether the intent can be offered as a choice."""
        own = group(intent)
        return (
            intent in self.steps
            and own not in SMALL_TALK
            and own not in HANDOFF_INTENTS
            and intent != OUT_OF_SCOPE
        )


def group(intent: str) -> str:
    """The name before the `/` of a retrieval intent (`faq/refund` is of group `faq`)."""
    return intent.partition("/")[0]


def ticket_kind(intent: str | None) -> str:
    """The kind of ticket that a topic suggests (H2.2); consultation when it says nothing."""
    for word, kind in _KINDS:
        if intent is not None and word in intent:
            return kind
    return "consultation"


def compile_playbook(catalogue: Catalogue, index: ArticleIndex) -> Playbook:
    """Gather the steps of every intent and link intents to the articles about the same."""
    plain = [rule for rule in catalogue.rules if is_plain(rule)]
    ruled = {rule.intent: rule.steps for rule in plain if rule.intent is not None}
    ruled |= {
        intent: (f"{TREE_STEP}{tree.name}",) for tree in catalogue.trees for intent in tree.intents
    }
    steps: dict[str, tuple[str, ...]] = {}
    for intent in catalogue.intents:
        found = _steps(intent.name, ruled, catalogue)
        if found:
            steps[intent.name] = found
    return Playbook(
        steps=steps,
        articles=link_articles(catalogue, steps, index),
        slugs=index,
        rules=tuple(rule for rule in catalogue.rules if not is_plain(rule)),
        forms={form.name: form for form in catalogue.forms},
        trees={tree.name: tree for tree in catalogue.trees},
        slots=catalogue.slots,
        people_first=catalogue.people_first,
    )


def link_articles(
    catalogue: Catalogue, steps: Container[str], index: ArticleIndex
) -> dict[str, str]:
    """The article about the same as an intent, by the names of intents that have steps."""
    return {
        intent.name: slug
        for intent in catalogue.intents
        if intent.name in steps and group(intent.name) not in SMALL_TALK
        if (slug := _linked(intent, index)) is not None
    }


def is_plain(rule: Rule) -> bool:
    """Whether a rule depends on nothing but the intent."""
    situation = (rule.loop, rule.after, rule.starts or None, *rule.conditions)
    return rule.intent is not None and not any(part is not None for part in situation)


def keyed(steps: tuple[str, ...], intent: str) -> tuple[str, ...]:
    """A group's steps with the key of a retrieval intent put in."""
    own = group(intent)
    if own == intent:
        return steps
    return tuple(f"utter_{intent}" if step == f"utter_{own}" else step for step in steps)


def _steps(
    name: str, ruled: Mapping[str, tuple[str, ...]], catalogue: Catalogue
) -> tuple[str, ...]:
    """An intent's own rule, else its group's with the key put in, else its response."""
    if name in ruled:
        return ruled[name]
    own = group(name)
    if own != name and own in ruled:
        return keyed(ruled[own], name)
    return (f"utter_{name}",) if f"utter_{name}" in catalogue.responses else ()


def _linked(intent: Intent, index: ArticleIndex) -> str | None:
    """The article that the intent's examples find, when they agree on one."""
    gained: dict[str, float] = defaultdict(float)
    asked = 0
    for language in (Language.ZH_HANS, Language.EN):
        own = [u.text for u in intent.utterances if u.language == language.training]
        for text in own[:_ASKED_PER_LANGUAGE]:
            asked += 1
            if (found := index.best(text, language)) is not None:
                gained[found[0]] += found[1]
    ranked = sorted(gained.items(), key=lambda item: (-item[1], item[0]))
    if not ranked or ranked[0][1] < _LINK_SCORE * asked:
        return None
    if len(ranked) > 1 and ranked[0][1] < _LINK_LEAD * ranked[1][1]:
        return None
    return ranked[0][0]
