"""Log records: one line each, in words or as JSON, with ids and never with message texts."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from typing_extensions import override

# Facts that records carry beside their sentence.
_FACTS = ("action", "conversation", "message_id", "inbox", "request_id", "ms")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        line.update({f: getattr(record, f) for f in _FACTS if hasattr(record, f)})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class LineFormatter(logging.Formatter):
    """Words for a person at a terminal; facts follow in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        facts = " ".join(f"{f}={getattr(record, f)}" for f in _FACTS if hasattr(record, f))
        return f"{line} [{facts}]" if facts else line


def configure_logs(*, level: str, as_json: bool) -> None:
    """Sends all log records to standard error.

    Args:
        level: debug, info, warning or error.
        as_json: one JSON object a line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else LineFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Lines for each request, each migration looked at, each action registered, and of the mail
    # libraries what mails say.
    for noisy in (
        "aiohttp.access",
        "alembic.runtime.migration",
        "rasa_sdk",
        "mail.log",
        "aioimaplib",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
