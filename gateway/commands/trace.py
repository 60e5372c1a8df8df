"""`yingda trace`: what happened to a message, hop by hop."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from datetime import UTC, datetime
from typing import Any

from gateway.domain.conversation import Message
from gateway.domain.errors import NotFoundError
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.settings import Settings
from gateway.wiring.data_dir import StartError
from gateway.wiring.storage import open_storage

NEWEST = 20


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints the trail; 1 when there is no such message."""

    async def go() -> list[dict[str, Any]]:
        store = open_storage(settings).store
        try:
            return await store.read(lambda uow: find(uow, arguments.message))
        finally:
            await store.close()

    try:
        found = asyncio.run(go())
    except NotFoundError:
        print(f"yingda: there is no message or conversation {arguments.message}", file=sys.stderr)
        return 1
    except (StoreUnavailableError, StartError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        for message in found:
            _print(message)
    return 0


def find(uow: UnitOfWork, wanted: str) -> list[dict[str, Any]]:
    """The trails of a message, or of a conversation's newest messages.

    Raises:
        NotFoundError: there is neither.
    """
    message = uow.messages.by_ids([wanted]).get(wanted)
    if message is not None:
        return [_facts(uow, message)]
    conversation = uow.conversations.get(wanted)
    return [_facts(uow, m) for m in uow.messages.page(conversation.id, limit=NEWEST)]


def _facts(uow: UnitOfWork, message: Message) -> dict[str, Any]:
    turn = uow.turns.of_message(message.id)
    return {
        "id": message.id,
        "conversation": message.conversation_id,
        "seq": message.seq,
        "kind": message.kind.value,
        "state": message.state.value,
        "failure": message.failure,
        "at": _time(message.created_at),
        "turn": dataclasses.asdict(turn) if turn else None,
        "trail": [
            {**dataclasses.asdict(entry), "at": _time(entry.at)}
            for entry in uow.trail.of_message(message.id)
        ],
    }


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _print(message: dict[str, Any]) -> None:
    print(
        f"{message['id']}  {message['kind']}  #{message['seq']}  {message['state']}"
        f"  conversation {message['conversation']}"
    )
    for entry in message["trail"]:
        reason = f"  {entry['reason']}" if entry["reason"] else ""
        print(
            f"  {entry['at']}  {entry['hop']:<10} {entry['outcome']:<8} {entry['ms']} ms{reason}"
        )
    turn = message["turn"]
    if turn:
        print(
            f"  bot: {turn['decision']} {turn['reason']}  intent {turn['intent']} "
            f"({turn['confidence']:.2f})  article {turn['article'] or '-'}"
            f"  catalogue {turn['catalogue_version']}"
        )
