"""Forms, diagnoses, context, people first, the desk's hours; and the hand-off as a machine."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.contract import (
    ArticleFeedback,
    BotState,
    Customer,
    Decision,
    Desk,
    Handoff,
    HandoffReason,
    Line,
    Mood,
    Reply,
    Speaker,
    Turn,
)
from bot.engine import CatalogueBot
from bot.handoff import REASONS, Signal, Stage, next_stage, stage_of
from bot.recognise import Recogniser
from intents.model import Catalogue, Language
from tests.bot.conftest import TICKET, Tickets

NOW = 1_795_600_000_000  # 2026-11-25 in ms


class Chat:
    """One customer's conversation with the bot, as the gateway would carry it on."""

    def __init__(self, bot: CatalogueBot, language: Language = Language.ZH_HANS) -> None:
        self.bot = bot
        self.language = language
        self.state = BotState()
        self.lines: list[Line] = []
        self.now = NOW
        self.desk: Desk | None = None
        self.customer: Customer | None = None

    async def say(self, text: str, payload: str | None = None) -> Decision:
        self.now += 5000
        asked = Turn(
            conversation_id="conv-1",
            sender="sender-1",
            channel="webchat",
            text=text,
            payload=payload,
            language=self.language,
            state=self.state,
            lines=tuple(self.lines[-6:]),
            now=self.now,
            desk=self.desk,
            customer=self.customer,
        )
        made = await self.bot.respond(asked)
        self.state = made.state
        self.lines.append(Line(speaker=Speaker.CUSTOMER, text=text))
        self.lines += [Line(speaker=Speaker.BOT, text=m.text) for m in made.messages]
        return made

    async def replies(self, *texts: str) -> Reply:
        """Says these one after another; each must be answered."""
        answered: Reply | None = None
        for text in texts:
            made = await self.say(text)
            assert isinstance(made, Reply), (text, made)
            answered = made
        assert answered is not None
        return answered

    async def hands_over(self, text: str) -> Handoff:
        made = await self.say(text)
        assert isinstance(made, Handoff), made
        return made


@pytest.fixture
def tickets() -> Tickets:
    return Tickets(TICKET)


@pytest.fixture
def chat(shipped: Catalogue, shipped_recogniser: Recogniser, tickets: Tickets) -> Chat:
    return Chat(CatalogueBot(shipped, shipped_recogniser, tickets))


def last(made: Decision) -> str:
    return made.messages[-1].text


async def test_a_form_asks_one_thing_after_another_and_ends_in_a_call_back(chat: Chat) -> None:
    asked = await chat.replies("给我回个电话")
    assert "电话号码" in last(asked)
    when = await chat.replies("13800138000")
    assert "什么时间" in last(when)
    made = await chat.hands_over("明天下午三点")
    assert made.reason is HandoffReason.CALL_BACK
    assert made.card is not None
    assert made.card.call_back == "13800138000, 明天下午三点"
    assert "回电：13800138000, 明天下午三点" in made.summary
    assert made.state.flow is None


async def test_what_the_first_message_tells_is_not_asked_for(chat: Chat) -> None:
    asked = await chat.say("请打 13800138000", payload="/call_back_request")
    assert "什么时间" in last(asked)


@pytest.mark.parametrize("how", ["跳过", "不知道", "下一个", "/skip"])
async def test_a_question_that_may_be_skipped(
    shipped: Catalogue, shipped_recogniser: Recogniser, tickets: Tickets, how: str
) -> None:
    forms = tuple(replace(form, optional=form.required[-1:]) for form in shipped.forms)
    chat = Chat(CatalogueBot(replace(shipped, forms=forms), shipped_recogniser, tickets))
    asked = await chat.replies("给我回个电话")
    assert [choice.title for choice in asked.messages[-1].choices] == []
    when = await chat.replies("13800138000")
    assert [choice.title for choice in when.messages[-1].choices][-1] == "跳过"
    made = await chat.say("跳过" if how == "/skip" else how, how if how == "/skip" else None)
    assert isinstance(made, Handoff)
    assert made.state.flow is None
    assert "call_back_time" not in {k for k, v in made.state.slots.items() if v is not None}


async def test_a_question_that_must_be_answered_is_not_skipped(chat: Chat) -> None:
    await chat.replies("给我回个电话")
    again = await chat.replies("跳过")
    assert "电话号码" in last(again)
    assert again.state.flow is not None


async def test_a_correction_replaces_what_was_said_before(chat: Chat) -> None:
    await chat.replies("给我回个电话", "13800138000")
    mended = await chat.replies("不对，应该是 13900139000")
    assert "更正" in mended.messages[0].text
    assert "什么时间" in last(mended)
    assert chat.state.slots["call_back_phone"] == "13900139000"
    english = Chat(chat.bot, Language.EN)
    await english.replies("please call me back", "13800138000")
    await english.replies("no, I meant 13900139000")
    assert english.state.slots["call_back_phone"] == "13900139000"


async def test_a_question_in_the_middle_is_answered_and_the_form_goes_on(chat: Chat) -> None:
    await chat.replies("给我回个电话")
    made = await chat.replies("怎么开发票")
    assert "发票" in made.messages[0].text
    assert "电话号码" in last(made)
    assert made.state.flow is not None
    assert made.state.flow["slot"] == "call_back_phone"


async def test_a_word_on_an_answer_in_the_middle_is_heard_and_the_form_goes_on(chat: Chat) -> None:
    answered = await chat.replies("给我回个电话", "怎么开发票")
    article = answered.messages[0].article
    assert article is not None
    made = await chat.say("没有帮助", payload=f"/not_helped/{article}")
    assert isinstance(made, Reply)
    assert made.feedback == ArticleFeedback(slug=article, helped=False)
    assert "电话号码" in last(made)
    assert made.state.flow == answered.state.flow


async def test_a_word_on_an_answer_ends_no_loop(chat: Chat) -> None:
    answered = await chat.replies("怎么开发票")
    for _ in range(3):
        article = answered.messages[0].article
        await chat.say("没有帮助", payload=f"/not_helped/{article}")
        made = await chat.say("怎么开发票")
    assert isinstance(made, Handoff)
    assert made.reason is HandoffReason.LOOP


async def test_help_cancel_and_answers_in_vain(chat: Chat) -> None:
    await chat.replies("给我回个电话")
    helped = await chat.replies("什么意思")
    assert "取消" in helped.messages[0].text
    assert "电话号码" in last(helped)
    wrong = await chat.replies("嗯嗯嗯")
    assert "不像一个电话号码" in wrong.messages[0].text
    cancelled = await chat.replies("算了")
    assert cancelled.state.flow is None
    await chat.replies("给我回个电话", "哦哦", "呃呃")
    assert (await chat.hands_over("呵呵")).reason is HandoffReason.LOW_CONFIDENCE


@pytest.mark.parametrize("text", ["转人工", "我要投诉你们"])
async def test_a_person_is_reached_in_the_middle_of_a_flow(chat: Chat, text: str) -> None:
    await chat.replies("家里断网了", "光猫亮红灯")
    made = await chat.hands_over(text)
    assert made.state.flow is None
    await chat.replies("给我回个电话")
    assert isinstance(await chat.say(text), Handoff)


async def test_a_diagnosis_ends_in_a_ticket_with_every_answer(chat: Chat) -> None:
    first = await chat.replies("家里断网了")
    assert first.messages[-1].choices[0].title == "光猫的灯不正常"
    aside = await chat.replies("1", "有红灯", "宽带多少钱一个月")
    assert aside.state.flow is not None
    made = await chat.hands_over("还是不行")
    assert made.reason is HandoffReason.TICKET
    assert (made.kind, made.severity) == ("fault", "important")
    assert made.card is not None
    assert [answer for _, answer in made.card.answers] == ["光猫的灯不正常", "有红灯（LOS）", "no"]
    assert "光猫需要上门" in made.messages[0].text
    assert made.summary.startswith("话题：宽带故障排查")
    assert "有红灯（LOS）" in made.summary


async def test_a_diagnosis_that_helps_ends_well(chat: Chat) -> None:
    made = await chat.replies("家里断网了", "1", "有红灯", "好了可以上网了")
    assert "太好了" in last(made)
    assert made.state.flow is None


async def test_the_warranty_rule_is_walked_by_button_and_date(chat: Chat) -> None:
    made = await chat.say("帮我判断", payload="/tree/eseal_warranty")
    assert isinstance(made, Reply)
    await chat.replies("4")
    unsure = await chat.replies("2022年或者2023年吧")
    assert "没法用" in unsure.messages[0].text or "超过" in last(unsure)
    chat.state = replace(chat.state, flow=None)
    await chat.say("再来", payload="/tree/eseal_warranty")
    await chat.replies("外观完好")
    free = await chat.hands_over("去年5月申请的")
    assert (free.reason, free.kind) == (HandoffReason.TICKET, "service")
    assert "免费更换" in free.messages[0].text
    await chat.say("再来", payload="/tree/eseal_warranty")
    price = await chat.replies("外观完好", "2020年3月5日")
    assert "¥120" in last(price)
    assert price.messages[-1].article == "e-seal-warranty"


async def test_traditional_customers_get_a_diagnosis_in_their_script(chat: Chat) -> None:
    chat.language = Language.ZH_HANT
    made = await chat.replies("家裡斷網了")
    assert made.messages[-1].choices[0].title == "光貓的燈不正常"
    again = await chat.replies("光貓的燈不正常")
    assert "光貓" in last(again)


async def test_it_is_the_thing_that_was_talked_of(chat: Chat) -> None:
    first = await chat.replies("印章 Key 保修多久")
    assert first.understanding.intent == "eseal_warranty"
    assert chat.state.subject == "印章 Key"
    more = await chat.replies("那它的驱动怎么装呢")
    assert more.understanding.intent == "eseal_driver_install"


async def test_angry_and_key_customers_go_to_people_first(chat: Chat) -> None:
    angry = await chat.hands_over("你们就是骗子，垃圾公司！")
    assert angry.reason in {HandoffReason.ANGER, HandoffReason.COMPLAINT}
    assert angry.severity == "important"
    assert angry.card is not None
    assert angry.card.mood is Mood.ANGRY
    chat.customer = Customer(name="Lin", key=True, tickets=3, open_tickets=("10023",))
    assert isinstance(await chat.say("你好"), Reply)
    key = await chat.hands_over("怎么开发票")
    assert key.reason is HandoffReason.KEY_CUSTOMER
    assert "重点客户" in key.summary
    assert "10023" in key.summary


async def test_listed_topics_go_to_people_first(
    shipped: Catalogue, shipped_recogniser: Recogniser
) -> None:
    first = replace(shipped.people_first, intents=("refund_request",))
    bot = CatalogueBot(replace(shipped, people_first=first), shipped_recogniser, Tickets())
    made = await Chat(bot).hands_over("我要退款")
    assert (made.reason, made.kind) == (HandoffReason.TOPIC, "order")


async def test_the_same_answer_three_times_is_a_loop(chat: Chat) -> None:
    await chat.replies("怎么开发票", "发票怎么开", "怎么开发票啊")
    assert (await chat.hands_over("怎么开发票")).reason is HandoffReason.LOOP


async def test_out_of_hours_a_call_back_is_offered_and_the_queue_still_works(chat: Chat) -> None:
    chat.desk = Desk(open=False, opens_at=NOW + 3_600_000)
    offered = await chat.replies("转人工")
    assert "非工作时间" in offered.messages[0].text
    assert "(UTC+8)" in offered.messages[0].text
    assert "电话号码" in last(offered)
    made = await chat.hands_over("转人工")
    assert made.reason is HandoffReason.WISH
    assert "非工作时间" in last(made)


@pytest.mark.parametrize(
    ("desk", "words"),
    [
        (Desk(open=True, agents_online=0), "没有同事在线"),
        (Desk(open=True, agents_online=2, waiting=3), "前面还有 3 位"),
    ],
)
async def test_the_holding_reply_knows_the_queue(chat: Chat, desk: Desk, words: str) -> None:
    chat.desk = desk
    assert words in last(await chat.hands_over("转人工"))


async def test_contact_data_change_after_a_mailed_code(chat: Chat, tickets: Tickets) -> None:
    await chat.replies("我换手机号了，帮我改一下")
    asked = await chat.replies("13900139000")
    assert "验证码" in last(asked)
    (code,) = tickets.codes
    assert code not in str(chat.state.slots)
    wrong = await chat.replies("000000" if code != "000000" else "111111")
    assert "不对" in wrong.messages[0].text
    assert tickets.codes == [code]
    done = await chat.replies(f"验证码 {code}")
    assert "13900139000" in last(done)
    assert tickets.contact["phone"] == "13900139000"
    assert not any(name.startswith("_") for name in chat.state.slots)


async def test_three_wrong_codes_and_no_mail_end_at_people(chat: Chat, tickets: Tickets) -> None:
    await chat.replies("修改联系电话", "13900139000", "0", "1")
    wrong = await chat.hands_over("2")
    assert wrong.reason is HandoffReason.ACTION
    assert "phone" not in tickets.contact
    tickets.mails = False
    chat.state = BotState()
    await chat.replies("修改联系电话")
    made = await chat.hands_over("13900139000")
    assert "没法用邮件" in made.messages[0].text
    assert "contact_new = 13900139000" in made.summary


async def test_a_ticket_is_opened_by_a_form(chat: Chat) -> None:
    await chat.replies("帮我提个工单", "印章盖章时提示证书过期，从昨天开始")
    made = await chat.hands_over("lin@example.com")
    assert made.reason is HandoffReason.TICKET
    assert "problem = 印章盖章时提示证书过期" in made.summary
    assert "reply_to = lin@example.com" in made.summary


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("signal", list(Signal))
def test_every_signal_has_a_successor_in_every_stage(stage: Stage, signal: Signal) -> None:
    after = next_stage(stage, signal)
    if stage is Stage.WITH_PEOPLE or signal in REASONS:
        assert after is Stage.WITH_PEOPLE
    else:
        assert after is not Stage.WITH_PEOPLE


def test_every_reason_has_its_signal() -> None:
    assert set(REASONS.values()) == set(HandoffReason)


SAYINGS = (
    "你好",
    "怎么开发票",
    "家里断网了",
    "1",
    "2",
    "有红灯",
    "还是不行",
    "好了",
    "给我回个电话",
    "13800138000",
    "明天下午三点",
    "算了",
    "不对，应该是 13900139000",
    "什么意思",
    "转人工",
    "不要转人工",
    "我要投诉",
    "垃圾",
    "asdf qwer",
    "今天天气",
    "T-10023",
    "那它呢",
    "修改联系电话",
    "123456",
    "帮我提个工单",
    "thanks",
    "please call me back",
    "👍",
    "骗子！！！",
    "2020年3月5日",
    "外观完好",
)
BUTTONS = (
    "/invoice_request",
    "/tree/eseal_warranty",
    "/tree/broadband",
    "/tree/broadband/symptom/1",
    "/human_handoff",
    "/none_of_these",
    "/article/refunds",
    "/nowhere",
)


class Conversations(RuleBasedStateMachine):
    """Any conversation: a message ends in a reply, a ticket or with the person who has it."""

    bot: CatalogueBot

    @initialize(closed=st.booleans(), key=st.booleans())
    def begin(self, closed: bool, key: bool) -> None:
        self.chat = Chat(self.bot)
        self.chat.desk = Desk(open=not closed, agents_online=1)
        self.chat.customer = Customer(key=key)
        self.stage = Stage.ANSWERING
        self.tickets = 0
        self.unhelped = 0

    def take(self, text: str, payload: str | None = None) -> None:
        if self.stage is Stage.WITH_PEOPLE:
            return  # the gateway asks the bot no more: an agent has the message
        made = asyncio.run(self.chat.say(text, payload))
        assert made.messages
        assert all(message.text for message in made.messages)
        if isinstance(made, Handoff):
            self.tickets += 1
            self.unhelped = 0
            assert made.summary
            assert made.card is not None
            assert made.reason in REASONS.values()
            self.stage = next_stage(self.stage, Signal(_signal(made)))
            return
        self.unhelped = self.unhelped + 1 if made.state.misses else 0
        self.stage = stage_of(made.state)
        assert next_stage(self.stage, Signal.WISH) is Stage.WITH_PEOPLE

    @rule(text=st.sampled_from(SAYINGS))
    def write(self, text: str) -> None:
        self.take(text)

    @rule(payload=st.sampled_from(BUTTONS))
    def press(self, payload: str) -> None:
        self.take("x", payload)

    @precondition(lambda self: self.chat.state.offered)
    @rule(number=st.integers(0, 5))
    def press_offered(self, number: int) -> None:
        offered = self.chat.state.offered
        self.take("x", offered[number % len(offered)])

    @precondition(lambda self: self.stage is Stage.WITH_PEOPLE)
    @rule()
    def hand_back(self) -> None:
        self.chat.lines.append(Line(speaker=Speaker.AGENT, text="done"))
        self.stage = stage_of(self.chat.state)

    @rule(text=st.sampled_from(("转人工", "talk to a human")))
    def insist(self, text: str) -> None:
        """The wish works at any point; out of hours at the latest the second time."""
        before = self.tickets
        if self.is_with_people():
            return
        self.take(text)
        if not self.is_with_people():
            assert self.chat.desk is not None
            assert not self.chat.desk.open
            self.take(text)
        assert self.is_with_people()
        assert self.tickets == before + 1

    def is_with_people(self) -> bool:
        return self.stage is Stage.WITH_PEOPLE

    @invariant()
    def is_bounded(self) -> None:
        if hasattr(self, "chat"):
            assert self.chat.state.turns <= 13
            assert self.unhelped < 2
            flow = self.chat.state.flow
            assert flow is None or flow.get("tries", 0) < 3


def _signal(made: Handoff) -> Signal:
    return next(signal for signal, reason in REASONS.items() if reason is made.reason)


def test_no_conversation_strands_a_customer(
    shipped: Catalogue, shipped_recogniser: Recogniser
) -> None:
    bot = CatalogueBot(shipped, shipped_recogniser, Tickets(TICKET))
    asyncio.run(bot.warm())
    machine = type("Walk", (Conversations,), {"bot": bot})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
    )


async def test_the_subject_is_the_question_however_much_nonsense_follows(chat: Chat) -> None:
    await chat.replies("怎么开发票", "哦哦 呃", "你好")
    made = await chat.hands_over("转人工")
    assert made.subject == "怎么开发票"


async def test_no_help_is_no_question(chat: Chat) -> None:
    chat.lines = [
        Line(speaker=Speaker.CUSTOMER, text="光猫坏了"),
        Line(speaker=Speaker.CUSTOMER, text="没有帮助"),
    ]
    made = await chat.hands_over("转人工")
    assert made.subject == "光猫坏了"
    assert "没有帮助" not in made.summary


async def test_what_was_not_understood_is_the_subject_where_nothing_was(chat: Chat) -> None:
    await chat.replies("呃呃嗯嗯呐", "哦哦")
    made = await chat.hands_over("呵呵哒哒")
    assert (made.reason, made.subject) == (HandoffReason.LOW_CONFIDENCE, "呃呃嗯嗯呐")


async def test_a_complaint_says_itself_what_it_is_about(chat: Chat) -> None:
    await chat.replies("怎么开发票")
    assert (await chat.hands_over("我要投诉你们")).subject == "我要投诉你们"


async def test_titles_of_buttons_are_not_the_customers_words(chat: Chat) -> None:
    chat.lines = [Line(speaker=Speaker.CUSTOMER, text="转人工", pressed=True)]
    made = await chat.say("Talk to a person", payload="/human_handoff")
    assert isinstance(made, Handoff)
    assert made.card is not None
    assert made.card.asked == ()
    assert "客户问：无" in made.summary


async def test_a_verified_customer_is_told_as_such(chat: Chat) -> None:
    chat.customer = Customer(name="Lin", verified=True, tickets=2)
    assert "客户：Lin；身份已核实；历史工单 2 个" in (await chat.hands_over("转人工")).summary
