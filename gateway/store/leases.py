"""What may run once only."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, or_, update

from gateway.store.rows import insert_into, select_by
from gateway.store.session import Session, Statement
from gateway.store.tables import leases

_TAKE = Statement(
    update(leases)
    .where(
        leases.c.name == bindparam("lease"),
        or_(leases.c.holder == bindparam("holder_"), leases.c.until <= bindparam("now")),
    )
    .values(holder=bindparam("new_holder"), until=bindparam("new_until")),
    "new_holder",
    "new_until",
    "lease",
    "holder_",
    "now",
)
_FIND = select_by(leases, ("holder",), "name")
_INSERT = insert_into(leases, ("name", "holder", "until"))
_RELEASE = Statement(
    delete(leases).where(
        leases.c.name == bindparam("lease"), leases.c.holder == bindparam("holder_")
    ),
    "lease",
    "holder_",
)


class SqlLeases:
    """`gateway.ports.store.Leases`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, name: str, holder: str, *, now: int, until: int) -> bool:
        """Takes or extends the lease; false when another holds it.

        Of two processes that take a new lease at once one is turned away by the key, runs
        again and finds it held.
        """
        if self._session.run(_TAKE, (holder, until, name, holder, now)):
            return True
        if self._session.row(_FIND, (name,)) is not None:
            return False
        self._session.run(_INSERT, (name, holder, until))
        return True

    def release(self, name: str, holder: str) -> None:
        """Gives it up."""
        self._session.run(_RELEASE, (name, holder))
