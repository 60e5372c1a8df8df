"""A gateway in a process of its own, and an administrator's way into its API."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import aiohttp

from bot.training import train
from intents.documents import lesson_hash
from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
ADMIN = "admin@example.com"
PASSWORD = "a-long-test-password"
START_SECONDS = 40.0


@cache
def trained_models() -> Path:
    """A folder with the sample catalogue's model, trained once for all tests of this process."""
    folder = Path(tempfile.mkdtemp(prefix="yingda-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shipped = load_catalogue(SHIPPED_CATALOGUE)
    train(replace(shipped, version=lesson_hash(shipped)), folder)
    return folder


class GatewayProcess:
    """`yingda serve` with a data folder, on a free port that it keeps over restarts."""

    def __init__(
        self, folder: Path, *, roles: Sequence[str] = (), environ: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.log = folder / f"log-{self.port}.txt"
        self._roles = roles
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("YINGDA_")},
            "YINGDA_DATA_DIR": str(folder),
            "YINGDA_PORT": str(self.port),
            "YINGDA_ADMIN_EMAIL": ADMIN,
            "YINGDA_ADMIN_PASSWORD": PASSWORD,
            **(environ or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(trained_models(), folder / "models", dirs_exist_ok=True)

    def start(self, *, wait: bool = True) -> Self:
        """Starts it; with `wait` returns when it is ready."""
        command = [sys.executable, "-m", "gateway", "serve"]
        if self._roles:
            command += ["--role", ",".join(self._roles)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environ, stdout=log, stderr=log
            )
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Returns when /readyz answers 200."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self._process is not None
            assert self._process.poll() is None, f"ended early: {self.tail()}"
            if self.readiness() == 200:
                return
            time.sleep(0.05)
        raise AssertionError(f"not ready after {START_SECONDS:.0f} s: {self.tail()}")

    def readiness(self) -> int:
        """The status of /readyz, 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def kill(self) -> None:
        """SIGKILL: what the power cable does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def terminate(self, limit: float = 30.0) -> int:
        """SIGTERM: drains; returns the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=limit)

    def close(self) -> None:
        """Ends it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""


class Administrator:
    """Signed in to the API."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._csrf = ""
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        me = await self.call("POST", "/sign-in", {"email": ADMIN, "password": PASSWORD})
        self._csrf = me["csrf"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the answer's JSON, or None where there is none."""
        headers = {"X-CSRF-Token": self._csrf} if self._csrf else {}
        async with self._http.request(
            method, f"{self._url}/api/v1{path}", json=body, headers=headers
        ) as answer:
            text = await answer.text()
            assert answer.status < 400, f"{method} {path}: {answer.status} {text}"
            return await answer.json() if text else None
