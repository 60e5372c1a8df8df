"""How a kind's settings are drawn as a form: groups, well-known providers, choices.

A field's metadata may say beside its label:

- `group`: the `Group` it stands in; those without stand first;
- `choices`: the values it takes, each with its label by language;
- `only_if`: `(name of another setting, values of that one)` with which it matters;
- `long`: whether the text may have several lines;
- `advanced`: whether it is shown only to those who ask for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from channels.errors import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Settings that stand together under a heading."""

    name: str
    label: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What the settings are with a well-known provider.

    Args:
        name: one word.
        label: the provider's name.
        values: settings that are filled in, by name; what is typed in is left alone otherwise.
        help: what to do at the provider first, such as where the password comes from.
    """

    name: str
    label: Words
    values: Mapping[str, str | int | bool]
    help: Words | None = None
