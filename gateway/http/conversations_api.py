"""Conversations: lists, messages, and what agents do with them."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway.domain.conversation import Conversation
from gateway.domain.errors import InvalidInputError
from gateway.domain.people import Right
from gateway.http import answers, inputs, letter_inputs
from gateway.http.attachments_api import read_uploads
from gateway.http.call import Call
from gateway.http.cursors import read_cursor, write_cursor
from gateway.http.loading import compose_messages, load_conversation, load_messages
from gateway.http.marking import find_marks
from gateway.http.registry import Endpoint
from gateway.http.serial import Json, hop_json, row_json
from gateway.http.typing_signals import tell_typing
from gateway.ports.store import UnitOfWork
from gateway.services import assignment, conversations, holds, reading, replies
from gateway.services.access import get_conversation
from gateway.services.replies import Draft
from gateway.services.rich_text import plain_text

_LIST = "conversations"


async def list_conversations(call: Call) -> Json:
    """One page of a list, newest message first."""
    query = call.query(inputs.ConversationQuery)
    conditions = [call.agent.id, query.view, query.inbox_id, query.team_id, query.severity]
    before: tuple[int, str] | None = None
    if query.cursor is not None:
        at, key = read_cursor(call.parts.signer, _LIST, conditions, query.cursor, now=call.now)
        before = (at, key)
    rows = await call.read(
        lambda uow: reading.list_conversations(
            uow,
            call.agent,
            query.view,
            limit=query.limit + 1,
            before=before,
            inbox_id=query.inbox_id,
            team_id=query.team_id,
            severity=query.severity,
        )
    )
    shown = rows[: query.limit]
    cursor = None
    if len(rows) > query.limit:
        last = shown[-1].conversation
        position = (last.last_message_at, last.id)
        cursor = write_cursor(call.parts.signer, _LIST, conditions, position, now=call.now)
    return {"items": [row_json(row) for row in shown], "next_cursor": cursor}


async def count_conversations(call: Call) -> Json:
    """How many conversations each list holds, and messages wait for a decision."""

    def work(uow: UnitOfWork) -> Json:
        counts = reading.count_conversations(uow, call.agent)
        held = holds.count_held(uow, call.agent)
        return {**{view.value: count for view, count in counts.items()}, "held": held}

    return await call.read(work)


async def search_conversations(call: Call) -> Json:
    """Where the words stand."""
    query = call.query(inputs.SearchQuery)
    hits = await call.read(
        lambda uow: reading.search_conversations(uow, call.agent, query.q, query.limit)
    )
    return {
        "items": [
            {
                "conversation": row_json(hit.row),
                "message_id": hit.message_id,
                "snippet": hit.snippet,
                "snippet_marks": find_marks(hit.snippet, query.q),
                "name_marks": find_marks(hit.row.contact_name, query.q),
            }
            for hit in hits
        ]
    }


async def read_conversation(call: Call) -> Json:
    """A conversation with its customer."""

    def work(uow: UnitOfWork) -> Json:
        found = get_conversation(uow, call.agent, call.path("id"))
        return load_conversation(uow, call.agent, found.id)

    return await call.read(work)


async def list_messages(call: Call) -> Json:
    """Messages in order: after a `seq`, before one, or the newest."""
    query = call.query(inputs.MessageQuery)

    def work(uow: UnitOfWork) -> Json:
        page = reading.list_messages(
            uow,
            call.agent,
            call.path("id"),
            after=query.after,
            before=query.before,
            limit=query.limit,
        )
        rows = {page.row.conversation.id: page.row}
        items = compose_messages(uow, page.messages, rows, call.parts.article_title)
        return {"items": items, "has_more": page.has_more}

    return await call.read(work)


async def claim_conversation(call: Call) -> Json:
    """Takes a conversation."""
    body = call.body(inputs.ClaimInput)

    def work(uow: UnitOfWork) -> Conversation:
        return conversations.claim(
            uow,
            call.agent,
            call.path("id"),
            now=call.now,
            new_id=call.new_id,
            version=body.version,
            force=body.force,
        )

    return await _changed(call, work)


async def release_conversation(call: Call) -> Json:
    """Puts a conversation back into the queue."""
    return await _changed(
        call,
        lambda uow: conversations.release(
            uow, call.agent, call.path("id"), now=call.now, new_id=call.new_id
        ),
    )


async def hand_back_conversation(call: Call) -> Json:
    """Gives a conversation back to the bot."""
    return await _changed(
        call,
        lambda uow: conversations.hand_back(
            uow, call.agent, call.path("id"), now=call.now, new_id=call.new_id
        ),
    )


async def assign_conversation(call: Call) -> Json:
    """Passes a conversation on."""
    target = call.changes()
    return await _changed(
        call,
        lambda uow: assignment.assign(
            uow, call.agent, call.path("id"), target, now=call.now, new_id=call.new_id
        ),
    )


async def solve_conversation(call: Call) -> Json:
    """Finishes a conversation and its ticket."""
    return await _changed(
        call,
        lambda uow: conversations.solve(
            uow, call.agent, call.path("id"), now=call.now, new_id=call.new_id
        ),
    )


async def reopen_conversation(call: Call) -> Json:
    """Takes up a solved or pending conversation again."""
    return await _changed(
        call,
        lambda uow: conversations.reopen(
            uow, call.agent, call.path("id"), now=call.now, new_id=call.new_id
        ),
    )


async def _changed(call: Call, change: Callable[[UnitOfWork], Conversation]) -> Json:
    """The conversation after a change, read in the change's own transaction."""

    def work(uow: UnitOfWork) -> Json:
        return load_conversation(uow, call.agent, change(uow).id)

    return await call.write(work)


async def reply(call: Call) -> web.Response:
    """Answers the customer."""
    body = call.body(inputs.ReplyInput)
    letter = None if body.letter is None else body.letter.made()
    draft = Draft(
        text=body.text.strip() or plain_text(letter.html if letter else ""),
        attachments=read_uploads(call, body.attachments),
        expected_seq=body.expected_seq,
        letter=letter,
    )
    if not draft.text and not draft.attachments:
        raise InvalidInputError("Write something or attach a file.", field="/text")

    def work(uow: UnitOfWork) -> Json:
        message = replies.reply(
            uow,
            call.agent,
            call.path("id"),
            draft,
            capabilities_of=call.parts.capabilities_of,
            now=call.now,
            new_id=call.new_id,
        )
        return load_messages(uow, [message], call.parts.article_title)[0]

    return await call.create(work)


async def add_note(call: Call) -> web.Response:
    """Writes what only colleagues see."""
    text = call.body(inputs.NoteInput).text.strip()
    if not text:
        raise InvalidInputError("Write something.", field="/text")

    def work(uow: UnitOfWork) -> Json:
        message = replies.add_note(
            uow, call.agent, call.path("id"), text, now=call.now, new_id=call.new_id
        )
        return load_messages(uow, [message], call.parts.article_title)[0]

    return await call.create(work)


async def mark_read(call: Call) -> None:
    """Takes the unread mark off."""
    await call.write(lambda uow: conversations.mark_read(uow, call.agent, call.path("id")))


async def signal_typing(call: Call) -> None:
    """Tells colleagues, and whoever the agent answers, that the agent is typing."""
    found = await call.read(lambda uow: get_conversation(uow, call.agent, call.path("id")))
    tell_typing(call.parts.hub, found, call.agent)


async def resend_message(call: Call) -> Json:
    """Tries again to deliver a message that failed; a letter perhaps to other people."""
    to = tuple(one.made() for one in call.body(letter_inputs.ResendInput).to)

    def work(uow: UnitOfWork) -> Json:
        message = replies.resend(uow, call.agent, call.path("id"), to=to, now=call.now)
        return load_messages(uow, [message], call.parts.article_title)[0]

    return await call.write(work)


async def read_trail(call: Call) -> Json:
    """What happened to a message, hop by hop."""
    hops = await call.read(lambda uow: reading.read_trail(uow, call.agent, call.path("id")))
    return {"items": [hop_json(entry) for entry in hops]}


_TAG = "Conversations"
_HELD = ("already_claimed", "conflict")

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/conversations",
        handler=list_conversations,
        tag=_TAG,
        summary="A list of conversations, newest message first",
        query=inputs.ConversationQuery,
        answer=answers.ConversationPage,
        right=Right.SEE_TEAM,
        errors=("invalid_cursor",),
    ),
    Endpoint(
        method="GET",
        path="/conversations/counts",
        handler=count_conversations,
        tag=_TAG,
        summary="How many conversations each list holds, and messages wait for a decision",
        answer=answers.Counts,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="GET",
        path="/conversations/search",
        handler=search_conversations,
        tag=_TAG,
        summary="Find conversations by words, customer, subject or ticket number",
        query=inputs.SearchQuery,
        answer=answers.SearchResult,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="GET",
        path="/conversations/{id}",
        handler=read_conversation,
        tag=_TAG,
        summary="A conversation with its customer",
        answer=answers.Conversation,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="GET",
        path="/conversations/{id}/messages",
        handler=list_messages,
        tag=_TAG,
        summary="Messages after or before a seq; the newest ones when neither is given",
        query=inputs.MessageQuery,
        answer=answers.MessageList,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/claim",
        handler=claim_conversation,
        tag=_TAG,
        summary="Take a conversation; with force, from the agent who holds it",
        body=inputs.ClaimInput,
        answer=answers.Conversation,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/release",
        handler=release_conversation,
        tag=_TAG,
        summary="Put a conversation back into its team's queue",
        body=inputs.Empty,
        answer=answers.Conversation,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/hand-back",
        handler=hand_back_conversation,
        tag=_TAG,
        summary="Give a conversation back to the bot; its ticket is solved by that",
        body=inputs.Empty,
        answer=answers.Conversation,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/assign",
        handler=assign_conversation,
        tag=_TAG,
        summary="Pass a conversation to a team, to an agent or to nobody",
        body=inputs.AssignInput,
        answer=answers.Conversation,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/messages",
        handler=reply,
        tag=_TAG,
        summary="Answer the customer; answering what nobody holds takes it",
        body=inputs.ReplyInput,
        answer=answers.Message,
        status=201,
        right=Right.WORK,
        errors=_HELD,
        creates=True,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/notes",
        handler=add_note,
        tag=_TAG,
        summary="Write a private note",
        body=inputs.NoteInput,
        answer=answers.Message,
        status=201,
        right=Right.WORK,
        creates=True,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/read",
        handler=mark_read,
        tag=_TAG,
        summary="Take the unread mark off",
        body=inputs.Empty,
        status=204,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/typing",
        handler=signal_typing,
        tag=_TAG,
        summary="Tell colleagues, and the customer if you are in charge, that you type",
        body=inputs.Empty,
        status=204,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/solve",
        handler=solve_conversation,
        tag=_TAG,
        summary="Finish a conversation and its ticket",
        body=inputs.Empty,
        answer=answers.Conversation,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/conversations/{id}/reopen",
        handler=reopen_conversation,
        tag=_TAG,
        summary="Take up a solved or pending conversation again",
        body=inputs.Empty,
        answer=answers.Conversation,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="POST",
        path="/messages/{id}/resend",
        handler=resend_message,
        tag=_TAG,
        summary="Try again to deliver a failed message; a letter, to others if you name them",
        body=letter_inputs.ResendInput,
        answer=answers.Message,
        right=Right.WORK,
        errors=_HELD,
    ),
    Endpoint(
        method="GET",
        path="/messages/{id}/trail",
        handler=read_trail,
        tag=_TAG,
        summary="What happened to a message, hop by hop",
        answer=answers.TrailList,
        right=Right.SEE_TEAM,
    ),
)
