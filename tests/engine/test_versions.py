"""Which instances a host runs, by their versions and its own."""

from typing import Any

import pytest

from devhost.engine.options import HubOptions
from devhost.engine.versions import FailureStrategy, MatchStrategy, VersionPolicy, is_newer
from tests.engine.app import App, Hub, output


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.orchestrator
    def job(context):
        yield context.wait_for_external_event("go")
        return context.version

    @app.orchestrator
    def parent(context):
        yield context.wait_for_external_event("go")
        version = yield context.call_sub_orchestrator("child", None)
        return [context.version, version]

    @app.orchestrator
    def child(context):
        return context.version
        yield


def hub_of(app: App, state: str, version: str, **policy: Any) -> Hub:
    return Hub(app, state, HubOptions(versions=VersionPolicy(version, **policy)))


async def test_instance_keeps_the_version_that_it_started_with(app: App, tmp_path):
    state = str(tmp_path / "state.db")
    async with hub_of(app, state, "1.0") as hub:
        await hub.begin("job", instance_id="one")
        await hub.settle()
    async with hub_of(app, state, "2.0") as hub:
        await hub.raise_event("one", "go", "null")
        await hub.settle()
        assert output(await hub.state_of("one")) == "1.0"


async def test_restarted_instance_gets_the_new_default(app: App, tmp_path):
    state = str(tmp_path / "state.db")
    async with hub_of(app, state, "1.0") as hub:
        await hub.begin("child", instance_id="one")
        await hub.settle()
    async with hub_of(app, state, "2.0") as hub:
        await hub.restart("one", new_id=False)
        await hub.settle()
        assert output(await hub.state_of("one")) == "2.0"


async def test_child_of_an_old_instance_gets_the_new_default(app: App, tmp_path):
    state = str(tmp_path / "state.db")
    async with hub_of(app, state, "1.0") as hub:
        await hub.begin("parent", instance_id="one")
        await hub.settle()
    async with hub_of(app, state, "2.0") as hub:
        await hub.raise_event("one", "go", "null")
        await hub.settle()
        assert output(await hub.state_of("one")) == ["1.0", "2.0"]


async def test_newer_instance_waits_for_a_newer_host(app: App, tmp_path):
    state = str(tmp_path / "state.db")
    async with hub_of(app, state, "1.9") as hub:
        await hub.start_orchestration("child", instance_id="one", version="1.10")
        await hub.settle()
        assert (await hub.state_of("one")).status == "Pending"
    async with hub_of(app, state, "1.10") as hub:
        await hub.settle()
        assert output(await hub.state_of("one")) == "1.10"


async def test_strict_host_fails_another_version_if_it_is_told_to(app: App):
    policy = {"match": MatchStrategy.STRICT, "on_mismatch": FailureStrategy.FAIL}
    async with hub_of(app, ":memory:", "2.0", **policy) as hub:
        await hub.start_orchestration("child", instance_id="one", version="1.0")
        await hub.settle()
        instance = await hub.state_of("one")
    assert instance.status == "Failed"
    assert instance.output == "VersionMismatch: Orchestration version did not comply with Worker Versioning"


@pytest.mark.parametrize(
    ("match", "accepted"),
    [
        (MatchStrategy.NONE, ["", "1.0", "2.0", "3.0"]),
        (MatchStrategy.STRICT, ["2.0"]),
        (MatchStrategy.CURRENT_OR_OLDER, ["", "1.0", "2.0"]),
    ],
)
def test_strategy_decides_which_versions_are_run(match: MatchStrategy, accepted: list[str]):
    policy = VersionPolicy("2.0", match)
    assert [version for version in ("", "1.0", "2.0", "3.0") if policy.accepts(version)] == accepted


@pytest.mark.parametrize(
    ("version", "other", "newer"),
    [("1.10", "1.9", True), ("1.0", "1.0.0", False), ("B", "a", True), ("", "1.0", False), ("1.0", "", True)],
)
def test_dotted_versions_compare_as_numbers_and_others_as_text(version, other, newer):
    assert is_newer(version, other) is newer
