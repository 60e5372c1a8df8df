"""Reports that a mail was not delivered: RFC 3464, and what servers wrote before and beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.mail.body import Body
from channels.mail.charsets import decode
from channels.mail.headers import Headers, read_headers
from channels.mail.model import Bounce, Limits
from channels.mail.parts import Part
from channels.mail.quote_words import EMAIL
from channels.mail.reasons import judge_reason
from channels.mail.subjects import is_forward
from channels.mail.transfer import decoded_body

_DAEMON = re.compile(
    r"(?i)^(?:mailer-?daemon|mail-?daemon|post[._-]?master|mail-?deliver\w*|bounce\w*|mdaemon|"
    r"mail\.?admin|no-?reply-?bounce|mailsystem|mail_?system)(?:[@+=-]|$)"
)
_DAEMON_NAME = re.compile(
    r"(?i)mail(?:er)?[- ]?(?:delivery|daemon|system|administrator)|delivery (?:sub)?system|"
    r"postmaster|mail deliver|系统退信|邮件系统|退信|郵件系統|mail router|non-?delivery"
)
_SUBJECT = re.compile(
    r"(?i)undeliver(?:ed|able)|delivery (?:status )?(?:notification|report|failure|problem|error|"
    r"has failed)|"
    r"delivery status notification|failure (?:notice|notification|delivery)|returned (?:mail|"
    r"to sender|message)|"
    r"return(?:ed|ing)? (?:mail|e-?mail|message)|mail (?:delivery|system|could not)\b|(?:non-?|"
    r"un)deliver|"
    r"delivery (?:notification|failed|failure)|mail failure|message (?:not delivered|"
    r"status - undeliverable|could not be|delivery)|"
    r"could not (?:be )?(?:deliver|send)|(?:not|never) (?:be )?delivered|mail error|bounce|"
    r"nondeliverable|"
    r"unzustellbar|zustellung|non remis|échec de|no entregado|no se (?:ha )?(?:pudo|podido)|"
    r"mancata consegna|"
    r"退信|退回|未送达|未送達|无法投递|無法投遞|投递失败|投遞失敗|无法送达|無法傳遞|无法送達|"
    r"发送失败|傳送失敗|"
    r"配信(?:不能|エラー)|メールエラー|エラー通知|送信(?:エラー|できません)|недоставлен|"
    r"не доставлен|error sending|dsn|ndr"
)
_BODY = re.compile(
    r"(?i)(?:could|can|was|were|has|have)(?: ?not|n'?t)(?: yet)? (?:be |been )?(?:deliver|"
    r"sen[dt]|reach|complet|process)|"
    r"delivery (?:to the following|has failed|failed|attempt|of (?:your|the)|status)|undeliver|"
    r"permanent (?:fatal )?(?:error|failure)|fatal errors|transcript of session|"
    r"failed (?:to deliver|addresses|recipient)|"
    r"unable to (?:deliver|send)|did(?: not|n'?t) reach|returned to (?:you|sender)|"
    r"message (?:returned|rejected|bounced)|"
    r"following (?:addresses|recipients?|errors?|destination)|mailbox (?:full|unavailable)|"
    r"user unknown|"
    r"<<<? ?[45]\d\d|>>> ?(?:RCPT|DATA|MAIL)|\b5\d\d[ -]5\.\d\.\d|"
    r"退信|无法(?:投递|送达|发送)|無法(?:投遞|送達|傳遞)|投递失败|投遞失敗|发送失败|未能(?:送达|"
    r"投递)|被退回|"
    r"not deliver|no such|rejected|配信"
)
_STATUS = re.compile(r"(?<![\d.])([245]\.[0-7]\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45]\d\d)(?=[ -])")
_DIAGNOSTIC = re.compile(
    r"(?im)^[^\n]{0,200}(?<![\w.])(?:[45]\d\d[ -]|\(?#?[45]\.\d\.\d{1,3}\b)[^\n]{0,300}|"
    r"^\s*<<<[^\n]{0,300}|^[^\n]{0,40}(?:reason|error|diagnostic|原因)[^\n]{0,20}[:：][^\n]{0,300}"
)
_RETURNED = re.compile(
    r"(?im)^(?:[^\n]{0,60}(?:original (?:message|mail|headers?)|copy of (?:your|the|"
    r"this) (?:message|mail)|"
    r"message (?:headers?|follows|text|content)|returned message|the message (?:header|you sent)|"
    r"unsent message|原邮件|原始邮件|原信)"
    r"[^\n]{0,60}|(?:return-path|received|message-id):[^\n]*)$"
)
_RETURNED_TYPES = ("message/rfc822", "text/rfc822-headers", "message/global-headers")
_NO_MEMBER = re.compile(r"(?i)not (?:a )?member of this|not allowed to post|only members")
_MESSAGE_ID = re.compile(r"(?im)^[> \t]{0,10}message-id:\s*<([^<>\s]{1,900})>")
_TO = re.compile(r"(?im)^[> \t]{0,10}to:[ \t]*([^\n]{1,300})")
_FIELD_ADDRESS = re.compile(r"(?i)^\s*(?:[a-z0-9-]{1,20}\s*;)?\s*(.*)$", re.S)


@dataclass(frozen=True, slots=True)
class BounceSources:
    """What a report is read from."""

    headers: Headers
    root: Part
    body: Body
    sender: str
    sender_name: str
    subject: str


def read_bounce(sources: BounceSources, limits: Limits) -> Bounce | None:
    """Reads a report of delivery; None when the mail is none."""
    parts = list(sources.root.walk())
    report = next((p for p in parts if p.type.endswith("delivery-status")), None)
    returned = _returned_headers(parts, limits)
    text = sources.body.text
    if report is not None:
        return _from_report(report, returned, text, limits)
    failed = sources.headers.text("x-failed-recipients")
    if not failed and not _looks_returned(sources, returned is not None):
        return None
    return _from_words(sources, text, failed, returned)


def is_daemon(email: str, name: str) -> bool:
    """Whether a mail server wrote a mail itself."""
    return bool(_DAEMON.match(email)) or bool(name and _DAEMON_NAME.search(name))


def _looks_returned(sources: BounceSources, has_original: bool) -> bool:
    """Whether a mail without a machine-readable report is one nevertheless: two signs of four."""
    headers = sources.headers
    kind, parameters = headers.parameters("content-type")
    if "feedback-report" in parameters.get("report-type", ""):
        return False
    text = sources.body.text[:20_000]
    daemon = is_daemon(sources.sender, sources.sender_name)
    null = headers.text("return-path").strip() == "<>" or not sources.sender
    subject = bool(_SUBJECT.search(sources.subject)) and not is_forward(sources.subject)
    words = bool(_BODY.search(f"{sources.subject}\n{text}"))
    quoted = has_original or bool(_MESSAGE_ID.search(text)) or bool(_RETURNED.search(text))
    report = kind == "multipart/report" and "disposition" not in parameters.get("report-type", "")
    if daemon or report:
        return (subject or words) and (words or quoted or report)
    if null:
        return subject and words
    if "x-mlserver" in headers and _NO_MEMBER.search(text):
        return True
    coded = bool(_STATUS.search(text) or _REPLY.search(text))
    return subject and words and (has_original or (quoted and coded))


def _returned_headers(parts: list[Part], limits: Limits) -> Headers | None:
    """The headers of the mail that came back."""
    for part in parts[1:]:
        named = part.filename.lower().endswith(".eml")
        if named or part.type in _RETURNED_TYPES:
            raw = decoded_body(part)
            return read_headers(raw, 0, len(raw), limits, [])[0]
    return None


def _from_report(report: Part, returned: Headers | None, text: str, limits: Limits) -> Bounce:
    """Reads the fields of RFC 3464; the first recipient that failed counts."""
    groups = _groups(decode(decoded_body(report))[0], limits)
    chosen: dict[str, str] = {}
    for group in groups:
        told = {"final-recipient", "original-recipient", "action"} & group.keys()
        if told and (not chosen or _action(chosen) != "failed" == _action(group)):
            chosen = group
    recipient = _address_of(chosen.get("final-recipient", "")) or _address_of(
        chosen.get("original-recipient", "")
    )
    original = _address_of(chosen.get("original-recipient", ""))
    if original and "@" in original and (not recipient or "@" not in recipient):
        recipient = original
    diagnostic = _FIELD_ADDRESS.sub(r"\1", chosen.get("diagnostic-code", "")).strip()
    status = _specific_status(chosen.get("status", ""), diagnostic)
    said = f"{diagnostic}\n{chosen.get('x-display-name', '')}" if diagnostic else ""
    about = text if not diagnostic or len(diagnostic) < 8 else ""
    return Bounce(
        recipient=recipient,
        action=_action(chosen),
        status=status,
        diagnostic=diagnostic[:1000] or _diagnostic(text),
        reason=judge_reason(said, status, about or text),
        original_id=_original_id(returned, text),
        original_to=returned.text("to")[:500] if returned else "",
    )


def _groups(text: str, limits: Limits) -> list[dict[str, str]]:
    """The groups of fields of a report, by name in lower case."""
    groups: list[dict[str, str]] = [{}]
    name = ""
    for line in text[: limits.headers].splitlines():
        if not line.strip():
            if groups[-1] and len(groups) < 200:
                groups.append({})
            name = ""
        elif line[0] in " \t" and name:
            groups[-1][name] = f"{groups[-1][name]} {line.strip()}"[:4000]
        else:
            field, colon, value = line.partition(":")
            name = field.strip().lower() if colon else ""
            if name and name not in groups[-1]:
                groups[-1][name] = value.strip()
            elif name:
                name = ""
    return groups


def _action(group: dict[str, str]) -> str:
    action = re.split(r"[\s;(]", group.get("action", "").lower().strip(), maxsplit=1)[0]
    if action in ("failed", "delayed", "delivered", "relayed", "expanded"):
        return action
    return {"2": "delivered", "4": "delayed"}.get(group.get("status", "")[:1], "failed")


def _address_of(field: str) -> str:
    found = _FIELD_ADDRESS.match(field)
    value = (found[1] if found else "").strip().strip("<>")
    address = EMAIL.search(value)
    return address[0] if address else value.split(" ")[0]


def _specific_status(declared: str, diagnostic: str) -> str:
    """The code that says most: `5.0.0` is replaced by what the server said."""
    own = _STATUS.search(declared)
    said = _STATUS.search(diagnostic)
    if said and (own is None or own[1].endswith(".0.0")):
        return said[1]
    return own[1] if own else ""


def _from_words(
    sources: BounceSources, text: str, failed: str, returned: Headers | None
) -> Bounce:
    """Reads a report that was written for people."""
    cut = _RETURNED.search(text)
    own = text[: cut.start()] if cut and cut.start() > 40 else text[:4000]
    recipient = (EMAIL.search(failed) or _recipient(own, sources) or [""])[0]
    if not recipient and returned is not None:
        address = EMAIL.search(returned.text("to"))
        recipient = address[0] if address else ""
    if not recipient and (found := _TO.search(text)):
        address = EMAIL.search(found[1])
        recipient = address[0] if address else ""
    diagnostic = _diagnostic(own) or _diagnostic(text)
    status = _STATUS.search(diagnostic) or _STATUS.search(own)
    delayed = bool(
        re.search(r"(?i)delay|warning|will (?:be )?(?:retr|continue)|still being", sources.subject)
    )
    to = returned.text("to") if returned else ""
    return Bounce(
        recipient=recipient.strip("<>.,;:'\""),
        action="delayed" if delayed else "failed",
        status=status[1] if status else "",
        diagnostic=diagnostic[:1000],
        reason=judge_reason(diagnostic, status[1] if status else "", own),
        original_id=_original_id(returned, text),
        original_to=to[:500],
    )


def _recipient(text: str, sources: BounceSources) -> re.Match[str] | None:
    """The first address in the report that is neither the reporter's nor the one it reports to."""
    ours = sources.headers.text("to").lower()
    candidates = [
        found
        for found in EMAIL.finditer(text[:10_000])
        if not is_daemon(found[0], "") and found[0].lower() != sources.sender
    ]
    foreign = [found for found in candidates if found[0].lower() not in ours]
    return next(iter(foreign or candidates), None)


def _diagnostic(text: str) -> str:
    """The line of a report in which the server speaks, and the one after it."""
    found = _DIAGNOSTIC.search(text[:20_000])
    if found is None:
        return ""
    rest = text[found.end() :].split("\n", 3)[1:2]
    following = rest[0].strip() if rest and not rest[0].startswith((">>>", "---")) else ""
    return f"{found[0].strip()} {following}".strip()


def _original_id(returned: Headers | None, text: str) -> str:
    if returned is not None and (ids := returned.ids("message-id")):
        return ids[0]
    found = _MESSAGE_ID.search(text)
    return found[1] if found else ""
