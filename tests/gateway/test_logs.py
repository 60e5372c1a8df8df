"""Log records: one line each, in words or as JSON, with facts and without messages' texts."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest

from bot.errors import BotError
from gateway.logs import JsonFormatter, LineFormatter, configure_logs
from tests.gateway.services.desk import Desk, ScriptedBot, inbound

SECRET = "my card number is 6222020200112233445"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The root logger is everyone's: it goes back to how it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()[-1]


def test_a_line_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", as_json=False)
    logging.getLogger("gateway.test").info("taken", extra={"action": "take", "ms": 12})
    assert last_line(capsys).endswith("INFO    taken [action=take ms=12]")


def test_a_line_without_facts(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", as_json=False)
    logging.getLogger("gateway.test").warning("careful")
    assert last_line(capsys).endswith("WARNING careful")


def test_a_line_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", as_json=True)
    logging.getLogger("gateway.test").error(
        "工单 %s", 10001, extra={"action": "store", "conversation": "c1", "unknown": "x"}
    )
    line = json.loads(last_line(capsys))
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "error",
        "logger": "gateway.test",
        "text": "工单 10001",
        "action": "store",
        "conversation": "c1",
    }


def test_an_exception_stays_on_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", as_json=True)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("gateway.test").exception("failed")
    line = json.loads(last_line(capsys))
    assert "ValueError: broken" in line["exception"]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_level_decides_what_is_written(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level=level, as_json=True)
    for each in ("debug", "info", "warning", "error"):
        logging.getLogger("gateway.test").log(getattr(logging, each.upper()), each)
    written = [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()]
    order = ["debug", "info", "warning", "error"]
    assert written == order[order.index(level) :]


def test_access_lines_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", as_json=True)
    logging.getLogger("aiohttp.access").info("GET /?token=abc")
    assert capsys.readouterr().err == ""


def test_configuring_twice_writes_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", as_json=True)
    configure_logs(level="info", as_json=False)
    logging.getLogger("gateway.test").info("once")
    assert capsys.readouterr().err.count("once") == 1


@pytest.mark.parametrize("fault", [BotError("no model"), RuntimeError("bug"), 5.0])
async def test_no_log_holds_what_a_customer_wrote(
    desk: Desk, caplog: pytest.LogCaptureFixture, fault: Exception | float
) -> None:
    caplog.set_level(logging.DEBUG)
    accepted = await desk.accept(inbound(1, SECRET))
    await desk.apply(await desk.take(ScriptedBot(fault), accepted, limit=0.02))
    await asyncio.sleep(0)
    formatters = (JsonFormatter(), LineFormatter())
    written = "\n".join(f.format(record) for f in formatters for record in caplog.records)
    assert isinstance(fault, float) or "turn_failed" in written, "the failure itself is logged"
    assert SECRET not in written


@pytest.mark.parametrize("library", ["mail.log", "aioimaplib.aioimaplib"])
def test_libraries_write_no_mail_into_the_log(
    capsys: pytest.CaptureFixture[str], library: str
) -> None:
    configure_logs(level="debug", as_json=False)
    logging.getLogger(library).debug("Received : %s", SECRET)
    logging.getLogger(library).info("%s", SECRET)
    assert SECRET not in capsys.readouterr().err
