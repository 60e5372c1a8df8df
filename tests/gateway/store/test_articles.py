"""Articles, their versions, what readers say, and imports, on both databases."""

from dataclasses import replace

import pytest

from bot.knowledge import ArticleIndex
from gateway.domain.article import Article, ArticleText, ArticleVersion, Audience, VersionState
from gateway.domain.errors import ConflictError, NotFoundError
from gateway.ports.knowledge import ArticleFilter, Feedback, FeedbackCounts, ImportJob
from gateway.ports.store import UnitOfWork
from gateway.services.article_batches import BatchArticle, BatchRefusedError, take_in
from gateway.store import SqlStore
from gateway.workers.knowledge import ArticleKeeper
from intents.model import Language

NOW = 1_790_000_000_000


def article(slug: str, **changes: object) -> Article:
    made = Article(
        id=f"id-{slug}",
        slug=slug,
        category="billing",
        audience=Audience.PUBLIC,
        owner_id=None,
        review_at=None,
        expires_at=None,
        archived=False,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def version(slug: str, number: int, state: VersionState, title: str = "退款") -> ArticleVersion:
    return ArticleVersion(
        id=f"{slug}-{number}",
        article_id=f"id-{slug}",
        language="zh",
        number=number,
        state=state,
        text=ArticleText(title=title, body="正文", questions=("怎么退款",)),
        author_id="li",
        reason="",
        created_at=NOW,
        updated_at=NOW,
    )


def batch(*slugs: str, body: str = "七天内可退。") -> list[BatchArticle]:
    return [
        BatchArticle(
            place=f"{slug}.md",
            slug=slug,
            language="zh",
            text=ArticleText(title=f"关于{slug}", body=body),
        )
        for slug in slugs
    ]


async def taken_in(
    store: SqlStore, items: list[BatchArticle], now: int = NOW
) -> tuple[int, int, int]:
    ids = iter(f"{now}-{n}" for n in range(1000))

    def work(unit: UnitOfWork) -> tuple[int, int, int]:
        found = take_in(
            unit,
            items,
            actor_id=None,
            reason="",
            publishes=True,
            now=now,
            new_id=lambda: next(ids),
        )
        return found.added, found.changed, found.unchanged

    return await store.write(work)


async def test_articles_and_versions_come_back_as_they_went_in(store: SqlStore) -> None:
    refund = article("refund", expires_at=NOW + 5, review_at=NOW, audience=Audience.INTERNAL)
    published = replace(
        version("refund", 1, VersionState.PUBLISHED), published_at=NOW, published_by="li"
    )
    draft = version("refund", 2, VersionState.DRAFT)

    def work(unit: UnitOfWork) -> None:
        unit.articles.add(refund)
        unit.articles.add_versions([published, draft])

    await store.write(work)
    assert await store.read(lambda unit: unit.articles.get(refund.id)) == refund
    assert await store.read(lambda u: u.articles.version("refund-1")) == published
    heads = await store.read(lambda u: u.articles.heads([refund.id]))
    assert [(head.number, head.state) for head in heads] == [
        (2, VersionState.DRAFT),
        (1, VersionState.PUBLISHED),
    ]
    (live,) = await store.read(lambda unit: unit.articles.live(now=NOW))
    assert (live.slug, live.version_id, live.audience) == (
        "refund",
        "refund-1",
        Audience.INTERNAL,
    )
    assert await store.read(lambda unit: unit.articles.live(now=NOW + 5)) == []
    with pytest.raises(NotFoundError):
        await store.read(lambda unit: unit.articles.version("gone"))


async def test_one_open_and_one_published_version_of_a_language(store: SqlStore) -> None:
    def work(unit: UnitOfWork) -> None:
        unit.articles.add(article("refund"))
        unit.articles.add_versions([version("refund", 1, VersionState.PUBLISHED)])

    await store.write(work)
    second = version("refund", 2, VersionState.PUBLISHED)
    with pytest.raises(ConflictError):
        await store.write(lambda unit: unit.articles.add_versions([second]))
    with pytest.raises(ConflictError, match="is taken"):
        await store.write(lambda unit: unit.articles.add(article("refund", id="other")))


async def test_pages_are_filtered(store: SqlStore) -> None:
    def work(unit: UnitOfWork) -> None:
        for slug in ("a", "b", "c"):
            unit.articles.add(article(slug, category=slug, archived=slug == "c"))
        unit.articles.add_versions([version("a", 1, VersionState.DRAFT, title="Pay 100%")])

    await store.write(work)

    async def slugs(**fields: object) -> list[str]:
        wanted = ArticleFilter(**{"limit": 10, **fields})  # type: ignore[arg-type]
        return [a.slug for a in await store.read(lambda unit: unit.articles.page(wanted))]

    assert await slugs() == ["a", "b"]
    assert await slugs(after="a") == ["b"]
    assert await slugs(archived=True) == ["c"]
    assert await slugs(category="b") == ["b"]
    assert await slugs(state=VersionState.DRAFT) == ["a"]
    assert await slugs(words="PAY 100%") == ["a"]
    assert await slugs(words="%") == ["a"]
    assert await slugs(audience=Audience.INTERNAL) == []
    assert await store.read(lambda unit: unit.articles.categories()) == ["a", "b"]


async def test_feedback_and_misses_are_counted(store: SqlStore) -> None:
    def work(unit: UnitOfWork) -> None:
        for number, helped in enumerate((True, False, True)):
            unit.articles.add_feedback(
                Feedback(
                    message_id=f"m{number}",
                    turn_message_id=f"t{number % 2}",
                    slug="refund",
                    helped=helped,
                    created_at=NOW,
                )
            )
        unit.articles.note_miss("zh-Hans", "火星", now=NOW)
        unit.articles.note_miss("zh-Hans", "火星", now=NOW + 1)
        unit.articles.note_miss("en", "mars", now=NOW)

    await store.write(work)
    counts = await store.read(lambda unit: unit.articles.counts(["refund", "other"]))
    assert counts == {"refund": FeedbackCounts(helped=1, unhelped=1)}
    misses = await store.read(lambda unit: unit.articles.misses(5))
    assert [(miss.words, miss.times, miss.last_at) for miss in misses] == [
        ("火星", 2, NOW + 1),
        ("mars", 1, NOW),
    ]


async def test_imports_are_kept(store: SqlStore) -> None:
    job = ImportJob(
        id="j",
        agent_id="li",
        name="a.zip",
        state="running",
        done=1,
        total=2,
        added=0,
        changed=0,
        skipped=("logo.png",),
        problems=(),
        created_at=NOW,
        updated_at=NOW,
    )
    await store.write(lambda unit: unit.articles.save_import(job))
    ended = replace(job, state="failed", problems=("x: broken",))
    await store.write(lambda unit: unit.articles.save_import(ended))
    assert await store.read(lambda unit: unit.articles.import_job("j")) == ended


async def test_a_batch_is_taken_in_whole_or_not_at_all(store: SqlStore) -> None:
    assert await taken_in(store, batch("a", "b")) == (2, 0, 0)
    assert await taken_in(store, batch("a", "b"), NOW + 1) == (0, 0, 2)
    assert await taken_in(store, batch("a", body="十天内可退。"), NOW + 2) == (0, 1, 0)
    with pytest.raises(BatchRefusedError, match=r"Not A Slug\.md"):
        await taken_in(store, batch("c", "Not A Slug"), NOW + 3)
    doubled = [*batch("d"), replace(batch("d")[0], place="again.md")]
    with pytest.raises(BatchRefusedError, match="is in"):
        await taken_in(store, doubled, NOW + 4)
    found = await store.read(lambda unit: unit.articles.by_slugs(["a", "b", "c", "d"]))
    assert sorted(found) == ["a", "b"]


async def test_a_keeper_follows_what_another_process_wrote(store: SqlStore) -> None:
    index, time, linked = ArticleIndex(), [NOW], [0]

    async def link() -> None:
        linked[0] += 1

    keeper = ArticleKeeper(store, index, lambda: time[0], link)
    await taken_in(store, batch("refund"))
    await keeper.load()
    assert (linked, index.title("refund", Language.ZH_HANS)) == ([1], "关于refund")
    await keeper.load()
    assert linked == [1]

    def expire(unit: UnitOfWork) -> None:
        (known,) = unit.articles.by_slugs(["refund"]).values()
        unit.articles.update(replace(known, expires_at=NOW + 10))
        unit.articles.mark_changed()

    await store.write(expire)
    assert await keeper._is_stale() is True
    await keeper.load()
    assert "refund" in index
    assert await keeper._is_stale() is False
    time[0] = NOW + 10
    assert await keeper._is_stale() is True
    await keeper.load()
    assert "refund" not in index
