"""The shipped catalogue with its model, trained once for a whole run; and a small catalogue."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.contract import BotState, Line, Turn
from bot.engine import CatalogueBot
from bot.recognise import Recogniser, model_path
from bot.training import train
from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from intents.model import (
    Article,
    Button,
    Catalogue,
    Intent,
    Language,
    ResponseVariant,
    Rule,
    Slot,
    SlotMapping,
    Source,
    Utterance,
)


class Tickets:
    """An `ActionContext` over a dictionary of tickets."""

    def __init__(self, *tickets: Mapping[str, str]) -> None:
        self.tickets = {ticket["number"]: ticket for ticket in tickets}
        self.asked: list[tuple[str, str]] = []
        self.contact: Mapping[str, str] = {"name": "Lin", "email": "lin@example.com"}
        self.codes: list[str] = []
        self.mails = True

    async def find_contact(self, *, conversation_id: str) -> Mapping[str, str] | None:
        return self.contact

    async def mail_code(self, *, conversation_id: str, code: str, language: Language) -> bool:
        self.codes.append(code)
        return self.mails

    async def change_contact(self, *, conversation_id: str, field: str, value: str) -> None:
        self.contact = {**self.contact, field: value}

    async def find_ticket(self, *, conversation_id: str, number: str) -> Mapping[str, str] | None:
        self.asked.append((conversation_id, number))
        return self.tickets.get(number)


TICKET = {
    "number": "10023",
    "status": "open",
    "subject": "Router drops out",
    "updated_at": "2026-11-02T08:00:00Z",
}


def turn(
    text: str,
    *,
    payload: str | None = None,
    language: Language | None = None,
    state: BotState | None = None,
    lines: tuple[Line, ...] = (),
    channel: str = "webchat",
) -> Turn:
    """A turn with what a test cares about."""
    return Turn(
        conversation_id="conv-1",
        sender="sender-1",
        channel=channel,
        text=text,
        payload=payload,
        language=language,
        state=state or BotState(),
        lines=lines,
    )


def utterances(language: str, *texts: str) -> tuple[Utterance, ...]:
    return tuple(Utterance(text=text, language=language) for text in texts)


def both(zh: str, en: str, *buttons: Button) -> tuple[ResponseVariant, ...]:
    return (
        ResponseVariant(text=zh, language="zh", buttons=buttons),
        ResponseVariant(text=en, language="en", buttons=buttons),
    )


def small_catalogue() -> Catalogue:
    """Six intents, two articles in two languages, one slot; enough for every branch."""
    return Catalogue(
        version="small",
        intents=(
            Intent(
                name="greet",
                utterances=utterances("zh", "你好", "您好", "早上好", "在吗")
                + utterances("en", "hello", "hi there", "good morning", "hey"),
            ),
            Intent(
                name="refund",
                utterances=utterances("zh", "怎么退款", "我要退钱", "申请退款", "退款多久到账")
                + utterances(
                    "en", "how do I get a refund", "money back please", "refund my order"
                ),
            ),
            Intent(
                name="ticket_status",
                utterances=utterances("zh", "查工单进度", "工单到哪一步了", "我的工单怎么样了")
                + utterances("en", "check my ticket", "ticket progress", "status of my ticket"),
            ),
            Intent(
                name="complaint",
                utterances=utterances("zh", "我要投诉", "投诉你们的态度", "太差了我要投诉")
                + utterances("en", "I want to complain", "file a complaint", "terrible service"),
            ),
            Intent(
                name="human_handoff",
                utterances=utterances("zh", "转人工", "叫个活人来")
                + utterances("en", "talk to a person", "human please"),
            ),
            Intent(
                name="out_of_scope",
                utterances=utterances("zh", "今天天气怎么样", "推荐一部电影", "唱首歌")
                + utterances("en", "what is the weather", "recommend a film", "sing a song"),
            ),
        ),
        responses={
            "utter_greet": both("您好！", "Hello!"),
            "utter_refund": both(
                "退款在{days}天内到账。请在订单页申请。",
                "Ask on the order page. The money arrives within {days} days.",
                Button(title="OK", payload="/greet"),
            ),
            "utter_title_refund": both("申请退款", "Ask for a refund"),
            "utter_out_of_scope": both("这个我答不了。", "That is beyond me."),
        },
        rules=(
            Rule(name="r1", intent="greet", steps=("utter_greet",)),
            Rule(name="r2", intent="refund", steps=("utter_refund",)),
            Rule(name="r3", intent="ticket_status", steps=("action_ticket_status",)),
            Rule(name="r4", intent="complaint", steps=("action_handoff",)),
            Rule(name="r5", intent="human_handoff", steps=("action_handoff",)),
            Rule(name="r6", intent="out_of_scope", steps=("utter_out_of_scope",)),
        ),
        actions=("action_handoff", "action_ticket_status"),
        articles=(
            Article(
                slug="refunds",
                language="zh",
                title="如何申请退款",
                category="billing",
                body="打开订单页，点“申请退款”。\n\n## 到账\n\n钱在 **7 天**内原路退回。",
                questions=("怎么退款", "退款多久到账", "申请退款"),
            ),
            Article(
                slug="refunds",
                language="en",
                title="Asking for a refund",
                category="billing",
                body="Open the order page and choose *Refund*.\n\n## Arrival\n\nWithin 7 days.",
                questions=("how do I get a refund", "money back"),
            ),
            Article(
                slug="printers",
                language="zh",
                title="打印机卡纸",
                category="office",
                body="打开后盖，取出纸张。",
                questions=("打印机卡纸怎么办",),
            ),
            Article(
                slug="staff-notes",
                language="zh",
                title="打印机内部价目",
                category="office",
                body="内部资料。",
                questions=("打印机价格",),
                audience="internal",
            ),
        ),
        slots=(
            Slot(name="days", type="float", initial_value=7),
            Slot(
                name="ticket_number",
                type="text",
                mappings=(SlotMapping(source=Source.ENTITY, entity="ticket_number"),),
            ),
        ),
        entities=("ticket_number",),
    )


@pytest.fixture(scope="session")
def shipped() -> Catalogue:
    return load_catalogue(SHIPPED_CATALOGUE)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that all processes of a test run share."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if own.name.startswith("popen-") else own) / "models"


@pytest.fixture(scope="session")
def shipped_recogniser(shipped: Catalogue, models: Path) -> Recogniser:
    path = model_path(models, shipped.version)
    return Recogniser.load(path if path.exists() else train(shipped, models))


@pytest.fixture(scope="session")
def shipped_bot(shipped: Catalogue, shipped_recogniser: Recogniser) -> CatalogueBot:
    return CatalogueBot(shipped, shipped_recogniser, Tickets(TICKET))


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return small_catalogue()


@pytest.fixture(scope="session")
def recogniser(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    return Recogniser.load(train(catalogue, tmp_path_factory.mktemp("small")))


@pytest.fixture
def bot(catalogue: Catalogue, recogniser: Recogniser) -> CatalogueBot:
    return CatalogueBot(catalogue, recogniser, Tickets(TICKET))


def with_version(catalogue: Catalogue, version: str) -> Catalogue:
    return replace(catalogue, version=version)
