"""Servers that the benchmark starts itself, in processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Target:
    """A running server. `ready` in seconds; `memory` in MB after the start."""

    url: str
    processes: Sequence[subprocess.Popen[bytes]]
    ready: float
    memory: float

    def cpu_seconds(self) -> float:
        """CPU that its processes have used."""
        return sum(_cpu(p.pid) for p in self.processes)

    def resident(self) -> float:
        """Memory that its processes hold, in MB."""
        return sum(_resident(p.pid) for p in self.processes)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6


def wait_until_ready(url: str, process: subprocess.Popen[bytes], limit: float = 60.0) -> float:
    """Seconds until the address answers 200."""
    started = time.perf_counter()
    while time.perf_counter() - started < limit:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return time.perf_counter() - started
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    raise RuntimeError(f"{url} did not answer within {limit:.0f} s")


def start(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts a server quietly, its log kept out of the table."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends what was started here."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def echo() -> Iterator[Target]:
    """The bare aiohttp echo."""
    port = free_port()
    process = start([sys.executable, "-m", "tests.bench.echo", str(port)], {})
    try:
        _wait_for_port(port)
        yield Target(
            f"http://127.0.0.1:{port}/webhooks/rest/webhook", [process], 0, _resident(process.pid)
        )
    finally:
        stop([process])


def _wait_for_port(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise RuntimeError("the echo server did not start")


def _settings(folder: Path, port: int) -> dict[str, str]:
    return {
        "YINGDA_DATA_DIR": str(folder),
        "YINGDA_PORT": str(port),
        "YINGDA_ADMIN_PASSWORD": "benchmark-password",
        "YINGDA_LOG_LEVEL": "warning",
    }


def _serve(environ: Mapping[str, str], *roles: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway", "serve"]
    if roles:
        command += ["--role", ",".join(roles)]
    return start(command, environ)


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[Target]:
    """One process on SQLite with the embedded bus, started a second time for its figures."""
    port = free_port()
    environ = _settings(folder, port)
    first = _serve(environ)
    wait_until_ready(f"http://127.0.0.1:{port}/readyz", first)
    stop([first])
    process = _serve(environ)
    try:
        ready = wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        url = f"http://127.0.0.1:{port}/webhooks/rest/webhook"
        yield Target(url, [process], ready, _resident(process.pid))
    finally:
        stop([process])


@contextlib.contextmanager
def split(folder: Path, database_url: str, redis_url: str) -> Iterator[Target]:
    """Two processes, HTTP and worker, on PostgreSQL and Redis."""
    port = free_port()
    environ = {
        **_settings(folder, port),
        "YINGDA_DATABASE_URL": database_url,
        "YINGDA_REDIS_URL": redis_url,
    }
    first = _serve(environ, "http", "timer")  # trains, once for each catalogue
    wait_until_ready(f"http://127.0.0.1:{port}/readyz", first)
    stop([first])
    http = _serve(environ, "http", "timer")
    processes = [http]
    try:
        ready = wait_until_ready(f"http://127.0.0.1:{port}/readyz", http)
        other = {**environ, "YINGDA_PORT": str(free_port())}
        worker = _serve(other, "worker", "receiver")
        processes.append(worker)
        ready += wait_until_ready(f"http://127.0.0.1:{other['YINGDA_PORT']}/readyz", worker)
        url = f"http://127.0.0.1:{port}/webhooks/rest/webhook"
        memory = sum(_resident(p.pid) for p in processes)
        yield Target(url, processes, ready, memory)
    finally:
        stop(processes)
