"""Throw-away PostgreSQL and Redis servers for tests.

Each server runs from the installed binaries, listens on a free loopback port, keeps its data in a
temporary directory of its own and is signalled by the process id that was started here, so a
server that is already running on the machine is never touched. Both can be stopped, killed and
started again on the same port with the same data, which is what outage tests need.
"""

import atexit
import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import psycopg
from psycopg import sql
from typing_extensions import override

START_SECONDS = 30.0
STOP_SECONDS = 30.0


class ServerMissingError(RuntimeError):
    """The server's program is not installed; the message names the Debian package."""


class ServerFailedError(RuntimeError):
    """The server did not start or stop; the message ends with the tail of its log."""


def free_port() -> int:
    """Return a loopback port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    """Tell whether a server could listen on that loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def find_program(name: str, package: str) -> Path:
    """Return the newest installed program of that name.

    Args:
        name: the executable, for instance ``initdb``.
        package: the Debian package that brings it.

    Raises:
        ServerMissingError: it is neither under ``/usr/lib/postgresql`` nor on the PATH.
    """
    debian = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    versions = {
        int(match[1]): path
        for path in debian
        if (match := re.search(r"/postgresql/(\d+)/", str(path))) and os.access(path, os.X_OK)
    }
    if versions:
        return versions[max(versions)]
    if found := shutil.which(name):
        return Path(found)
    raise ServerMissingError(f"{name} is not installed (Debian: apt-get install {package})")


def _unprivileged() -> pwd.struct_passwd | None:
    """Return the account that servers run as when root starts them, else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerMissingError("root needs an account named postgres or nobody to run PostgreSQL as")


class ThrowawayServer(ABC):
    """A server process with a directory, a port and a log; subclasses say what to run."""

    label: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self) -> None:
        """Create the directory; nothing runs before `start`."""
        self.account = _unprivileged()
        self.directory = Path(tempfile.mkdtemp(prefix=f"yd-{self.label}-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        if self.account:
            os.chown(self.directory, self.account.pw_uid, self.account.pw_gid)
        atexit.register(self.close)

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command line that runs the server in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether the server takes commands."""

    @property
    def log_path(self) -> Path:
        """The file that takes what the server writes."""
        return self.directory / "server.log"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self.process is None:
            raise ServerFailedError(f"{self.label} is not running")
        return self.process.pid

    def run_program(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a program as the server's account, in its own session, logging to the file."""
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self.account.pw_uid if self.account else None,
                group=self.account.pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.directory)},
            )

    def start(self) -> Self:
        """Run the server and return once it answers.

        Raises:
            ServerFailedError: its port is taken, it ended at once, or it did not
                answer within `START_SECONDS`.
        """
        if self.process is not None:
            raise ServerFailedError(f"{self.label} is already running")
        if not _is_free(self.port):  # else the answers of a stranger would pass for ours
            raise ServerFailedError(f"{self.label} cannot start: port {self.port} is taken")
        deadline = time.monotonic() + START_SECONDS
        self.process = self.run_program(self.command())
        self._set_guard(self.process.pid)
        while not self.answers():
            if self.process.poll() is not None:
                self._forget()
                raise ServerFailedError(f"{self.label} ended at start:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailedError(f"{self.label} does not answer:\n{self.log_tail()}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Shut the server down in order and wait for its end; data stays."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise ServerFailedError(f"{self.label} did not stop:\n{self.log_tail()}") from error
        self._forget()

    def kill(self) -> None:
        """End the server and its children by SIGKILL, as a crash would; data stays."""
        if self.process is None:
            return
        # The children are asked for first: once their parent is dead nobody can name them.
        pids = [self.process.pid, *children(self.process.pid)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        self._forget()

    def close(self) -> None:
        """Kill the server and remove its directory; safe to call twice."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        atexit.unregister(self.close)

    def _set_guard(self, pid: int) -> None:
        """Have the server ended and its directory removed should the tests be killed.

        The guard waits at a pipe whose other end only this process holds; however this process
        ends, the pipe ends with it.
        """
        script = 'read -r _; kill -KILL "$1"; sleep 1; rm -rf "$2"'
        self._guard = subprocess.Popen(
            ["sh", "-c", script, "guard", str(pid), str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _forget(self) -> None:
        """The server has ended: dismiss the guard before the process id means another process."""
        self.process = None
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""
        if not self.log_path.exists():
            return "(no log)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class PostgresServer(ThrowawayServer):
    """A PostgreSQL cluster; run as ``postgres`` or ``nobody`` when root runs the tests.

    Args:
        fsync: True makes each commit reach the disk, as in production. A killed process loses
            nothing either way; only a power cut would tell the difference.
    """

    label = "postgres"
    stop_signal = signal.SIGINT  # "fast": sessions are cut, the cluster is left clean

    def __init__(self, *, fsync: bool = False) -> None:
        self.program = find_program("postgres", "postgresql")
        self.initdb = find_program("initdb", "postgresql")
        super().__init__()
        self.fsync = fsync
        self._templates: set[str] = set()

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.directory / "data"

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database of this cluster."""
        return f"postgresql://yingda@127.0.0.1:{self.port}/{database}"

    @override
    def command(self) -> list[str]:
        switch = "on" if self.fsync else "off"
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory),
            "fsync": switch,
            "full_page_writes": switch,
            "max_connections": "100",
        }
        settings = [f"--{name}={value}" for name, value in options.items()]
        return [str(self.program), "-D", str(self.data), "-p", str(self.port), *settings]

    @override
    def start(self) -> Self:
        """Run the server, creating the cluster the first time."""
        if not self.data.exists():
            self._create_cluster()
        return super().start()

    def _create_cluster(self) -> None:
        arguments = ["--username=yingda", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        command = [str(self.initdb), "-D", str(self.data), "--locale=C.UTF-8", *arguments]
        if self.run_program(command).wait(START_SECONDS):
            raise ServerFailedError(f"initdb failed:\n{self.log_tail()}")

    @override
    def answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: sql.SQL | sql.Composed) -> None:
        """Run one statement in the maintenance database, outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def create_database(self, template: str = "template1") -> str:
        """Create a database of a fresh name, copied from a template, and return the name."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database and cut whoever is connected to it."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self.execute(statement.format(sql.Identifier(name)))

    def template(self, name: str, build: Callable[[str], None]) -> str:
        """Return a template database, built at the first call of that name.

        Args:
            name: the template's name.
            build: called once with the address of the empty database, to migrate or fill it; it
                must close its connections, since a database in use cannot be copied.
        """
        if name not in self._templates:
            self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            build(self.url(name))
            self._templates.add(name)
        return name


class RedisServer(ThrowawayServer):
    """A Redis server with the append-only file flushed at each write, as production has it."""

    label = "redis"

    def __init__(self) -> None:
        self.program = find_program("redis-server", "redis-server")
        super().__init__()

    def url(self, database: int = 0) -> str:
        """Return the address of one of its numbered databases."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    @override
    def command(self) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "daemonize": "no",
        }
        pairs = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [str(self.program), *pairs]

    @override
    def answers(self) -> bool:
        try:
            return self.ask("PING") == "+PONG"
        except OSError:
            return False

    def ask(self, *words: str) -> str:
        """Send one command over a plain socket and return the first line of the answer."""
        request = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(f"*{len(words)}\r\n{request}".encode())
            with connection.makefile(encoding="utf-8", newline="\r\n") as lines:
                return lines.readline().rstrip("\r\n")

    def flush(self) -> None:
        """Empty every database of this server."""
        if (answer := self.ask("FLUSHALL")) != "+OK":
            raise ServerFailedError(f"redis refused FLUSHALL: {answer}")


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    listing = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in listing.stdout.split()]
