"""The fingerprint of the code that learns: a model of other code is another model."""

from __future__ import annotations

import hashlib
from pathlib import Path

LEARNING = (
    "concepts",
    "cues",
    "heads",
    "learning",
    "lexicon",
    "model_file",
    "postings",
    "recognise",
    "sorts",
    "speller",
    "training",
)
"""The modules on which what a model holds, and what it means, depends."""


def _fingerprint() -> str:
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for name in LEARNING:
        digest.update((folder / f"{name}.py").read_bytes() + b"\0")
    return digest.hexdigest()[:12]


LEARNER = _fingerprint()
"""Equal in all processes of one release; part of every model's name and header."""
