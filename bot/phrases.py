"""Phrases that need no recogniser: the wish for a person or against one, complaints, nods.

The wish must work in every catalogue and at any point, so it does not hang on training.
Patterns are bounded: their time grows with the text's length alone.
"""

from __future__ import annotations

import re
from functools import lru_cache

from intents.text import normalise_text, to_mainland

_CLAUSE = re.compile(r"[,.;!?，。；！？、\n]+|\bbut\b|但是?")
_EDGE = re.compile(r"^[\W_]+|[\W_]+$")
_BLANK_IN_HAN = re.compile(r"(?<=[㐀-鿿]) (?=[㐀-鿿])")

_ALONE = re.compile(
    r"(?:请|我要|我想要|要|找|转|接|叫|来个|有)?(?:人工|真人|客服|活人|人工客服|客服人员|坐席|座席)"
    r"(?:客服|服务|坐席|座席|人员)?(?:吧|呢|啊|谢谢|在吗|在不在)?"
    r"|(?:a |an |the |real |live |human |customer service )*"
    r"(?:human|agent|person|operator|representative|rep|advisor|adviser)s?(?: please| now| pls)*"
    r"|(?:hi |hello )?(?:human|agent|operator|representative)(?: \w+)?(?: please)?"
)
_HAN_WISH = re.compile(
    r"转(?:接|到|给|去)?(?:一下)?人工|转(?:接|到|给)(?:真人|客服)|转(?:真人|客服)|转不了人工"
    r"|(?:找|要|叫|喊|连|接|换|联系|需要|想要|安排|来|有没有|有)(?:个|一个|一位|位|下)?"
    r"(?:人工|真人|活人|(?:真的|真正的)人)"
    r"|人工(?:客服|坐席|座席)|真人(?:客服|服务|坐席|座席)"
    r"|(?:跟|和|与|同)(?:个|一个|一位)?(?:人工|真人|活人|客服人员)"
    r"|(?:跟|和|与|同)(?:你们)?(?:的)?(?:同事|工作人员|人)(?:说|聊|谈|讲|沟通|对话|通话)"
    r"|换(?:个)?人(?:来|吧|$)|(?:转|接|叫|换)(?:个|一个|一位|位)?客服(?:人员|专员)"
    r"|(?:找|换|叫|让|派|安排)(?:个|一个|一位|位)?(?:真|活)?人(?:来)?(?:聊|说|谈|处理|跟我|和我|帮我)"
    r"|(?:联系|联络|找|叫|接通)(?:一下)?(?:你们的?)?(?:客服|工作人员)|不(?:想|要)(?:跟|和)机器人"
)
_HAN_REFUSED = (
    r"(?:不要|不用|不需要|不想|无需|不必|没必要|(?<![特区个分级告])别)(?:再|给我|帮我|直接|请|着急)?"
    r"(?:转接?到?|找|接|要|联系|叫|跟|和)?(?:一个|个)?(?:人工|真人|活人|客服)"
)
_HAN_OTHER = re.compile(
    r"人工(?:智能|费|成本|审核|翻译|录入|降雨|授粉|耳蜗)|真人(?:认证|实名|头像|核验)"
    r"|(?:是|不是|算)(?:一个|个)?(?:真人|活人|人工)"
    r"|(?:人工|客服|真人).{0,8}(?:几点|时间|什么时候|何时|上班|下班|休息|电话|号码|多少)"
    r"|(?:几点|什么时候|何时|周末|节假日).{0,8}(?:人工|客服|真人)"
    rf"|{_HAN_REFUSED}"
)
_SOMEONE = (
    r"(?:(?:human|live|real|actual|support|service|customer|care|sales|call[- ]?cent(?:er|re))"
    r" ){0,3}"
    r"(?:human(?: being)?|agent|representative|rep|operator|advisor|adviser"
    r"|(?:real|live|actual) (?:person|people|human|agent)|staff member"
    r"|member of staff|team member|colleague)s?\b"
    r"(?! (?:resources?|error|rights?|readable|id|log|logs|version|install\w*|software|string"
    r"|setup|policy|program|office|fee|fees)\b)(?!['’-]\w)"
)
_REACH = (
    r"(?:talk|speak|chat|talking|speaking|chatting|connect|transfer|escalate|forward|switch"
    r"|put|pass|hand|redirect)"
)
_LATIN_WISH = re.compile(
    rf"\b{_REACH}(?: \w+){{0,3}}? (?:to|with|through|over to)(?: (?:a|an|the|your|any|some|one of"
    rf"|another|my))?(?: \w+)? ?(?:{_SOMEONE}|person\b|somebody\b|someone\b|people\b"
    r"|customer (?:service|support|care)\b|anyone\b)"
    rf"|\b(?:want|need|give me|get me|like|prefer|rather have|find me|call|fetch|send me|where is"
    rf"|is there|are there|can i (?:have|get))(?: (?:a|an|the|your|any|some))?(?: \w+)? {_SOMEONE}"
    rf"|\b(?:want|give me|get me|rather deal with|rather have) an? (?:person|human)$"
    rf"|\b(?:real|live|actual) (?:person|human|agent|people)\b"
    rf"|\bdon['’]?t you have(?: \w+){{0,2}} {_SOMEONE}"
    rf"|\b{_SOMEONE} (?:please|pls|now)\b|\bplease {_SOMEONE}"
)
_NOT = (
    r"\b(?:don['’]?t(?! you\b)|do not|doesn['’]?t|didn['’]?t|no need|needn['’]?t|need not"
    r"|rather not|without|never|stop)\b"
)
_LATIN_OTHER = re.compile(
    rf"{_NOT}"
    r"|\bare you\b|\byou are\b|\bam i \w+ing\b|\bcould you be\b|\blike a\b"
    r"|\b(?:travel|estate|user|mail|backup|monitoring|transfer|antivirus|insurance)"
    r" agents?\b|\b(?:hours?|when|what time)\b|\bagents? (?:is|are|was) (?:not|down|off)"
)
_REFUSED = re.compile(
    rf"{_HAN_REFUSED}"
    rf"|{_NOT}(?: \w+){{0,4}}? (?:{_REACH}\w*|want|need|get|give|call|fetch|send|human|agent)\b"
    rf".{{0,40}}?(?:{_SOMEONE}|\bperson\b|\bsomebody\b|\bsomeone\b|\bcustomer service\b)"
    rf"|\bno (?:{_SOMEONE}|person)(?: please)?$"
)
_COMPLAINS = re.compile(
    r"投诉|举报你|差评|12315|消协|工信部"
    r"|\b(?:complain(?:t|ts|ing)?|lawyer|sue you|consumer (?:protection|association))\b"
)
_NO_COMPLAINT = re.compile(
    r"(?:不是|不想|没有|不会|不用|撤销|取消|撤回)(?:要|来|再)?投诉"
    r"|\b(?:no|not|never|withdraw|without|don['’]?t|isn['’]?t)\b(?: \w+){0,4}? complain"
)
_THANKS = (
    r"(?:(?:非常|十分|多)?(?:感谢|谢谢)(?:你|您|你们|您的?(?:回复|帮助|解答|耐心)|大家|了|啊|啦|哦|你的回复)*"
    r"|多谢(?:了)?|谢了|辛苦(?:你|您)?了?|好的?(?:呢|吧|滴|哒)?|收到|知道了?|明白了?|了解了?|没问题"
    r"|(?:问题|已经?|都)*(?:解决|搞定|可以|好|弄好)了|麻烦(?:你|您)了?|不客气|祝好|此致|敬礼"
    r"|(?:many |so much |ok(?:ay)? |great |perfect )?(?:thanks?|thank you|thx|ty|cheers)"
    r"(?: (?:a lot|so much|very much|again|for (?:your|the) (?:quick |fast |kind )?"
    r"(?:help|reply|answer|support|response|information|info)))*"
    r"|(?:that|it|this)(?:['’]s| is| has| was)? ?(?:helped|helps|works?|worked|solved|perfect"
    r"|great|fine)(?: (?:me|it|now|fine|well|perfectly|my problem))*|solved|perfect|great|got it"
    r"|ok(?:ay)?"
    r"|(?:best|kind|warm) regards|regards|best)"
)
_ONLY_THANKS = re.compile(rf"{_THANKS}(?:[\W_]+{_THANKS})*")
_GRATEFUL = re.compile(
    r"谢|辛苦|收到|知道|明白|了解|解决|搞定|可以了|好|thank|thx|\bty\b|cheers|help|work|solved"
    r"|perfect|great|got it|ok"
)
_THANKS_LENGTH = 120
_CANCELS = re.compile(
    r"(?:算了|不办了|不弄了|不填了|取消|退出|停止|结束|不用了|先不(?:办|弄|填)了|不想(?:填|办|弄)了|放弃)"
    r"(?:吧|了|填写|办理|排查)?"
    r"|(?:please )?(?:cancel|stop|quit|exit|never ?mind|forget it|abort)"
    r"(?: (?:it|this|that|please))?"
)
_SKIPS = re.compile(
    r"(?:跳过|略过|下一(?:个|题|步)|不想说|不(?:方便|愿意)(?:说|填|提供|透露)?|没有|没|无|不知道|不清楚|不记得|忘了)"
    r"(?:吧|了|呢)?"
    r"|skip(?: (?:it|this|that))?|pass|next|none|n/?a|nothing|no idea|rather not(?: say)?"
    r"|i (?:do not|don['’]?t) (?:know|have (?:one|it|any)|remember)"
)
_ASKS_HELP = re.compile(
    r"^(?:帮助|帮帮我|怎么填|什么意思|啥意思|不懂|不明白|看不懂|为什么要(?:这个|填|问)?|这是什么"
    r"|在哪(?:里|儿)?(?:看|找|查)?|怎么(?:看|找|查))"
    r"|^(?:help|what do you mean|what is that|what's that|i don['’]?t understand"
    r"|why do you (?:need|ask)|where (?:do|can) i find)"
)
_CORRECTS = re.compile(
    r"^(?:不对|不是|错了|弄错了|说错了|写错了|更正(?:一下)?|不不|等等)[,.;:!，。；：！\s]*"
    r"(?:(?:应该|应当)?(?:是|改成|改为|为|换成)|我(?:是说|的意思是|要的是))?[:：\s]*"
    r"|^(?:我)?(?:说错了|写错了|要改)[,，\s]*(?:应该)?(?:是|改成|改为)?"
    r"|^(?:改成|改为|应该是|我是说)[:：\s]*"
    r"|^(?:no|sorry|wait|oops|correction)[,.;:!\s]+"
    r"(?:(?:i|it) (?:meant?|should be|is)|make it|that['’]?s|it['’]?s|rather)?[:\s]*"
    r"|^(?:i meant|i mean|make it|it should be|change it to)[:\s]+"
)
_ASKS = re.compile(
    r"[?？]\s*$|[吗呢么]\s*[。！!]?$|^(?:怎么|如何|什么|为什么|哪|几|多少|多久|能不能|可以|是不是|请问)"
    r"|^(?:how|what|why|when|where|which|who|can|could|do|does|is|are|will)\b"
)
_FOLLOWS_UP = re.compile(
    r"^(?:那|那么|那如果|还有)?(?:它|这个|那个|这款|那款|这种|该)(?P<han>.*)$"
    r"|^(?:那|那么)(?P<then>.{1,20}?)(?:呢|怎么办|怎么样|吗)?$"
    r"|^(?:and |so )?(?:what|how) about (?P<about>.+)$"
    r"|^(?P<it>.*\b(?:it|this|that|this one|that one)\b.*)$"
    r"|^(?P<short>多少钱|多久|怎么办|价格|贵吗|要钱吗|how much|how long|and then|why)[?？]?$"
)
# `您好，客服` addresses whoever answers; alone, the same word asks for a person.
_ADDRESSED = "客服"
_FOLLOW_UP_LENGTH = 60
_NODS = frozenset("👍👌🙏🆗😊🙂😀😄❤👏🤝🌹💐")
_SKIN_AND_SELECTOR = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f\\s]")


# Each phrase below looks at the same message.
@lru_cache(maxsize=256)
def _flat(text: str) -> str:
    return normalise_text(to_mainland(text))


def wants_person(text: str) -> bool:
    """Whether the customer asks for a person, in Chinese of either script or in English.

    Talk about people is no wish: opening hours, `human resources`, `人工智能`, `are you human`.
    """
    whole = _BLANK_IN_HAN.sub("", _flat(text))
    if _ALONE.fullmatch(_EDGE.sub("", whole)) and not _REFUSED.search(whole):
        return True
    return any(_is_wish(clause.strip()) for clause in _CLAUSE.split(whole))


def without_refusal(text: str) -> str | None:
    """What a customer who wants no person says beside that; None when they say no such thing.

    `do not connect me to a human, how do I pay?` leaves `how do I pay?`; a mere `不要转人工`
    leaves nothing.
    """
    if not _REFUSED.search(_BLANK_IN_HAN.sub("", _flat(text))):
        return None
    kept: list[str] = []
    refused = False
    start = 0
    for end in (*(match.end() for match in _CLAUSE.finditer(text)), len(text)):
        clause = _BLANK_IN_HAN.sub("", normalise_text(to_mainland(text[start:end])))
        if _REFUSED.search(clause):
            refused = True
        else:
            kept.append(text[start:end])
        start = end
    rest = "".join(kept).strip()
    return (rest if any(map(str.isalnum, rest)) else "") if refused else None


def complains(text: str) -> bool:
    """Whether the customer complains in so many words (H5.1)."""
    flat = _flat(text)
    return any(
        _COMPLAINS.search(clause) and not _NO_COMPLAINT.search(clause)
        for clause in _CLAUSE.split(flat)
    )


def _is_wish(clause: str) -> bool:
    if not clause or _REFUSED.search(clause):
        return False
    if clause != _ADDRESSED and _ALONE.fullmatch(clause):
        return True
    if _HAN_WISH.search(clause) and not _HAN_OTHER.search(clause):
        return True
    return bool(_LATIN_WISH.search(clause)) and not _LATIN_OTHER.search(clause)


def is_nod(text: str) -> bool:
    """Whether a message is nothing but friendly emoji, such as a thumb up."""
    bare = _SKIN_AND_SELECTOR.sub("", text)
    return bool(bare) and set(bare) <= _NODS


def is_thanks(text: str) -> bool:
    """Whether a message thanks, or says that all is well, and asks nothing beside."""
    flat = _EDGE.sub("", _flat(text))
    return (
        0 < len(flat) <= _THANKS_LENGTH
        and _ONLY_THANKS.fullmatch(flat) is not None
        and _GRATEFUL.search(flat) is not None
    ) or is_nod(text)


def cancels(text: str) -> bool:
    """Whether the customer gives a form or a diagnosis up."""
    return _CANCELS.fullmatch(_EDGE.sub("", _flat(text))) is not None


def skips(text: str) -> bool:
    """Whether the customer leaves a question out, or has nothing to tell."""
    return _SKIPS.fullmatch(_EDGE.sub("", _flat(text))) is not None


def asks_help(text: str) -> bool:
    """Whether the customer does not understand the question."""
    return _ASKS_HELP.search(_flat(text)) is not None


def corrected(text: str) -> str | None:
    """What is meant instead, when the customer corrects themselves; None when they do not.

    `no, I meant 10023` and `不对，应该是10023` give `10023`.
    """
    flat = text.strip()
    match = _CORRECTS.match(to_mainland(flat).casefold())
    if match is None or not match[0]:
        return None
    rest = flat[match.end() :].strip()
    return rest if any(map(str.isalnum, rest)) else None


def is_question(text: str) -> bool:
    """Whether a message asks something, by its form."""
    return _ASKS.search(_flat(text)) is not None


def follow_up(text: str) -> str | None:
    """What a message that leans on the one before says itself; None for others.

    `那多少钱呢` gives `多少钱`, `how about delivery` gives `delivery`, `it is broken` itself.
    """
    flat = _flat(text)
    match = _FOLLOWS_UP.match(flat) if len(flat) <= _FOLLOW_UP_LENGTH else None
    if match is None:
        return None
    return next((part.strip() for part in match.groups() if part and part.strip()), flat)
