"""An administrator's walk through the bot's area, in Chromium.

Add an intent, see a collision, mend it, evaluate, be refused by the gate, mend, publish, chat
with it, restore the old version. The catalogue is a small one, so that training takes moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, expect
from playwright.async_api import TimeoutError as NotInTimeError

from tests.accessibility import find_faults
from tests.journeys.gateway import ADMIN, PASSWORD, GatewayProcess
from tests.journeys.test_walk import CONSOLE, ENGLISH, PATIENCE, open_page

pytestmark = pytest.mark.browser

LONG = 90_000  # ms: a check of the small catalogue on a busy machine
SENTENCES: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "greet": (
        ("hello", "hi there", "good morning", "hey you", "good evening", "greetings to you"),
        ("hello dear team", "hi good people"),
    ),
    "refund": (
        (
            "I want a refund",
            "give me my money back",
            "please refund my payment",
            "how do I get a refund",
            "refund the last payment",
            "money back for my order please",
        ),
        ("can I have a refund please", "I would like my money back"),
    ),
    "delivery_time": (
        (
            "when will my parcel arrive",
            "how long does delivery take",
            "when does my order get here",
            "how many days until the parcel comes",
            "what day will it be delivered",
            "is my parcel arriving today",
        ),
        ("how long until my parcel arrives", "when is my order delivered"),
    ),
    "out_of_scope": (
        (
            "tell me a joke about cats",
            "who won the football match",
            "what is the capital of France",
            "sing me a song",
            "how do I bake bread",
            "is it going to rain tomorrow",
        ),
        ("who wrote this novel", "recommend a film"),
    ),
}
WINDOWS = (
    "choose a delivery window",
    "pick an evening slot for the courier",
    "select a two-hour slot",
    "change the courier slot to the evening",
    "book an evening window with the courier",
    "reserve a morning slot for the courier",
)
# The first two belong to another intent and are checks that must fail; the others are sound.
WRONG = ("when will the parcel get here", "how long does it take to arrive")
SOUND = ("choose an evening slot for the courier", "book a morning window with the courier")
ANSWER = "Open the order and choose a window of two hours."


def write_catalogue(folder: Path) -> Path:
    """The small catalogue as Rasa files."""
    named = "\n".join(f"- {name}" for name in SENTENCES)

    def nlu(place: int) -> str:
        blocks = [
            f"- intent: {name}\n  examples: |\n"
            + "".join(f"    - {text}\n" for text in shelves[place])
            for name, shelves in SENTENCES.items()
        ]
        return 'version: "3.1"\nnlu:\n' + "".join(blocks)

    utters = "".join(f"  utter_{n}:\n  - text: This is about {n}.\n" for n in SENTENCES)
    rules = "".join(
        f"- rule: {n}\n  steps:\n  - intent: {n}\n  - action: utter_{n}\n" for n in SENTENCES
    )
    files = {
        "domain.yml": f'version: "3.1"\nintents:\n{named}\nresponses:\n{utters}',
        "rules.yml": f'version: "3.1"\nrules:\n{rules}',
        "nlu/en/all.yml": nlu(0),
        "checks/en.yml": nlu(1),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway that serves the small catalogue and the built console."""
    if not CONSOLE.exists():
        pytest.skip("the console is not built (make console; it needs npm)")
    folder = write_catalogue(tmp_path / "catalogue")
    (tmp_path / "data").mkdir()
    environ = {"YINGDA_CATALOGUE_DIR": str(folder)}
    process = GatewayProcess(tmp_path / "data", environ=environ).start()
    yield process
    assert process.terminate() == 0
    process.close()


class Editor:
    """The bot's area as an administrator sees it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def part(self, name: str) -> Locator:
        return self.page.get_by_test_id(name)

    async def sign_in(self, url: str) -> None:
        await self.page.goto(f"{url}/console/")
        await self.part("sign-in-email").fill(ADMIN)
        await self.part("sign-in-password").fill(PASSWORD)
        await self.part("sign-in-submit").click()
        await self.part("nav-flow").click()
        await expect(self.part("intent-row")).to_have_count(len(SENTENCES))

    async def add_intent(self, name: str) -> None:
        await self.part("intent-add").click()
        await self.part("intent-name").fill(name)
        await self.part("intent-create").click()
        await expect(self.part("sentence-new")).to_be_visible()

    async def write(self, text: str) -> None:
        await self.part("sentence-new").fill(text)

    async def save(self) -> None:
        await self.part("intent-save").click()
        await expect(self.part("intent-save")).to_be_disabled()

    async def shelf(self, word: str) -> None:
        await self.part("shelf").get_by_text(word).click()

    async def paste(self, sentences: Sequence[str]) -> None:
        await self.part("paste-open").click()
        await self.part("paste-text").fill("\n".join(sentences))
        await self.part("paste-look").click()
        await expect(self.part("paste-result")).to_contain_text(str(len(sentences)))
        await self.part("paste-add").click()
        await expect(self.part("paste-text")).to_be_hidden()

    async def job_ends(self, state: str) -> None:
        bar = self.page.locator(f'[data-testid="job"][data-state="{state}"]')
        await expect(bar).to_be_visible(timeout=LONG)

    async def shows(self, kind: str) -> None:
        """Goes to a kind of documents of the dialogue."""
        await self.part("bot-dialogue").click()
        await self.part("dialogue-kind").get_by_text(kind, exact=True).click()

    async def add_document(self, name: str) -> None:
        await self.part("document-add").click()
        await self.page.locator(".el-message-box__input input").fill(name)
        await self.page.locator(".el-message-box__btns .el-button--primary").click()
        await expect(self.part("dialogue-row").filter(has_text=name)).to_be_visible()

    async def choose(self, select: Locator, text: str) -> None:
        """Picks from a list that can be filtered; what is not in it is typed.

        The list moves when findings come and go above it, and may close under the pointer: as
        people do, this opens it again.
        """
        option = self.page.locator(".el-select-dropdown__item:visible", has_text=text).first
        for patience in (2_000, 2_000, PATIENCE):
            await select.locator(".el-select__wrapper").click()
            await select.locator("input").fill(text)
            try:
                await option.click(timeout=patience)
            except NotInTimeError:
                if patience == PATIENCE:
                    raise
            else:
                return

    async def write_two(self, place: str, zh: str, en: str) -> None:
        """A text in both languages."""
        for language, text in (("zh", zh), ("en", en)):
            await self.part(f"text-{place}-{language}").fill(text)

    async def save_document(self) -> None:
        await self.part("document-save").first.click()
        await expect(self.part("document-save").first).to_be_disabled()

    async def try_out(self, text: str) -> Locator:
        if not await self.part("test-box").is_visible():
            await self.part("test-open").click()
        await self.part("test-field").fill(text)
        await self.part("test-say").click()
        return self.part("test-turn").last


async def behind(page: Page, kind: str, name: str, change: str) -> None:
    """Another tab of the same agent saves a document first; `change` is done to its `body`."""
    await page.evaluate(
        """async ([kind, name, change]) => {
          const root = '/api/v1'
          const csrf = (await (await fetch(`${root}/me`)).json()).csrf
          const at = `${root}/catalogue/document`
          const seen = await (await fetch(`${at}?kind=${kind}&name=${name}`)).json()
          const { body, revision } = seen
          new Function('body', change)(body)
          const saved = await fetch(at, {
            method: 'PUT',
            headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
            body: JSON.stringify({ kind, name, body, revision }),
          })
          if (!saved.ok) throw new Error(await saved.text())
        }""",
        [kind, name, change],
    )


async def says(url: str, text: str) -> str:
    """What the bot answers a customer who is new."""
    body = {"sender": f"visitor {text}", "message": text}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/webhooks/rest/webhook", json=body) as answer,
    ):
        return " ".join(each.get("text", "") for each in await answer.json())


async def test_an_administrator_adds_mends_publishes_and_restores(
    gateway: GatewayProcess, chromium: Browser
) -> None:
    editor = Editor(await open_page(chromium, ENGLISH, width=1400))
    await editor.sign_in(gateway.url)
    await editor.add_intent("delivery_window")

    # A sentence that another intent has is shown while it is typed; other words are not alike.
    await editor.write("when will my parcel arrive")
    collision = editor.part("collision").first
    await expect(collision).to_contain_text("delivery_time")
    await editor.write(WINDOWS[0])
    await expect(editor.part("collision").filter(has_text="when will my parcel")).to_have_count(0)
    await editor.part("sentence-add").click()
    await editor.save()
    await editor.paste(WINDOWS[1:])
    await expect(editor.part("sentence")).to_have_count(len(WINDOWS))
    await editor.shelf("Held-out checks")
    await editor.paste(WRONG)
    await editor.shelf("Answer")
    await editor.part("answer-begin").click()
    await editor.part("variant-en").click()
    await editor.part("variant-text").fill(ANSWER)
    await editor.part("response-save").click()
    await expect(editor.part("response-save")).to_be_disabled()

    # Evaluated, it is what the gate would refuse, by its sentences.
    await editor.part("bot-evaluation").click()
    await editor.page.locator(".switch .el-switch").click()
    await editor.part("evaluate").click()
    await expect(editor.part("figure-accuracy")).to_be_visible(timeout=LONG)
    await expect(editor.part("failures").first).to_contain_text(WRONG[0])
    await editor.part("bot-publish").click()
    await editor.part("publish-reason").fill("Delivery windows")
    await editor.part("publish").click()
    await editor.job_ends("refused")
    refused = editor.part("refusals").locator('[data-rule="recall"]')
    await expect(refused).to_contain_text(WRONG[0])
    await expect(editor.part("override")).to_be_disabled()
    assert ANSWER not in await says(gateway.url, WINDOWS[0])

    # The checks were wrong, not the bot.
    await refused.get_by_role("link").first.click()
    await editor.shelf("Held-out checks")
    for _ in WRONG:
        await editor.part("sentence-remove").first.click()
    await editor.save()
    await editor.paste(SOUND)
    trial = await editor.try_out(SOUND[0])
    await expect(trial.get_by_test_id("test-rank").first).to_contain_text("delivery_window")
    await editor.part("bot-publish").click()
    await editor.part("publish-reason").fill("Delivery windows")
    await editor.part("publish").click()
    await editor.job_ends("done")
    await expect(editor.part("version").first).to_contain_text("Delivery windows")
    assert ANSWER in await says(gateway.url, WINDOWS[1])

    # And back.
    await editor.part("version-restore").last.click()
    await editor.page.locator(".el-message-box__btns .el-button--primary").click()
    await expect(editor.part("version")).to_have_count(3, timeout=LONG)
    assert ANSWER not in await says(gateway.url, WINDOWS[2])


async def test_a_diagnosis_is_drawn_while_it_is_written(
    gateway: GatewayProcess, chromium: Browser
) -> None:
    page = await open_page(chromium, ENGLISH, width=1400, bypass_csp=True)
    editor = Editor(page)
    await editor.sign_in(gateway.url)
    await editor.shows("Diagnoses")
    await editor.add_document("no_sound")

    # A question; what is missing is told where it is missing.
    await editor.write_two("title", "没有声音", "No sound")
    await editor.write_two("nodes-start-text", "插头插紧了吗？", "Is the plug in?")
    panel = editor.part("tree-panel")
    await expect(panel.get_by_test_id("marks").first).to_contain_text("offers no choice")
    for place, (zh, en) in enumerate([("插紧了", "It is"), ("没有", "It is not")]):
        await editor.part("tree-add-choice").click()
        await editor.write_two(f"nodes-start-choices-{place}-title", zh, en)
        leads = editor.part("tree-leads").nth(place)
        await expect(panel).to_contain_text("leads nowhere")
        await editor.choose(leads, "a new node")
    await expect(editor.part("picture-node")).to_have_count(3)
    await expect(panel).not_to_contain_text("leads nowhere")

    # The picture leads to its nodes; one that leads back is a mistake at its place.
    await editor.part("picture-node").nth(1).click()
    await expect(panel.get_by_role("heading", name="node_2")).to_be_visible()
    await editor.part("tree-kind").get_by_text("Ticket").click()
    await editor.write_two("nodes-node_2-text", "请稍候。", "We look into it.")
    await editor.part("tree-node").nth(2).click()
    await editor.write_two("nodes-node_3-text", "请插紧。", "Push it in.")
    await editor.part("tree-add-choice").click()
    await editor.write_two("nodes-node_3-choices-0-title", "再看", "Look again")
    await editor.choose(editor.part("tree-leads").first, "Is the plug in?")
    await expect(editor.part("document-tree")).to_contain_text("leads in a circle")
    await expect(editor.part("tree-node").locator(".wrong")).to_have_count(1)
    await editor.part("tree-kind").get_by_text("To try").click()
    await expect(editor.part("document-tree")).not_to_contain_text("leads in a circle")
    await expect(editor.part("marks")).to_have_count(0)
    await editor.save_document()

    # Somebody else was faster: what differs is shown, nothing is overwritten unseen.
    await behind(page, "tree", "no_sound", "body.title.en = 'Silence'")
    await editor.write_two("nodes-node_3-text", "请把插头插紧。", "Push the plug in.")
    await editor.part("document-save").click()
    conflict = editor.part("document-conflict")
    await expect(conflict).to_contain_text("title › en: Silence")
    await expect(conflict).to_contain_text("Push the plug in.")
    await editor.part("document-mine").click()
    await expect(conflict).to_be_hidden()

    # The same as YAML: a mistake is told by its line.
    await editor.part("document-source").click()
    source = editor.part("source-text")
    good = await source.input_value()
    await source.fill(good.replace("  start: start", "  start: nowhere"))
    await editor.part("document-save").click()
    await expect(editor.part("source-problem")).to_contain_text("has no node 'nowhere'")
    await expect(editor.part("source-problem")).to_contain_text("line")
    await source.fill(good.replace("Push the plug in.", "Push it in firmly."))
    await editor.save_document()
    await editor.part("document-source").click()
    await expect(editor.part("picture-node").filter(has_text="firmly")).to_have_count(1)
    assert await find_faults(page) == []


async def test_a_form_is_made_of_questions_and_what_follows(
    gateway: GatewayProcess, chromium: Browser
) -> None:
    page = await open_page(chromium, ENGLISH, width=1400, bypass_csp=True)
    editor = Editor(page)
    await editor.sign_in(gateway.url)
    await editor.shows("Forms")
    await editor.add_document("window_form")
    await expect(editor.part("document-form")).to_contain_text("asks for nothing")

    await editor.choose(editor.part("form-slot-name"), "wish")
    await editor.part("form-add-slot").click()
    await editor.part("variant-en").click()
    await editor.part("variant-text").fill("Which window would you like?")
    await editor.part("response-save").click()
    await expect(editor.part("response-save")).to_be_disabled()
    await editor.choose(editor.part("form-slot-name"), "note")
    await editor.part("form-add-slot").click()
    await expect(editor.part("form-slot")).to_have_count(2)
    note = editor.part("form-slot").nth(1)
    await expect(note).to_contain_text("nothing asks for the slot 'note'")
    await editor.part("variant-en").click()
    await editor.part("variant-text").fill("Anything else for the courier?")
    await editor.part("response-save").click()
    await expect(note).not_to_contain_text("nothing asks")
    await note.locator(".el-switch__core").click()
    await editor.save_document()

    # The rules: what begins it, and what follows.
    await editor.part("form-add-begins").click()
    begins = editor.part("form-begins").get_by_test_id("document-rule")
    intent = begins.locator(".el-select").first
    await editor.choose(intent, "delivery_time")
    await begins.get_by_test_id("document-save").click()
    await editor.part("form-add-ends").click()
    ends = editor.part("form-ends").get_by_test_id("document-rule")
    await expect(ends).to_contain_text("'utter_window_form_done' does not exist")
    step = ends.get_by_test_id("rule-step").locator(".el-select")
    await editor.choose(step, "utter_refund")
    await ends.get_by_test_id("document-save").click()
    await expect(ends).not_to_contain_text("does not exist")
    assert await find_faults(page) == []
