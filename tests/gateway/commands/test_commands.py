"""Each command: what it does, what it prints, and one line instead of a stack trace."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from argon2 import PasswordHasher

from bot.contract import HandoffReason
from gateway.__main__ import build_parser
from gateway.domain.inbox import RecogniserKind
from gateway.domain.people import Agent, Role, Team
from gateway.domain.records import SignInSession
from gateway.ports.store import UnitOfWork
from gateway.services.intake import Accepted
from gateway.settings import Settings
from gateway.wiring.data_dir import hold_data_dir
from gateway.wiring.storage import open_storage
from tests.gateway.commands.conftest import Console
from tests.gateway.services.desk import INBOXES, PUSH, Desk, ScriptedBot, handoff, inbound
from tests.servers import free_port

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]
LEAVES = [
    ("serve",),
    ("migrate",),
    ("doctor",),
    ("trace",),
    ("user",),
    ("user", "add"),
    ("user", "reset"),
    ("user", "list"),
    ("bot",),
    ("bot", "train"),
    ("bot", "test"),
    ("bot", "versions"),
    ("bot", "publish"),
    ("bot", "evaluate"),
    ("intents",),
    ("intents", "check"),
    ("intents", "import"),
    ("intents", "export"),
    ("intents", "tree"),
    ("actions",),
    ("kb",),
    ("kb", "import"),
    ("kb", "export"),
    ("kb", "evaluate"),
    ("mail",),
    ("mail", "parse"),
    ("mail", "evaluate"),
]
# With arguments that let each get as far as its own work.
WORK = [
    ("migrate",),
    ("trace", "0" * 32),
    ("user", "add", "lin@example.com", "--name", "Lin"),
    ("user", "reset", "lin@example.com"),
    ("user", "list"),
    ("kb", "import", "catalogue/articles"),
    ("kb", "export", "out"),
]


def on_database(console: Console, work: Callable[[UnitOfWork], T]) -> T:
    """Runs work on the database that the commands use."""

    async def go() -> T:
        store = open_storage(Settings(data_dir=console.data)).store
        try:
            return await store.write(work)
        finally:
            await store.close()

    return asyncio.run(go())


# --- The command line itself


@pytest.mark.parametrize("words", [(), *LEAVES], ids=" ".join)
def test_each_command_explains_itself(console: Console, words: tuple[str, ...]) -> None:
    ended = console.run(*words, "--help")
    assert ended.status == 0
    assert ended.lines[0].startswith(f"usage: {' '.join(('yingda', *words))}")
    assert ended.complaint == ""


def test_every_command_is_among_those_tested() -> None:
    actions = build_parser()._subparsers
    assert actions is not None
    (commands,) = actions._group_actions
    assert set(commands.choices or ()) == {words[0] for words in LEAVES}


@pytest.mark.parametrize("words", [("fly",), ("user",), ("user", "add"), ("trace",), ()])
def test_a_wrong_command_line_is_status_2(console: Console, words: tuple[str, ...]) -> None:
    ended = console.run(*words)
    assert ended.status == 2
    assert ended.complaint.startswith("usage: yingda")


def test_the_version(console: Console) -> None:
    assert console.run("--version").lines == ["yingda 0.1.0"]


@pytest.mark.parametrize("words", [*WORK, ("serve",), ("doctor",), ("intents", "check")])
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("PROT", "1", "is no setting"), ("PORT", "many", "must be a number")],
)
def test_a_wrong_setting_is_status_2_and_one_line(
    console: Console, words: tuple[str, ...], name: str, value: str, says: str, tmp_path: Path
) -> None:
    console.set("DATA_DIR", str(tmp_path / "untouched"))
    console.set(name, value)
    ended = console.run(*words)
    assert (ended.status, ended.lines) == (2, [])
    (line,) = ended.complaint.splitlines()
    assert line.startswith(f"yingda: YINGDA_{name} ")
    assert says in line
    assert not (tmp_path / "untouched").exists()


@pytest.mark.parametrize("words", [*WORK, ("serve",), ("bot", "train"), ("bot", "test")])
def test_a_data_folder_that_cannot_be_made_is_one_line(
    console: Console, words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    console.set("DATA_DIR", str(tmp_path / "file" / "data"))
    assert console.fails(*words).startswith("yingda: YINGDA_DATA_DIR: ")


@pytest.mark.parametrize("words", WORK)
def test_a_database_that_does_not_answer_is_one_line(
    console: Console, words: tuple[str, ...], nobody: str
) -> None:
    console.set("DATABASE_URL", f"postgresql://y@{nobody}/y")
    assert "The database is unavailable" in console.fails(*words)


def test_a_file_that_is_no_database_is_one_line(console: Console) -> None:
    (console.data / "yingda.db").write_text("my shopping list, which is long enough " * 20)
    assert "not a database" in console.fails("migrate")
    assert (console.data / "yingda.db").read_text().startswith("my shopping list")


def test_a_program_that_stops_reading_is_no_fault(tmp_path: Path) -> None:
    environ = {**os.environ, "YINGDA_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gateway", "migrate"]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        command, cwd=tmp_path, env=environ, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


# --- migrate


def test_migrate_makes_the_database_and_is_harmless_again(
    console: Console, tmp_path: Path
) -> None:
    console.data = tmp_path / "far" / "away"
    console.set("DATA_DIR", str(console.data))
    for _ in range(2):
        ended = console.run("migrate")
        assert (ended.status, ended.lines) == (0, ["the database is up to date"])
    assert on_database(console, lambda uow: uow.agents.all()) == []


# --- user


def agent_of(console: Console, email: str) -> tuple[Agent, str]:
    found = on_database(console, lambda uow: uow.agents.by_email(email))
    assert found is not None
    return found


def test_an_added_agent_may_sign_in_once_with_what_is_printed(console: Console) -> None:
    on_database(console, lambda uow: uow.agents.add_team(Team(id="t1", name="First line")))
    ended = console.run(
        "user",
        "add",
        " Lin@Example.com ",
        "--name",
        "林",
        "--role",
        "leader",
        "--team",
        "First line",
    )
    assert ended.status == 0
    (line,) = ended.lines
    agent, hashed = agent_of(console, "lin@example.com")
    assert line.startswith("lin@example.com: one-time password ")
    assert PasswordHasher().verify(hashed, line.split()[3])
    assert (agent.name, agent.role, agent.team_ids) == ("林", Role.LEADER, ("t1",))
    assert agent.must_change_password
    audit = on_database(console, lambda uow: uow.audit.page(before=None, limit=10))
    assert [(entry.actor_id, entry.action) for _, entry in audit] == [("system", "agent.added")]
    assert line.split()[3] not in str(audit)


def test_a_reset_signs_out_and_gives_a_new_password(console: Console) -> None:
    first = console.run("user", "add", "lin@example.com", "--name", "Lin", "--json").json
    agent, _ = agent_of(console, "lin@example.com")
    session = SignInSession(
        token_hash="t",
        agent_id=agent.id,
        csrf="c",
        created_at=1,
        seen_at=1,
        expires_at=10**15,
        address="",
        browser="",
    )
    on_database(console, lambda uow: uow.agents.add_session(session))
    second = console.run("user", "reset", "LIN@example.com", "--json").json
    assert second["email"] == "lin@example.com"
    assert second["one_time_password"] != first["one_time_password"]
    _, hashed = agent_of(console, "lin@example.com")
    assert PasswordHasher().verify(hashed, second["one_time_password"])
    assert on_database(console, lambda uow: uow.agents.session("t")) is None


def test_the_list_of_agents(console: Console) -> None:
    assert console.run("user", "list").lines == []
    console.run("user", "add", "lin@example.com", "--name", "Lin")
    console.run("user", "add", "mei@example.com", "--name", "Mei", "--role", "administrator")
    assert console.run("user", "list").lines == [
        "lin@example.com\tagent\tLin",
        "mei@example.com\tadministrator\tMei",
    ]
    assert console.run("user", "list", "--json").json == [
        {"email": "lin@example.com", "name": "Lin", "role": "agent"},
        {"email": "mei@example.com", "name": "Mei", "role": "administrator"},
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "nowhere", "--name", "N"), "nowhere is no e-mail address"),
        (("add", "a@b.c", "--name", "N", "--team", "Tea"), "no team 'Tea'. There are: none yet"),
        (("reset", "a@b.c"), "no agent a@b.c"),
    ],
)
def test_what_cannot_be_done_to_agents(
    console: Console, words: tuple[str, ...], says: str
) -> None:
    assert says in console.fails("user", *words)
    assert console.run("user", "list").lines == []


def test_an_agent_is_not_added_twice(console: Console) -> None:
    console.run("user", "add", "lin@example.com", "--name", "Lin")
    _, before = agent_of(console, "lin@example.com")
    line = console.fails("user", "add", "LIN@example.com", "--name", "Other")
    assert "yingda user reset" in line
    assert agent_of(console, "lin@example.com")[1] == before


# --- trace


def talk(console: Console) -> Accepted:
    """A customer's message that went to people, on the commands' database."""

    async def go() -> Accepted:
        store = open_storage(Settings(data_dir=console.data)).store

        def plant(uow: UnitOfWork) -> None:
            for inbox in INBOXES.values():
                uow.inboxes.add(inbox)

        await store.write(plant)
        bot = ScriptedBot(handoff(HandoffReason.WISH))
        accepted = await Desk(store).turn(inbound(1, "my secret"), bot)
        await store.close()
        return accepted

    return asyncio.run(go())


def test_the_trail_of_a_message(console: Console) -> None:
    accepted = talk(console)
    ended = console.run("trace", accepted.message.id)
    assert ended.status == 0
    text = "\n".join(ended.lines)
    for word in ("customer", "accepted", "turn", "handoff", "wish", accepted.conversation.id):
        assert word in text
    assert "my secret" not in text


def test_the_trails_of_a_conversation_as_json(console: Console) -> None:
    accepted = talk(console)
    found = console.run("trace", accepted.conversation.id, "--json").json
    assert [item["kind"] for item in found] == ["customer", "bot", "activity"]
    assert [hop["hop"] for hop in found[0]["trail"]] == ["accepted", "turn"]
    assert (found[0]["turn"]["decision"], found[0]["turn"]["reason"]) == ("handoff", "wish")


@pytest.mark.parametrize("wanted", ["0" * 32, "", "'; drop table messages; --", "一"])
def test_the_trail_of_what_is_not_there(console: Console, wanted: str) -> None:
    assert console.fails("trace", wanted).startswith("yingda: there is no message")


# --- intents and bot


def test_the_shipped_catalogue_is_sound(console: Console) -> None:
    console.set("CATALOGUE_DIR", "")
    ended = console.run("intents", "check")
    assert ended.status == 0
    assert ended.lines[-1].endswith("0 errors, 0 warnings")


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("nlu/zh/all.yml", 'version: "3.1"\nnlu:\n- intent: [\n', "nlu/zh/all.yml:4"),
        ("rules.yml", 'version: "3.1"\nrules:\n- rule: x\n  stops: []\n', "rules.yml:4"),
        ("domain.yml", 'version: "3.1"\nintents: 5\n', "domain.yml:2"),
    ],
)
@pytest.mark.parametrize("words", [("intents", "check"), ("bot", "train"), ("bot", "test")])
def test_a_broken_catalogue_names_file_and_line(
    console: Console, name: str, text: str, place: str, words: tuple[str, ...]
) -> None:
    console.write({name: text})
    assert place in console.fails(*words)


def test_findings_are_printed_and_counted(console: Console) -> None:
    ended = console.run("intents", "check", str(console.catalogue))
    assert ended.status == 1
    errors = [line for line in ended.lines if line.startswith("error: ")]
    assert any("bye" in line for line in errors), "an intent without a rule is found"
    assert f"{len(errors)} errors" in ended.lines[-1]
    as_json = console.run("intents", "check", str(console.catalogue), "--json").json
    assert sum(f["severity"] == "error" for f in as_json["findings"]) == len(errors)
    assert all(f["place"] and f["remedy"] for f in as_json["findings"])


def test_export_then_import(console: Console, tmp_path: Path) -> None:
    packed, own = str(tmp_path / "out.zip"), tmp_path / "own"
    ended = console.run("intents", "export", packed)
    assert (ended.status, ended.lines) == (0, [f"exported 2 intents to {packed}"])
    ended = console.run("intents", "import", packed, "--into", str(own))
    assert ended.status == 1
    assert "error: intent bye: nothing answers it" in ended.complaint
    assert not own.exists()
    ended = console.run("intents", "import", str(tmp_path / "gone.csv"), "--into", str(own))
    assert (ended.status, "nothing was imported" in ended.complaint) == (1, True)


def test_a_folder_that_is_none(console: Console, tmp_path: Path) -> None:
    assert str(tmp_path / "no") in console.fails("intents", "check", str(tmp_path / "no"))


def test_train_then_test(console: Console) -> None:
    ended = console.run("bot", "train")
    assert ended.status == 0
    (line,) = ended.lines
    assert line.startswith("trained 2 intents in ")
    assert Path(line.rpartition(": ")[2]).is_file()
    tested = console.run("bot", "test", "--json")
    assert tested.json["report"]["draft"]["total"] == 2
    assert (tested.status, tested.json["refusals"][0]["rule"]) == (1, "findings")
    shown = console.run("bot", "test").lines
    assert shown[0].startswith("draft: 2 checks, accuracy ")
    assert any("nothing answers it" in line for line in shown)


def test_versions_are_listed_and_published_by_number(console: Console) -> None:
    (line,) = console.run("bot", "versions").lines
    assert line.startswith("1  ")
    (version,) = console.run("bot", "versions", "--json").json
    assert (version["number"], version["overridden"], version["author"]) == (1, False, None)
    assert "version 1 already" in console.fails("bot", "publish")
    assert "no such version" in console.fails("bot", "publish", "7")
    assert "needs a reason" in console.fails("bot", "publish", "--override")


def test_a_changed_folder_does_not_touch_what_is_published(console: Console) -> None:
    before = console.run("bot", "versions", "--json").json
    console.write(
        {"nlu/en/more.yml": 'version: "3.1"\nnlu:\n- intent: bye\n  examples: |\n    - ta\n'}
    )
    assert console.run("bot", "versions", "--json").json == before


def labelled(path: Path, *lines: Mapping[str, object]) -> str:
    path.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    return str(path)


def test_evaluate_two_files(console: Console, tmp_path: Path) -> None:
    ways = ("I want my {}", "where is the {}", "{} please", "about a {}", "the {} again")
    learnt = labelled(
        tmp_path / "learnt.jsonl",
        *(
            {"text": way.format(thing), "intent": thing, "split": "train"}
            for thing in ("refund", "invoice", "parcel", "router", "password")
            for way in ways
        ),
    )
    asked = labelled(
        tmp_path / "asked.jsonl",
        {"text": "a refund today", "intent": "refund", "split": "test"},
        {"text": "my invoice is lost", "intent": "invoice", "split": "test"},
        {"text": "what do penguins eat", "intent": "out_of_scope", "split": "test"},
        {"text": "never looked at", "intent": "parcel", "split": "train"},
    )
    words = ("bot", "evaluate", "--train", learnt, "--test", asked, "--test-split", "test")
    ended = console.run(*words, "--json")
    assert ended.status == 0
    assert "en: learning from 30 examples, intents' names among them" in ended.complaint
    found = ended.json
    assert (found["in_scope"], found["out_of_scope"]) == (2, 1)
    assert found["in_scope_accuracy"] == 1.0
    assert found["out_of_scope_recall"] == found["auroc"] == 1.0
    assert 0 < found["p50_ms"] <= found["p99_ms"]
    assert found["training_seconds"] > 0
    assert {f["intent"] for f in found["details"]["intents"]} >= {"refund", "out_of_scope"}
    few = console.run(*words, "--per-intent", "2", "--lang", "en")
    assert "en: learning from 15 examples" in few.complaint
    assert any(line.startswith("in scope accuracy: ") for line in few.lines)


def test_evaluate_refuses_what_it_cannot_use(console: Console, tmp_path: Path) -> None:
    good = labelled(tmp_path / "good.jsonl", {"text": "a", "intent": "x"})
    bad = labelled(tmp_path / "bad.jsonl", {"text": "a", "intent": "x"}, {"text": "b"})
    words = ("bot", "evaluate", "--train")
    assert "bad.jsonl:2: `intent` must be text" in console.fails(*words, bad, "--test", good)
    assert "at least two intents" in console.fails(*words, good, "--test", good)
    missing = console.fails(*words, good, "--test", good, "--encoder", str(tmp_path / "no"))
    assert "has no tokenizer.json" in missing


# --- serve


@pytest.mark.parametrize("role", ["cook", "http,cook", "HTTP worker"])
def test_an_unknown_role(console: Console, role: str) -> None:
    ended = console.run("serve", "--role", role)
    assert (ended.status, ended.lines) == (2, [])
    assert ended.complaint.splitlines() == [
        f"yingda: --role: {role!r} is wrong; roles are http, receiver, timer, worker"
    ]


def test_split_roles_need_servers(console: Console) -> None:
    assert "--role: split roles need" in console.fails("serve", "--role", "http,worker")


def test_a_second_server_on_one_folder_is_refused(console: Console) -> None:
    console.run("migrate")
    with hold_data_dir(console.data):  # as another process would
        line = console.fails("serve")
    assert f"(pid {os.getpid()})" in line


def test_a_broken_catalogue_stops_the_start(console: Console) -> None:
    console.write({"domain.yml": "intents: ["})
    assert "domain.yml" in console.fails("serve")


# --- doctor


def checks(console: Console) -> tuple[int, dict[str, tuple[str, str, str]]]:
    """Status, and for each check the verdict, what was found and the remedy; the worst counts."""
    ended = console.run("doctor", "--json")
    worst_last = sorted(ended.json, key=lambda d: ["ok", "warning", "error"].index(d["verdict"]))
    return ended.status, {d["check"]: (d["verdict"], d["found"], d["remedy"]) for d in worst_last}


def test_doctor_on_a_fresh_folder(console: Console) -> None:
    status, found = checks(console)
    assert status == 0
    assert found["data folder"][0] == found["database"][0] == found["bus"][0] == "ok"
    assert found["administrator"][0] == "warning"
    assert "yingda user add" in found["administrator"][2]
    assert all(remedy for verdict, _, remedy in found.values() if verdict != "ok")


def test_doctor_in_words(console: Console) -> None:
    console.set("PUBLIC_URL", "https://chat.example.com")
    ended = console.run("doctor")
    assert ended.status == 0
    assert "warning  address: rate limits see the proxy, not the visitor" in ended.lines
    assert "           → Set YINGDA_TRUSTED_PROXIES" in "\n".join(ended.lines)


def test_doctor_knows_an_administrator(console: Console) -> None:
    console.run("user", "add", "lin@example.com", "--name", "Lin", "--role", "administrator")
    assert "administrator" not in checks(console)[1]


def test_doctor_reports_a_folder_that_cannot_be_written(console: Console, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    console.set("DATA_DIR", str(tmp_path / "file" / "data"))
    status, found = checks(console)
    assert status == 1
    assert found["data folder"][0] == "error"
    assert "cannot be written" in found["data folder"][1]
    assert found["catalogue"][0] != "error", "the other checks still run"


def test_a_look_makes_nothing(console: Console, tmp_path: Path) -> None:
    console.set("DATA_DIR", str(tmp_path / "not" / "yet"))
    status, found = checks(console)
    assert status == 0
    assert found["data folder"][0] == "warning"
    assert console.run("user", "list").status == 1
    assert not (tmp_path / "not").exists()


def test_doctor_reports_servers_that_do_not_answer(console: Console, nobody: str) -> None:
    console.set("DATABASE_URL", f"postgresql://y@{nobody}/y")
    console.set("REDIS_URL", f"redis://{nobody}/0")
    status, found = checks(console)
    assert status == 1
    assert [found[name][0] for name in ("database", "bus")] == ["error", "error"]
    assert "YINGDA_REDIS_URL" in found["bus"][2]


def test_doctor_reports_a_redis_that_may_lose_messages(console: Console, redis_url: str) -> None:
    console.set("REDIS_URL", redis_url)
    status, found = checks(console)
    assert (status, found["bus"][0]) == (0, "ok")
    assert found["database"][0] == "warning", "SQLite with Redis"


def test_doctor_reports_a_key_that_others_may_read(console: Console) -> None:
    console.run("migrate")
    (console.data / "yingda.key").chmod(0o644)
    status, found = checks(console)
    assert status == 1
    assert found["key file"][0] == "error"
    assert found["key file"][2].startswith("chmod 600 ")


def test_doctor_reports_another_installations_key(console: Console) -> None:
    inbox = replace(PUSH, secrets={"signing_secret": "s"})
    on_database(console, lambda uow: uow.inboxes.add(inbox))
    (console.data / "yingda.key").write_bytes(b"k" * 32)
    status, found = checks(console)
    assert status == 1
    assert found["key file"][0] == "error"
    assert "Put back the key file" in found["key file"][2]


def test_doctor_reports_an_inbox_whose_recogniser_has_no_address(console: Console) -> None:
    chosen = replace(PUSH, name="Shop", recogniser=RecogniserKind.RASA)
    on_database(console, lambda uow: uow.inboxes.add(chosen))
    status, found = checks(console)
    assert (status, found["recogniser"][0]) == (0, "warning")
    assert found["recogniser"][1].startswith("the inbox Shop is understood by rasa")
    assert "YINGDA_RASA_URL" in found["recogniser"][2]
    console.set("RASA_URL", "http://rasa:5005")
    assert "recogniser" not in checks(console)[1]


def test_doctor_asks_the_language_model(console: Console, nobody: str) -> None:
    assert "language model" not in checks(console)[1]
    console.set("LLM_MODEL", "small")
    console.set("LLM_URL", f"http://{nobody}/v1")
    console.set("LLM_ANSWERS", "true")
    status, found = checks(console)
    assert (status, found["language model"][0]) == (0, "warning")
    assert found["language model"][1] == "small: it cannot be reached"
    assert "YINGDA_LLM_URL" in found["language model"][2]


def test_doctor_reports_a_broken_catalogue(console: Console) -> None:
    console.write({"domain.yml": "intents: ["})
    status, found = checks(console)
    assert status == 1
    assert "domain.yml" in found["catalogue"][1]


@pytest.mark.parametrize("host", ["no such host", "::1"])
def test_doctor_bears_any_host(console: Console, host: str) -> None:
    console.set("HOST", host)
    console.set("PORT", str(free_port()))
    status, found = checks(console)
    assert status == (1 if host == "no such host" else 0)
    assert (found.get("address", ("",))[0] == "error") == (host == "no such host")


def test_doctor_sees_a_server_that_runs(console: Console) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        console.set("PORT", str(server.getsockname()[1]))
        assert "answers" in checks(console)[1]["port"][1]


# --- The knowledge base


def test_articles_go_in_and_come_out(console: Console, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "zh"
    folder.mkdir(parents=True)
    text = '---\ntitle: "退款"\ncategory: "billing"\n---\n\n七天内可退。\n'
    (folder / "refund.md").write_text(text, encoding="utf-8")
    ended = console.run("kb", "import", str(tmp_path / "in"), "--publish", "--json")
    assert ended.status == 0
    assert (ended.json["added"], ended.json["changed"]) == (1, 0)
    again = console.run("kb", "import", str(tmp_path / "in"), "--publish")
    assert again.lines == ["0 added, 0 changed, 1 as before: published"]
    assert console.run("kb", "export", str(tmp_path / "out")).status == 0
    assert (tmp_path / "out" / "zh" / "refund.md").read_text(encoding="utf-8") == text


def test_one_bad_file_keeps_all_out(console: Console, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.md").write_text("# A\n\ntext", encoding="utf-8")
    (tmp_path / "in" / "bad.md").write_text("---\ntitle: a", encoding="utf-8")
    ended = console.run("kb", "import", str(tmp_path / "in"))
    assert ended.status == 1
    assert "bad.md: the front matter is not closed" in ended.complaint
    assert ended.complaint.endswith("(nothing was imported)\n")
    assert on_database(console, lambda uow: uow.articles.any()) is False


def test_a_trial_prints_its_figures(console: Console, tmp_path: Path) -> None:
    kb, questions = tmp_path / "kb.jsonl", tmp_path / "q.jsonl"
    kb.write_text('{"id": "a", "question": "怎么退款"}\n', encoding="utf-8")
    questions.write_text('{"question": "如何退钱", "gold": ["a"]}\n', encoding="utf-8")
    asked = ("kb", "evaluate", "--kb", str(kb), "--questions", str(questions))
    ended = console.run(*asked, "--json")
    assert (ended.status, ended.json["recall@1"], ended.json["mrr"]) == (0, 1.0, 1.0)
    assert console.run(*asked[:4], "--questions", str(tmp_path / "none")).status == 1
