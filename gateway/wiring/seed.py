"""The first start: an administrator, teams, inboxes and canned responses to begin with."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.inbox import Inbox
from gateway.domain.people import Agent, Availability, Role, Team
from gateway.domain.records import CannedResponse
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.auditing import note


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStart:
    """What the first start needs; `password_hash` of the administrator's password."""

    admin_email: str
    password_hash: str
    must_change: bool
    now: int
    new_id: NewId


def is_empty(uow: UnitOfWork) -> bool:
    """Whether no process has started on this database yet; agents may be there before."""
    return not uow.agents.teams()


def plant(uow: UnitOfWork, first: FirstStart) -> bool:
    """Writes the first rows, unless another process was faster.

    Returns:
        Whether an administrator is among them, which is not so when there are agents already.
    """
    if not is_empty(uow):
        return False
    alone = not uow.agents.all()
    first_line = Team(id=first.new_id(), name="一线服务组 First line")
    technical = Team(id=first.new_id(), name="技术支持组 Technical support")
    for team in (first_line, technical):
        uow.agents.add_team(team)
    if alone:
        uow.agents.add(_administrator(first, (first_line.id, technical.id)), first.password_hash)
    for inbox in _inboxes(first, first_line.id):
        uow.inboxes.add(inbox)
    for canned in _canned(first):
        uow.canned.save(canned)
    note(uow, None, "installation.started", ("installation", "1"), now=first.now)
    return alone


def _administrator(first: FirstStart, team_ids: tuple[str, ...]) -> Agent:
    return Agent(
        id=first.new_id(),
        email=first.admin_email.lower(),
        name="Administrator",
        role=Role.ADMINISTRATOR,
        active=True,
        language="",
        availability=Availability.ONLINE,
        must_change_password=first.must_change,
        created_at=first.now,
        team_ids=team_ids,
    )


def _inboxes(first: FirstStart, team_id: str) -> list[Inbox]:
    def inbox(kind: str, name: str, *, enabled: bool, inbox_id: str) -> Inbox:
        return Inbox(
            id=inbox_id,
            kind=kind,
            name=name,
            settings={"help_url": "/help/{slug}"} if kind == "webchat" else {},
            secrets={},
            language="zh-Hans",
            team_id=team_id,
            bot=True,
            enabled=enabled,
            created_at=first.now,
        )

    # Fixed ids, so that the README's examples and the demo page name them as they are.
    return [
        inbox("webchat", "网站客服 Website chat", enabled=True, inbox_id="website"),
        inbox("rest", "REST", enabled=True, inbox_id="rest"),
    ]


_CANNED = (
    (
        "hello",
        "zh-Hans",
        "问候",
        "您好，我是 {agent.name}，很高兴为您服务。请问有什么可以帮您？",
    ),
    ("hello-en", "en", "Greeting", "Hello, this is {agent.name}. How can I help?"),
    (
        "hello-hant",
        "zh-Hant",
        "問候",
        "您好，我是 {agent.name}，很高興為您服務。請問有什麼可以幫您？",
    ),
    (
        "ticket",
        "zh-Hans",
        "工单已受理",
        "您的问题已登记，工单号 {ticket.number}。有进展我们会第一时间告诉您。",
    ),
    (
        "ticket-hant",
        "zh-Hant",
        "工單已受理",
        "您的問題已登記，工單號 {ticket.number}。有進展我們會第一時間告訴您。",
    ),
    (
        "ticket-en",
        "en",
        "Ticket taken",
        "Your request is registered as ticket {ticket.number}. We will tell you about progress.",
    ),
    ("thanks", "zh-Hans", "结束语", "感谢您的咨询，如还有问题请随时联系我们，祝您生活愉快！"),
    (
        "thanks-hant",
        "zh-Hant",
        "結束語",
        "感謝您的諮詢，如還有問題請隨時聯絡我們，祝您生活愉快！",
    ),
    (
        "thanks-en",
        "en",
        "Closing",
        "Thank you for contacting us. If anything else comes up, just write again.",
    ),
)


def _canned(first: FirstStart) -> list[CannedResponse]:
    return [
        CannedResponse(
            id=first.new_id(),
            shortcut=shortcut,
            title=title,
            text=text,
            language=language,
            team_id=None,
            updated_at=first.now,
        )
        for shortcut, language, title, text in _CANNED
    ]
