"""`yingda mail parse|evaluate`: why a mail looks as it does, and how well mails are read."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from channels.mail.evaluation import Score, score_mails, score_replies
from channels.mail.model import Address, Bounce, ParsedEmail
from channels.mail.parsing import parse_email
from channels.mail.reasons import reason_text
from gateway.settings import Settings

_MAILS, _REPLIES = "expected.jsonl", "replies.jsonl"
_SHOWN = 160  # characters of a wrong field


def parse(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints how a mail is read."""
    del settings
    try:
        raw = (
            sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
        )
    except OSError as error:
        print(f"yingda: {arguments.file}: {error.strerror}", file=sys.stderr)
        return 1
    if not raw.strip():
        print(
            f"yingda: {arguments.file} is empty; name a file that holds a mail with its headers",
            file=sys.stderr,
        )
        return 1
    mail = parse_email(raw)
    if arguments.json:
        print(json.dumps(describe(mail), ensure_ascii=False))
    else:
        print("\n".join(_written(mail)))
    return 0


def describe(mail: ParsedEmail) -> dict[str, Any]:
    """A mail as JSON; addresses and ids as in JMAP (RFC 8621), bytes only by their hash."""
    return {
        "from": _address(mail.sender) if mail.sender else None,
        "to": [_address(each) for each in mail.to],
        "cc": [_address(each) for each in mail.cc],
        "subject": mail.subject,
        "date": mail.date or None,
        "message_id": mail.message_id or None,
        "references": list(mail.references),
        "text": mail.text,
        "reply": mail.reply,
        "html_safe": mail.html_safe,
        "attachments": [
            {"name": each.name, "type": each.type, "size": each.size, "sha256": each.sha256}
            for each in mail.attachments
        ],
        "charset_notes": list(mail.charset_notes),
        "auto": mail.auto.value,
        "bounce": _bounce(mail.bounce) if mail.bounce else None,
        "auto_sign": mail.auto_sign,
        "base_subject": mail.base_subject,
        "complaint": mail.complaint,
        "forwarded_from": _address(mail.forwarded.sender) if mail.forwarded else None,
        "generated": mail.generated,
        "in_reply_to": mail.in_reply_to or None,
        "list_id": mail.list_id or None,
        "notes": list(mail.notes),
        "protection": mail.protection or None,
        "remote_images": mail.remote_images,
        "reply_to": [_address(each) for each in mail.reply_to],
        "spam": mail.spam,
        "spam_score": mail.spam_score,
    }


def _address(address: Address) -> dict[str, str]:
    return {"name": address.name, "email": address.email}


def _bounce(bounce: Bounce) -> dict[str, Any]:
    return {
        "recipient": bounce.recipient,
        "action": bounce.action,
        "status": bounce.status,
        "reason": bounce.reason.value,
        "hard": bounce.hard,
        "diagnostic": bounce.diagnostic,
        "original_message_id": bounce.original_id or None,
        "explanation": {
            language: reason_text(bounce.reason, language)
            for language in ("zh-Hans", "zh-Hant", "en")
        },
    }


def _written(mail: ParsedEmail) -> Iterator[str]:
    """The lines for people."""
    named: list[tuple[str, object]] = [
        ("from", mail.sender or ""),
        ("reply to", ", ".join(map(str, mail.reply_to))),
        ("to", ", ".join(map(str, mail.to))),
        ("cc", ", ".join(map(str, mail.cc))),
        ("subject", mail.subject),
        ("date", mail.date),
        ("message id", mail.message_id),
        ("answers", mail.in_reply_to),
        ("thread", " ".join(mail.references)),
        ("written by", f"{mail.auto} ({mail.auto_sign})" if mail.auto_sign else ""),
        ("forwarded from", mail.forwarded.sender if mail.forwarded else ""),
        ("protection", mail.protection),
        ("remote images", "blocked" if mail.remote_images else ""),
    ]
    if mail.bounce is not None:
        bounce = mail.bounce
        kind = "hard" if bounce.hard else "soft"
        named += [
            ("report", f"{bounce.action} {bounce.status} for {bounce.recipient}"),
            ("reason", f"{reason_text(bounce.reason, 'en')} ({bounce.reason}, {kind})"),
            ("server said", bounce.diagnostic),
            ("concerns", bounce.original_id),
        ]
    named += [("charset", note) for note in mail.charset_notes]
    named += [("note", note) for note in mail.notes]
    for each in mail.attachments:
        file = f"{each.name or '(no name)'}, {each.type}, {each.size} bytes, sha256 {each.sha256}"
        named.append(("attachment", file))
    yield from (f"{name + ':':<16}{value}" for name, value in named if str(value))
    yield f"\n--- reply ---\n{mail.reply}"
    if mail.quoted:
        yield f"\n--- whole text ---\n{mail.text}"


def evaluate(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints how well a folder of mails with known readings is read."""
    del settings
    folder = Path(arguments.data)
    if not (folder / _MAILS).exists() and (folder / "emails").is_dir():
        folder /= "emails"
    try:
        mails = score_mails(
            (row["id"], (folder / row["file"]).read_bytes(), row["expect"])
            for row in _rows(folder / _MAILS)
        )
        replies = score_replies((row["id"], row["text"], row) for row in _rows(folder / _REPLIES))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(
            f"yingda: {folder}: {type(error).__name__}: {error}; {_MAILS} needs id, file and "
            f"expect on each line, {_REPLIES} id, text and reply",
            file=sys.stderr,
        )
        return 1
    if not mails.total and not replies.total:
        print(f"yingda: {folder} holds neither {_MAILS} nor {_REPLIES}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(_figures(mails, replies), ensure_ascii=False))
    else:
        _print_scores(mails, replies)
    return 0


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def _figures(mails: Score, replies: Score) -> dict[str, Any]:
    return {
        "fields": {
            name: {"right": right, "total": total}
            for score in (mails, replies)
            for name, (right, total) in score.shares().items()
        },
        "p50_ms": round(mails.percentile(0.5), 3),
        "p99_ms": round(mails.percentile(0.99), 3),
        "not_compared": sorted(mails.unknown),
        "wrong": [
            {"id": w.case, "field": w.field, "expected": w.expected, "found": w.found}
            for score in (mails, replies)
            for w in score.wrong
        ],
    }


def _print_scores(mails: Score, replies: Score) -> None:
    for score in (mails, replies):
        for name, (right, total) in score.shares().items():
            print(f"{name:<20}{right:>5} of {total:<5}{right / total:>7.1%}")
    print(f"{'time of a mail':<20}p50 {mails.percentile(0.5):.2f} ms, "
          f"p99 {mails.percentile(0.99):.2f} ms")  # fmt: skip
    for score in (mails, replies):
        for wrong in score.wrong:
            print(f"\nwrong: {wrong.case} {wrong.field}")
            print(f"  expected {_short(wrong.expected)}\n  found    {_short(wrong.found)}")


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
