"""A desk with people at it."""

import pytest

from tests.gateway.services.desk import Desk
from tests.gateway.services.staff import add_staff


@pytest.fixture
async def staffed(desk: Desk) -> Desk:
    """A desk with two teams and their people."""
    await desk.store.write(add_staff)
    return desk
