import socket
import sys

import pytest

from local.ports import LOOPBACK, free_port, is_free


def test_server_may_listen_on_a_free_port_by_its_number() -> None:
    port = free_port()

    assert is_free(port)
    with socket.create_server((LOOPBACK, port)):
        assert not is_free(port)
    assert is_free(port)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a reserved port could not be listened on")
def test_free_port_is_given_to_nobody_who_asks_for_any_port() -> None:
    port = free_port()

    with socket.socket() as client, pytest.raises(OSError, match="in use"):
        client.bind((LOOPBACK, port))
