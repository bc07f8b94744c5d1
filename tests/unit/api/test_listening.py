"""The socket that `codevoice api` serves on."""

from __future__ import annotations

import socket

import pytest

from api.app import listening
from contracts.errors import SettingError


def test_a_reply_in_two_writes_does_not_wait_for_an_acknowledgement() -> None:
    with listening("127.0.0.1", 0) as taken:
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_a_setting_to_mend() -> None:
    with (
        listening("127.0.0.1", 0) as taken,
        pytest.raises(SettingError, match="PORT"),
    ):
        listening("127.0.0.1", taken.getsockname()[1])
