"""The `yingda` command: reads the command line and calls `gateway.commands`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from gateway import __version__
from gateway.logs import configure_logs
from gateway.settings import Settings, SettingsError, load_settings


def build_parser() -> argparse.ArgumentParser:
    """The command line; each leaf names its handler as `module:function`."""
    parser = argparse.ArgumentParser(
        prog="yingda",
        description="Omnichannel chatbot and intake gateway. Settings: YINGDA_… variables or a "
        "TOML file named by YINGDA_CONFIG; `yingda doctor` shows them.",
    )
    parser.add_argument("--version", action="version", version=f"yingda {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_running(commands)
    _add_people(commands)
    _add_bot(commands)
    _add_actions(commands)
    _add_knowledge(commands)
    _add_mail(commands)
    return parser


def _add_running(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="start the server (migrates and seeds first)")
    serve.add_argument(
        "--role",
        default="",
        metavar="ROLES",
        help="http, worker, receiver, timer, separated by commas; all by default. Splitting "
        "needs PostgreSQL and Redis.",
    )
    serve.set_defaults(handler="serve:run")
    migrate = commands.add_parser("migrate", help="bring the database up to date")
    migrate.set_defaults(handler="migrate:run")
    doctor = commands.add_parser("doctor", help="tell what is misconfigured and how to mend it")
    _json(doctor)
    doctor.set_defaults(handler="doctor:run")
    trace = commands.add_parser("trace", help="print what happened to a message, hop by hop")
    trace.add_argument("message", help="a message's id, or a conversation's for its newest ones")
    _json(trace)
    trace.set_defaults(handler="trace:run")


def _add_people(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    user = commands.add_parser("user", help="agents: add, reset, list")
    actions = user.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add an agent and print a one-time password")
    add.add_argument("email")
    add.add_argument("--name", required=True, help="the name that customers see")
    add.add_argument("--role", choices=["agent", "leader", "administrator"], default="agent")
    add.add_argument("--team", action="append", default=[], help="team by name; may be repeated")
    _json(add)
    add.set_defaults(handler="user:add")
    reset = actions.add_parser("reset", help="give an agent a new one-time password")
    reset.add_argument("email")
    _json(reset)
    reset.set_defaults(handler="user:reset")
    listing = actions.add_parser("list", help="list the agents")
    _json(listing)
    listing.set_defaults(handler="user:show")


def _add_bot(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bot = commands.add_parser("bot", help="the bot: train, test, evaluate, versions, publish")
    actions = bot.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = actions.add_parser("train", help="train the model of the catalogue's draft")
    train.set_defaults(handler="bot:train")
    test = actions.add_parser("test", help="recognise the held-out checks of the draft")
    _json(test)
    test.set_defaults(handler="bot:test")
    _add_evaluate(actions)
    _add_publishing(actions)
    intents = commands.add_parser("intents", help="the catalogue: check, import, export")
    checks = intents.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = checks.add_parser("check", help="find what is wrong in the catalogue")
    check.add_argument("folder", nargs="?", help="a catalogue folder; the one in force by default")
    _json(check)
    check.set_defaults(handler="intents:check")
    bring = checks.add_parser("import", help="import a Rasa project or a table, or nothing")
    bring.add_argument("source", help="a folder, or a .zip, .csv or .xlsx file")
    bring.add_argument("--into", help="the catalogue folder; YINGDA_CATALOGUE_DIR by default")
    bring.set_defaults(handler="intents:bring")
    tree = checks.add_parser("tree", help="draw a guided diagnosis as an outline")
    tree.add_argument("name", help="the tree's name")
    tree.add_argument("--lang", choices=["zh", "en"], default="zh")
    _json(tree)
    tree.set_defaults(handler="intents:tree")
    export = checks.add_parser("export", help="export the catalogue in force")
    export.add_argument("target", help="a new folder, or a .zip, .csv or .xlsx file")
    export.set_defaults(handler="intents:export")


def _add_actions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    actions = commands.add_parser("actions", help="serve the bot's actions to a Rasa server")
    actions.add_argument("--host", default="127.0.0.1", help="address to listen on")
    actions.add_argument("--port", type=int, default=5055, help="port to listen on")
    actions.set_defaults(handler="actions:run")


def _add_publishing(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    versions = actions.add_parser("versions", help="list the published versions")
    _json(versions)
    versions.set_defaults(handler="bot:versions")
    publish = actions.add_parser(
        "publish", help="publish the draft, or an old version again, through the gate"
    )
    publish.add_argument("version", nargs="?", type=int, help="an old version's number")
    publish.add_argument("--reason", default="", help="why; an override needs one")
    publish.add_argument("--override", action="store_true", help="publish against the gate")
    publish.set_defaults(handler="bot:publish")


def _add_evaluate(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    evaluate = actions.add_parser(
        "evaluate",
        help="train on one file of labelled sentences and measure on another",
        description="Files are Rasa NLU YAML, or JSON lines with text, intent and, if wanted, "
        "lang, split and oos. The intent out_of_scope means: must be refused.",
    )
    evaluate.add_argument("--train", required=True, metavar="FILE", help="what is learnt")
    evaluate.add_argument("--test", required=True, metavar="FILE", help="what is asked")
    evaluate.add_argument("--train-split", metavar="NAME", help="learn only lines of this split")
    evaluate.add_argument("--test-split", metavar="NAME", help="ask only lines of this split")
    evaluate.add_argument("--lang", choices=("zh", "en"), help="the language of both files")
    evaluate.add_argument(
        "--per-intent", type=_count, metavar="N", help="learn the first N sentences of an intent"
    )
    evaluate.add_argument("--encoder", metavar="DIR", help="folder of an ONNX sentence encoder")
    _json(evaluate)
    evaluate.set_defaults(handler="evaluate:run")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _add_knowledge(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    knowledge = commands.add_parser("kb", help="the knowledge base: import, export, evaluate")
    actions = knowledge.add_subparsers(dest="action", required=True, metavar="ACTION")
    evaluate = actions.add_parser(
        "evaluate", help="measure how well questions find their answers in files of your own"
    )
    evaluate.add_argument(
        "--kb", required=True, metavar="FILE", help="JSON lines of id, question, similar, answer"
    )
    evaluate.add_argument(
        "--questions", required=True, metavar="FILE", help="JSON lines of question, gold (ids)"
    )
    evaluate.add_argument(
        "--unanswerable", metavar="FILE", help="more questions, which nothing answers"
    )
    _json(evaluate)
    evaluate.set_defaults(handler="kb:evaluate")
    taking = actions.add_parser(
        "import", help="import Markdown, HTML or Word: a folder, a .zip or a file; all or nothing"
    )
    taking.add_argument("path", metavar="PATH")
    taking.add_argument("--publish", action="store_true", help="publish at once; drafts otherwise")
    taking.add_argument(
        "--language",
        choices=["zh", "en"],
        default="zh",
        help="of texts that do not tell their language (zh)",
    )
    _json(taking)
    taking.set_defaults(handler="kb:take")
    giving = actions.add_parser("export", help="write what is published as Markdown files")
    giving.add_argument("folder", metavar="DIR")
    giving.set_defaults(handler="kb:give")


def _add_mail(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    mail = commands.add_parser("mail", help="mails: parse, evaluate")
    actions = mail.add_subparsers(dest="action", required=True, metavar="ACTION")
    parse = actions.add_parser("parse", help="print how a mail is read, and why")
    parse.add_argument(
        "file", metavar="FILE", help="a mail as it came (.eml); - for standard input"
    )
    _json(parse)
    parse.set_defaults(handler="mail:parse")
    evaluate = actions.add_parser(
        "evaluate", help="measure how well mails of your own are read, field by field"
    )
    evaluate.add_argument(
        "--data",
        required=True,
        metavar="DIR",
        help="a folder with expected.jsonl (id, file, expect) and replies.jsonl (id, text, reply)",
    )
    _json(evaluate)
    evaluate.set_defaults(handler="mail:evaluate")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status is 0 when it did its work, 2 for a wrong setting."""
    arguments = build_parser().parse_args(argv)
    try:
        settings: Settings = load_settings(os.environ)
    except SettingsError as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 2
    # Commands tell themselves what went wrong; `serve` sets its own level.
    configure_logs(level="error", as_json=False)
    module, _, function = arguments.handler.partition(":")
    handler = getattr(importlib.import_module(f"gateway.commands.{module}"), function)
    try:
        status = int(handler(arguments, settings))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads the output, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
