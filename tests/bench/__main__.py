"""Prints one table: turns per second, latency, CPU, start and memory, and the ratios."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from tests.bench import targets
from tests.bench.load import Sample, drive
from tests.bench.mailbox import bench_mailbox
from tests.bench.mails import bench_mails
from tests.servers import PostgresServer, RedisServer, ServerMissingError

SENDERS = (1, 8, 32)
WARM_UP = 1.5  # seconds


def questions() -> list[str]:
    """The catalogue's held-out checks: what customers ask, in words the bot was not trained on."""
    catalogue = load_catalogue(SHIPPED_CATALOGUE)
    return [check.text for intent in catalogue.intents for check in intent.checks]


def measure(
    target: targets.Target, texts: list[str], seconds: float, *, thinks: bool = True
) -> list[dict[str, Any]]:
    """One row for each number of senders; for what thinks, one in which all texts are new."""
    rows = []
    run = f"b{time.time_ns()}"
    asyncio.run(drive(target.url, texts, senders=8, seconds=WARM_UP, prefix=f"{run}-warm"))
    for senders in SENDERS:
        before = target.cpu_seconds()
        sample = asyncio.run(
            drive(target.url, texts, senders=senders, seconds=seconds, prefix=f"{run}-{senders}")
        )
        rows.append(_row(sample, target.cpu_seconds() - before))
    if not thinks:
        return rows
    before = target.cpu_seconds()
    load = drive(
        target.url, texts, senders=32, seconds=seconds, prefix=f"{run}-new", always_new=True
    )
    sample = asyncio.run(load)
    rows.append({**_row(sample, target.cpu_seconds() - before), "always_new": True})
    return rows


def _row(sample: Sample, cpu: float) -> dict[str, Any]:
    return {
        "senders": sample.senders,
        "turns_per_s": round(sample.rate, 1),
        "p50_ms": round(sample.percentile(0.50), 2),
        "p99_ms": round(sample.percentile(0.99), 2),
        "cpu_ms_per_turn": round(1000 * cpu / max(1, sample.turns), 3),
        "errors": sample.errors,
        "silent": sample.silent,
    }


def bench_echo(texts: list[str], seconds: float) -> dict[str, Any]:
    """The ceiling."""
    with targets.echo() as target:
        return {"name": "bare aiohttp echo", "rows": measure(target, texts, seconds, thinks=False)}


def _result(name: str, target: targets.Target, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "rows": rows,
        "ready_s": round(target.ready, 2),
        "memory_mb": round(target.memory),
        "memory_after_mb": round(target.resident()),
    }


def bench_embedded(texts: list[str], seconds: float) -> dict[str, Any]:
    """SQLite, synchronous=FULL, embedded bus, one process."""
    with tempfile.TemporaryDirectory() as folder, targets.embedded(Path(folder)) as target:
        return _result("embedded (SQLite)", target, measure(target, texts, seconds))


def bench_split(texts: list[str], seconds: float) -> dict[str, Any]:
    """PostgreSQL with fsync, Redis with appendfsync always, two processes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(PostgresServer(fsync=True))
        redis = stack.enter_context(RedisServer())
        target = stack.enter_context(targets.split(folder, postgres.url(), redis.url()))
        return _result("PostgreSQL + Redis, split", target, measure(target, texts, seconds))


def bench_peer(url: str, texts: list[str], seconds: float) -> dict[str, Any]:
    """Any server that speaks Rasa's REST channel."""
    target = targets.Target(url, [], 0, 0)
    return {"name": f"peer {url}", "rows": measure(target, texts, seconds)}


def print_table(results: list[dict[str, Any]], echo: dict[str, Any]) -> None:
    """The table for people."""
    ceiling = {row["senders"]: row["turns_per_s"] for row in echo["rows"]}
    print(f"{machine()}\n")
    head = ("", "senders", "turns/s", "of echo", "p50 ms", "p99 ms", "CPU ms/turn", "errors")
    print("{:<28}{:>8}{:>10}{:>9}{:>9}{:>9}{:>13}{:>8}".format(*head))
    for result in results:
        for row in result["rows"]:
            name = "  every text new" if row.get("always_new") else result["name"]
            print(
                f"{name:<28}{row['senders']:>8}{row['turns_per_s']:>10.0f}"
                f"{row['turns_per_s'] / ceiling[row['senders']]:>9.2f}{row['p50_ms']:>9.1f}"
                f"{row['p99_ms']:>9.1f}{row['cpu_ms_per_turn']:>13.3f}{row['errors']:>8}"
            )
        if "ready_s" in result:
            print(
                f"{'':<28}ready in {result['ready_s']} s, {result['memory_mb']} MB after start, "
                f"{result['memory_after_mb']} MB after the load"
            )


def _mail_row(mails: dict[str, Any]) -> str:
    return (
        f"{mails['name']:<28}p50 {mails['p50_ms']} ms, p99 {mails['p99_ms']} ms, longest "
        f"{mails['max_ms']} ms ({mails['mails']} mails of {mails['mean_kb']} kB on average)"
    )


def _mailbox_row(mailbox: dict[str, Any]) -> str:
    if "missing" in mailbox:
        return f"mailbox to ticket: not measured, {mailbox['missing']}"
    return (
        f"{mailbox['name']:<28}{mailbox['mails_per_s']} mails/s "
        f"({mailbox['mails']} mails of {mailbox['mean_kb']} kB on average, from Dovecot)"
    )


def _measure_mailbox() -> dict[str, Any]:
    try:
        return bench_mailbox()
    except ServerMissingError as error:
        return {"missing": str(error)}


def machine() -> str:
    """What it ran on."""
    cores = len(os.sched_getaffinity(0))
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.machine()
    return f"{cores} cores of {name}, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row")
    parser.add_argument("--peer", help="REST channel of another server, driven the same way")
    parser.add_argument("--only", choices=["embedded", "split", "mail"], help="one part alone")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="read the mails (*.eml) of a folder"
    )
    arguments = parser.parse_args()
    mails = bench_mails(arguments.data)
    mailbox = {} if arguments.only in {"embedded", "split"} else _measure_mailbox()
    if arguments.only == "mail":
        shown = f"{machine()}\n\n{_mail_row(mails)}\n{_mailbox_row(mailbox)}"
        print(json.dumps({"mail": mails, "mailbox": mailbox}) if arguments.json else shown)
        return
    texts = questions()
    echo = bench_echo(texts, arguments.seconds)
    results = [echo]
    if arguments.only != "split":
        results.append(bench_embedded(texts, arguments.seconds))
    missing = ""
    if arguments.only != "embedded":
        try:
            results.append(bench_split(texts, arguments.seconds))
        except ServerMissingError as error:
            missing = f"PostgreSQL + Redis: not measured, {error}"
    if arguments.peer:
        results.append(bench_peer(arguments.peer, texts, arguments.seconds))
    if arguments.json:
        figures = {"results": results, "mail": mails, "mailbox": mailbox}
        print(json.dumps({"machine": machine(), **figures}))
        return
    print_table(results, echo)
    print(_mail_row(mails))
    if mailbox:
        print(_mailbox_row(mailbox))
    if missing:
        print(missing)
    if arguments.peer:
        peer = {row["senders"]: row["turns_per_s"] for row in results[-1]["rows"]}
        for result in results[1:-1]:
            for row in result["rows"]:
                ratio = row["turns_per_s"] / max(0.001, peer[row["senders"]])
                print(f"{result['name']} at {row['senders']} senders: {ratio:.1f} × the peer")


if __name__ == "__main__":
    main()
