import pytest

from local.emulators.all import emulators
from local.settings import StackSettings
from shared_code.settings import SETTINGS


@pytest.mark.usefixtures("storage", "cosmos_emulator", "embeddings_server")
def test_emulators_that_run_already_are_used_and_not_started_again(stack_settings: StackSettings) -> None:
    with emulators(stack_settings) as stack:
        assert stack.started() == []


@pytest.mark.usefixtures("storage", "cosmos_emulator", "embeddings_server")
def test_emulators_point_the_app_by_settings_that_it_reads(stack_settings: StackSettings) -> None:
    with emulators(stack_settings) as stack:
        pointers = stack.app_settings()

    assert set(pointers) <= {setting.name for setting in SETTINGS}
    assert pointers["COSMOS_ENDPOINT"] == f"https://localhost:{stack_settings.cosmos.number}"
    assert pointers["EMBEDDINGS_ENDPOINT"] == f"http://127.0.0.1:{stack_settings.embeddings.number}/v1"
    assert (pointers["EMBEDDINGS_MODEL"], pointers["EMBEDDINGS_DIMENSIONS"]) == ("hashing-1536", "1536")
