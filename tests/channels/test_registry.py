"""Kinds of channel: found without importing, their settings as forms and back."""

import dataclasses
import json
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import registry
from channels.adapters.rest import CHANNEL as REST
from channels.contract import Capabilities, Channel, ChannelKind, Secret
from channels.errors import SettingsError, Words
from channels.forms import Group, Preset
from channels.registry import kind_names, load_kind, parse_settings, settings_schema

README = Path(registry.__file__).parent / "README.md"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LABEL = {"label": {"en": "x", "zh-Hans": "x", "zh-Hant": "x"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    host: str = field(default="", metadata={**LABEL, "required": True})
    port: int = field(default=443, metadata={**LABEL, "help": {"en": "usually 443"}})
    tls: bool = field(default=True, metadata=LABEL)
    peers: tuple[str, ...] = field(default=("a",), metadata=LABEL)
    password: Secret = field(default=Secret("factory"), metadata=LABEL)

    def __post_init__(self) -> None:
        if self.port > 65_535:
            raise SettingsError(
                "port", Words("choose a number up to 65535", "最大 65535", "最大 65535")
            )


def build(*_: Any) -> Channel[SampleSettings]:
    raise AssertionError("forms need no channel")


SAMPLE: ChannelKind[SampleSettings] = ChannelKind(
    kind="sample", settings=SampleSettings, capabilities=Capabilities(), build=build
)


def test_names_are_found_without_importing_anything() -> None:
    program = (
        "import sys\n"
        "from channels.registry import kind_names\n"
        "names = kind_names()\n"
        "print(*names)\n"
        "print(*(n for n in names if f'channels.adapters.{n}' in sys.modules))\n"
        "print(*(n for n in ('PIL', 'puremagic') if n in sys.modules))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=README.parent.parent,
    )
    names, imported, heavy = ran.stdout.split("\n")[:3]
    assert {"api", "rest"} <= set(names.split())
    assert (imported, heavy) == ("", "")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match="choose one of") as caught:
        load_kind("../../os")
    assert caught.value.field == "kind"


@pytest.mark.parametrize("name", kind_names())
def test_every_kind_can_be_loaded_and_drawn(name: str) -> None:
    kind = load_kind(name)
    assert kind.kind == name
    schema = json.loads(json.dumps(settings_schema(kind)))
    assert schema["kind"] == name
    assert [entry["name"] for entry in schema["fields"]] == [
        entry.name for entry in dataclasses.fields(kind.settings)
    ]
    for entry in schema["fields"]:
        assert set(entry["label"]) == {"en", "zh-Hans", "zh-Hant"}
        if entry["secret"]:
            assert entry["default"] == ""


@pytest.mark.parametrize("name", kind_names())
def test_every_kind_and_setting_is_in_the_readme(name: str) -> None:
    text = README.read_text("utf-8")
    paragraph = text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert paragraph, f"channels/README.md has no section ### {name}"
    for entry in dataclasses.fields(load_kind(name).settings):
        assert f"`{entry.name}`" in paragraph, f"{name}: {entry.name} is not described"


def test_the_form() -> None:
    schema = settings_schema(SAMPLE)
    assert schema["capabilities"]["max_text"] == 4000
    assert [
        (entry["name"], entry["type"], entry["default"], entry["required"], entry["secret"])
        for entry in schema["fields"]
    ] == [
        ("host", "string", "", True, False),
        ("port", "integer", 443, False, False),
        ("tls", "boolean", True, False, False),
        ("peers", "list", ["a"], False, False),
        ("password", "secret", "", False, True),
    ]
    assert schema["fields"][1]["help"] == {"en": "usually 443"}
    assert "help" not in schema["fields"][0]
    assert (schema["groups"], schema["presets"], schema["testable"]) == ([], [], False)
    assert not any({"group", "choices", "only_if"} & set(entry) for entry in schema["fields"])


def test_a_form_with_groups_and_providers() -> None:
    """As `channels.forms` describes it: JSON that a console draws without knowing the kind."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Grouped:
        tls: str = field(
            default="tls",
            metadata={**LABEL, "group": "in", "choices": {"tls": LABEL["label"]}},
        )
        pin: str = field(
            default="", metadata={**LABEL, "advanced": True, "only_if": ("tls", ("tls",))}
        )

    words = Words("a", "b", "c")
    kind: ChannelKind[Any] = ChannelKind(
        kind="grouped",
        settings=Grouped,
        capabilities=Capabilities(),
        build=build,
        groups=(Group(name="in", label=words),),
        presets=(Preset(name="x", label=words, values={"tls": "tls"}, help=words),),
    )
    schema = json.loads(json.dumps(settings_schema(kind)))
    spoken = {"en": "a", "zh-Hans": "b", "zh-Hant": "c"}
    assert schema["groups"] == [{"name": "in", "label": spoken}]
    assert schema["presets"] == [
        {"name": "x", "label": spoken, "help": spoken, "values": {"tls": "tls"}}
    ]
    tls, pin = schema["fields"]
    assert (tls["group"], tls["advanced"], tls["long"]) == ("in", False, False)
    assert tls["choices"] == [{"value": "tls", "label": LABEL["label"]}]
    assert (pin["advanced"], pin["only_if"]) == (True, {"name": "tls", "values": ["tls"]})


@pytest.mark.parametrize("name", kind_names())
def test_what_a_form_is_told_fits_its_settings(name: str) -> None:
    schema = settings_schema(load_kind(name))
    settings = {entry["name"]: entry for entry in schema["fields"]}
    groups = {group["name"] for group in schema["groups"]}
    for entry in settings.values():
        assert entry.get("group") in groups | {None}
        if "only_if" in entry:
            assert entry["only_if"]["name"] in settings
        if "choices" in entry:
            assert entry["default"] in {choice["value"] for choice in entry["choices"]}
    for preset in schema["presets"]:
        assert set(preset["values"]) <= set(settings)


def test_values_become_settings() -> None:
    settings = parse_settings(
        SAMPLE, {"host": " mail.example ", "port": 1, "peers": ["b", " ", "c "], "password": "s3"}
    )
    assert settings == SampleSettings(
        host="mail.example", port=1, peers=("b", "c"), password=Secret("s3")
    )
    assert isinstance(settings.password, Secret)
    assert parse_settings(REST, {}) == REST.settings()


@pytest.mark.parametrize(
    ("values", "field_name", "words"),
    [
        ({"host": "h", "prot": 1}, "prot", "known are host, port"),
        ({}, "host", "needed"),
        ({"host": ""}, "host", "needed"),
        ({"host": None}, "host", "needed"),
        ({"host": ["h"]}, "host", "a text"),
        ({"host": "h", "port": "443"}, "port", "whole number"),
        ({"host": "h", "port": True}, "port", "whole number"),
        ({"host": "h", "port": 443.0}, "port", "whole number"),
        ({"host": "h", "port": 70_000}, "port", "65535"),
        ({"host": "h", "tls": 1}, "tls", "true or false"),
        ({"host": "h", "peers": "a"}, "peers", "list of texts"),
        ({"host": "h", "peers": [1]}, "peers", "list of texts"),
        ({"host": "h", "password": None}, "password", "a text"),
        ({"host": "h\x00"}, "host", "ordinary"),
        ({"host": "h" * 10_001}, "host", "at most"),
    ],
)
def test_wrong_values_are_named(values: dict[str, Any], field_name: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        parse_settings(SAMPLE, values)
    assert caught.value.field == field_name
    assert set(caught.value.words.by_language()) == {"en", "zh-Hans", "zh-Hant"}
    assert all(CHINESE.search(text) for text in caught.value.words[1:])


@given(
    st.dictionaries(
        st.sampled_from(["host", "port", "tls", "peers", "password", "other"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_any_values_become_settings_or_are_named(values: dict[str, Any]) -> None:
    with suppress(SettingsError):
        settings = parse_settings(SAMPLE, values)
        assert isinstance(settings.host, str)
        assert type(settings.port) is int
