"""Model files: a described header and arrays that are mapped into memory, not read.

Layout: the magic line, the header's length (8 bytes, little endian), the header (JSON), then
each array at the place that the header tells, on a border of 64 bytes. Every process that
serves a catalogue maps the same pages, so a second worker costs no memory for the arrays.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from bot.errors import ModelMissingError

FORMAT = 2
_MAGIC = b"yingda model\n"
_BORDER = 64


def write_model(path: Path, head: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write a model file, complete or not at all.

    Args:
        path: where; its folder is made when missing.
        head: what JSON can hold, by name.
        arrays: numpy arrays by name.
    """
    places: dict[str, Any] = {}
    end = 0
    for name, array in arrays.items():
        places[name] = {"type": array.dtype.str, "shape": array.shape, "at": end}
        end += array.nbytes + -array.nbytes % _BORDER
    told = {"format": FORMAT, "arrays": places, "bytes": end, **head}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(len(_MAGIC) + 8 + len(text)) % _BORDER)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{uuid4().hex}.part")
    with half.open("wb") as file:
        file.write(_MAGIC + len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).tobytes())
            file.write(b"\0" * (-array.nbytes % _BORDER))
    half.replace(path)


def read_model(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the arrays of a model file; the arrays cannot be written to.

    Raises:
        ModelMissingError: there is no such file, or it is not a model of this format.
    """
    try:
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _parts(memory, path)
    except FileNotFoundError as error:
        message = f"{path} does not exist; train the model with `yingda bot train`"
        raise ModelMissingError(message) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} is not a model file; train it again with `yingda bot train`"
        raise ModelMissingError(message) from error


def _parts(memory: mmap.mmap, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    start = len(_MAGIC) + 8
    if memory[: len(_MAGIC)] != _MAGIC:
        message = "no magic line"
        raise ValueError(message)
    begin = start + int.from_bytes(memory[len(_MAGIC) : start], "little")
    head = json.loads(memory[start:begin])
    if head["format"] != FORMAT:
        message = f"{path} has model format {head['format']}, not {FORMAT}; train again"
        raise ModelMissingError(message)
    if len(memory) != begin + head["bytes"]:
        message = "cut short"
        raise ValueError(message)
    arrays = {}
    for name, told in head["arrays"].items():
        count = int(np.prod(told["shape"], dtype=np.int64))
        flat = np.frombuffer(memory, dtype=told["type"], count=count, offset=begin + told["at"])
        arrays[name] = flat.reshape(told["shape"])
    return head, arrays
