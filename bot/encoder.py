"""Sentence encoders: a port that turns texts into vectors, and ONNX models behind it.

An encoder knows that other words can mean the same, which the catalogue's own words cannot
tell. It is optional: the built-in recogniser works without and fuses one in when there is one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bot.errors import BotError
from bot.postings import Floats

_BATCH = 64
_LONGEST = 256
_INSTALL = "install Yingda with the extra `encoder` (pip install 'yingda[encoder]')"


class EncoderError(BotError):
    """The encoder's folder cannot be used; the message says what is missing."""


class Encoder(Protocol):
    """Turns texts into vectors whose cosines tell how alike the meanings are."""

    @property
    def fingerprint(self) -> str:
        """Names the encoder's content: models trained with one are served with that one only."""
        ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row of length 1 for each text."""
        ...


class OnnxEncoder:
    """A sentence-transformers folder with an ONNX model, run on one core by onnxruntime.

    The folder holds `tokenizer.json`, and `onnx/model.onnx` or `model.onnx`; the way to pool
    is read from `1_Pooling/config.json` (mean when there is none).

    Args:
        folder: the model's folder.

    Raises:
        EncoderError: a file or a library is missing, or the model is of another kind.
    """

    def __init__(self, folder: Path) -> None:
        tokens = _file(folder, "tokenizer.json")
        model = _file(folder, "onnx/model.onnx", "model.onnx")
        self._first_token = _pools_first_token(folder)
        self._fingerprint = _fingerprint(tokens, model)
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            message = f"the encoder needs onnxruntime and tokenizers; {_INSTALL}"
            raise EncoderError(message) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(tokens))
        except Exception as error:
            message = f"{folder} cannot be loaded as an encoder: {error}"
            raise EncoderError(message) from error
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.enable_padding()
        self._inputs = {node.name for node in self._session.get_inputs()}
        if not {"input_ids", "attention_mask"} <= self._inputs:
            message = f"{model} must take input_ids and attention_mask; export it anew"
            raise EncoderError(message)

    @property
    def fingerprint(self) -> str:
        """First 12 hex digits of SHA-256 over tokenizer and model."""
        return self._fingerprint

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row of length 1 for each text.

        Texts of like length are computed together; at most 256 tokens of each count.
        """
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        rows: dict[int, Floats] = {}
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            found = self._batch([texts[place] for place in places])
            rows |= dict(zip(places, found, strict=True))
        return np.stack([rows[place] for place in range(len(texts))]).astype(np.float32)

    def _batch(self, texts: Sequence[str]) -> Floats:
        read = self._tokenizer.encode_batch(list(texts))
        mask = np.array([item.attention_mask for item in read], dtype=np.int64)
        given: dict[str, Any] = {
            "input_ids": np.array([item.ids for item in read], dtype=np.int64),
            "attention_mask": mask,
        }
        if "token_type_ids" in self._inputs:
            given["token_type_ids"] = np.zeros_like(mask)
        states = self._session.run(None, given)[0]
        pooled = states
        if states.ndim == 3:
            weights = mask[:, :, None].astype(np.float32)
            total = np.maximum(weights.sum(axis=1), 1)
            pooled = states[:, 0] if self._first_token else (states * weights).sum(axis=1) / total
        lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
        vectors: Floats = pooled / np.maximum(lengths, 1e-12)
        return vectors


def _file(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    wanted = " or ".join(names)
    message = (
        f"{folder} has no {wanted}; name the folder of a sentence-transformers model with an "
        "ONNX file"
    )
    raise EncoderError(message)


def _pools_first_token(folder: Path) -> bool:
    path = folder / "1_Pooling" / "config.json"
    if not path.is_file():
        return False
    try:
        told = json.loads(path.read_text("utf-8"))
        first = bool(told.get("pooling_mode_cls_token", False))
        mean = bool(told.get("pooling_mode_mean_tokens", not first))
    except (OSError, ValueError, AttributeError) as error:
        message = f"{path} cannot be read: {error}"
        raise EncoderError(message) from error
    if first == mean:
        message = f"{path} asks for a way to pool that is not supported; use mean or cls_token"
        raise EncoderError(message)
    return first


def _fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
