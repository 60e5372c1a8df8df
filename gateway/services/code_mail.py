"""The mail with the code that proves who a customer is, sent by the first e-mail inbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from channels.contract import Channel, MessageKind, MessageState, OutboundMessage, PublicMessage
from channels.errors import PermanentDeliveryError, TransientDeliveryError
from channels.letters import Letter, Party
from gateway.ports.clock import Clock, NewId
from intents.model import Language

log = logging.getLogger(__name__)

_SUBJECTS: Final[Mapping[Language, str]] = {
    Language.ZH_HANS: "您的验证码",
    Language.ZH_HANT: "您的驗證碼",
    Language.EN: "Your verification code",
}
_TEXTS: Final[Mapping[Language, str]] = {
    Language.ZH_HANS: "您的验证码是 {code}。请勿告诉他人。如果不是您本人操作，请忽略此邮件。",
    Language.ZH_HANT: "您的驗證碼是 {code}。請勿告訴他人。如果不是您本人操作，請忽略此郵件。",
    Language.EN: "Your verification code is {code}. Tell it to nobody. If you did not ask for it, "
    "ignore this mail.",
}


class ChannelCodeMail:
    """Implements `gateway.ports.code_mail.CodeMail`.

    Args:
        find: the channel that sends; None while there is no e-mail inbox.
        clock: ms since the epoch.
        new_id: gives ids.
    """

    def __init__(
        self, find: Callable[[], Channel[Any] | None], clock: Clock, new_id: NewId
    ) -> None:
        self._find = find
        self._clock = clock
        self._new_id = new_id

    async def send_code(self, address: str, code: str, language: Language) -> bool:
        """Sends it now; whether a mail server took it."""
        channel = self._find()
        if channel is None:
            return False
        message = PublicMessage(
            id=self._new_id(),
            conversation_id="",
            seq=0,
            kind=MessageKind.BOT,
            author="",
            text=_TEXTS[language].format(code=code),
            state=MessageState.PENDING,
            created_at=self._clock(),
        )
        letter = Letter(subject=_SUBJECTS[language], to=(Party(address=address),))
        outbound = OutboundMessage(
            inbox_id=channel.inbox.id,
            handle=address,
            thread="",
            message=message,
            attempt=1,
            letter=letter,
        )
        try:
            await channel.send(outbound)
        except (PermanentDeliveryError, TransientDeliveryError) as error:
            log.warning("a code was not mailed: %s", error, extra={"action": "code_mail_failed"})
            return False
        return True
