"""What a catalogue prescribes, in the form that the policy needs it.

Intents with a part in the dialogue are known by their names: `human_handoff`, `complaint`,
`out_of_scope` and the small talk of `SMALL_TALK` (a retrieval intent by its group).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.knowledge import ArticleIndex
from bot.recognise import OUT_OF_SCOPE
from intents.model import Catalogue, Intent, Language

ARTICLE_PAYLOAD = "/article/"
HANDOFF_PAYLOAD = "/human_handoff"
NONE_PAYLOAD = "/none_of_these"

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
    """Steps by intent, the article that stands behind an intent, and all public articles."""

    steps: Mapping[str, tuple[str, ...]]
    articles: Mapping[str, str] = field(default_factory=dict)
    slugs: frozenset[str] = frozenset()

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
    ruled = {
        rule.intent: rule.steps
        for rule in catalogue.rules
        if rule.intent is not None and rule.loop is None
    }
    steps: dict[str, tuple[str, ...]] = {}
    for intent in catalogue.intents:
        found = _steps(intent.name, ruled, catalogue)
        if found:
            steps[intent.name] = found
    articles = {
        intent.name: slug
        for intent in catalogue.intents
        if intent.name in steps and group(intent.name) not in SMALL_TALK
        if (slug := _linked(intent, index)) is not None
    }
    return Playbook(
        steps=steps,
        articles=articles,
        slugs=frozenset(
            article.slug for article in catalogue.articles if article.audience == "public"
        ),
    )


def _steps(
    name: str, ruled: Mapping[str, tuple[str, ...]], catalogue: Catalogue
) -> tuple[str, ...]:
    """An intent's own rule, else its group's with the key put in, else its response."""
    if name in ruled:
        return ruled[name]
    own = group(name)
    if own != name and own in ruled:
        return tuple(f"utter_{name}" if step == f"utter_{own}" else step for step in ruled[own])
    return (f"utter_{name}",) if f"utter_{name}" in catalogue.responses else ()


def _linked(intent: Intent, index: ArticleIndex) -> str | None:
    """The article that the intent's examples find, when they agree on one."""
    gained: dict[str, float] = defaultdict(float)
    asked = 0
    for language in (Language.ZH_HANS, Language.EN):
        own = [u.text for u in intent.utterances if u.language == language.training]
        for text in own[:_ASKED_PER_LANGUAGE]:
            asked += 1
            for hit in index.search(text, language, limit=1):
                gained[hit.slug] += hit.score
    ranked = sorted(gained.items(), key=lambda item: (-item[1], item[0]))
    if not ranked or ranked[0][1] < _LINK_SCORE * asked:
        return None
    if len(ranked) > 1 and ranked[0][1] < _LINK_LEAD * ranked[1][1]:
        return None
    return ranked[0][0]
