import socket
from pathlib import Path

import pytest

from local.errors import InvalidOption
from local.settings import ROOT, StackSettings


def test_stack_listens_on_the_documented_ports_by_default() -> None:
    settings = StackSettings.read({})

    ports = settings.host, settings.blob, settings.queue, settings.table, settings.cosmos, settings.embeddings
    assert [port.number for port in ports] == [7071, 10000, 10001, 10002, 8081, 8082]
    assert settings.state == ROOT / ".local"


@pytest.mark.parametrize(
    "value", ["abc", "0", "65536", "-1", "7071 ", "\u0667\u0660\u0667\u0661", "9" * 5000]
)
def test_port_that_is_no_port_is_named_with_its_value(value: str) -> None:
    with pytest.raises(InvalidOption, match=r"PORT=.*use a number between 1 and 65535"):
        StackSettings.read({"PORT": value})


def test_empty_port_means_the_default_port() -> None:
    assert StackSettings.read({"PORT": ""}).host.number == 7071


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("PORT", "host"),
        ("AZURITE_BLOB_PORT", "blob"),
        ("AZURITE_QUEUE_PORT", "queue"),
        ("AZURITE_TABLE_PORT", "table"),
        ("COSMOS_PORT", "cosmos"),
        ("EMBEDDINGS_PORT", "embeddings"),
    ],
)
def test_each_variable_moves_the_port_of_its_own_service(variable: str, name: str) -> None:
    port = getattr(StackSettings.read({variable: "4711"}), name)

    assert (port.variable, port.number, port.chosen) == (variable, 4711, True)


@pytest.mark.parametrize(("value", "fresh"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_fresh_is_on_unless_empty_or_zero(value: str, fresh: bool) -> None:  # noqa: FBT001 - a table's column
    assert StackSettings.read({"FRESH": value}).fresh is fresh


def test_state_folder_may_be_anywhere_on_disk(tmp_path: Path) -> None:
    assert StackSettings.read({"STATE": str(tmp_path)}).state == tmp_path


def test_unknown_model_is_named_with_the_known_ones() -> None:
    assert StackSettings.read({"LOCAL_MODEL": "hashing"}).model == "hashing"
    with pytest.raises(InvalidOption, match=r"LOCAL_MODEL='big' .* use wordllama or hashing"):
        StackSettings.read({"LOCAL_MODEL": "big"})


def test_stack_apart_moves_from_a_taken_port_only_if_nobody_chose_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        chosen = StackSettings.read({"PORT": str(taken)}).host
        by_default = type(chosen)("PORT", taken)

        assert chosen.moved_if_taken().number == taken
        assert by_default.moved_if_taken().number != taken


def test_stack_apart_keeps_its_state_in_a_folder_of_its_own() -> None:
    assert StackSettings.read({}).apart("demo").state == ROOT / ".local" / "demo"
