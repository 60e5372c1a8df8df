"""A served shop, and programs that call it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.channels.adapters.webchat.shop import Caller, Shop


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose bot answers."""
    async with Shop() as shop:
        yield shop


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections of one test."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def caller(http: aiohttp.ClientSession, shop: Shop) -> Caller:
    """A visitor with a session."""
    caller = Caller(http, shop)
    await caller.open()
    return caller
