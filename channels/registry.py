"""Which kinds of channel there are, and their settings as forms.

Kinds are found by module name; a module is imported when its kind is first asked for, because
some platform libraries take seconds to import.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import typing
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import channels.adapters
from channels.contract import ChannelKind, Secret
from channels.errors import SettingsError, Words
from channels.forms import Preset

S = TypeVar("S")

_TYPE_NAMES: Final[Mapping[Any, str]] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    Secret: "secret",
    tuple[str, ...]: "list",
}
_LONGEST_VALUE: Final = 10_000


def kind_names() -> tuple[str, ...]:
    """Names of all kinds, sorted; imports none of them."""
    return tuple(
        sorted(module.name for module in pkgutil.iter_modules(channels.adapters.__path__))
    )


def load_kind(name: str) -> ChannelKind[Any]:
    """The kind of that name, imported on demand.

    Raises:
        SettingsError: there is no such kind; the field is `kind`.
    """
    if name not in kind_names():
        known = ", ".join(kind_names())
        raise SettingsError(
            "kind",
            Words(
                f"there is no channel {name[:40]!r}; choose one of {known}",
                f"没有“{name[:40]}”这个渠道；可选：{known}",
                f"沒有「{name[:40]}」這個管道；可選：{known}",
            ),
        )
    module = importlib.import_module(f"channels.adapters.{name}")
    kind: ChannelKind[Any] = module.CHANNEL
    return kind


def settings_schema(kind: ChannelKind[Any]) -> dict[str, Any]:
    """The kind's settings as a form: JSON-able, secrets without a default.

    `fields` holds for each setting `name`, `type` (string, integer, boolean, list or secret),
    `label` by language, `secret`, `required`, `default`, `advanced` and `long`; `help` by
    language where there is one, `generate` (`whsec` or `token`) where a form may make the secret
    up, and `group`, `choices` and `only_if` (see `channels.forms`) where the kind says so.
    """
    types = typing.get_type_hints(kind.settings)
    return {
        "kind": kind.kind,
        "capabilities": dataclasses.asdict(kind.capabilities),
        "groups": [
            {"name": group.name, "label": group.label.by_language()} for group in kind.groups
        ],
        "presets": [_describe_preset(preset) for preset in kind.presets],
        "testable": kind.test is not None,
        "fields": [
            _describe(entry, types[entry.name]) for entry in dataclasses.fields(kind.settings)
        ],
    }


def _describe(entry: dataclasses.Field[Any], declared: Any) -> dict[str, Any]:
    secret = declared is Secret
    described = {
        "name": entry.name,
        "type": _TYPE_NAMES[declared],
        "label": dict(entry.metadata["label"]),
        "secret": secret,
        "required": bool(entry.metadata.get("required", False)),
        "default": "" if secret else _plain(entry.default),
        "advanced": bool(entry.metadata.get("advanced", False)),
        "long": bool(entry.metadata.get("long", False)),
    }
    if "help" in entry.metadata:
        described["help"] = dict(entry.metadata["help"])
    for name in ("generate", "group"):
        if name in entry.metadata:
            described[name] = entry.metadata[name]
    if "choices" in entry.metadata:
        described["choices"] = [
            {"value": value, "label": dict(label)}
            for value, label in entry.metadata["choices"].items()
        ]
    if "only_if" in entry.metadata:
        name, values = entry.metadata["only_if"]
        described["only_if"] = {"name": name, "values": list(values)}
    return described


def _describe_preset(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "label": preset.label.by_language(),
        "help": None if preset.help is None else preset.help.by_language(),
        "values": dict(preset.values),
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def parse_settings(kind: ChannelKind[S], values: Mapping[str, Any]) -> S:
    """The kind's settings from JSON values; absent ones take their defaults.

    Raises:
        SettingsError: an unknown setting, one of the wrong type, one that is missing, or one
            that the kind itself refuses; names it.
    """
    types = typing.get_type_hints(kind.settings)
    entries = {entry.name: entry for entry in dataclasses.fields(kind.settings)}  # type: ignore[arg-type]
    for name in values:
        if name not in entries:
            known = ", ".join(entries) or "none"
            raise SettingsError(
                str(name)[:60],
                Words(
                    f"there is no such setting; known are {known}",
                    f"没有这个设置项；已知的有 {known}",
                    f"沒有這個設定項；已知的有 {known}",
                ),
            )
    for name, entry in entries.items():
        if entry.metadata.get("required", False) and values.get(name) in (None, ""):
            raise SettingsError(name, Words("a value is needed", "此项必填", "此項必填"))
    return kind.settings(
        **{name: _parse_value(name, types[name], value) for name, value in values.items()}
    )


def _parse_value(name: str, declared: Any, value: Any) -> Any:
    """The value in its declared type, which it must have already: nothing is guessed."""
    if declared is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if declared is bool and isinstance(value, bool):
        return value
    if declared in {str, Secret} and isinstance(value, str):
        return declared(_checked(name, value))
    if (
        declared == tuple[str, ...]
        and isinstance(value, list | tuple)
        and all(isinstance(item, str) for item in value)
    ):
        return tuple(stripped for item in value if (stripped := _checked(name, item)))
    raise SettingsError(name, _EXPECTED[_TYPE_NAMES[declared]])


_TEXT: Final = Words("must be a text", "必须是文字", "必須是文字")
_EXPECTED: Final[Mapping[str, Words]] = {
    "string": _TEXT,
    "secret": _TEXT,
    "integer": Words("must be a whole number", "必须是整数", "必須是整數"),
    "boolean": Words("must be true or false", "必须是 true 或 false", "必須是 true 或 false"),
    "list": Words("must be a list of texts", "必须是文字列表", "必須是文字清單"),
}


def _checked(name: str, text: str) -> str:
    stripped = text.strip()
    if len(stripped) > _LONGEST_VALUE or "\x00" in stripped:
        raise SettingsError(
            name,
            Words(
                f"must have at most {_LONGEST_VALUE:,} ordinary characters",
                f"最多 {_LONGEST_VALUE:,} 个普通字符",
                f"最多 {_LONGEST_VALUE:,} 個普通字元",
            ),
        )
    return stripped
