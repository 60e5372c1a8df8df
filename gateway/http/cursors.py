"""Cursors: where the next page begins, signed together with the filter they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import orjson

from channels.contract import Signer
from channels.errors import SignatureError
from gateway.http.problems import ProblemError

LIFETIME_MS: Final = 24 * 3_600_000


def _purpose(what: str, conditions: Sequence[str | None]) -> str:
    digest = hashlib.sha256(orjson.dumps(list(conditions))).hexdigest()[:24]
    return f"cursor/{what}/{digest}"


def write_cursor(
    signer: Signer,
    what: str,
    conditions: Sequence[str | None],
    position: Sequence[int | str],
    *,
    now: int,
) -> str:
    """A cursor behind a row.

    Args:
        signer: signs it.
        what: the list it belongs to.
        conditions: the list's filter, and whose list it is.
        position: the row's sort key.
        now: ms since the epoch.
    """
    value = orjson.dumps(list(position)).decode()
    return signer.sign(_purpose(what, conditions), value, expires_at=now + LIFETIME_MS)


def read_cursor(
    signer: Signer, what: str, conditions: Sequence[str | None], token: str, *, now: int
) -> list[Any]:
    """The position that a cursor names.

    Raises:
        ProblemError: forged, expired, or given out for another list or filter.
    """
    try:
        position: list[Any] = orjson.loads(
            signer.verify(_purpose(what, conditions), token, now=now)
        )
    except SignatureError as error:
        raise ProblemError(
            "invalid_cursor",
            "cursor: it is not one of this list with this filter, or it has expired; "
            "begin again without a cursor.",
            [("cursor", "not a cursor of this list")],
        ) from error
    return position
