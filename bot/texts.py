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
ARTICLE_WORDED = "utter_article_worded"
STAYING = "utter_staying"
CANCELLED = "utter_cancelled"
CORRECTED = "utter_corrected"
SOLVED = "utter_solved"
FORM_DONE = "utter_form_done"
HELP = "utter_help_"
FITS_NOT = "utter_fits_not_"
SKIP = "utter_skip"
HELPED_YES = "utter_helped_yes"
HELPED_NO = "utter_helped_no"
DESK_CLOSED = "utter_desk_closed"
DESK_BUSY = "utter_desk_busy"
DESK_QUEUE = "utter_desk_queue"
HELPED = "utter_helped"
UNHELPED = "utter_not_helped"
GLAD = "utter_glad_it_helped"
SORRY = "utter_sorry_it_did_not_help"
TITLE = "utter_title_"
HOLDING = "utter_holding_"
LETTER_GREETING = "utter_letter_greeting"
LETTER_GREETING_NAMED = "utter_letter_greeting_named"
LETTER_FOOTER = "utter_letter_footer"
LETTER_RECEIVED = "utter_letter_received"
LETTER_SORRY = "utter_letter_sorry"

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
    CANCELLED: {
        "zh": "好的，已取消。还需要什么帮助，请直接告诉我。",
        "en": "All right, that is cancelled. Tell me if you need anything else.",
    },
    CORRECTED: {"zh": "好的，已更正。", "en": "All right, corrected."},
    SOLVED: {
        "zh": "太好了！还有问题随时告诉我。",
        "en": "Good to hear! Write again whenever you need something.",
    },
    SKIP: {"zh": "跳过", "en": "Skip"},
    FORM_DONE: {"zh": "好的，已记下。", "en": "All right, I have noted it."},
    HELP: {
        "zh": "请直接回答下面的问题；想停下来就说“取消”，想找同事就说“转人工”。",
        "en": "Please answer the question below. Say “cancel” to stop, or ask for a person.",
    },
    FITS_NOT: {
        "zh": "抱歉，这个回答我没法用。",
        "en": "Sorry, I cannot use that answer.",
    },
    HELPED_YES: {"zh": "解决了", "en": "Yes, it works"},
    HELPED_NO: {"zh": "还是不行", "en": "No, still not"},
    DESK_CLOSED: {
        "zh": "现在是非工作时间。同事 {opens_at} 上班后会按顺序回复。"
        "需要回电的话，请留下号码和方便的时间。",
        "en": "We are closed now; colleagues answer in order from {opens_at}. "
        "If you want to be called back, leave a number and a good time.",
    },
    DESK_BUSY: {
        "zh": "现在没有同事在线，您的留言已登记，会尽快回复。"
        "需要回电的话，请留下号码和方便的时间。",
        "en": "No colleague is online now; your message is recorded and will be answered soon. "
        "If you want to be called back, leave a number and a good time.",
    },
    DESK_QUEUE: {
        "zh": "您前面还有 {waiting} 位客户在等。",
        "en": "Customers before you in the queue: {waiting}.",
    },
    ARTICLE_SOURCE: {"zh": "来源：{title}", "en": "Source: {title}"},
    ARTICLE_WORDED: {
        "zh": "（由语言模型根据上面的文章整理）",
        "en": "(Worded by a language model from what is named above.)",
    },
    HELPED: {"zh": "有帮助", "en": "This helped"},
    UNHELPED: {"zh": "没有帮助", "en": "This did not help"},
    GLAD: {
        "zh": "谢谢您的反馈，很高兴帮到您。",
        "en": "Thank you. Glad that it helped.",
    },
    SORRY: {
        "zh": "抱歉没有帮到您。可以换一种说法再问，也可以转人工。",
        "en": "Sorry that it did not help. Ask in other words, or talk to a person.",
    },
    LETTER_GREETING: {"zh": "您好：", "en": "Hello,"},
    LETTER_GREETING_NAMED: {"zh": "{name}，您好：", "en": "Hello {name},"},
    LETTER_FOOTER: {
        "zh": "以上内容由系统根据帮助文档自动回复。如果没有解决您的问题，直接回复本邮件，"
        "同事会接着为您处理。",
        "en": "This answer was sent automatically, from our help articles. If it does not solve "
        "your problem, just reply to this mail, and a colleague takes over.",
    },
    LETTER_RECEIVED: {
        "zh": "您的邮件已收到，并转给了同事处理。预计在 {due} 前答复您。",
        "en": "We have received your mail and passed it on to a colleague. "
        "You can expect an answer by {due}.",
    },
    LETTER_SORRY: {
        "zh": "非常抱歉给您带来了不好的体验。您的邮件已收到并登记，由同事处理。"
        "预计在 {due} 前答复您。",
        "en": "We are very sorry about this. Your mail is recorded, and a colleague deals with "
        "it. You can expect an answer by {due}.",
    },
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
    HOLDING + "loop": {
        "zh": f"看来我的回答没有解决您的问题，{_PERSON_ZH}",
        "en": f"My answers do not seem to help. {_PERSON_EN}",
    },
    HOLDING + "anger": {
        "zh": f"非常抱歉给您带来不好的体验，{_PERSON_ZH}",
        "en": f"I am very sorry about this. {_PERSON_EN}",
    },
    HOLDING + "key_customer": {"zh": f"您好，{_PERSON_ZH}", "en": f"Hello. {_PERSON_EN}"},
    HOLDING + "topic": {
        "zh": f"这件事由同事为您处理，{_PERSON_ZH}",
        "en": f"A colleague deals with this. {_PERSON_EN}",
    },
    HOLDING + "ticket": {
        "zh": f"已为您登记工单，{_PERSON_ZH}",
        "en": f"I have opened a ticket. {_PERSON_EN}",
    },
    HOLDING + "call_back": {
        "zh": "已登记回电请求，同事会按您留的号码和时间联系您。",
        "en": "Your call-back is booked; a colleague will call the number you left.",
    },
    HOLDING + "attachment": {
        "zh": f"文件已收到，{_PERSON_ZH}",
        "en": f"Your file has arrived. {_PERSON_EN}",
    },
    "utter_ticket_found": {
        "zh": "工单 {number}“{subject}”当前状态：{status}。最近更新：{updated_at}。",
        "en": 'Ticket {number} "{subject}" is now: {status}. Last change: {updated_at}.',
    },
    "utter_ticket_done": {
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
        "answers": "排查经过：{}",
        "call_back": "回电：{}",
        "mood": "情绪：{}",
        "customer": "客户：{}",
        "verified": "身份已核实",
        "key": "重点客户",
        "tickets": "历史工单 {} 个",
        "open": "未结工单：{}",
        "and": "、",
        "nothing": "无",
        "between": "；",
    },
    "en": {
        "asked": "Asked: {}",
        "tried": "The bot answered: {}",
        "collected": "Collected: {}",
        "topic": "Topic: {}",
        "answers": "Diagnosis: {}",
        "call_back": "Call back: {}",
        "mood": "Mood: {}",
        "customer": "Customer: {}",
        "verified": "verified",
        "key": "key customer",
        "tickets": "tickets so far: {}",
        "open": "open tickets: {}",
        "and": ", ",
        "nothing": "nothing",
        "between": "; ",
    },
}

MOODS: Mapping[str, Mapping[str, str]] = {
    "zh": {"calm": "平静", "annoyed": "不满", "angry": "愤怒"},
    "en": {"calm": "calm", "annoyed": "annoyed", "angry": "angry"},
}
