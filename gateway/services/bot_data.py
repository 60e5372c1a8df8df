"""What the bot's actions may read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.ports.store import Store, UnitOfWork


class StoreActionContext:
    """Implements `bot.contract.ActionContext` over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find_ticket(self, *, conversation_id: str, number: str) -> Mapping[str, str] | None:
        """The ticket with that number, if it is the same contact's."""
        digits = "".join(c for c in number if c.isascii() and c.isdigit())
        if not digits or len(digits) > 12:
            return None

        def work(uow: UnitOfWork) -> Mapping[str, str] | None:
            ticket = uow.tickets.by_number(int(digits))
            if ticket is None:
                return None
            if uow.conversations.get(conversation_id).contact_id != ticket.contact_id:
                return None
            updated = datetime.fromtimestamp(ticket.updated_at / 1000, UTC)
            return {
                "number": str(ticket.number),
                "status": ticket.state.value,
                "subject": ticket.subject,
                "updated_at": updated.isoformat(timespec="seconds"),
            }

        return await self._store.read(work)
