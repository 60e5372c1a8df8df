"""A mail's own pictures within its HTML."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from channels.mail import pictures
from channels.mail.parsing import parse_email
from channels.mail.pictures import html_with_pictures

PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"


def mail(markup: str, *, kind: str = "png", cid: str = "<logo@x>") -> bytes:
    """A mail with that HTML and one related picture."""
    made = EmailMessage()
    made["From"] = "a@example.com"
    made["Subject"] = "s"
    made.set_content("text")
    made.add_alternative(markup, subtype="html")
    made.get_payload()[1].add_related(PNG, "image", kind, cid=cid)  # type: ignore[union-attr,index]
    return made.as_bytes()


def test_a_picture_of_the_mail_needs_nothing_else() -> None:
    shown = html_with_pictures(parse_email(mail('<p>x<img src="cid:logo@x" alt="l"></p>')))
    assert 'src="data:image/png;base64,iVBORw0KGgpub3Q' in shown
    assert "cid:" not in shown


@pytest.mark.parametrize(
    ("markup", "kind"),
    [
        ('<img src="cid:other@x">', "png"),
        ('<img src="cid:logo@x">', "svg+xml"),
    ],
    ids=["unknown", "svg"],
)
def test_what_is_no_picture_of_the_mail_leads_nowhere(markup: str, kind: str) -> None:
    shown = html_with_pictures(parse_email(mail(markup, kind=kind)))
    assert "data:" not in shown


def test_pictures_beyond_the_bound_stay_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", len(PNG))
    markup = '<img src="cid:logo@x"><img src="cid:logo@x">'
    shown = html_with_pictures(parse_email(mail(markup)))
    assert (shown.count("data:image/png"), shown.count("cid:")) == (1, 1)
