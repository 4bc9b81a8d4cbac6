"""Apps of the v2 model: functions that the decorators of `function_app.py` register."""

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from devhost.app.v2_model import SCRIPT_NAME
from devhost.errors import AppIndexingError
from devhost.testing import running_app
from tests.devhost.conftest import Client, StartHost
from tests.devhost.sample_app import SampleApp
from tests.devhost.storage_app import Storage, fresh_name, until
from tests.devhost.test_classic_apps import until_ended

APP = """\
import logging
import azure.functions as func
import azure.durable_functions as df
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""
ROUTE = "@app.route()\ndef hello(req): return 'hello'\n"


def script(app: SampleApp, code: str) -> None:
    """Writes a function_app.py with an app object; `code` begins on its fifth line."""
    app.file("function_app.py", APP + textwrap.dedent(code))


async def answers(client: Client, *paths: str) -> list[str]:
    return [(await client.get(f"/api/{path}")).text for path in paths]


async def described(client: Client) -> dict[str, Any]:
    """The functions of the app by name, as the host describes them."""
    return {found["name"]: found for found in (await client.get("/admin/functions")).json}


async def test_route_is_the_name_of_the_function_unless_it_is_given(app: SampleApp, start: StartHost):
    script(app, ROUTE + "@app.route('greet/{who?}')\ndef b(req): return req.route_params.get('who', 'all')\n")
    assert await answers(await start(), "hello", "greet", "greet/ann") == ["hello", "all", "ann"]


async def test_function_without_methods_takes_all_of_them(app: SampleApp, start: StartHost):
    script(app, ROUTE + "@app.route(methods=['PUT', func.HttpMethod.POST])\ndef put(req): return 'put'\n")
    client = await start()
    assert (await client.call("DELETE", "/api/hello")).status == 200
    assert [(await client.call(method, "/api/put")).status for method in ("GET", "PUT", "POST")] == [
        404,
        200,
        200,
    ]


ORCHESTRATION = """
@app.orchestration_trigger(context_name="context")
def parent(context):
    first = yield context.call_activity(shout, context.get_input() or "a")
    second = yield context.call_activity("twice", first)
    return (yield context.call_sub_orchestrator("child", second))

@app.orchestration_trigger(context_name="context", orchestration="child")
def child_function(context):
    yield context.call_entity(df.EntityId("tally", "x"), "add", 2)
    return [context.get_input(), (yield context.call_entity(df.EntityId("tally", "x"), "add", 3))]

@app.activity_trigger(input_name="text")
def shout(text: str) -> str: return text.upper()

@app.activity_trigger(input_name="text", activity="twice")
def twice_function(text): return 2 * text

@app.entity_trigger(context_name="context", entity_name="tally")
def tally_function(context):
    context.set_state(context.get_state(lambda: 0) + context.get_input())
    context.set_result(context.get_state(lambda: 0))
"""


async def test_durable_functions_are_called_by_the_names_that_decorators_give(
    app: SampleApp, start: StartHost
):
    script(app, ORCHESTRATION)
    assert (await until_ended(await start(), "parent"))["output"] == ["AA", 5]


async def test_client_of_the_decorator_starts_orchestrations(app: SampleApp, start: StartHost):
    code = """
        @app.route()
        @app.durable_client_input(client_name="client")
        async def begin(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
            job = await client.start_new("parent", client_input="b")
            return await client.wait_for_completion_or_create_check_status_response(req, job)
    """
    script(app, ORCHESTRATION + textwrap.dedent(code))
    assert (await (await start()).get("/api/begin")).json == ["BB", 5]


async def test_functions_are_described_as_on_azure_in_the_order_of_their_names(
    app: SampleApp, start: StartHost
):
    code = "@app.function_name('A-first')\n@app.route(methods=['GET'])\ndef named(req): return ''\n"
    script(app, ROUTE + code)
    listed = await described(await start())
    assert list(listed) == ["A-first", "hello"]
    assert listed["A-first"]["config"] == {
        "name": "A-first",
        "scriptFile": "function_app.py",
        "functionDirectory": str(app.root),
        "entryPoint": "named",
        "language": "python",
        "bindings": [
            {
                "direction": "IN",
                "type": "httpTrigger",
                "authLevel": "ANONYMOUS",
                "route": "A-first",
                "methods": ["GET"],
                "name": "req",
            },
            {"direction": "OUT", "type": "http", "name": "$return"},
        ],
    }


async def test_functions_of_blueprints_in_modules_and_packages_are_served(app: SampleApp, start: StartHost):
    blueprint = (
        "import azure.durable_functions as df\nbp = df.Blueprint()\n@bp.route()\ndef {0}(req): return '{0}'\n"
    )
    app.file("near.py", blueprint.format("near"))
    app.file("parts/far.py", blueprint.format("far"))
    imports = "import near\nfrom parts.far import bp\n"
    script(app, imports + "app.register_functions(near.bp)\napp.register_blueprint(bp)\n")
    assert await answers(await start(), "near", "far") == ["near", "far"]


async def test_folders_beside_the_script_are_not_served_with_a_warning(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.http("classic")
    script(app, ROUTE)
    assert (await (await start()).get("/api/classic")).status == 404
    assert "classic: not loaded, though there is a function.json" in caplog.text


async def test_function_is_told_the_folder_of_the_app(app: SampleApp, start: StartHost):
    script(
        app,
        "@app.route()\ndef f(req, context): return f'{context.function_name} {context.function_directory}'\n",
    )
    assert await answers(await start(), "f") == [f"f {app.root}"]


async def test_script_may_have_the_name_of_a_setting(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(SCRIPT_NAME, "main_app.py")
    app.file("main_app.py", APP + ROUTE)
    assert await answers(await start(), "hello") == ["hello"]


async def test_web_application_answers_for_its_app(app: SampleApp, start: StartHost):
    app.file("host.json", {"extensions": {"http": {"routePrefix": ""}}})
    code = """
        import azure.functions as func
        def site(environ, start_response):
            start_response("200 OK", [])
            return [environ["PATH_INFO"].encode()]
        app = func.WsgiFunctionApp(app=site, http_auth_level=func.AuthLevel.ANONYMOUS)
    """
    app.file("function_app.py", code)
    assert (await (await start()).get("/a/b")).text == "/a/b"


async def test_queue_starts_a_function_whose_answer_goes_to_another_queue(
    app: SampleApp, start: StartHost, account: Storage
):
    queue = await account.new_queue()
    out = fresh_name("out")
    code = f"""
        @app.queue_trigger("msg", "{queue.queue_name}", "AzureWebJobsStorage")
        @app.queue_output("out", "{out}", "AzureWebJobsStorage")
        def relay(msg: func.QueueMessage, out: func.Out[str]): out.set(msg.get_body().decode() + "!")
    """
    script(app, code)
    await start()
    await queue.send_message("aGk=")
    (message,) = await account.arrivals(out)
    assert message.content == "aGkh"


FAILS = """
@app.schedule("t", "0 0 0 1 1 *", run_on_startup=True)
@app.retry({settings})
def tick(t: func.TimerRequest, context):
    with open("attempts", "a") as file: file.write(f"{{context.retry_context.retry_count}}")
    1 / 0
"""


@pytest.mark.parametrize(
    "settings",
    [
        "'fixed_delay', '2', delay_interval='00:00:00'",
        "'exponential_backoff', 2, minimum_interval='00:00:00', maximum_interval='00:00:01'",
    ],
)
async def test_retry_of_the_decorator_is_kept(app: SampleApp, start: StartHost, settings: str):
    script(app, FAILS.format(settings=settings))
    await start()
    await until(lambda: (app.root / "attempts").exists() and (app.root / "attempts").read_text() == "012")


async def test_input_that_the_host_lacks_costs_its_function_alone(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    code = """
        @app.route()
        @app.cosmos_db_input("doc", "db", "c", "CONNECTION")
        def looks(req, doc): return ""
    """
    script(app, ROUTE + textwrap.dedent(code))
    assert await answers(await start(), "hello", "looks") == ["hello", ""]
    assert "The 'looks' function is in error: This host lacks the binding type(s) 'cosmosDB'" in caplog.text
    assert "See function_app.py; this host has activityTrigger, " in caplog.text


async def test_orchestrator_is_told_why_an_activity_of_another_name_cannot_be_called(
    app: SampleApp, start: StartHost
):
    code = """
        @app.activity_trigger(input_name="x", activity="look")
        @app.cosmos_db_input("doc", "db", "c", "CONNECTION")
        def look_function(x, doc): return ""
        @app.orchestration_trigger(context_name="context")
        def o(context): return (yield context.call_activity("look", 1))
    """
    script(app, code)
    failed = await until_ended(await start(), "o")
    assert "This host lacks the binding type(s) 'cosmosDB'" in failed["output"]


NOT_INDEXED = {
    "a name twice": (ROUTE + "@app.function_name('hello')\n@app.route()\ndef again(req): ...\n", 7),
    "no trigger": ("@app.function_name('x')\ndef f(req): ...\n" + ROUTE, 5),
    "no trigger, only a client": ("@app.durable_client_input('c')\ndef f(req, c): ...\n", 5),
    "broken syntax": ("def f(:\n", 5),
    "a second app": ("other = 1\nother = func.FunctionApp()\n", 6),
    "the app under a second name": ("other = app\n", 5),
    "an absent module": ("\nimport absent_module\n", 6),
    "code that raises": ("def f(): 1 / 0\nf()\n", 5),
    "code that exits": ("import sys\nsys.exit(1)\n", 6),
    "two triggers": ("@app.route()\n@app.schedule('t', '0 0 0 * * *')\ndef f(req, t): ...\n", 5),
    "a parameter without a binding": (ROUTE + "@app.route()\ndef f(req, extra): ...\n", 7),
    "another name of the context": (
        "@app.orchestration_trigger(context_name='ctx')\ndef o(context): ...\n",
        5,
    ),
    "an annotation that does not fit": ("@app.route()\ndef f(req: int): ...\n", 5),
}


@pytest.mark.parametrize(("code", "line"), NOT_INDEXED.values(), ids=NOT_INDEXED)
async def test_app_that_cannot_be_indexed_has_no_functions_and_says_where_and_why(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture, code: str, line: int
):
    script(app, code)
    client = await start()
    assert (await client.get("/api/hello")).status == 404
    assert "0 functions loaded: function_app.py cannot be indexed: " in caplog.text
    assert f"function_app.py, line {line})" in caplog.text
    assert client.host.in_error == ("function_app.py",)


async def test_fault_in_a_blueprint_is_told_with_the_file_of_the_blueprint(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.file("parts/__init__.py", "")
    app.file("parts/orders.py", "import os\nos.environ['NO_SUCH_SETTING']\n")
    script(app, "from parts import orders\n")
    await start()
    assert f"KeyError: 'NO_SUCH_SETTING' ({app.root}/parts/orders.py, line 2)" in caplog.text


async def test_script_without_an_app_object_says_how_to_write_one(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.file("function_app.py", "import azure.functions as func\nbp = func.Blueprint()\n")
    await start()
    assert "Could not find top level function app instances in function_app.py" in caplog.text


async def test_app_object_without_functions_says_what_to_do(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    script(app, "")
    await start()
    assert "0 functions loaded: the app of function_app.py registers none." in caplog.text
    assert "app.register_functions(blueprint)" in caplog.text


async def test_days_pass_in_tests_of_the_app_and_it_can_be_hosted_again(app: SampleApp, tmp_path: Path):
    code = """
        import datetime
        @app.orchestration_trigger(context_name="context")
        def waits(context):
            yield context.create_timer(context.current_utc_datetime + datetime.timedelta(days=3))
            return "done"
    """
    script(app, code)
    for _ in range(2):
        async with running_app(app.root) as running:
            job = await running.start("waits")
            await running.run_until_idle()
            assert await running.output(job) == "done"
    assert "function_app" not in sys.modules


async def test_tests_of_an_app_that_cannot_be_indexed_fail_with_the_reason(app: SampleApp):
    script(app, "1 / 0\n")
    with pytest.raises(AppIndexingError, match="ZeroDivisionError: division by zero"):
        async with running_app(app.root):
            pass


async def test_script_that_a_test_has_imported_itself_is_hosted_and_left_alone(
    app: SampleApp, monkeypatch: pytest.MonkeyPatch
):
    script(app, ORCHESTRATION)
    monkeypatch.syspath_prepend(app.root)
    import function_app  # type: ignore[import-not-found] # noqa: PLC0415

    try:
        for _ in range(2):
            async with running_app(app.root) as running:
                job = await running.start("parent", "c")
                await running.run_until_idle()
                assert await running.output(job) == ["CC", 5]
        assert sys.modules["function_app"] is function_app
    finally:
        del sys.modules["function_app"]


async def test_script_of_another_app_gives_way_while_the_app_is_hosted(
    app: SampleApp, monkeypatch: pytest.MonkeyPatch
):
    other = type(sys)("function_app")
    monkeypatch.setitem(sys.modules, "function_app", other)
    script(app, ROUTE)
    async with running_app(app.root) as running:
        assert [function.name for function in running.host.index.functions] == ["hello"]
    assert sys.modules["function_app"] is other
