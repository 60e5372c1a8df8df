"""Customers."""

from __future__ import annotations

from gateway.domain.people import Right
from gateway.http import answers, inputs
from gateway.http.call import Call
from gateway.http.loading import load_contact
from gateway.http.registry import Endpoint
from gateway.http.serial import Json
from gateway.ports.store import UnitOfWork
from gateway.services import contacts


async def read_contact(call: Call) -> Json:
    """A customer with the history that the agent may see."""
    return await call.read(lambda uow: load_contact(uow, call.agent, call.path("id")))


async def change_contact(call: Call) -> Json:
    """Corrects a customer's data."""
    changes = call.changes()

    def work(uow: UnitOfWork) -> Json:
        contact = contacts.change(uow, call.agent, call.path("id"), changes, now=call.now)
        return load_contact(uow, call.agent, contact.id)

    return await call.write(work)


_TAG = "Contacts"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/contacts/{id}",
        handler=read_contact,
        tag=_TAG,
        summary="A customer with handles, conversations and tickets",
        answer=answers.Contact,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="PATCH",
        path="/contacts/{id}",
        handler=change_contact,
        tag=_TAG,
        summary="Correct a customer's data",
        body=inputs.ContactChange,
        answer=answers.Contact,
        right=Right.WORK,
    ),
)
