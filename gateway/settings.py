"""Settings: environment variables over an optional TOML file, typed and checked at the start.

Each field `name` is set by `YINGDA_NAME` or by `name = …` in the file that `YINGDA_CONFIG`
names (`yingda.toml` in the working directory when there is one). A wrong or unknown setting
stops the start with one line that names it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

PREFIX = "YINGDA_"
DEFAULT_FILE = "yingda.toml"
# Read by the Makefile or by other programs, or naming the file itself.
_NOT_OURS = frozenset({"YINGDA_CONFIG"})


class SettingsError(Exception):
    """A setting is wrong; the message names it and says what it may be."""


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set."""

    data_dir: Path = field(
        default=Path("data"),
        metadata=_doc("Folder for the database, files, keys and models."),
    )
    host: str = field(default="127.0.0.1", metadata=_doc("Address to listen on."))
    port: int = field(default=8080, metadata=_doc("Port to listen on; PORT is read too."))
    public_url: str = field(
        default="",
        metadata=_doc(
            "Address under which people reach the server, such as https://chat.example.com. "
            "With https, cookies are marked Secure."
        ),
    )
    database_url: str = field(
        default="",
        metadata=_doc(
            "postgresql://user:password@host/database; empty: SQLite in the data folder."
        ),
    )
    redis_url: str = field(
        default="",
        metadata=_doc("redis://host:6379/0 for the bus; empty: the embedded bus."),
    )
    catalogue_dir: Path | None = field(
        default=None,
        metadata=_doc("Folder of the bot's catalogue; empty: the sample catalogue."),
    )
    encoder_dir: Path | None = field(
        default=None,
        metadata=_doc(
            "Folder of a sentence encoder (tokenizer.json and an ONNX model) that helps the bot "
            "to understand; empty: none."
        ),
    )
    admin_email: str = field(
        default="admin@example.com",
        metadata=_doc("Sign-in name of the administrator made at the first start."),
    )
    admin_password: str = field(
        default="",
        metadata=_doc(
            "That administrator's password, at least 10 characters; empty: one is made and "
            "printed, and must be changed at the first sign-in."
        ),
    )
    trusted_proxies: tuple[str, ...] = field(
        default=(),
        metadata=_doc(
            "Addresses or networks of reverse proxies whose X-Forwarded-For is believed, "
            "separated by commas."
        ),
    )
    bus_max_depth: int = field(
        default=50_000,
        metadata=_doc("Messages the bus may hold before senders are told to wait (503)."),
    )
    turn_cap: int = field(
        default=12,
        metadata=_doc("Bot turns in a row after which a person is asked to take over."),
    )
    turn_seconds: float = field(
        default=10.0,
        metadata=_doc("Seconds the bot may think before the conversation goes to people."),
    )
    time_zone: str = field(
        default="Asia/Shanghai",
        metadata=_doc("Time zone (IANA name) in which the bot tells customers times."),
    )
    rasa_url: str = field(
        default="", metadata=_doc("Rasa server whose /model/parse inboxes may choose.")
    )
    rasa_token: str = field(default="", metadata=_doc("Its --auth-token, if it has one."))
    llm_url: str = field(
        default="",
        metadata=_doc(
            "OpenAI-compatible address before /chat/completions that inboxes may choose."
        ),
    )
    llm_model: str = field(default="", metadata=_doc("The model's name there."))
    llm_key: str = field(default="", metadata=_doc("The key it wants, if any."))
    llm_answers: bool = field(
        default=False,
        metadata=_doc(
            "Whether that model words answers from articles; each is checked against what it "
            "cites, and personal data is taken out before anything is sent."
        ),
    )
    llm_seconds: float = field(
        default=6.0,
        metadata=_doc("Seconds it may take for an answer; then the passage itself answers."),
    )
    llm_daily_tokens: int = field(
        default=500_000,
        metadata=_doc("Tokens that its answers may take a day, in all processes; 0: no limit."),
    )
    llm_daily_cost: float = field(
        default=0.0,
        metadata=_doc("What they may cost a day, in the currency of the prices; 0: no limit."),
    )
    llm_price_in: float = field(
        default=0.0, metadata=_doc("Price of a million tokens that it reads.")
    )
    llm_price_out: float = field(
        default=0.0, metadata=_doc("Price of a million tokens that it writes.")
    )
    log_level: str = field(
        default="info", metadata=_doc("How much is logged: debug, info, warning or error.")
    )
    log_json: bool = field(
        default=False, metadata=_doc("Log one JSON object a line, for log collectors.")
    )

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve()}/yingda.db"

    @property
    def uses_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.database.startswith("sqlite")


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Reads the settings.

    Args:
        environ: the environment, usually `os.environ`.

    Raises:
        SettingsError: a setting is unknown or wrong.
    """
    values = _from_file(environ)
    known = [field.name for field in fields(Settings)]
    for name in values:
        if name not in known:
            path = environ.get("YINGDA_CONFIG") or DEFAULT_FILE
            raise SettingsError(f"{path}: {name} is no setting. There are: {', '.join(known)}.")
    from_environment = _from_environment(environ)
    for name in from_environment:
        if name not in known:
            choices = ", ".join(sorted(PREFIX + n.upper() for n in known))
            raise SettingsError(f"{PREFIX}{name.upper()} is no setting. There are: {choices}.")
    values.update(from_environment)
    settings = Settings(**{name: _parse(name, value) for name, value in values.items()})
    _check(settings)
    return settings


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in _NOT_OURS
    }
    if environ.get("PORT"):
        values.setdefault("port", environ["PORT"])
    return values


def _from_file(environ: Mapping[str, str]) -> dict[str, Any]:
    named = environ.get("YINGDA_CONFIG")
    path = Path(named or DEFAULT_FILE)
    if not named and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"YINGDA_CONFIG: {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error


def _integer(value: Any) -> int:
    if isinstance(value, bool | float):
        raise TypeError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    choices = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return choices[str(value).lower()]


def _networks(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    names = tuple(str(part).strip() for part in parts if str(part).strip())
    for name in names:
        ip_network(name, strict=False)
    return names


def _zone(value: Any) -> str:
    return ZoneInfo(_text(value)).key


_PARSERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "data_dir": (Path, "a folder"),
    "catalogue_dir": (lambda value: Path(value) if value else None, "a folder"),
    "encoder_dir": (lambda value: Path(value) if value else None, "a folder"),
    "port": (_integer, "a number from 1 to 65535"),
    "bus_max_depth": (_integer, "a number of messages, at least 100"),
    "turn_cap": (_integer, "a number of turns, at least 1"),
    "turn_seconds": (_number, "a number of seconds from 0.1 to 120"),
    "time_zone": (_zone, "a time zone such as Asia/Shanghai or UTC"),
    "log_json": (_boolean, "true or false"),
    "llm_answers": (_boolean, "true or false"),
    "llm_seconds": (_number, "a number of seconds from 0.5 to 60"),
    "llm_daily_tokens": (_integer, "a number of tokens, at least 0"),
    "llm_daily_cost": (_number, "an amount, at least 0"),
    "llm_price_in": (_number, "an amount, at least 0"),
    "llm_price_out": (_number, "an amount, at least 0"),
    "trusted_proxies": (_networks, "addresses or networks separated by commas"),
}


def _parse(name: str, value: Any) -> Any:
    parser, expected = _PARSERS.get(name, (_text, "a text"))
    try:
        return parser(value)
    except (ValueError, KeyError, TypeError) as error:
        raise _wrong(name, f"must be {expected}, not {value!r}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _wrong(name: str, message: str) -> SettingsError:
    return SettingsError(f"{PREFIX}{name.upper()} {message}.")


def _check(settings: Settings) -> None:
    _demand(1 <= settings.port <= 65535, "port", _PARSERS["port"][1])
    _demand(settings.bus_max_depth >= 100, "bus_max_depth", _PARSERS["bus_max_depth"][1])
    _demand(settings.turn_cap >= 1, "turn_cap", _PARSERS["turn_cap"][1])
    _demand(0.1 <= settings.turn_seconds <= 120, "turn_seconds", _PARSERS["turn_seconds"][1])
    _demand(
        settings.log_level in {"debug", "info", "warning", "error"},
        "log_level",
        "debug, info, warning or error",
    )
    _check_llm(settings)
    _check_url("rasa_url", settings.rasa_url, {"http", "https"})
    _check_url("llm_url", settings.llm_url, {"http", "https"})
    _check_url("database_url", settings.database_url, {"postgresql", "sqlite"})
    _check_url("redis_url", settings.redis_url, {"redis", "rediss", "unix"})
    _check_url("public_url", settings.public_url, {"http", "https"})
    _demand("@" in settings.admin_email, "admin_email", "an e-mail address")
    _demand(
        not settings.admin_password or len(settings.admin_password) >= 10,
        "admin_password",
        "at least 10 characters long",
    )


def _check_llm(settings: Settings) -> None:
    for name in ("llm_daily_tokens", "llm_daily_cost", "llm_price_in", "llm_price_out"):
        value = getattr(settings, name)
        _demand(0 <= value < 1e12, name, _PARSERS[name][1])  # no NaN
    _demand(0.5 <= settings.llm_seconds <= 60, "llm_seconds", _PARSERS["llm_seconds"][1])
    prices = settings.llm_price_in or settings.llm_price_out
    _demand(
        not settings.llm_daily_cost or prices > 0,
        "llm_daily_cost",
        f"0 while {PREFIX}LLM_PRICE_IN and {PREFIX}LLM_PRICE_OUT say no prices",
    )
    for name in ("llm_url", "llm_model"):
        _demand(
            not settings.llm_answers or bool(getattr(settings, name)),
            name,
            f"set where {PREFIX}LLM_ANSWERS is true",
        )


def _check_url(name: str, value: str, schemes: set[str]) -> None:
    if not value:
        return
    try:
        parts = urlsplit(value)
        readable = parts.port != 0
    except ValueError:
        readable = False
    _demand(readable, name, "an address whose host and port can be read")
    expected = f"an address that starts with {' or '.join(f'{s}://' for s in sorted(schemes))}"
    _demand(parts.scheme in schemes, name, expected)


def _demand(holds: bool, name: str, expected: str) -> None:
    if not holds:
        raise _wrong(name, f"must be {expected}")
