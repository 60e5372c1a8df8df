"""The hand-off as a state machine: which stage follows which signal, and why people come in.

The stage is read from what the bot remembers; nothing else is stored. Every signal in every
stage has a successor, so that no turn can strand a customer.
"""

from __future__ import annotations

from enum import StrEnum

from bot.contract import BotState, HandoffReason


class Stage(StrEnum):
    """Where a conversation that the bot controls stands, or that it has left the bot."""

    ANSWERING = "answering"
    ASKING_BACK = "asking_back"
    IN_FLOW = "in_flow"
    WITH_PEOPLE = "with_people"


class Signal(StrEnum):
    """What a turn came to."""

    ANSWERED = "answered"
    MISSED = "missed"
    FLOW = "flow"
    WISH = "wish"
    COMPLAINT = "complaint"
    ANGER = "anger"
    KEY_CUSTOMER = "key_customer"
    TOPIC = "topic"
    LAST_MISS = "last_miss"
    TURN_CAP = "turn_cap"
    LOOP = "loop"
    TICKET = "ticket"
    CALL_BACK = "call_back"
    ACTION = "action"
    ERROR = "error"
    TIMEOUT = "timeout"
    ATTACHMENT = "attachment"


REASONS: dict[Signal, HandoffReason] = {
    Signal.WISH: HandoffReason.WISH,
    Signal.COMPLAINT: HandoffReason.COMPLAINT,
    Signal.ANGER: HandoffReason.ANGER,
    Signal.KEY_CUSTOMER: HandoffReason.KEY_CUSTOMER,
    Signal.TOPIC: HandoffReason.TOPIC,
    Signal.LAST_MISS: HandoffReason.LOW_CONFIDENCE,
    Signal.TURN_CAP: HandoffReason.TURN_CAP,
    Signal.LOOP: HandoffReason.LOOP,
    Signal.TICKET: HandoffReason.TICKET,
    Signal.CALL_BACK: HandoffReason.CALL_BACK,
    Signal.ACTION: HandoffReason.ACTION,
    Signal.ERROR: HandoffReason.ERROR,
    Signal.TIMEOUT: HandoffReason.TIMEOUT,
    Signal.ATTACHMENT: HandoffReason.ATTACHMENT,
}
"""The signals that bring people in, and the reason that the ticket names."""

_STAYS = {
    Signal.ANSWERED: Stage.ANSWERING,
    Signal.MISSED: Stage.ASKING_BACK,
    Signal.FLOW: Stage.IN_FLOW,
}


def stage_of(state: BotState) -> Stage:
    """The stage that the bot's memory tells."""
    if state.flow is not None:
        return Stage.IN_FLOW
    return Stage.ASKING_BACK if state.misses else Stage.ANSWERING


def next_stage(stage: Stage, signal: Signal) -> Stage:
    """The stage after a signal; people keep what they have until they hand it back."""
    if stage is Stage.WITH_PEOPLE or signal in REASONS:
        return Stage.WITH_PEOPLE
    return _STAYS[signal]


def miss_signal(misses: int, limit: int) -> Signal:
    """What another miss means after so many in a row; the last that may be ends at a person."""
    return Signal.LAST_MISS if misses + 1 >= limit else Signal.MISSED


def repeat_signal(repeats: int, limit: int) -> Signal:
    """What it means that the same answer would be given once more: the loop is broken."""
    return Signal.LOOP if repeats + 1 >= limit else Signal.ANSWERED
