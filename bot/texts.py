"""Words that the bot needs even when a catalogue does not bring them.

A catalogue's response of the same name always goes first. Traditional Chinese is converted.
"""

from __future__ import annotations

from collections.abc import Mapping

GREETING = "utter_greeting"
DID_YOU_MEAN = "utter_did_you_mean"
NOT_UNDERSTOOD = "utter_not_understood"
NONE_OF_THESE = "utter_none_of_these"
TALK_TO_PERSON = "utter_talk_to_person"
ARTICLE_SOURCE = "utter_article_source"
STAYING = "utter_staying"
TITLE = "utter_title_"
HOLDING = "utter_holding_"

_PERSON_ZH = "已转给同事，他们能看到前面的对话，会尽快回复您。"
_PERSON_EN = "A colleague takes over; they can read everything above and will answer soon."

FALLBACK: Mapping[str, Mapping[str, str]] = {
    GREETING: {
        "zh": "您好，请直接输入您的问题。",
        "en": "Hello, please type your question.",
    },
    DID_YOU_MEAN: {
        "zh": "您是想问下面哪一个？",
        "en": "Which of these did you mean?",
    },
    NOT_UNDERSTOOD: {
        "zh": "抱歉，我没有听懂。请换一种说法，或者转人工。",
        "en": "Sorry, I did not understand. Please say it in other words, or ask for a person.",
    },
    NONE_OF_THESE: {"zh": "都不是", "en": "None of these"},
    TALK_TO_PERSON: {"zh": "转人工", "en": "Talk to a person"},
    STAYING: {
        "zh": "好的，不转人工。请直接告诉我您的问题。",
        "en": "All right, no colleague. Please tell me what you need.",
    },
    ARTICLE_SOURCE: {"zh": "来源：{title}", "en": "Source: {title}"},
    HOLDING + "wish": {"zh": f"好的，{_PERSON_ZH}", "en": f"All right. {_PERSON_EN}"},
    HOLDING + "low_confidence": {
        "zh": f"这个问题我没有把握，{_PERSON_ZH}",
        "en": f"I am not sure about this. {_PERSON_EN}",
    },
    HOLDING + "turn_cap": {
        "zh": f"抱歉还没有解决您的问题，{_PERSON_ZH}",
        "en": f"Sorry that this is not solved yet. {_PERSON_EN}",
    },
    HOLDING + "complaint": {
        "zh": f"非常抱歉，您的投诉已登记，{_PERSON_ZH}",
        "en": f"I am very sorry; your complaint is recorded. {_PERSON_EN}",
    },
    HOLDING + "action": {
        "zh": f"这件事需要同事为您办理，{_PERSON_ZH}",
        "en": f"This needs a colleague. {_PERSON_EN}",
    },
    HOLDING + "error": {
        "zh": f"抱歉，我这边出了故障，您的消息没有丢，{_PERSON_ZH}",
        "en": f"Sorry, something went wrong on my side; your message is safe. {_PERSON_EN}",
    },
    HOLDING + "timeout": {
        "zh": f"抱歉让您久等，{_PERSON_ZH}",
        "en": f"Sorry for the wait. {_PERSON_EN}",
    },
    HOLDING + "attachment": {
        "zh": f"文件已收到，{_PERSON_ZH}",
        "en": f"Your file has arrived. {_PERSON_EN}",
    },
    "utter_ticket_found": {
        "zh": "工单 {number}“{subject}”当前状态：{status}。最近更新：{updated_at}。",
        "en": 'Ticket {number} "{subject}" is now: {status}. Last change: {updated_at}.',
    },
    "utter_ticket_not_found": {
        "zh": "在您名下没有找到这个工单，请核对编号。",
        "en": "I found no such ticket of yours; please check the number.",
    },
    "utter_ask_ticket_number": {
        "zh": "请告诉我工单编号（例如 T-10023）。",
        "en": "Please give me the ticket number (for example T-10023).",
    },
}

TICKET_STATES: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "new": "已受理",
        "open": "处理中",
        "pending": "等待您回复",
        "solved": "已解决",
        "closed": "已关闭",
    },
    "en": {
        "new": "received",
        "open": "being worked on",
        "pending": "waiting for your answer",
        "solved": "solved",
        "closed": "closed",
    },
}

SUMMARY: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "asked": "客户问：{}",
        "tried": "机器人已回复：{}",
        "collected": "已收集：{}",
        "topic": "话题：{}",
        "nothing": "无",
        "between": "；",
    },
    "en": {
        "asked": "Asked: {}",
        "tried": "The bot answered: {}",
        "collected": "Collected: {}",
        "topic": "Topic: {}",
        "nothing": "nothing",
        "between": "; ",
    },
}
