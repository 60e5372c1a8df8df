"""Writes NOTICE: what Yingda is installed with, at which version, under which licence.

The Python part follows constraints.txt and reads the licences from the installed packages; the
console's part follows its package-lock.json. `make notice` runs this; a test fails when NOTICE
is out of date.
"""

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

HEADER = """\
Yingda
Copyright the Yingda contributors

Yingda's own sources are licensed under the Apache License, version 2.0; see LICENSE.

Yingda is installed with the packages below. Each stays under its own licence, whose text comes
with the package.

aioimaplib, which reads mailboxes, is licensed under the GNU General Public License, version 3 or
later (GPL-3.0-or-later), as its source files say; its package metadata names version 3 alone. The
Apache License allows Yingda's sources to be combined with it. Whoever distributes a bundle that
contains aioimaplib, such as a container image, distributes that bundle as a whole under the GPL;
version 3 satisfies both statements.
"""

# Names in old metadata and what SPDX calls them.
_SPDX = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "mit license": "MIT",
    "public domain": "LicenseRef-Public-Domain",
}
_CLASSIFIERS = {
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
}
# Packages whose metadata is silent, ambiguous or at odds with their licence files, and those that
# are installed on some platforms only.
_SETTLED = {
    "aioimaplib": "GPL-3.0-or-later",
    "async-timeout": "Apache-2.0",
    "cobble": "BSD-2-Clause",
    "colorama": "BSD-3-Clause",
    "html5tagger": "Unlicense",
    "jinja2": "BSD-3-Clause",
    "pyreadline3": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "tzdata": "Apache-2.0",
    "uvloop": "Apache-2.0 OR MIT",
}


class LicenceUnknownError(Exception):
    """A package does not say its licence in words that this script knows."""


def pinned(constraints: str) -> Iterator[tuple[str, str]]:
    """Yields name and version of each package in the text of a constraints file."""
    for match in re.finditer(r"^([a-z0-9-]+)==([^ \\;]+)", constraints, re.MULTILINE):
        yield match[1], match[2]


def licence_of(name: str) -> str:
    """Returns the SPDX expression of an installed package.

    Raises:
        LicenceUnknownError: the package is not installed here or its licence cannot be told.
    """
    if name in _SETTLED:
        return _SETTLED[name]
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise LicenceUnknownError(f"{name} is not installed here: settle it by name") from error
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    if "License" in metadata:
        stated = metadata["License"].strip()
        spdx = _SPDX.get(stated.lower(), stated)
        if re.fullmatch(r"[A-Za-z0-9.+-]+(?: (?:AND|OR) [A-Za-z0-9.+-]+)*", spdx):
            return spdx
    found = {_CLASSIFIERS.get(line) for line in metadata.get_all("Classifier") or []} - {None}
    if len(found) == 1:
        return str(found.pop())
    raise LicenceUnknownError(f"{name} does not say its licence plainly: settle it by name")


def npm_packages(lock: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yields name, version and licence of what the built console contains.

    Raises:
        LicenceUnknownError: the lock file names no licence for a package.
    """
    for path, entry in lock["packages"].items():
        if not path or entry.get("dev") or entry.get("devOptional"):
            continue
        name = path.rpartition("node_modules/")[2]
        if "license" not in entry:
            raise LicenceUnknownError(f"package-lock.json names no licence for {name}")
        yield name, entry["version"], entry["license"]


def compose_notice(constraints: str, lock: Mapping[str, Any] | None) -> str:
    """Returns the text of NOTICE.

    Args:
        constraints: the text of constraints.txt.
        lock: the console's parsed package-lock.json, or None where there is no console.
    """
    lines = [HEADER, "Python packages", "---------------"]
    lines += [f"{name} {version}: {licence_of(name)}" for name, version in pinned(constraints)]
    if lock is not None:
        title = "npm packages in the console"
        lines += ["", title, "-" * len(title)]
        lines += [
            f"{name} {version}: {terms}"
            for name, version, terms in sorted(set(npm_packages(lock)))
        ]
    return "\n".join(lines) + "\n"


def current_notice(root: Path = ROOT) -> str:
    """Returns the NOTICE that the files under `root` call for."""
    lock = root / "gateway" / "console" / "package-lock.json"
    return compose_notice(
        (root / "constraints.txt").read_text("utf-8"),
        json.loads(lock.read_text("utf-8")) if lock.exists() else None,
    )


if __name__ == "__main__":
    try:
        (ROOT / "NOTICE").write_text(current_notice(), "utf-8")
    except LicenceUnknownError as error:
        sys.exit(f"NOTICE is not written: {error}.")
