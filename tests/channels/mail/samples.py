"""Mails in the shapes that programs and servers send, written for the tests."""

from __future__ import annotations

import base64
import quopri


def mail(body: bytes | str = b"", **headers: str) -> bytes:
    """A mail of the given headers (`_` stands for `-`) and body."""
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    raw = body.encode() if isinstance(body, str) else body
    return "".join(lines).encode() + b"\r\n" + raw


def multipart(kind: str, *parts: bytes, boundary: str = "b1", **headers: str) -> bytes:
    """A multipart of parts, each with its own headers."""
    joined = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    headers = {**headers, "Content_Type": f"multipart/{kind}; boundary={boundary}"}
    return mail(joined + f"--{boundary}--\r\n".encode(), **headers)


def text(body: str, charset: str = "utf-8", kind: str = "plain", codec: str = "") -> bytes:
    """A text part, in base64."""
    return mail(
        base64.encodebytes(body.encode(codec or charset)),
        Content_Type=f"text/{kind}; charset={charset}",
        Content_Transfer_Encoding="base64",
    )


def page(body: str) -> bytes:
    """An HTML part, in quoted-printable."""
    return mail(
        quopri.encodestring(body.encode()),
        Content_Type="text/html; charset=utf-8",
        Content_Transfer_Encoding="quoted-printable",
    )


def file(name: str, content: bytes, kind: str = "application/octet-stream", **more: str) -> bytes:
    """An attachment; the name is put as it is."""
    return mail(
        base64.encodebytes(content),
        Content_Type=kind,
        Content_Disposition=f'attachment; filename="{name}"',
        Content_Transfer_Encoding="base64",
        **more,
    )


RETURNED = mail(
    "订单什么时候到？",
    From="desk@shop.example",
    To="wang@nowhere.example",
    Subject="Re: order",
    Message_ID="<m7.c42@shop.example>",
)


def report(
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <wang@nowhere.example>: user unknown",
    action: str = "failed",
) -> bytes:
    """A report of delivery after RFC 3464."""
    fields = (
        "Reporting-MTA: dns; mx.shop.example\r\n\r\n"
        "Final-Recipient: rfc822; wang@nowhere.example\r\n"
        f"Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: {diagnostic}\r\n"
    )
    return multipart(
        "report; report-type=delivery-status",
        text("This is the mail system at host mx.shop.example."),
        mail(fields, Content_Type="message/delivery-status"),
        mail(RETURNED, Content_Type="message/rfc822"),
        From="Mail Delivery System <MAILER-DAEMON@mx.shop.example>",
        To="desk@shop.example",
        Subject="Undelivered Mail Returned to Sender",
        Auto_Submitted="auto-replied",
    )
