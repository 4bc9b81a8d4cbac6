"""Why an instance waits whose app cannot be run: the host names file and line, as the log on Azure would."""

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from devhost.host import Host, HostOptions
from devhost.settings.host_json import read_host_settings
from tests.devhost.sample_app import SampleApp

WAITS = "yield context.wait_for_external_event('go')\n"
_V2 = "import azure.functions as func\nimport azure.durable_functions as df\n\napp = df.DFApp()\n"
WAITS_V2 = f"{_V2}@app.orchestration_trigger('context')\ndef job(context):\n    {WAITS}"


def written_in_folders(app: SampleApp) -> Path:
    app.orchestrator("job", WAITS)
    return app.root / "job" / "main.py"


def written_with_decorators(app: SampleApp) -> Path:
    return app.file("function_app.py", WAITS_V2)


def lacks_a_module(script: Path) -> str:
    script.write_text(f"import no_such_library\n{script.read_text()}")
    return f"No module named 'no_such_library' ({script}, line 1)"


def cannot_be_parsed(script: Path) -> str:
    lines = script.read_text().splitlines()
    script.write_text("\n".join([*lines, "def ("]))
    return f"({script}, line {len(lines) + 1})"


def misses_a_setting_at_import(script: Path) -> str:
    (script.parent / "prices.py").write_text("import os\n\nLIMIT = os.environ['NO_SUCH_LIMIT']\n")
    folder = "." if script.name == "main.py" else ""
    script.write_text(f"from {folder}prices import LIMIT\n{script.read_text()}")
    return f"KeyError: 'NO_SUCH_LIMIT' ({script.parent}/prices.py, line 3)"


def raises_at_once(script: Path) -> str:
    text = script.read_text().replace(WAITS.strip(), f"context.prices['eu']; {WAITS.strip()}")
    script.write_text(text)
    line = 1 + next(number for number, line in enumerate(text.splitlines()) if "prices" in line)
    return f"has no attribute 'prices' ({script}, line {line})"


def answers_text(script: Path) -> str:
    """It is not the SDK's: the function is called, and raises by itself."""
    script.write_text("def main(context):\n    return int('many')\n")
    return f"invalid literal for int() with base 10: 'many' ({script}, line 2)"


MISTAKES = [
    (written_in_folders, lacks_a_module),
    (written_in_folders, cannot_be_parsed),
    (written_in_folders, misses_a_setting_at_import),
    (written_in_folders, raises_at_once),
    (written_in_folders, answers_text),
    (written_with_decorators, lacks_a_module),
    (written_with_decorators, cannot_be_parsed),
    (written_with_decorators, misses_a_setting_at_import),
    (written_with_decorators, raises_at_once),
]


async def why_after(app: SampleApp, release: Callable[[], object]) -> dict[str, str]:
    """Starts a job that waits for an event, and asks a later host why it waits."""
    options = HostOptions(app.root, port=0, grace=5, state=str(app.root / "state.db"))
    async with aiohttp.ClientSession() as session:
        host = await Host.start(options, read_host_settings(app.root))
        await host.hub.start_orchestration("job", instance_id="one")
        await host.hub.settle()
        await host.stop()
        release()
        host = await Host.start(options, read_host_settings(app.root))
        try:
            path = "/runtime/webhooks/durabletask/instances/one/why"
            async with session.get(f"{host.origin}{path}") as answer:
                told: dict[str, str] = await answer.json()
                return told
        finally:
            await host.stop()


@pytest.mark.parametrize(
    ("written", "mistake"), MISTAKES, ids=lambda function: function.__name__.replace("_", "-")
)
async def test_function_in_error_is_told_with_file_and_line(
    app: SampleApp, written: Callable[[SampleApp], Path], mistake: Callable[[Path], str]
):
    script = written(app)
    expected: list[str] = []
    told = await why_after(app, lambda: expected.append(mistake(script)))
    assert told["code"] in ("function-in-error", "replay")
    assert expected[0] in told["sentence"]


@pytest.mark.parametrize("written", [written_in_folders, written_with_decorators])
async def test_app_without_a_mistake_is_told_of_its_event(
    app: SampleApp, written: Callable[[SampleApp], Path]
):
    written(app)
    assert (await why_after(app, lambda: None))["code"] == "event"


async def test_retried_activity_is_told_with_the_place_of_its_failure(app: SampleApp):
    app.activity("pay", "def main(payload):\n    raise ValueError(f'no account {payload}')\n")
    retry = "import azure.durable_functions as df; retry = df.RetryOptions(3_600_000, 3)\n"
    app.orchestrator("job", f"{retry}yield context.call_activity_with_retry('pay', retry, 7)\n")
    told = await why_after(app, lambda: None)
    assert told["code"] == "retry"
    assert f"ValueError: no account 7 ({app.root}/pay/main.py, line 2)" in told["sentence"]


async def test_retried_activity_that_cannot_be_loaded_is_told_with_its_place(app: SampleApp):
    app.activity("pay", "import no_such_library\ndef main(payload): ...\n")
    retry = "import azure.durable_functions as df; retry = df.RetryOptions(3_600_000, 3)\n"
    app.orchestrator("job", f"{retry}yield context.call_activity_with_retry('pay', retry, 7)\n")
    told = await why_after(app, lambda: None)
    assert f"No module named 'no_such_library' ({app.root}/pay/main.py, line 1)" in told["sentence"]
