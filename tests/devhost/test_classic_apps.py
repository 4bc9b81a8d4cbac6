"""The classic model as apps in the wild use it: each fact was measured on the Functions host of Azure."""

import asyncio
from typing import Any

import pytest

from tests.devhost.conftest import Client, StartHost
from tests.devhost.sample_app import ACTIVITY, HELLO, RETURN, SampleApp, http_trigger
from tests.devhost.test_management_api import ROOT

MAIL = {"name": "mail", "type": "sendGrid", "direction": "out"}


def client_binding_of(binding_type: str) -> dict[str, Any]:
    return {"name": "starter", "type": binding_type, "direction": "in"}


async def until_ended(client: Client, orchestrator: str) -> dict[str, Any]:
    """The status of a new instance when it has ended."""
    started = await client.post(f"{ROOT}/orchestrators/{orchestrator}")
    async with asyncio.timeout(30):
        while True:
            status = (await client.get(f"{ROOT}/instances/{started.json['id']}")).json
            if status["runtimeStatus"] in ("Completed", "Failed"):
                return dict(status)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("binding_type", ["durableClient", "orchestrationClient", "ORCHESTRATIONCLIENT"])
async def test_client_binding_has_two_names(app: SampleApp, start: StartHost, binding_type: str):
    code = "import json\ndef main(req, starter: str) -> str: return json.loads(starter)['taskHubName']\n"
    app.function("starts", http_trigger(), RETURN, client_binding_of(binding_type), code=code)
    assert (await (await start()).get("/api/starts")).text == "TestHubName"


def package(app: SampleApp, name: str, code: str, *bindings: dict[str, Any]) -> None:
    """A function whose script is the package's own `__init__.py`, as templates write it."""
    app.function(name, *(bindings or (http_trigger(), RETURN)), scriptFile="__init__.py", code="")
    app.file(f"{name}/__init__.py", code)


async def test_init_file_runs_once_as_the_package_itself(app: SampleApp, start: StartHost):
    app.file("registry.py", "RUNS = []\n")
    code = "import registry\nregistry.RUNS.append(1)\ndef main(req): return f'{__name__} {registry.RUNS}'\n"
    package(app, "counted", code)
    assert (await (await start()).get("/api/counted")).text == "__app__.counted [1]"


async def test_functions_share_what_one_imports_from_another(app: SampleApp, start: StartHost):
    package(app, "keeps", "SEEN = []\ndef main(req):\n    SEEN.append(1)\n    return 'kept'\n")
    package(app, "reads", "from ..keeps import SEEN\ndef main(req): return f'{len(SEEN)} seen'\n")
    client = await start()
    await client.get("/api/keeps")
    assert (await client.get("/api/reads")).text == "1 seen"


@pytest.mark.parametrize("name", ["statistics", "requests", "yaml"])
async def test_folder_of_the_app_does_not_stand_in_for_a_library(app: SampleApp, start: StartHost, name: str):
    package(app, name, f"def main(req):\n    import {name}\n    return {name}.__file__\n")
    found = (await (await start()).get(f"/api/{name}")).text
    assert not found.startswith(str(app.root))


async def test_app_whose_folder_is_on_the_path_already_comes_last_too(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(app.root)
    package(app, "statistics", "def main(req):\n    import sys\n    return repr(sys.path)\n")
    paths = (await (await start()).get("/api/statistics")).text
    assert paths.count(repr(str(app.root))) == 1
    assert paths.endswith(f"{str(app.root)!r}]")


def answering_with_its_name(name: str) -> str:
    return f"def main(req): return '{name} ' + req.route_params.get('id', '')\n"


async def test_routes_are_tried_in_the_order_of_names_with_a_warning(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.http("a-any", answering_with_its_name("a-any"), route="jobs/{id}")
    app.http("b-latest", answering_with_its_name("b-latest"), route="jobs/latest")
    client = await start()
    assert (await client.get("/api/jobs/latest")).text == "a-any latest"
    assert "Requests that fit the route 'jobs/latest' of 'b-latest' may reach 'a-any'" in caplog.text


async def test_exact_route_of_an_earlier_name_is_tried_first_without_a_word(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.http("B-any", answering_with_its_name("B-any"), route="jobs/{id}")
    app.http("a-latest", answering_with_its_name("a-latest"), route="jobs/latest")
    client = await start()
    assert (await client.get("/api/jobs/latest")).text == "a-latest "
    assert (await client.get("/api/jobs/7")).text == "B-any 7"
    assert "may reach" not in caplog.text


async def test_route_of_another_method_hides_nothing(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.http("a", answering_with_its_name("a"), route="{*id}", methods=["post"])
    app.http("b", answering_with_its_name("b"), route="jobs", methods=["get"])
    assert (await (await start()).get("/api/jobs")).text == "b "
    assert "may reach" not in caplog.text


@pytest.mark.parametrize("path", ["/", "/jobs", "/a/b"])
async def test_catch_all_with_a_slash_answers_everything_of_an_app_without_prefix(
    app: SampleApp, start: StartHost, path: str
):
    app.file("host.json", {"extensions": {"http": {"routePrefix": ""}}})
    app.http("site", answering_with_its_name("site"), route="/{*id}")
    assert (await (await start()).get(path)).text == f"site {path[1:]}"


async def test_empty_route_is_the_name_of_the_function(app: SampleApp, start: StartHost):
    app.http("hello", route="")
    assert (await (await start()).get("/api/hello")).text == "hello"


async def test_trigger_that_the_host_lacks_is_named_with_those_that_it_has(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.function("sync", {"name": "x", "type": "daprTrigger"})
    await start()
    assert "The 'sync' function is in error: This host lacks the binding type(s) 'daprTrigger'" in caplog.text
    assert "See sync/function.json; this host has activityTrigger, " in caplog.text


async def test_output_that_the_host_lacks_costs_the_output_alone(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    code = "def main(req, mail):\n    mail.set('{}')\n    return 'sent'\n"
    app.function("send", http_trigger(), RETURN, MAIL, code=code)
    client = await start()
    assert "The 'send' function runs without its output 'mail': this host lacks" in caplog.text
    assert (await client.get("/api/send")).text == "sent"
    assert "Dropped what goes out at 'mail': this host lacks the binding type 'sendGrid'." in caplog.text


async def test_activity_with_an_output_that_the_host_lacks_completes(app: SampleApp, start: StartHost):
    app.function(
        "send", ACTIVITY, MAIL, code="def main(payload, mail):\n    mail.set('{}')\n    return 'sent'\n"
    )
    app.orchestrator("o", "return (yield context.call_activity('send', 1))")
    assert (await until_ended(await start(), "o"))["output"] == "sent"


async def test_orchestrator_is_told_why_an_activity_cannot_be_called(app: SampleApp, start: StartHost):
    app.function("look", ACTIVITY, {"name": "row", "type": "cosmosDB", "direction": "in"})
    app.orchestrator("o", "return (yield context.call_activity('look', 1))")
    failed = await until_ended(await start(), "o")
    assert failed["runtimeStatus"] == "Failed"
    assert "Activity function 'look' failed" in failed["output"]
    assert "This host lacks the binding type(s) 'cosmosDB'" in failed["output"]


async def test_functions_are_listed_with_the_types_that_their_files_name(app: SampleApp, start: StartHost):
    app.function("starts", http_trigger(), RETURN, client_binding_of("orchestrationClient"), code=HELLO)
    listed = (await (await start()).get("/admin/functions")).json
    assert listed[0]["config"]["bindings"][2]["type"] == "orchestrationClient"


async def test_app_without_functions_says_so_and_what_to_do_and_runs(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    assert (await (await start()).get("/api/hello")).status == 404
    assert "0 functions loaded: no folder of " in caplog.text
    assert "No job functions found. Add a function, or name the folder that holds the app." in caplog.text


async def test_entity_whose_first_operation_failed_is_there_without_a_state(app: SampleApp, start: StartHost):
    entity = {"name": "context", "type": "entityTrigger", "direction": "in"}
    code = """
        import azure.durable_functions as df
        def run(context):
            raise ValueError("boom")
        main = df.Entity.create(run)
    """
    app.function("counter", entity, code=code)
    client = await start()
    await client.post(f"{ROOT}/entities/counter/k?op=add", json=3)
    await client.host.settle()
    answer = await client.get(f"{ROOT}/entities/counter/k")
    assert (answer.status, answer.text) == (200, "null")
    (listed,) = (await client.get(f"{ROOT}/entities?fetchState=true")).json
    assert listed["state"] is None
