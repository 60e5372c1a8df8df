"""How fast mails are read: on mails made here, or on a folder of your own."""

from __future__ import annotations

import base64
import quopri
import time
from pathlib import Path
from typing import Any

from channels.mail.parsing import parse_email

_ROUNDS = 5
_SAID = "您好，订单 {} 还没有收到，系统里一直显示运输中，麻烦帮忙查询一下，谢谢！\n"
_EARLIER = "您好，包裹已经交给快递公司，预计三天之内送达。如有问题请随时回复此邮件。\n"


def made_mails() -> list[bytes]:
    """Answers as people send them: plain and HTML, short and with a long history, with a file."""
    mails = []
    for number in range(100):
        said = _SAID.format(number) * (1 + number % 3)
        history = [_EARLIER] * (1 + number % 40)
        mails.append([_plain, _both, _with_file][number % 3](number, said, history))
    return mails


def _headers(number: int, kind: str) -> bytes:
    name = base64.b64encode("王芳".encode("gb18030")).decode()
    subject = base64.b64encode(f"回复：订单 {number}".encode()).decode()
    return (
        f"From: =?gb18030?B?{name}?= <wang{number}@shop.example>\r\nTo: desk@shop.example\r\n"
        f"Subject: =?utf-8?B?{subject}?=\r\nMessage-ID: <a{number}@shop.example>\r\n"
        "Date: Mon, 06 May 2024 10:21:33 +0800\r\nIn-Reply-To: <m1@desk.example>\r\n"
        f"References: <m0@desk.example> <m1@desk.example>\r\nContent-Type: {kind}\r\n"
    ).encode()


def _quoted(history: list[str]) -> str:
    return "在 2024-05-05 10:21:33，客服 <desk@shop.example> 写道：\n" + "".join(
        f"> {line}" for line in history
    )


def _plain(number: int, said: str, history: list[str]) -> bytes:
    body = base64.encodebytes(f"{said}\n\n{_quoted(history)}".encode("gb18030"))
    kind = "text/plain; charset=gb2312\r\nContent-Transfer-Encoding: base64"
    return _headers(number, kind) + b"\r\n" + body


def _both(number: int, said: str, history: list[str]) -> bytes:
    page = (
        f"<html><head><style>p{{margin:0}}</style></head><body><div>{said}</div>"
        '<div class="gmail_quote"><div class="gmail_attr">客服 &lt;desk@shop.example&gt; '
        '于2024年5月5日周日 10:21写道：</div><blockquote class="gmail_quote">'
        + "".join(f'<p style="color:#333">{line}<br></p>' for line in history)
        + "</blockquote></div></body></html>"
    )
    return (
        _headers(number, "multipart/alternative; boundary=b")
        + b"\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + f"{said}\n{_quoted(history)}".encode()
        + b"\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n"
        + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + quopri.encodestring(page.encode())
        + b"\r\n--b--\r\n"
    )


def _with_file(number: int, said: str, history: list[str]) -> bytes:
    file = base64.encodebytes(bytes(range(256)) * 200)
    return (
        _headers(number, "multipart/mixed; boundary=m")
        + b"\r\n--m\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + f"{said}\n{_quoted(history)}".encode()
        + b"\r\n--m\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        + b"Content-Disposition: attachment; filename*=UTF-8''%E5%9B%BE.png\r\n\r\n"
        + file
        + b"\r\n--m--\r\n"
    )


def bench_mails(folder: Path | None) -> dict[str, Any]:
    """Milliseconds for one mail; each is read a few times and its best time counts."""
    if folder is None:
        mails = made_mails()
    else:
        mails = [path.read_bytes() for path in sorted(folder.rglob("*.eml"))]
    spent = sorted(_fastest(raw) for raw in mails)
    return {
        "name": "mail parse",
        "mails": len(spent),
        "mean_kb": round(sum(map(len, mails)) / max(1, len(mails)) / 1000, 1),
        "p50_ms": round(_at(spent, 0.5), 2),
        "p99_ms": round(_at(spent, 0.99), 2),
        "max_ms": round(_at(spent, 1.0), 2),
    }


def _fastest(raw: bytes) -> float:
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        parse_email(raw)
        times.append(time.perf_counter() - started)
    return min(times) * 1000


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
