"""What servers say of a mail: SPF, DKIM and DMARC (RFC 8601), and how much like spam it looks."""

from __future__ import annotations

import re

from channels.mail.headers import Headers
from channels.mail.model import Verdict

_RESULT = re.compile(r"(?i)^\s*(spf|dkim|dmarc|arc|compauth)\s*=\s*([a-z]{1,20})\b(.*)$", re.S)
_DOMAIN = re.compile(
    r"(?i)\b(?:header\.(?:d|from|i)|smtp\.(?:mailfrom|helo))\s*=\s*\"?([^\s;\"()]{1,255})"
)
_FROM = re.compile(r"(?i)\bheader\.from\s*=\s*\"?([^\s;\"()]{1,255})")
_COMMENT = re.compile(r"\([^()]{0,1000}\)")
_SCORE = re.compile(r"(?i)(?:score|required|hits)?\s*=?\s*(-?\d{1,4}(?:\.\d{1,4})?)")


def read_verdicts(
    headers: Headers, trusted: frozenset[str], *, unnamed: bool = False
) -> tuple[Verdict, ...]:
    """Reads the topmost Authentication-Results of a host that we trust; others may be forged.

    Args:
        headers: of the mail.
        trusted: names by which our own receiving hosts call themselves, in lower case.
        unnamed: our own host gives no name, as Microsoft 365 does not; the topmost is its.
    """
    for number, raw in enumerate(headers.all_raw("authentication-results")):
        said = _COMMENT.sub(" ", raw.decode("utf-8", "replace"))
        host, *results = said.split(";")
        ours = bool(host.split()) and host.split()[0].lower() in trusted
        if unnamed and number == 0 and _RESULT.match(host):
            ours, results = True, [host, *results]
        if ours:
            return tuple(verdict for each in results[:50] if (verdict := _verdict(each)))
    return ()


def _verdict(said: str) -> Verdict | None:
    found = _RESULT.match(said[:2000])
    if found is None:
        return None
    method = found[1].lower()
    domain = (_FROM if method == "dmarc" else _DOMAIN).search(found[3])
    return Verdict(
        method=method,
        result=found[2].lower(),
        domain=domain[1].rpartition("@")[2].lower() if domain else "",
    )


def read_spam(headers: Headers) -> tuple[bool, float | None]:
    """Whether a filter on the way called it spam, and its score where one is given."""
    status = headers.text("x-spam-status").lower()
    flagged = (
        headers.word("x-spam-flag") == "yes"
        or status.startswith("yes")
        or headers.word("x-spam") == "yes"
    )
    for said in (headers.text("x-spam-score"), status.partition("score=")[2],
                 headers.text("x-rspamd-score"), status.partition("hits=")[2]):  # fmt: skip
        found = _SCORE.match(said) if said else None
        if found is not None:
            return flagged, float(found[1])
    return flagged, None
