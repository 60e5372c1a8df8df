"""The running bot is replaced without losing a turn; every process gets the same bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from bot.contract import Turn
from gateway.bus.hub import LocalHub
from gateway.domain.catalogue import JobKind
from gateway.domain.errors import UnavailableError
from gateway.services.article_batches import plant_articles
from gateway.services.bench import Trial
from gateway.services.publishing import ARTICLES
from gateway.wiring.bot import TOPIC, follow_catalogue, start_bot
from gateway.wiring.ids import clock, new_id
from gateway.workers.knowledge import ArticleKeeper
from intents.documents import Kind
from tests.gateway.services.desk import Desk
from tests.gateway.workbench import Workbench, make_workbench, sentence, shop


def turn(number: int) -> Turn:
    return Turn(
        conversation_id=f"c{number}",
        sender=f"rest:c{number}",
        channel="rest",
        text="how do I get a refund",
        now=number,
    )


def starting(bench: Workbench) -> Callable[[], Awaitable[None]]:
    return partial(start_bot, bench.live, bench.store, bench.maker, clock)


async def change_answer(bench: Workbench, text: str) -> None:
    document = await bench.find(Kind.RESPONSE, "utter_refund")
    variants = [{**each, "text": text} for each in document.body["variants"]]
    await bench.put(Kind.RESPONSE, "utter_refund", variants=variants)


async def test_versions_change_under_load_and_no_turn_is_lost(
    desk: Desk, tmp_path: Path, shop_models: Path
) -> None:
    bench = make_workbench(desk.store, tmp_path, shop_models, clock)
    await bench.plant()
    ended = asyncio.Event()
    said: list[tuple[str, str]] = []

    async def customer(number: int) -> None:
        while not ended.is_set():
            decision = await bench.live.respond(turn(number))
            said.append((decision.catalogue_version, decision.messages[0].text))
            await asyncio.sleep(0)

    customers = [asyncio.create_task(customer(number)) for number in range(8)]
    hashes = [bench.live.catalogue_version]
    for text in ("First you wait {days} days.", "Then you wait {days} days more."):
        await change_answer(bench, text)
        assert (await bench.do(JobKind.PUBLISH)).result["version"] == len(hashes) + 1
        hashes.append(bench.live.catalogue_version)
        await asyncio.sleep(0.05)
    ended.set()
    await asyncio.gather(*customers)

    order = list(dict.fromkeys(version for version, _ in said))
    assert order == hashes
    words = {version: {text for v, text in said if v == version} for version in hashes}
    assert all(len(texts) == 1 for texts in words.values())
    assert words[hashes[2]].pop().startswith("Then you wait 7 days more.")


async def test_another_process_follows_and_gets_the_same_model(
    desk: Desk, tmp_path: Path, shop_models: Path
) -> None:
    here = make_workbench(desk.store, tmp_path / "here", shop_models, clock)
    there = make_workbench(desk.store, tmp_path / "there", None, clock, holder="there")
    await here.plant()
    assert here.live.version is not None
    await here.maker.files.keep(here.live.version.lessons)
    assert await there.live.refresh()
    hub = LocalHub()
    following = asyncio.create_task(follow_catalogue(hub, starting(there)))
    await asyncio.sleep(0)
    greet = await here.find(Kind.INTENT, "greet")
    await here.put(Kind.INTENT, "greet", utterances=[*greet.body["utterances"], sentence("yo")])
    assert (await here.do(JobKind.PUBLISH)).result["version"] == 2

    hub.publish(TOPIC, {"type": "published"})
    async with asyncio.timeout(5):
        while there.live.version is None or there.live.version.number < 2:
            await asyncio.sleep(0.01)
    following.cancel()

    version = there.live.version
    same = [bench.maker.files.path(version.lessons).read_bytes() for bench in (here, there)]
    assert same[0] == same[1]
    assert there.live.bot.recognise("yo") == here.live.bot.recognise("yo")


async def test_a_version_whose_model_is_nowhere_is_not_taken_over(
    desk: Desk, tmp_path: Path, shop_models: Path
) -> None:
    here = make_workbench(desk.store, tmp_path / "here", shop_models, clock)
    there = make_workbench(desk.store, tmp_path / "there", None, clock)
    await here.plant()

    assert not await there.live.refresh()
    assert there.live.version is None


@pytest.mark.parametrize("kept", [False, True], ids=["on this machine", "in the store too"])
async def test_a_model_that_cannot_be_read_is_trained_anew_at_the_start(
    desk: Desk, tmp_path: Path, shop_models: Path, *, kept: bool
) -> None:
    here = make_workbench(desk.store, tmp_path / "here", shop_models, clock)
    await here.plant()
    assert here.live.version is not None
    lessons = here.live.version.lessons
    there = make_workbench(desk.store, tmp_path / "here", None, clock)
    path = there.maker.files.path(lessons)
    whole = path.read_bytes()
    path.unlink()  # the first one has mapped it
    path.write_bytes(whole[: len(whole) // 2])
    if kept:
        await there.maker.files.keep(lessons)

    await starting(there)()

    assert path.read_bytes() == whole
    assert there.live.bot.recognise("hi") == here.live.bot.recognise("hi")
    key = there.maker.files.key(lessons)
    assert await desk.store.read(lambda uow: uow.models.size(key)) == len(whole)


async def test_a_process_goes_on_following_after_what_could_not_be_taken_over() -> None:
    tries: list[str] = []
    second = asyncio.Event()

    async def take_over() -> None:
        tries.append("tried")
        if len(tries) == 1:
            raise RuntimeError("a fault of ours")
        second.set()

    hub = LocalHub()
    following = asyncio.create_task(follow_catalogue(hub, take_over))
    async with asyncio.timeout(5):
        while not second.is_set():
            await asyncio.sleep(0)
            hub.publish(TOPIC, {"type": "published"})
    assert not following.done()
    following.cancel()


async def test_a_draft_whose_model_cannot_be_read_says_what_to_do(
    desk: Desk, tmp_path: Path, shop_models: Path
) -> None:
    bench = make_workbench(desk.store, tmp_path, shop_models, clock)
    await bench.plant()
    assert bench.live.version is not None
    path = bench.maker.files.path(bench.live.version.lessons)
    path.unlink()
    path.write_bytes(b"cut short")
    trial = Trial(text="hi", language="en", channel="rest", draft=True)
    with pytest.raises(UnavailableError, match="check the draft"):
        await bench.bench.try_out(trial, now=1)
    assert not await bench.bench.is_trained()
    await bench.do(JobKind.CHECK, folds=0)
    assert (await bench.bench.try_out(trial, now=1)).version is None


async def test_an_article_that_is_published_stands_behind_its_intent_at_once(
    desk: Desk, tmp_path: Path, shop_models: Path
) -> None:
    bench = make_workbench(desk.store, tmp_path, shop_models, clock)
    await bench.plant()
    index = bench.maker.index
    for language in ("zh", "en"):
        index.take_out("refunds", language)
    keeper = ArticleKeeper(desk.store, index, clock, bench.live.link_articles)
    await keeper.load()
    assert (await bench.live.respond(turn(1))).messages[0].article is None
    hub = LocalHub()
    following = asyncio.create_task(keeper.follow(hub))
    await asyncio.sleep(0)

    articles = [each for each in shop().articles if each.slug == "refunds"]
    await desk.store.write(lambda uow: plant_articles(uow, articles, now=clock(), new_id=new_id))
    hub.publish(ARTICLES, {"type": "changed"})

    async with asyncio.timeout(10):
        while (await bench.live.respond(turn(2))).messages[0].article != "refunds":
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
