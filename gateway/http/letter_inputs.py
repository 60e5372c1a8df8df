"""What requests about letters may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from channels.letters import Party
from gateway.http.fields import Email, Id, Input, Line, Query, Text
from gateway.services.addressing import MOST_RECIPIENTS, LetterChoice
from gateway.services.rich_text import clean_html

HTML_LIMIT = 200_000
FILES_LIMIT = 10
"""The most files of one answer."""

Files = Annotated[
    list[Annotated[str, StringConstraints(max_length=2000)]],
    Field(max_length=FILES_LIMIT, default_factory=list),
]


class PartyInput(Input):
    """Somebody to write to."""

    address: Email
    name: Annotated[Line, StringConstraints(max_length=100)] = ""

    def made(self) -> Party:
        """The party."""
        return Party(address=self.address, name=self.name)


People = Annotated[list[PartyInput], Field(max_length=MOST_RECIPIENTS, default_factory=list)]
Html = Annotated[str, StringConstraints(max_length=HTML_LIMIT)]


class LetterInput(Input):
    """What a letter has beyond its text.

    Without `to` it goes to whoever gets it usually. `html` is made safe; the text is made of it.
    """

    subject: Line = ""
    to: Annotated[list[PartyInput], Field(max_length=MOST_RECIPIENTS)] | None = None
    cc: People
    bcc: People
    html: Html = ""

    def made(self) -> LetterChoice:
        """The choice, its markup clean."""
        return LetterChoice(
            subject=self.subject,
            to=None if self.to is None else tuple(one.made() for one in self.to),
            cc=tuple(one.made() for one in self.cc),
            bcc=tuple(one.made() for one in self.bcc),
            html=clean_html(self.html),
        )


class NewConversationInput(Input):
    """A letter to a customer who did not write; the first of `to` is the customer."""

    inbox_id: Id
    text: Text = ""
    attachments: Files
    letter: LetterInput


class ForwardInput(Input):
    """To whom a message goes on; `with_files` sends its files too."""

    to: People
    cc: People
    text: Text = ""
    with_files: bool = True
    attachments: Files


class ResendInput(Input):
    """To whom a letter goes now instead; nobody leaves it as it was."""

    to: People


class DiscardInput(Input):
    """Why a message is discarded."""

    reason: Annotated[Line, StringConstraints(min_length=1)]


class HtmlQuery(Query):
    """With `images`, pictures on the web are shown too: their servers learn that it was read."""

    images: bool = False


class SettingsTrial(Input):
    """Settings to try out; secrets that are not sent are those of the inbox, if it is named."""

    inbox_id: Id | None = None
    settings: Annotated[dict[Id, object], Field(max_length=100, default_factory=dict)]
    secrets: Annotated[dict[Id, str], Field(max_length=100, default_factory=dict)]


class CatchUpInput(Input):
    """Since when (ISO 8601 with a zone) what came is to be fetched again."""

    since: Annotated[AwareDatetime, Field(strict=False)]
