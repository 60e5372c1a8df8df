"""What customers say of an answer is kept once for the article and the turn."""

from __future__ import annotations

from dataclasses import replace

from bot.contract import ArticleFeedback, BotMessage, Reply
from gateway.ports.knowledge import FeedbackCounts
from tests.gateway.services.desk import Desk, ScriptedBot, inbound, reply


def answer(slug: str) -> Reply:
    return replace(reply("x"), messages=(BotMessage(text="Press reset.", article=slug),))


def heard(slug: str, *, helped: bool) -> Reply:
    return replace(reply("Thanks"), feedback=ArticleFeedback(slug=slug, helped=helped))


async def counts(desk: Desk) -> FeedbackCounts:
    found = await desk.store.read(lambda uow: uow.articles.counts(["reset"]))
    return found.get("reset", FeedbackCounts())


async def test_the_last_word_about_an_answer_counts_once(desk: Desk) -> None:
    await desk.turn(inbound(1), ScriptedBot(answer("reset")))
    assert await counts(desk) == FeedbackCounts(shown=1)
    await desk.turn(inbound(2), ScriptedBot(heard("reset", helped=True)))
    await desk.turn(inbound(3), ScriptedBot(heard("reset", helped=True)))
    assert await counts(desk) == FeedbackCounts(shown=1, helped=1)
    await desk.turn(inbound(4), ScriptedBot(heard("reset", helped=False)))
    assert await counts(desk) == FeedbackCounts(shown=1, unhelped=1)
    await desk.turn(inbound(5), ScriptedBot(answer("reset")))
    await desk.turn(inbound(6), ScriptedBot(heard("reset", helped=True)))
    assert await counts(desk) == FeedbackCounts(shown=2, helped=1, unhelped=1)


async def test_a_word_about_an_answer_that_was_never_given_counts_nothing(desk: Desk) -> None:
    await desk.turn(inbound(1), ScriptedBot(heard("reset", helped=True)))
    assert await counts(desk) == FeedbackCounts()


async def test_a_repeated_application_counts_once(desk: Desk) -> None:
    await desk.turn(inbound(1), ScriptedBot(answer("reset")))
    accepted = await desk.accept(inbound(2))
    decided = await desk.take(ScriptedBot(heard("reset", helped=True)), accepted)
    await desk.apply(decided)
    await desk.apply(decided)
    assert await counts(desk) == FeedbackCounts(shown=1, helped=1)
