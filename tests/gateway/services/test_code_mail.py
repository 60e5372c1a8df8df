"""The code mail: in the customer's language, by the first e-mail inbox, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from typing_extensions import override

from channels.contract import (
    Channel,
    DeliveryReceipt,
    InboxConfig,
    MessageKind,
    OutboundMessage,
)
from channels.errors import TransientDeliveryError
from channels.testing import Bench
from gateway.services.code_mail import ChannelCodeMail
from gateway.wiring.ids import clock, new_id
from intents.model import Language


class Mailbox(Channel[None]):
    sent: list[OutboundMessage]
    down = False

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        if self.down:
            raise TransientDeliveryError("down")
        self.sent.append(message)
        return DeliveryReceipt()


@pytest.fixture
def mailbox() -> Mailbox:
    inbox: InboxConfig[None] = InboxConfig(id="mail", name="M", language="en", settings=None)
    made = Mailbox(inbox, Bench().context)
    made.sent = []
    return made


def code_mail(channel: Channel[Any] | None) -> ChannelCodeMail:
    return ChannelCodeMail(lambda: channel, clock, new_id)


@pytest.mark.parametrize("language", list(Language))
async def test_the_code_goes_to_the_address(mailbox: Mailbox, language: Language) -> None:
    assert await code_mail(mailbox).send_code("wang@qingchuan.example", "271828", language)
    (sent,) = mailbox.sent
    assert "271828" in sent.message.text
    assert sent.message.kind is MessageKind.BOT
    assert sent.letter is not None
    assert [one.address for one in sent.letter.to] == ["wang@qingchuan.example"]
    assert "271828" not in sent.letter.subject


async def test_each_language_has_its_words(mailbox: Mailbox) -> None:
    for language in Language:
        await code_mail(mailbox).send_code("a@b.example", "1", language)
    assert len({sent.message.text for sent in mailbox.sent}) == len(Language)


async def test_without_a_mailbox_nothing_is_promised(mailbox: Mailbox) -> None:
    assert not await code_mail(None).send_code("a@b.example", "1", Language.EN)
    mailbox.down = True
    assert not await code_mail(mailbox).send_code("a@b.example", "1", Language.EN)
