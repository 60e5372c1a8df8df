"""Inboxes: configured channels, whose settings their kind checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from channels.contract import ChannelKind
from channels.errors import SettingsError, Words
from channels.registry import parse_settings, settings_schema
from gateway.domain.errors import InvalidInputError
from gateway.domain.inbox import Inbox, RecogniserKind
from gateway.domain.people import Agent, Right
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.auditing import note

_PLACES = (
    "host",
    "port",
    "security",
    "certificates",
    "url",
    "tenant",
    "user",
    "username",
    "address",
)
"""How the names of settings end that say to whom a secret is shown."""

LoadKind = Callable[[str], ChannelKind[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInbox:
    """A channel that is to be configured."""

    kind: str
    name: str
    language: str
    team_id: str | None
    bot: bool
    enabled: bool
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    recogniser: RecogniserKind = RecogniserKind.BUILT_IN
    mail_inbox_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Settings that are to be tried out; missing secrets are those of the named inbox."""

    inbox_id: str | None
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]


def list_inboxes(uow: UnitOfWork, actor: Agent) -> list[Inbox]:
    """Every inbox; all of staff may know their names.

    Raises:
        NotAllowedError: the agent may not see conversations at all.
    """
    require(actor, Right.SEE_TEAM)
    return uow.inboxes.all()


def add_inbox(
    uow: UnitOfWork,
    actor: Agent,
    new: NewInbox,
    *,
    load_kind: LoadKind,
    recognisers: Collection[RecogniserKind],
    now: int,
    new_id: NewId,
) -> Inbox:
    """Configures a channel.

    Raises:
        NotAllowedError: the role does not permit it.
        InvalidInputError: no such kind or team, a setting is wrong, or the recogniser is none of
            `recognisers`; names the field.
    """
    require(actor, Right.CONFIGURE)
    inbox = Inbox(
        id=new_id(),
        kind=new.kind,
        name=new.name,
        settings=new.settings,
        secrets=new.secrets,
        language=new.language,
        team_id=new.team_id,
        bot=new.bot,
        enabled=new.enabled,
        created_at=now,
        recogniser=new.recogniser,
        mail_inbox_id=new.mail_inbox_id,
    )
    _check(uow, inbox, load_kind)
    _check_recogniser(inbox.recogniser, recognisers)
    uow.inboxes.add(inbox)
    note(uow, actor.id, "inbox.added", ("inbox", inbox.id), after=_shown(inbox), now=now)
    return inbox


def change_inbox(
    uow: UnitOfWork,
    actor: Agent,
    inbox_id: str,
    changes: Mapping[str, Any],
    *,
    load_kind: LoadKind,
    recognisers: Collection[RecogniserKind],
    now: int,
) -> Inbox:
    """Changes an inbox.

    Args:
        uow: the transaction.
        actor: who asks.
        inbox_id: which one.
        changes: any of `name`, `language`, `team_id`, `bot`, `enabled`, `recogniser`,
            `mail_inbox_id`, `settings` (those given replace those of the same name)
            and `secrets` (a text sets one, None removes it).
        load_kind: finds a channel kind by name.
        recognisers: those that can be reached.
        now: ms since the epoch.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: no such inbox.
        InvalidInputError: no such team, a setting is wrong, or the recogniser is none of
            `recognisers`; names the field.
    """
    require(actor, Right.CONFIGURE)
    before = uow.inboxes.get(inbox_id)
    plain = {k: v for k, v in changes.items() if k not in {"settings", "secrets"}}
    secrets = {**before.secrets, **changes.get("secrets", {})}
    after: Inbox = replace(
        before,
        **plain,
        settings={**before.settings, **changes.get("settings", {})},
        secrets={name: value for name, value in secrets.items() if value is not None},
    )
    if after == before:
        return before
    _check(uow, after, load_kind)
    if after.recogniser is not before.recogniser:
        _check_recogniser(after.recogniser, recognisers)
    uow.inboxes.update(after)
    note(
        uow,
        actor.id,
        "inbox.changed",
        ("inbox", inbox_id),
        before=_shown(before),
        after={**_shown(after), "secrets_changed": sorted(changes.get("secrets", {}))},
        now=now,
    )
    return after


def _check(uow: UnitOfWork, inbox: Inbox, load_kind: LoadKind) -> None:
    """The kind must exist, know every setting and accept the values; secrets stay apart."""
    if inbox.team_id is not None and inbox.team_id not in {t.id for t in uow.agents.teams()}:
        raise InvalidInputError("There is no such team.", field="/team_id")
    secret: frozenset[str] = frozenset()
    try:
        if inbox.mail_inbox_id is not None:
            _check_mail_inbox(uow, inbox, load_kind)
        kind = load_kind(inbox.kind)
        secret = frozenset(f["name"] for f in settings_schema(kind)["fields"] if f["secret"])
        _check_places(inbox, secret)
        parse_settings(kind, {**inbox.settings, **inbox.secrets})
    except SettingsError as error:
        raise InvalidInputError(
            error.message,
            field=_pointer(error.field, inbox, secret),
            words=error.words.by_language(),
        ) from error


def _check_mail_inbox(uow: UnitOfWork, inbox: Inbox, load_kind: LoadKind) -> None:
    """Chats go on by mail: from a chat's inbox to one that sends letters."""
    target = {found.id: found for found in uow.inboxes.all()}.get(inbox.mail_inbox_id or "")
    if target is None or not load_kind(target.kind).capabilities.letters:
        raise InvalidInputError("Choose an inbox that sends mail.", field="/mail_inbox_id")
    if not load_kind(inbox.kind).capabilities.mailbox:
        raise InvalidInputError(
            "Only chats whose visitors may leave go on by mail.", field="/mail_inbox_id"
        )


def parse_trial(
    uow: UnitOfWork,
    actor: Agent,
    kind_name: str,
    trial: Trial,
    *,
    load_kind: LoadKind,
) -> tuple[ChannelKind[Any], Any]:
    """The kind, and its settings to try out; they need not be those of any inbox.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: no such inbox.
        InvalidInputError: no such kind, it cannot be tried out, a setting is wrong, or a stored
            secret would go to another server or user; names the field.
    """
    require(actor, Right.CONFIGURE)
    inbox = None if trial.inbox_id is None else uow.inboxes.get(trial.inbox_id)
    own = inbox if inbox is not None and inbox.kind == kind_name else None
    stored = {} if own is None else own.secrets
    known = Inbox(
        id="",
        kind=kind_name,
        name="",
        settings=trial.settings,
        secrets={**stored, **trial.secrets},
        language="en",
        team_id=None,
        bot=False,
        enabled=False,
        created_at=0,
    )
    _check(uow, known, load_kind)
    kind = load_kind(kind_name)
    if own is not None:
        _check_same_places(kind, own, known, trial)
    if kind.test is None:
        raise InvalidInputError("Settings of this kind of channel cannot be tried out.")
    return kind, parse_settings(kind, {**known.settings, **known.secrets})


def _check_same_places(kind: ChannelKind[Any], inbox: Inbox, known: Inbox, trial: Trial) -> None:
    """A stored secret goes to the servers and users for which it was typed, and to no others."""
    borrowed = sorted(inbox.secrets.keys() - trial.secrets.keys())
    if borrowed and _places(kind, inbox) != _places(kind, known):
        words = Words(
            "Type it again: it is kept for another server or user.",
            "请重新输入：已保存的只用于原来的服务器和用户。",
            "請重新輸入：已儲存的只用於原來的伺服器和使用者。",
        )
        raise InvalidInputError(
            words.en, field=f"/secrets/{borrowed[0]}", words=words.by_language()
        )


def _places(kind: ChannelKind[Any], inbox: Inbox) -> Mapping[str, Any] | None:
    """To whom an inbox shows its secrets; None where its settings are out of date."""
    try:
        parsed = parse_settings(kind, {**inbox.settings, **inbox.secrets})
    except SettingsError:
        return None
    names = (field["name"] for field in settings_schema(kind)["fields"] if not field["secret"])
    return {name: getattr(parsed, name) for name in names if name.endswith(_PLACES)}


def _check_recogniser(wanted: RecogniserKind, known: Collection[RecogniserKind]) -> None:
    if wanted is not RecogniserKind.BUILT_IN and wanted not in known:
        variable = f"YINGDA_{wanted.value.upper()}_URL"
        words = Words(
            f"Its address is not set: set {variable} and start the server again, or choose the "
            "built-in one.",
            f"它的地址还没有设置：请设置 {variable} 并重新启动服务，或者选择内置的。",
            f"它的位址還沒有設定：請設定 {variable} 並重新啟動服務，或者選擇內建的。",
        )
        raise InvalidInputError(words.en, field="/recogniser", words=words.by_language())


def _check_places(inbox: Inbox, secret: frozenset[str]) -> None:
    """Secrets must come as secrets, or they would be stored and shown like the rest."""
    for name in inbox.settings:
        if name in secret:
            raise SettingsError(
                name,
                Words(
                    "is a secret; send it among the secrets",
                    "是密钥；请放在 secrets 中发送",
                    "是密鑰；請放在 secrets 中傳送",
                ),
            )
    for name in inbox.secrets:
        if name not in secret:
            raise SettingsError(
                name, Words("there is no such secret", "没有这个密钥", "沒有這個密鑰")
            )


def _pointer(field: str, inbox: Inbox, secret: frozenset[str]) -> str:
    if field == "kind":
        return "/kind"
    if field in inbox.settings:
        return f"/settings/{field}"
    return f"/{'secrets' if field in inbox.secrets or field in secret else 'settings'}/{field}"


def _shown(inbox: Inbox) -> dict[str, Any]:
    """What the audit keeps: all but the secrets."""
    return {
        "kind": inbox.kind,
        "name": inbox.name,
        "language": inbox.language,
        "team_id": inbox.team_id,
        "bot": inbox.bot,
        "enabled": inbox.enabled,
        "recogniser": inbox.recogniser.value,
        "mail_inbox_id": inbox.mail_inbox_id,
        "settings": dict(inbox.settings),
        "secrets_set": sorted(inbox.secrets),
    }
