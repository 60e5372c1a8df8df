"""Domain values as the API's JSON: pure builders, one for each object of `answers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from channels.letters import Party
from gateway.domain.conversation import Contact, Conversation, Message
from gateway.domain.failures import explain_failure
from gateway.domain.hours import tell_hours
from gateway.domain.inbox import Inbox
from gateway.domain.letters import HELD, Participation
from gateway.domain.people import Agent, Team
from gateway.domain.records import AuditEntry, CannedResponse, DeadLetter, Handle
from gateway.domain.ticket import Ticket
from gateway.domain.trail import TrailEntry
from gateway.ports.conversations import ConversationRow

Json = dict[str, Any]
ArticleTitle = Callable[[str, str], str | None]
PREFIX = "/api/v1"
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
# What only letters have of a message's details; it is told apart.
_LETTER_DETAILS = frozenset(
    {
        "html",
        "letter",
        "subject",
        "automatic",
        "doubt",
        "author",
        "participants",
        "facts",
        "aside",
        "decision",
        "forwards",
    }
)
# What only the system needs of a message's details.
_INTERNAL_DETAILS = frozenset({"raw", *_LETTER_DETAILS})


def when(milliseconds: int) -> str:
    """ISO 8601, UTC, with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def when_or_none(milliseconds: int | None) -> str | None:
    """As `when`, for what may not have happened."""
    return None if milliseconds is None else when(milliseconds)


def reference(key: str | None, name: str) -> Json | None:
    """Something by name; None where there is nothing."""
    return None if key is None else {"id": key, "name": name}


def row_json(row: ConversationRow) -> Json:
    """A conversation in a list."""
    conversation = row.conversation
    return {
        "id": conversation.id,
        "inbox": {
            "id": conversation.inbox_id,
            "name": row.inbox_name,
            "kind": row.inbox_kind,
        },
        "contact": {"id": conversation.contact_id, "name": row.contact_name},
        "controller": conversation.controller.value,
        "status": conversation.status.value,
        "agent": reference(conversation.agent_id, row.agent_name),
        "team": reference(conversation.team_id, row.team_name),
        "ticket": _ticket_reference(row),
        "language": conversation.language,
        "subject": conversation.subject,
        "preview": conversation.preview,
        "unread": conversation.unread,
        "waiting_since": when_or_none(conversation.waiting_since),
        "last_message_at": when(conversation.last_message_at),
        "last_seq": conversation.last_seq,
        "version": conversation.version,
        "created_at": when(conversation.created_at),
    }


def _ticket_reference(row: ConversationRow) -> Json | None:
    if row.conversation.ticket_id is None:
        return None
    return {
        "id": row.conversation.ticket_id,
        "number": row.ticket_number,
        "severity": row.severity,
        "state": row.ticket_state,
        "kind": row.ticket_kind,
    }


def conversation_json(
    row: ConversationRow, contact: Json, participants: Sequence[Participation]
) -> Json:
    """A conversation with its customer."""
    return {
        **row_json(row),
        "contact": contact,
        "handle": row.conversation.handle,
        "thread": row.conversation.thread,
        "participants": [
            {"address": one.address, "name": one.name, "part": one.part.value}
            for one in participants
        ],
    }


def message_json(
    message: Message,
    trail: Sequence[TrailEntry],
    row: ConversationRow,
    article_title: ArticleTitle,
) -> Json:
    """One entry of a conversation; a customer's message carries the contact's name."""
    is_customers = message.author_id == row.conversation.contact_id
    failure = explain_failure(message.failure) if message.failure else None
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "seq": message.seq,
        "kind": message.kind.value,
        "state": message.state.value,
        "author": reference(
            message.author_id, row.contact_name if is_customers else message.author_name
        ),
        "text": message.text,
        "payload": message.payload,
        "choices": [{"title": c.title, "payload": c.payload} for c in message.choices],
        "attachments": attachments_json(message),
        "article": _article(message.article, row.conversation.language, article_title),
        "failure": message.failure,
        "failure_words": None if failure is None else failure.by_language(),
        "created_at": when(message.created_at),
        "sent_at": when_or_none(message.sent_at),
        "details": {k: v for k, v in message.details.items() if k not in _INTERNAL_DETAILS},
        "letter": letter_json(message),
        "trail": [hop_json(entry) for entry in trail],
    }


def party_json(party: Party) -> Json:
    """Somebody with an address."""
    return {"address": party.address, "name": party.name}


def letter_json(message: Message) -> Json | None:
    """The letter; None for a message of a chat."""
    details = message.details
    if _LETTER_DETAILS.isdisjoint(details):
        return None
    chosen: Mapping[str, Any] = details.get("letter", {})
    came: Sequence[Mapping[str, Any]] = details.get("participants", ())
    facts: Mapping[str, str] = details.get("facts", {})
    aside = details.get("aside")
    base = f"{PREFIX}/messages/{message.id}"
    return {
        "subject": chosen.get("subject") or details.get("subject", ""),
        "author": _party(details["author"]) if "author" in details else None,
        "to": _parties(chosen.get("to", _of_role(came, "to"))),
        "cc": _parties(chosen.get("cc", _of_role(came, "cc"))),
        "bcc": _parties(chosen.get("bcc", ())),
        "automatic": details.get("automatic", ""),
        "aside": aside,
        "held": aside in HELD and "decision" not in details,
        "decision": _decision(details.get("decision")),
        "third": bool(chosen.get("third")) or aside == "third",
        "forwards": details.get("forwards"),
        "facts": dict(facts),
        "html": chosen.get("html", ""),
        "html_url": f"{base}/html" if "html" in details else None,
        "remote_images": facts.get("remote_images") == "yes",
        "raw_url": f"{base}/raw" if "raw" in details else None,
    }


def _of_role(came: Sequence[Mapping[str, Any]], role: str) -> list[Mapping[str, Any]]:
    return [one for one in came if one["role"] == role]


def _parties(people: Sequence[Mapping[str, Any]]) -> list[Json]:
    return [_party(one) for one in people]


def _party(person: Mapping[str, Any]) -> Json:
    return {"address": person["address"], "name": person.get("name", "")}


def _decision(made: Mapping[str, Any] | None) -> Json | None:
    if made is None:
        return None
    return {
        "verdict": made["verdict"],
        "by": made["by"],
        "at": when(made["at"]),
        "reason": made["reason"],
    }


def attachments_json(message: Message) -> list[Json]:
    """A message's files, with the addresses under which the console fetches them."""
    return [
        {
            "index": index,
            "name": item.name,
            "mime": item.mime,
            "size": item.size,
            "width": item.width,
            "height": item.height,
            "url": f"{PREFIX}/attachments/{message.id}/{index}",
            "thumbnail_url": (
                f"{PREFIX}/attachments/{message.id}/{index}?thumbnail=1"
                if item.thumbnail
                else None
            ),
        }
        for index, item in enumerate(message.attachments)
    ]


def _article(slug: str | None, language: str, article_title: ArticleTitle) -> Json | None:
    if slug is None:
        return None
    title = article_title(slug, language) or slug
    titles = {tag: article_title(slug, tag) or title for tag in LANGUAGES}
    return {"slug": slug, "title": title, "titles": titles}


def hop_json(entry: TrailEntry) -> Json:
    """A step on a message's way."""
    return {
        "hop": entry.hop.value,
        "outcome": entry.outcome.value,
        "reason": entry.reason,
        "ms": entry.ms,
        "at": when(entry.at),
    }


def ticket_json(ticket: Ticket, names: Mapping[str, str]) -> Json:
    """A ticket; `names` gives those of its contact, team and agent by id."""
    return {
        "id": ticket.id,
        "number": ticket.number,
        "conversation_id": ticket.conversation_id,
        "contact": {"id": ticket.contact_id, "name": names.get(ticket.contact_id, "")},
        "team": reference(ticket.team_id, names.get(ticket.team_id or "", "")),
        "agent": reference(ticket.agent_id, names.get(ticket.agent_id or "", "")),
        "kind": ticket.kind.value,
        "severity": ticket.severity.value,
        "state": ticket.state.value,
        "subject": ticket.subject,
        "summary": ticket.summary,
        "card": dict(ticket.card) or None,
        "reason": ticket.reason,
        "created_at": when(ticket.created_at),
        "updated_at": when(ticket.updated_at),
        "solved_at": when_or_none(ticket.solved_at),
        "closed_at": when_or_none(ticket.closed_at),
    }


def contact_json(
    contact: Contact,
    handles: Sequence[Handle],
    inbox_names: Mapping[str, str],
    conversations: Sequence[Conversation],
    tickets: Sequence[Json],
) -> Json:
    """A contact with history; `tickets` are built already."""
    numbers = {ticket["id"]: ticket["number"] for ticket in tickets}
    return {
        "id": contact.id,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "company": contact.company,
        "language": contact.language,
        "attributes": dict(contact.attributes),
        "verified": contact.verified,
        "key": contact.key,
        "created_at": when(contact.created_at),
        "handles": [
            {
                "inbox_id": handle.inbox_id,
                "inbox_name": inbox_names.get(handle.inbox_id, ""),
                "value": handle.value,
            }
            for handle in handles
        ],
        "conversations": [
            {
                "id": c.id,
                "preview": c.preview,
                "status": c.status.value,
                "controller": c.controller.value,
                "last_message_at": when(c.last_message_at),
                "ticket_number": numbers.get(c.ticket_id),
            }
            for c in conversations
        ],
        "tickets": list(tickets),
    }


def agent_json(agent: Agent, *, present: bool) -> Json:
    """A member of staff."""
    return {
        "id": agent.id,
        "email": agent.email,
        "name": agent.name,
        "role": agent.role.value,
        "active": agent.active,
        "language": agent.language,
        "availability": agent.availability.value,
        "must_change_password": agent.must_change_password,
        "team_ids": list(agent.team_ids),
        "created_at": when(agent.created_at),
        "present": present,
    }


def team_json(team: Team) -> Json:
    """A team."""
    return {"id": team.id, "name": team.name, "hours": tell_hours(team.hours)}


def inbox_json(inbox: Inbox, limits: Json, *, with_settings: bool) -> Json:
    """A configured channel; its settings are only for those who configure."""
    return {
        "id": inbox.id,
        "kind": inbox.kind,
        "name": inbox.name,
        "language": inbox.language,
        "team_id": inbox.team_id,
        "bot": inbox.bot,
        "enabled": inbox.enabled,
        "recogniser": inbox.recogniser.value,
        "mail_inbox_id": inbox.mail_inbox_id,
        "settings": dict(inbox.settings) if with_settings else {},
        "secrets_set": sorted(inbox.secrets) if with_settings else [],
        "limits": limits,
        "created_at": when(inbox.created_at),
    }


def canned_json(canned: CannedResponse) -> Json:
    """A canned response."""
    return {
        "id": canned.id,
        "shortcut": canned.shortcut,
        "title": canned.title,
        "text": canned.text,
        "language": canned.language,
        "team_id": canned.team_id,
        "updated_at": when(canned.updated_at),
    }


def audit_json(
    number: int, entry: AuditEntry, names: Mapping[str, str], concerns: Mapping[str, str]
) -> Json:
    """A row of the audit."""
    is_ticket = entry.object_type == "ticket"
    return {
        "id": number,
        "at": when(entry.at),
        "actor": {"id": entry.actor_id, "name": names.get(entry.actor_id, entry.actor_id)},
        "action": entry.action,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "ticket_id": entry.object_id if is_ticket else concerns.get(entry.object_id),
        "before": dict(entry.before),
        "after": dict(entry.after),
    }


def dead_letter_json(letter: DeadLetter, preview: str) -> Json:
    """An inbound message that could not be handled."""
    return {
        "id": letter.id,
        "key": letter.key.replace("\x1f", " / ").strip(" /"),
        "reason": letter.reason,
        "attempts": letter.attempts,
        "died_at": when(letter.died_at),
        "preview": preview,
    }
