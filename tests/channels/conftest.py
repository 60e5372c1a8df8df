"""Assertions of the shared contract suites are shown in full when they fail."""

import pytest

pytest.register_assert_rewrite("channels.testing")
