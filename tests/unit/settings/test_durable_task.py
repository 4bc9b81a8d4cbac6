import json
from pathlib import Path

import pytest

from shared_code.errors import ContainerNotAllowed, MissingSetting
from shared_code.settings import Settings
from shared_code.settings.durable_task import option_in

ROOT = Path(__file__).parents[3]
OVERRIDE = "AzureFunctionsJobHost__extensions__durableTask__hubName"
VERSION_OVERRIDE = "AzureFunctionsJobHost__extensions__durableTask__defaultVersion"


def test_task_hub_is_the_one_of_host_json():
    host = json.loads((ROOT / "host.json").read_text())
    assert Settings({}).task_hub == host["extensions"]["durableTask"]["hubName"]


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({OVERRIDE: "OfTheSlot"}, "OfTheSlot"),
        ({OVERRIDE.upper(): "OfTheSlot"}, "OfTheSlot"),
        ({OVERRIDE: "%HUB%", "HUB": "named"}, "named"),
        ({OVERRIDE: "hub%SLOT%%Number%", "slot": "blue", "NUMBER": "2"}, "hubblue2"),
    ],
)
def test_app_setting_wins_over_host_json_and_may_refer_to_others(environment, name):
    assert Settings(environment).task_hub == name


def test_containers_of_the_hub_that_a_setting_names_are_reserved():
    with pytest.raises(ContainerNotAllowed):
        Settings({OVERRIDE: "OfTheSlot"}).source_containers.require("oftheslot-leases")


def test_reference_to_a_setting_that_is_not_set_is_named():
    with pytest.raises(MissingSetting, match="Setting HUB is missing: set it, as the name of the task hub"):
        _ = Settings({OVERRIDE: "%HUB%"}).source_containers


@pytest.mark.parametrize(
    "text",
    [
        '{"extensions": {"durableTask": {"hubName": "hub"}}}',
        '\ufeff{"Extensions": {"durabletask": {"HubName": "hub"}}}',
        """{ // "hubName": "other" in "extensions"
            "extensions": { /* "durableTask": {} */ "durableTask": {
                "link": "https://host/*, }", "hubName": "hub", // the last one
            }, },
        }""",
    ],
)
def test_host_json_is_read_as_the_host_reads_it(tmp_path, text):
    path = tmp_path / "host.json"
    path.write_text(text, "utf-8")
    assert option_in(path, "hubName") == "hub"


@pytest.mark.parametrize("text", ["{}", '{"extensions": {"durableTask": {}}}'])
def test_host_json_may_name_no_hub(tmp_path, text):
    path = tmp_path / "host.json"
    path.write_text(text)
    assert option_in(path, "hubName") == ""


def test_release_is_the_default_version_of_host_json():
    host = json.loads((ROOT / "host.json").read_text())
    assert Settings({}).release == host["extensions"]["durableTask"]["defaultVersion"]


def test_app_setting_names_another_release():
    assert Settings({VERSION_OVERRIDE: " 2.0 "}).release == "2.0"


def test_release_that_refers_to_no_setting_is_named():
    with pytest.raises(MissingSetting, match="Setting RELEASE is missing: set it, as the version of jobs"):
        _ = Settings({VERSION_OVERRIDE: "%RELEASE%"}).release
