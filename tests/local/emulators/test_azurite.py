import socket
from dataclasses import replace
from pathlib import Path

import pytest

from local.emulators.azurite import Azurite, azurite
from local.errors import PortTaken, StateInUse
from local.ports import free_port, is_free
from local.settings import Port, StackSettings
from tests.conftest import settings_in


def test_running_azurite_is_used_and_left_running(storage: Azurite, stack_settings: StackSettings) -> None:
    with azurite(stack_settings) as found:
        assert found.service is None
        assert found.connection_string == storage.connection_string

    assert not is_free(stack_settings.table.number)


def test_port_of_another_program_is_named_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        settings = replace(settings_in(tmp_path), queue=Port("AZURITE_QUEUE_PORT", taken))

        with (
            pytest.raises(PortTaken, match=f"Port {taken} is taken .*set AZURITE_QUEUE_PORT"),
            azurite(settings),
        ):
            pass


@pytest.mark.usefixtures("storage")
def test_azurite_of_another_kind_is_not_taken_for_the_right_one(stack_settings: StackSettings) -> None:
    swapped = replace(stack_settings, blob=stack_settings.table)

    with pytest.raises(PortTaken, match="not Azurite's blob service"), azurite(swapped):
        pass


@pytest.mark.usefixtures("storage")
def test_azurite_that_lacks_a_service_is_refused(stack_settings: StackSettings) -> None:
    lacking = replace(stack_settings, table=Port("AZURITE_TABLE_PORT", free_port()))

    with pytest.raises(PortTaken, match="serves only blob and queue"), azurite(lacking):
        pass


def test_two_azurites_never_share_a_state_folder(tmp_path: Path) -> None:
    with (
        azurite(settings_in(tmp_path)),
        pytest.raises(StateInUse, match="set STATE to another folder"),
        azurite(settings_in(tmp_path)),
    ):
        pass
