"""The XML of callbacks, without document types and entities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from channels.errors import MalformedPayloadError

DEEPEST: Final = 6
MOST_ELEMENTS: Final = 500


def parse_xml(body: bytes) -> dict[str, Any]:
    """The elements below the root by name: texts, or what is below them; lists where they repeat.

    Raises:
        MalformedPayloadError: no XML, not UTF-8, with a document type or entities, or nested too
            deep.
    """
    try:
        # With the BOM that some senders put in front, and with no other encoding than UTF-8.
        root = fromstring(body.decode("utf-8-sig").strip(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise _unreadable("it may hold no document type and no entities") from error
    except (ParseError, ValueError, LookupError) as error:
        raise _unreadable("it is not well formed") from error
    if sum(1 for _ in root.iter()) > MOST_ELEMENTS:
        raise _unreadable(f"it holds more than {MOST_ELEMENTS} elements")
    found = _value(root, DEEPEST)
    return found if isinstance(found, dict) else {}


def _value(element: Element, depth: int) -> Any:
    if not len(element):
        return element.text or ""
    if not depth:
        raise _unreadable(f"it is nested deeper than {DEEPEST} levels")
    found: dict[str, Any] = {}
    for child in element:
        value = _value(child, depth - 1)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found


def take(fields: Mapping[str, Any], name: str, *, limit: int = 255) -> str:
    """A field's text, stripped and cut; "" when it is absent or no text."""
    value = fields.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    # A null character is none that our store takes.
    return value.replace("\0", "").strip()[:limit] if isinstance(value, str) else ""


def _unreadable(why: str) -> MalformedPayloadError:
    return MalformedPayloadError(f"xml: the body cannot be read: {why}", field="xml")
