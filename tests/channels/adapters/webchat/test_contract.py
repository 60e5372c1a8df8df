"""Web chat holds what every channel holds."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from typing_extensions import override

from channels.adapters.webchat import CHANNEL
from channels.adapters.webchat.tokens import Visitor, sign_visitor
from channels.contract import ChannelKind
from channels.errors import PermanentDeliveryError
from channels.testing import (
    INBOX,
    Bench,
    MemorySigner,
    WebhookContractTests,
    WireRequest,
    make_outbound,
    request_over_wire,
    serve,
)

VISITOR = Visitor(inbox_id=INBOX, handle="v:contract")


class TestWebChatContract(WebhookContractTests):
    kind = "webchat"
    _signer = MemorySigner()

    @pytest.fixture
    @override
    def bench(self) -> Bench:
        bench = Bench()
        self._signer = bench.signer
        return bench

    @override
    def settings(self) -> Mapping[str, Any]:
        return {"identity_secret": "a secret of sixteen characters"}

    @override
    def wire(self, *, text: str, external_id: str) -> WireRequest:
        return self._post({"client_msg_id": f"contract-{external_id}", "text": text})

    @override
    def forged(self) -> Sequence[WireRequest]:
        other = MemorySigner()
        now = Bench().now()
        tokens = (
            "",
            "nonsense",
            sign_visitor(other, VISITOR, now)[0],
            sign_visitor(self._signer, VISITOR, now - 31 * 86_400_000)[0],
            self._signer.sign("something.else", "[]", expires_at=now + 1000),
        )
        return [self._post({"client_msg_id": "contract-1", "text": "x"}, t) for t in tokens]

    @override
    def malformed(self) -> Sequence[tuple[WireRequest, str]]:
        fine = {"client_msg_id": "contract-1", "text": "hi"}
        return [
            (self._post(b"{"), "JSON"),
            (self._post(b"\xff\xfe"), "JSON"),
            (self._post([]), "object"),
            (self._post({"text": "hi"}), "client_msg_id"),
            (self._post({**fine, "text": 5}), "text"),
            (self._post({**fine, "text": "x" * 4001}), "4000"),
            (self._post({**fine, "attachments": ["forged"]}), "attachments"),
        ]

    async def test_nothing_is_ever_sent_out(self) -> None:
        channel = Bench().build(CHANNEL, self.settings())
        with pytest.raises(PermanentDeliveryError):
            await channel.send(make_outbound())

    def _post(self, body: Any, token: str | None = None) -> WireRequest:
        if token is None:
            token, _ = sign_visitor(self._signer, VISITOR, Bench().now())
        return WireRequest(
            path="/web/v1/messages",
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}"},
        )

    @override
    async def test_unknown_inboxes_are_refused(self, channel_kind: ChannelKind[Any]) -> None:
        """503: a session may be in order though no inbox is there, so it is not given up."""
        async with serve(channel_kind) as address:
            answer = await request_over_wire(address, self.wire(text="hi", external_id="m-1"))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
