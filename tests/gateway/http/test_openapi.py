"""The OpenAPI document: valid, complete, and served."""

import re

from aiohttp import ClientSession
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from gateway.http.app import ENDPOINTS, build_app
from gateway.http.problems import STATUS
from gateway.http.registry import describe
from gateway.http.serial import PREFIX
from tests.gateway.http.place import Place

DOCUMENT = describe(ENDPOINTS, "1.2.3")
# The document itself and the socket, which OpenAPI cannot describe; the page at /api/docs does.
UNDESCRIBED = {("GET", "/openapi.json"), ("GET", "/events")}


def test_the_document_is_valid_openapi_3_1() -> None:
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)

    assert DOCUMENT["openapi"] == "3.1.0"


async def test_every_route_is_documented(place: Place) -> None:
    documented = {
        (method.upper(), path.removeprefix(PREFIX))
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    }

    served = {
        (route.method, route.resource.canonical.removeprefix(PREFIX))
        for route in build_app(place.parts).router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith(PREFIX)
        and route.method != "HEAD"
    }

    assert served - UNDESCRIBED == documented
    assert len(documented) == len(ENDPOINTS)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [
        operation["operationId"]
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
    ]

    assert len(names) == len(set(names))


def test_every_error_that_an_endpoint_names_exists() -> None:
    assert {code for endpoint in ENDPOINTS for code in endpoint.codes()} <= set(STATUS)


def test_nothing_refers_to_what_is_not_there() -> None:
    referred = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))

    assert referred <= set(DOCUMENT["components"]["schemas"])


def test_changes_have_no_defaults() -> None:
    for name in ("AgentChange", "ContactChange", "InboxChange", "MeChange", "TicketChange"):
        schema = DOCUMENT["components"]["schemas"][name]
        assert not schema.get("required")
        assert all("default" not in part for part in schema["properties"].values())


async def test_the_document_is_served(place: Place) -> None:
    url = place.server.make_url(f"{PREFIX}/openapi.json")
    async with ClientSession() as session, session.get(url) as response:
        served = await response.json()

    assert served == describe(ENDPOINTS, "9.9.9")
