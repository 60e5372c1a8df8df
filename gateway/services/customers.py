"""What the bot is told of customers (H6.1)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from bot.contract import Customer
from gateway.ports.store import UnitOfWork

MOST: Final = 20_000
"""Customers that are remembered; who was read longest ago goes first."""


def customers_of(uow: UnitOfWork, contact_ids: Sequence[str]) -> dict[str, Customer]:
    """The bot's view of these contacts, by id."""
    return {
        contact_id: Customer(
            name=known.name,
            verified=known.verified,
            key=known.key,
            tickets=known.tickets,
            open_tickets=tuple(str(number) for number in known.open_tickets),
        )
        for contact_id, known in uow.contacts.customers(contact_ids).items()
    }


class CustomerMemory:
    """Customers as they were read last, until they change; by contact id.

    News of a change may come while a customer is being read: then what was read is not kept.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Customer] = OrderedDict()
        self._changes = 0
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._cleared = 0

    def mark(self) -> int:
        """The present moment; take it before customers are read."""
        return self._changes

    def get(self, contact_id: str) -> Customer | None:
        """The customer, if known and unchanged."""
        return self._kept.get(contact_id)

    def keep(self, contact_id: str, customer: Customer, mark: int) -> None:
        """Remembers what was read after `mark`, unless the customer changed since."""
        if max(self._cleared, self._changed.get(contact_id, 0)) > mark:
            return
        self._kept[contact_id] = customer
        self._kept.move_to_end(contact_id)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def forget(self, contact_id: str) -> None:
        """Something of the customer changed."""
        self._kept.pop(contact_id, None)
        self._changes += 1
        self._changed[contact_id] = self._changes
        self._changed.move_to_end(contact_id)
        while len(self._changed) > MOST:
            # Whose change is forgotten counts as changed with everybody.
            self._cleared = self._changed.popitem(last=False)[1]

    def clear(self) -> None:
        """Perhaps something changed of anybody."""
        self._kept.clear()
        self._changed.clear()
        self._changes += 1
        self._cleared = self._changes
