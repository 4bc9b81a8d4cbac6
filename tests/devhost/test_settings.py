"""host.json and local.settings.json."""

import os
import re
from datetime import timedelta
from typing import Any

import pytest

from devhost.engine.versions import FailureStrategy, MatchStrategy
from devhost.errors import BrokenSettings, NotAnApp
from devhost.settings.app_settings import is_disabled, worker_threads
from devhost.settings.host_json import HostSettings, load_settings, read_host_settings
from devhost.settings.local_settings import apply_local_settings
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp


def test_empty_host_json_means_the_defaults_of_the_functions_host(app: SampleApp):
    app.file("host.json", {})
    assert read_host_settings(app.root) == HostSettings()


def test_host_json_sets_prefix_hub_version_and_slots(app: SampleApp):
    durable = {"hubName": "h", "defaultVersion": "2", "maxConcurrentActivityFunctions": 3}
    app.file("host.json", {"extensions": {"http": {"routePrefix": "/v1/"}, "durableTask": durable}})
    settings = read_host_settings(app.root)
    assert (settings.route_prefix, settings.hub_name) == ("v1", "h")
    assert (settings.versions.default, settings.max_concurrent_activities) == ("2", 3)


def test_version_strategies_are_read_in_any_case(app: SampleApp):
    durable = {"versionMatchStrategy": "strict", "versionFailureStrategy": "FAIL"}
    app.file("host.json", {"extensions": {"durableTask": durable}})
    versions = read_host_settings(app.root).versions
    assert (versions.match, versions.on_mismatch) == (MatchStrategy.STRICT, FailureStrategy.FAIL)


def test_folder_without_host_json_is_no_app(app: SampleApp):
    (app.root / "host.json").unlink()
    with pytest.raises(NotAnApp, match="name the folder of a Functions app"):
        read_host_settings(app.root)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"extensions": 5}', "extensions is 5, not an object."),
        ('{"extensions": {"http": {"routePrefix": []}}}', "extensions.http.routePrefix is [], not a text."),
        (
            '{"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}',
            "extensions.durableTask.maxConcurrentActivityFunctions is 0: use 1 to ",
        ),
        (
            '{"extensions": {"durableTask": {"versionMatchStrategy": "Newer"}}}',
            'versionMatchStrategy is "Newer", not one of None, Strict, CurrentOrOlder.',
        ),
        (
            '{"extensions": {"durableTask": {"maxConcurrentActivityFunctions": true}}}',
            "extensions.durableTask.maxConcurrentActivityFunctions is true, not a number.",
        ),
    ],
)
def test_broken_host_json_names_the_key(app: SampleApp, content: str, expected: str):
    app.file("host.json", content)
    with pytest.raises(BrokenSettings, match=re.escape(expected)):
        read_host_settings(app.root)


def test_local_settings_never_override_the_environment(app: SampleApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLE_SET", "environment")
    monkeypatch.setenv("SAMPLE_NEW", "to be restored")
    monkeypatch.delenv("SAMPLE_NEW")
    app.file("local.settings.json", {"Values": {"SAMPLE_SET": "file", "SAMPLE_NEW": 5}})
    apply_local_settings(app.root)
    assert (os.environ["SAMPLE_SET"], os.environ.pop("SAMPLE_NEW")) == ("environment", "5")


def test_connection_strings_of_local_settings_get_the_names_of_core_tools(
    app: SampleApp, monkeypatch: pytest.MonkeyPatch
):
    for name in ("ConnectionStrings:A", "ConnectionStrings:B"):
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)
    strings = {"A": "one", "B": {"ConnectionString": "two", "ProviderName": "x"}}
    app.file("local.settings.json", {"Values": {"SAMPLE_NULL": None}, "ConnectionStrings": strings})
    apply_local_settings(app.root)
    assert [os.environ.pop(f"ConnectionStrings:{name}") for name in "AB"] == ["one", "two"]
    assert "SAMPLE_NULL" not in os.environ


@pytest.mark.parametrize("setting", ["AzureWebJobs.of-mine.Disabled", "azurewebjobs_of-mine_disabled"])
def test_setting_disables_a_function_by_either_name(setting: str, monkeypatch: pytest.MonkeyPatch):
    assert not is_disabled("of-mine")
    monkeypatch.setenv(setting, "TRUE")
    assert is_disabled("of-mine")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"IsEncrypted": True}, "it is encrypted"),
        ({"Values": {"X": {}}}, "the value X is not a text"),
        ({"Values": "x"}, 'Values is "x", not an object'),
    ],
)
def test_unusable_local_settings_are_named(app: SampleApp, content: dict[str, Any], expected: str):
    app.file("local.settings.json", content)
    with pytest.raises(BrokenSettings, match=expected):
        apply_local_settings(app.root)


def test_worker_has_as_many_threads_as_its_setting_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", "3")
    assert worker_threads() == 3
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", "many")
    assert worker_threads() == min(32, (os.cpu_count() or 1) + 4)


@pytest.mark.parametrize(
    ("text", "timeout"),
    [
        ("00:10:00", timedelta(minutes=10)),
        ("00:00:01.5", timedelta(seconds=1.5)),
        ("1.00:00:00", timedelta(days=1)),
        ("-1", None),
        (-1, None),
    ],
)
def test_function_timeout_is_read_as_dot_net_writes_it(
    app: SampleApp, text: str | int, timeout: timedelta | None
):
    app.file("host.json", {"functionTimeout": text})
    assert read_host_settings(app.root).function_timeout == timeout


def test_function_timeout_that_is_no_time_is_refused_by_name(app: SampleApp):
    app.file("host.json", {"functionTimeout": "soon"})
    with pytest.raises(BrokenSettings, match='functionTimeout is "soon", neither a time such as 00:05:00'):
        read_host_settings(app.root)


def test_log_levels_are_read_by_category_with_the_default(app: SampleApp):
    app.file("host.json", {"logging": {"logLevel": {"Host": "Error"}}})
    assert read_host_settings(app.root).log_levels == {"default": "Information", "Host": "Error"}


PREFIX = "AzureFunctionsJobHost__"


@pytest.mark.parametrize(
    "name",
    ["extensions__http__routePrefix", "Extensions__HTTP__RoutePrefix", "extensions__http__ROUTEPREFIX"],
)
@pytest.mark.parametrize(
    "content", [{}, {"extensions": {"http": {"routePrefix": "file"}}}, {"extensions": 5}]
)
def test_app_setting_wins_over_host_json(
    app: SampleApp, monkeypatch: pytest.MonkeyPatch, name: str, content: dict[str, Any]
):
    app.file("host.json", content)
    monkeypatch.setenv(PREFIX + name, "setting")
    assert read_host_settings(app.root).route_prefix == "setting"


def test_app_setting_may_stand_for_a_number(app: SampleApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"{PREFIX}extensions__durableTask__maxConcurrentActivityFunctions", "3")
    assert read_host_settings(app.root).max_concurrent_activities == 3


def test_app_setting_that_is_no_number_names_what_it_stands_for(
    app: SampleApp, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"{PREFIX}extensions__durableTask__maxConcurrentActivityFunctions", "many")
    with pytest.raises(BrokenSettings, match='maxConcurrentActivityFunctions is "many", not a number'):
        read_host_settings(app.root)


def test_name_of_an_app_setting_in_host_json_is_replaced(app: SampleApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLE_HUB", "blue")
    app.file("host.json", {"Extensions": {"durableTask": {"HubName": "%sample_hub%v2"}}})
    assert read_host_settings(app.root).hub_name == "bluev2"


def test_name_of_a_setting_that_is_not_set_is_reported_with_its_place(app: SampleApp):
    app.file("host.json", {"extensions": {"durableTask": {"hubName": "%NOT_SET%"}}})
    with pytest.raises(BrokenSettings, match=r"extensions.durableTask.hubName names %NOT_SET%: set that"):
        read_host_settings(app.root)


def test_host_json_may_name_what_local_settings_set(app: SampleApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLE_HUB", "to be restored")
    monkeypatch.delenv("SAMPLE_HUB")
    app.file("local.settings.json", {"Values": {"SAMPLE_HUB": "local"}})
    app.file("host.json", {"extensions": {"durableTask": {"hubName": "%SAMPLE_HUB%"}}})
    assert load_settings(app.root).hub_name == "local"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("controlQueueVisibilityTimeout", "00:00:30"),
        ("controlQueueVisibilityTimeout", "01:00:01"),
        ("workItemQueueVisibilityTimeout", "00:00:00"),
        ("workItemQueueVisibilityTimeout", "8.00:00:00"),
    ],
)
async def test_duration_that_stops_the_host_on_azure_is_warned_of(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture, key: str, value: str
):
    app.file("host.json", {"extensions": {"durableTask": {"storageProvider": {key: value}}}})
    await start()
    assert f"extensions.durableTask.storageProvider.{key} of host.json is {value}: the Durable" in caplog.text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"functionTimeout": "00:00:00"}, "functionTimeout of host.json is 00:00:00: with less"),
        ({"extensions": {"durableTask": {"hubName": "my-hub"}}}, "hubName of host.json is my-hub: use"),
        ({"extensions": {"durableTask": {"hubName": "1st"}}}, "hubName of host.json is 1st: use"),
    ],
)
def test_value_that_stops_the_host_on_azure_is_warned_of(app: SampleApp, content: dict[str, Any], told: str):
    app.file("host.json", content)
    [warning] = read_host_settings(app.root).warnings
    assert told in warning
    assert warning.endswith("no function of the app starts on Azure.")


@pytest.mark.parametrize("value", ["00:01:00", "00:05:00", "01:00:00"])
def test_duration_that_the_extension_takes_is_not_warned_of(app: SampleApp, value: str):
    provider = {"controlQueueVisibilityTimeout": value, "workItemQueueVisibilityTimeout": "00:00:30"}
    app.file("host.json", {"extensions": {"durableTask": {"storageProvider": provider}}})
    assert read_host_settings(app.root).warnings == ()
