"""What fields of requests and answers may hold: lengths, characters, forms.

Requests refuse unknown fields, wrong types and control characters; all lengths are bounded.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import override

TEXT_LIMIT = 10_000
PAGE_LIMIT = 100
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
# Joiners are part of emoji and of some scripts; other format characters only mislead readers.
_JOINERS = "\u200c\u200d"


def _one_line(text: str) -> str:
    for char in text:
        if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} and char not in _JOINERS:
            raise ValueError("must not hold control, zero-width or direction characters")
    return text


def _plain(text: str) -> str:
    if any(unicodedata.category(c) == "Cc" and c not in "\n\r\t" for c in text):
        raise ValueError("must not hold control characters")
    return text


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("must be an e-mail address")
    return text.lower()


def _language_tag(text: str) -> str:
    if text and not _TAG.fullmatch(text):
        raise ValueError("must be a language tag such as zh-Hans")
    return text


def _optional_email(text: str) -> str:
    return _email(text) if text else text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_one_line),
]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_one_line)
]
Text = Annotated[str, StringConstraints(max_length=TEXT_LIMIT), AfterValidator(_plain)]
Email = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_email)]
ContactEmail = Annotated[
    str, StringConstraints(strip_whitespace=True), AfterValidator(_optional_email)
]
LanguageTag = Annotated[str, StringConstraints(max_length=35), AfterValidator(_language_tag)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Shortcut = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,40}$", strip_whitespace=True)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]
StaffLanguage = Literal["zh-Hans", "zh-Hant", "en"]
When = Annotated[str, Field(description="ISO 8601, UTC, with milliseconds")]


class Input(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Change(Input):
    """A request's body of which absent fields leave things as they are."""

    @classmethod
    @override
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema without defaults: they only mark fields that may be absent."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for field in schema.get("properties", {}).values():
            field.pop("default", None)
        return schema


class Query(BaseModel):
    """A request's query: texts, turned into what they mean."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    """An answer; built only where it is documented or tested, which spares the start."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
