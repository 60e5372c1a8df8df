"""The wish for a person must be heard in every wording, and only where it is one."""

import pytest

from bot.phrases import complains, is_nod, wants_person, without_refusal
from intents.model import Catalogue
from intents.text import to_traditional

WISHES = """
转人工|转人工！|转 人工|人工|人工客服|真人|请转人工客服|我要人工|我要找真人|我想跟人说话
能不能换个人来处理
麻烦帮我转一下人工，谢谢|怎么转人工啊|转不了人工|不要机器人，我要人工|不想跟机器人聊|联系客服|客服在吗|人工服务
叫你们客服来|人工智能不行，转人工|我不想和机器说了，换人|给我转一个客服人员
human|Human, please!|AGENT|agent!|talk to a person|I want to talk to a person
can I speak with someone
Let me speak to a real human being|representative|get me a representative|operator|live agent
customer service representative please|I need a human|can you connect me to an agent?
transfer me to an operator|Is there a real person there?|I'd like to chat with a support agent
I don't want a bot, give me a human|let me talk to someone from customer support|give me a person
please put me through to an agent
don't you have a human agent?|特别想找人工
Need a human now|want to talk to real person|stop, get me a human
"""
NO_WISHES = """
人工智能是什么|你们支持人工智能吗|人工服务几点上班|人工客服的电话是多少|你是真人吗|你是不是真人|真人认证怎么做
人工审核要多久|不用转人工|不需要人工客服|客服电话|您好呀，客服|别人登录了我的账号
换个人名可以吗|可以找人代领吗
我的同事收不到邮件|人
what is your agency|travel agency invoice|human resources policy
are you human|are you a real person?
I want to talk about the human resources policy|the backup agent is not starting|a colleague left
I don't want to talk to an agent|how many people can share an account|someone changed my password
what are your support agents' hours|user agent string|do you have a human resources module
how do I install the sync agent software|personal account|agents of change|an agenda
am I talking with a real person
"""


def phrases(block: str) -> list[str]:
    return [phrase for line in block.strip().splitlines() for phrase in line.split("|")]


@pytest.mark.parametrize("text", phrases(WISHES))
def test_wishes(text: str) -> None:
    assert wants_person(text)
    assert wants_person(to_traditional(text))


@pytest.mark.parametrize("text", phrases(NO_WISHES))
def test_no_wishes(text: str) -> None:
    assert not wants_person(text)
    assert not wants_person(to_traditional(text))


def test_examples_of_other_intents_are_no_wishes(shipped: Catalogue) -> None:
    wrong = [
        utterance.text
        for intent in shipped.intents
        if intent.name != "human_handoff"
        for utterance in (*intent.utterances, *intent.checks)
        if wants_person(utterance.text)
    ]
    assert wrong == []


def test_most_wishes_of_the_catalogue_need_no_recogniser(shipped: Catalogue) -> None:
    intent = next(intent for intent in shipped.intents if intent.name == "human_handoff")
    texts = [utterance.text for utterance in (*intent.utterances, *intent.checks)]
    heard = [text for text in texts if wants_person(text)]
    assert len(heard) / len(texts) > 0.7


@pytest.mark.parametrize(
    ("text", "nod"),
    [
        ("👍", True),
        ("👍🏽", True),
        ("🙏 🙏", True),
        ("❤️", True),
        ("", False),
        ("😡", False),
        ("ok 👍", False),
    ],
)
def test_nods(text: str, nod: bool) -> None:
    assert is_nod(text) is nod


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("do not connect me to a human, how do I pay?", "how do I pay?"),
        ("Please don't transfer me to an agent", ""),
        ("I don't want to talk to a person", ""),
        ("no need to get me a human agent", ""),
        ("no human please", ""),
        ("不要转人工", ""),
        ("不要轉人工！", ""),
        ("别给我转人工，怎么开发票", "怎么开发票"),
        ("不用找客服。 密码忘了", "密码忘了"),
        ("don't you have a human agent?", None),
        ("I don't want a bot, give me a human", None),
        ("特别想找人工", None),
        ("告别人工服务", None),
        ("the agent does not start", None),
        ("转人工", None),
        ("", None),
    ],
)
def test_who_refuses_a_person_is_heard(text: str, rest: str | None) -> None:
    assert without_refusal(text) == rest
    if rest is not None:
        assert not wants_person(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("我要投诉你们", True),
        ("再不处理我打12315", True),
        ("我要投訴", True),
        ("I will file a complaint", True),
        ("I want to complain about this", True),
        ("我不是来投诉的", False),
        ("取消投诉", False),
        ("this is not a complaint", False),
        ("什么时候能修好", False),
    ],
)
def test_complaints(text: str, complaint: bool) -> None:
    assert complains(text) is complaint
