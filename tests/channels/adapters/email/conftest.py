from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from tests.channels.adapters.email.post import Post
from tests.conftest import running
from tests.mail_servers import DovecotServer, SmtpSink


@pytest.fixture
def dovecot() -> Iterator[DovecotServer]:
    """An IMAP server of the test's own."""
    with ExitStack() as stack:
        yield running(DovecotServer, stack)


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpSink]:
    """An SMTP server without TLS."""
    async with SmtpSink().running() as sink:
        yield sink


@pytest.fixture
async def post(dovecot: DovecotServer, smtp: SmtpSink) -> AsyncIterator[Post]:
    """A mailbox that is being fetched."""
    post = Post(dovecot, smtp)
    await post.channel.start()
    yield post
    await post.channel.stop()
