"""Whether a person wrote a mail: automatic answers, reports, mailing lists, our own mail."""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.mail.headers import Headers
from channels.mail.model import Auto

OWN_HEADER = "x-yingda-instance"  # on every mail that Yingda sends by itself

_VENDOR = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-auto-respond",
    "x-autoreply-from", "x-mail-autoreply", "x-autoresponse", "x-vacation", "x-amazon-auto-reply",
    "x-cirrus-autoreply", "x-qq-auto-reply", "auto-reply",
)  # fmt: skip
# A subject that announces an automatic answer, and then ends or names what it answers: people who
# ask "自动回复怎么关" write on.
_SUBJECT = re.compile(
    r"(?i)^\W{0,4}(?:(?:re|aw|sv|fw|fwd|回复|答复|回覆)\s*[:：]\s*){0,3}\W{0,4}(?:"
    r"auto(?:matic|mated|matically generated|matisk|matische|matisch|-)?[ -]?"
    r"(?:reply|response|respond|responder|antwort|antwoord|svar|answer)|auto(?=:)|"
    r"(?:i am |i'm |we are )?(?:currently )?out[- ]of[- ](?:the[- ])?office|"
    r"away from (?:the |my )?(?:office|desk)|(?:on )?(?:annual leave|vacation|holiday)|ooo|"
    r"abwesenheit\w*|abwesend|automatische antwort|réponse automatique|absence du bureau|"
    r"absent du bureau|absence|respuesta automática|fuera de (?:la )?oficina|resposta automática|"
    r"ausência|risposta automatica|fuori sede|afwezig\w*|autosvar|frånvar\w*|fravær\w*|"
    r"automaattinen \w+|poissa\w*|odpowiedź automatyczna|automatická odpověď|автоответ\w*|"
    r"автоматический ответ|otomatik yanıt|自动回[复覆]|自動回[復覆]|自动答复|自動答覆|自动应答|"
    r"外出自动\w{0,2}|休假(?:自动回复|通知)|外出(?:回复|通知)|(?:人)?不在办公室|(?:人)?不在辦公室|自動返信|"
    r"自動応答|不在(?:通知|のお知らせ)|부재중(?: 자동 ?(?:회신|응답))?|자동 ?(?:회신|응답)"
    r")(?: (?:auto-?reply|reply|message|notification|notice|response|auto))?"
    r"\s*(?:[:：\]】)）(（!.,;–—-]|$|(?:from|until|till|re|to|your|for|bis)\b)"
)
_SURE = re.compile(
    r"(?i)^\W{0,4}(?:out of (?:the )?office )?(?:auto(?:matic|mated)?[ -]?(?:reply|response)|"
    r"automatische antwort|réponse automatique|respuesta automática|resposta automática|"
    r"risposta automatica|autosvar|自动回[复覆]|自動回[復覆]|自动答复|自動答覆|自動返信|"
    r"자동 ?회신)"
    r"\s{0,3}[:：]"
)
_ANSWER = re.compile(r"(?i)^\W{0,4}(?:re|aw|sv|回复|答复|回覆)\s*[:：]")
_SOMEBODY = re.compile(r"(?i)^.{2,60}\bis (?:currently )?out of (?:the )?office\b")
# What only a machine says at the beginning of a mail; one alone is no proof.
_WORDS = re.compile(
    r"(?i)this is an? (?:auto(?:matic|mated|matically generated)?|automated) (?:reply|response|"
    r"message|e-?mail)|automatically generated (?:reply|response)|"
    r"(?:currently|am|be) out of (?:the |my )?office|on (?:annual |sick |maternity |"
    r"parental )?leave (?:until|from|and)|"
    r"(?:limited|no) access to (?:my )?e-?mail|(?:will|shall) (?:reply|respond|be back|"
    r"return)[^.\n]{0,40}(?:when i|upon my|on my) return|thank you for (?:your|"
    r"contacting)[^.\n]{0,60}(?:received|automat)|"
    r"这是一封自动回复|此为自动回复|系统自动回复|系统自动发送|這是一封自動回[覆復]|"
    r"系統自動回[覆復]|自动回复邮件|"
    r"(?:目前|现在|我正|本人|正在|我在)[^。\n]{0,16}(?:休假|出差|外出|不在办公室|休产假|年假)|"
    r"自動返信|自動配信|abwesend|absent du bureau"
)
_SENDER = re.compile(
    r"(?i)^(?:no-?reply|do-?not-?reply|noreply\w*|auto-?(?:reply|responder|answer)\w*|"
    r"vacation)[@+-]"
)


@dataclass(frozen=True, slots=True)
class Automated:
    """Who wrote a mail, if not a person, and what tells; and if it may be answered by machine.

    `generated` is true for a machine's own message, which answers nothing.
    """

    auto: Auto
    sign: str
    answerable: bool
    generated: bool = False


def judge_automated(
    headers: Headers, *, subject: str, text: str, sender: str, own: frozenset[str]
) -> Automated:
    """Judges a mail that is no report of delivery (RFC 3834 and what came before it).

    Args:
        headers: of the mail.
        subject: decoded.
        text: the body; its beginning is looked at where the headers leave doubt.
        sender: the address of From, in lower case.
        own: our addresses, in lower case: what comes from them is our own.
    """
    if sign := _own_sign(headers, sender, own):
        return Automated(Auto.OWN, sign, answerable=False)
    if sign := _reply_sign(headers, subject, text):
        own_message = headers.word("auto-submitted") in ("auto-generated", "auto-notified")
        return Automated(Auto.AUTO_REPLY, sign, answerable=False, generated=own_message)
    if sign := _list_sign(headers):
        return Automated(Auto.LIST, sign, answerable=False)
    return Automated(Auto.NONE, "", answerable=_may_answer(headers, sender))


def _own_sign(headers: Headers, sender: str, own: frozenset[str]) -> str:
    if OWN_HEADER in headers:
        return OWN_HEADER
    return f"from {sender}" if sender and sender in own else ""


def _reply_sign(headers: Headers, subject: str, text: str) -> str:
    submitted = headers.word("auto-submitted")
    if headers.word("x-apple-action") == "vacation":
        return "x-apple-action"
    if submitted not in ("", "no"):
        return f"auto-submitted: {submitted}"
    for name in _VENDOR:
        if headers.word(name) not in ("", "no", "false"):
            return name
    precedence = headers.word("precedence")
    if precedence in ("auto_reply", "auto-reply", "autoreply"):
        return f"precedence: {precedence}"
    if headers.text("x-precedence").lower().startswith("auto"):
        return "x-precedence"
    if "oof" in headers.text("x-ms-exchange-inbox-rules-loop").lower():
        return "x-ms-exchange-inbox-rules-loop"
    if re.search(
        r"(?i)\bIPM\.Note\.Rules\.OofTemplate|autoresponder",
        headers.text("content-class")
        + headers.text("x-post-messageclass")
        + headers.text("x-ms-exchange-messageclass"),
    ):
        return "message class"
    if (
        headers.text("x-ms-exchange-generated-message-source")
        .lower()
        .startswith("mailbox rules agent")
    ):
        return "x-ms-exchange-generated-message-source"
    answers = bool(headers.raw("in-reply-to") or headers.raw("references"))
    bulk = precedence in ("bulk", "junk") or headers.text("return-path").strip() == "<>"
    machine = bulk or "x-auto-response-suppress" in headers
    if _says_so(subject, answers=answers, machine=machine):
        return "subject"
    if submitted == "no":
        return ""
    if (answers or bulk) and "list-id" not in headers and _WORDS.search(text[:600]):
        return "words" if bulk or len(text) < 1200 else ""
    return ""


def _says_so(subject: str, *, answers: bool, machine: bool) -> bool:
    """Whether the subject announces an automatic answer.

    The name of such answers before the subject that they answer does; other words prove nothing
    alone: people write of holidays too, and answer what was such an answer.
    """
    if _SURE.search(subject):
        return True
    if not (_SUBJECT.search(subject) or _SOMEBODY.search(subject)):
        return False
    return machine or (answers and not _ANSWER.search(subject))


def _list_sign(headers: Headers) -> str:
    for name in ("list-id", "list-post", "list-unsubscribe", "x-mailing-list", "x-campaign-id",
                 "feedback-id", "x-mailman-version", "mailing-list"):  # fmt: skip
        if name in headers:
            return name
    precedence = headers.word("precedence")
    return f"precedence: {precedence}" if precedence in ("list", "bulk", "junk") else ""


def _may_answer(headers: Headers, sender: str) -> bool:
    """Whether nothing forbids an automatic answer to what a person wrote."""
    suppressed = headers.text("x-auto-response-suppress").lower()
    if any(word in suppressed for word in ("all", "oof", "autoreply")):
        return False
    if headers.text("return-path").strip() == "<>":
        return False
    return bool(sender) and not _SENDER.match(sender)
