"""The port is asked for before anything is trained or written."""

from __future__ import annotations

import socket

import pytest

from gateway.wiring.data_dir import StartError
from gateway.wiring.serving import check_port


def test_a_taken_port_is_told_with_another_to_try() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"YINGDA_PORT: {port} is taken.*{port + 1}"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(StartError, match="YINGDA_HOST"):
        check_port("192.0.2.1", 8080)
