"""Letters: begun, forwarded, held for a decision, shown as they came."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.conversation import Message
from gateway.domain.errors import InvalidInputError, NotFoundError
from gateway.domain.people import Right
from gateway.http import answers, inputs, letter_answers, letter_inputs
from gateway.http.attachments_api import read_uploads
from gateway.http.call import Call
from gateway.http.letter_pages import raw_headers, show_html
from gateway.http.loading import load_conversation, load_messages
from gateway.http.registry import Endpoint
from gateway.http.serial import Json, party_json
from gateway.ports.store import UnitOfWork
from gateway.services import holds, outreach
from gateway.services.access import get_conversation, get_message
from gateway.services.letters import ticket_number, usual_recipients, with_number
from gateway.services.outreach import Forward
from gateway.services.replies import Draft
from gateway.services.rich_text import plain_text


async def begin_conversation(call: Call) -> web.Response:
    """Writes to a customer first."""
    body = call.body(letter_inputs.NewConversationInput)
    choice = body.letter.made()
    draft = Draft(
        text=body.text.strip() or plain_text(choice.html),
        attachments=read_uploads(call, body.attachments),
        letter=choice,
    )
    if not draft.text and not draft.attachments:
        raise InvalidInputError("Write something or attach a file.", field="/text")

    def work(uow: UnitOfWork) -> Json:
        message = outreach.begin(
            uow,
            call.agent,
            body.inbox_id,
            draft,
            capabilities_of=call.parts.capabilities_of,
            now=call.now,
            new_id=call.new_id,
        )
        return load_conversation(uow, call.agent, message.conversation_id)

    return await call.create(work)


async def read_letter_draft(call: Call) -> Json:
    """What an answer carries unless its writer chooses otherwise."""

    def work(uow: UnitOfWork) -> Json:
        conversation = get_conversation(uow, call.agent, call.path("id"))
        usual = usual_recipients(uow, conversation)
        subject = with_number(conversation.subject, ticket_number(uow, conversation))
        return {
            "subject": subject,
            "to": [party_json(one) for one in usual.to],
            "cc": [party_json(one) for one in usual.cc],
        }

    return await call.read(work)


async def forward_message(call: Call) -> web.Response:
    """Sends a message on to a third party."""
    body = call.body(letter_inputs.ForwardInput)
    wish = Forward(
        to=tuple(one.made() for one in body.to),
        cc=tuple(one.made() for one in body.cc),
        text=body.text.strip(),
        with_files=body.with_files,
        attachments=read_uploads(call, body.attachments),
    )

    def work(uow: UnitOfWork) -> Json:
        message = outreach.forward(
            uow,
            call.agent,
            call.path("id"),
            wish,
            capabilities_of=call.parts.capabilities_of,
            now=call.now,
            new_id=call.new_id,
        )
        return _shown(call, uow, message)

    return await call.create(work)


def _shown(call: Call, uow: UnitOfWork, message: Message) -> Json:
    return load_messages(uow, [message], call.parts.article_title)[0]


async def let_author_join(call: Call) -> Json:
    """A stranger takes part from now on."""
    return await call.write(
        lambda uow: _shown(
            call,
            uow,
            holds.let_join(uow, call.agent, call.path("id"), now=call.now, new_id=call.new_id),
        )
    )


async def separate_message(call: Call) -> Json:
    """A stranger's message becomes a conversation of its own."""

    def work(uow: UnitOfWork) -> Json:
        started = holds.separate(
            uow, call.agent, call.path("id"), now=call.now, new_id=call.new_id
        )
        return load_conversation(uow, call.agent, started.id)

    return await call.write(work)


async def release_message(call: Call) -> Json:
    """A doubtful message counts as the customer's word."""
    return await call.write(
        lambda uow: _shown(
            call,
            uow,
            holds.release(uow, call.agent, call.path("id"), now=call.now, new_id=call.new_id),
        )
    )


async def discard_message(call: Call) -> Json:
    """A held message counts for nothing."""
    reason = call.body(letter_inputs.DiscardInput).reason
    return await call.write(
        lambda uow: _shown(
            call, uow, holds.discard(uow, call.agent, call.path("id"), reason, now=call.now)
        )
    )


async def restore_message(call: Call) -> Json:
    """Holds a discarded message again."""
    return await call.write(
        lambda uow: _shown(
            call, uow, holds.restore(uow, call.agent, call.path("id"), now=call.now)
        )
    )


async def read_raw_letter(call: Call) -> web.Response:
    """The letter as it came, to be stored, never shown by a browser."""
    message, content = await _blob(call, "raw")
    return web.Response(body=content, headers=raw_headers(message.id))


async def read_letter_html(call: Call) -> web.Response:
    """The safe rich text of what came, for a frame."""
    message, markup = await _blob(call, "html")
    images = call.query(letter_inputs.HtmlQuery).images
    raw = message.details.get("raw")
    return await show_html(call.parts.blobs, markup.decode(errors="replace"), raw, images=images)


async def _blob(call: Call, name: str) -> tuple[Message, bytes]:
    message, _ = await call.read(lambda uow: get_message(uow, call.agent, call.path("id")))
    blob = message.details.get(name)
    if blob is None:
        raise NotFoundError("This message has nothing of that kind.")
    try:
        return message, await call.parts.blobs.get(blob)
    except KeyError as error:
        raise NotFoundError("Its content is no longer there.") from error


_TAG = "Letters"
_HELD = ("already_claimed", "conflict")

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/conversations",
        handler=begin_conversation,
        tag=_TAG,
        summary="Write to a customer first; the conversation is yours",
        body=letter_inputs.NewConversationInput,
        answer=answers.Conversation,
        status=201,
        right=Right.WORK,
        errors=("not_found",),
        creates=True,
    ),
    Endpoint(
        method="GET",
        path="/conversations/{id}/letter",
        handler=read_letter_draft,
        tag=_TAG,
        summary="Subject and recipients that an answer has unless you choose others",
        answer=letter_answers.LetterDraft,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/forward",
        handler=forward_message,
        tag=_TAG,
        summary="Send a message on to a third party; the answer comes back as a note",
        body=letter_inputs.ForwardInput,
        answer=answers.Message,
        status=201,
        right=Right.WORK,
        creates=True,
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/join",
        handler=let_author_join,
        tag=_TAG,
        summary="Let a stranger take part; the message counts as the customer's word",
        body=inputs.Empty,
        answer=answers.Message,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/separate",
        handler=separate_message,
        tag=_TAG,
        summary="Make a conversation of its own of a stranger's message; answers that one",
        body=inputs.Empty,
        answer=answers.Conversation,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/release",
        handler=release_message,
        tag=_TAG,
        summary="Let a doubtful message count as the customer's word",
        body=inputs.Empty,
        answer=answers.Message,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/discard",
        handler=discard_message,
        tag=_TAG,
        summary="Let a held message count for nothing, with the reason",
        body=letter_inputs.DiscardInput,
        answer=answers.Message,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/restore",
        handler=restore_message,
        tag=_TAG,
        summary="Hold a discarded message again",
        body=inputs.Empty,
        answer=answers.Message,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="GET",
        path="/messages/{id}/raw",
        handler=read_raw_letter,
        tag=_TAG,
        summary="The letter as it came, as a file",
        binary=True,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="GET",
        path="/messages/{id}/html",
        handler=read_letter_html,
        tag=_TAG,
        summary="The safe rich text of a letter, for a frame; images=1 loads pictures",
        query=letter_inputs.HtmlQuery,
        binary=True,
        right=Right.SEE_TEAM,
    ),
)
