"""Which function.json the host leaves out, and why; the other functions keep working."""

from typing import Any

import pytest

from devhost.app.loader import index_app
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import ACTIVITY, RETURN, SampleApp, http_trigger


def reason(app: SampleApp) -> str:
    """Why the only function of the app is left out."""
    index = index_app(app.root)
    assert index.functions == ()
    return index.errors[0].reason


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        ([{"name": "req", "type": "fooTrigger"}], "This host lacks the binding type(s) 'fooTrigger'"),
        (
            [http_trigger(), {"name": "doc", "type": "cosmosDB", "direction": "in"}],
            "This host lacks the binding type(s) 'cosmosDB'",
        ),
        ([], "At least one binding must be declared."),
        ([RETURN], "No trigger binding specified. A function must have a trigger input binding."),
        (
            [http_trigger(), ACTIVITY],
            "Multiple trigger bindings defined. A function can only have a single trigger binding.",
        ),
        (
            [http_trigger(), {**RETURN, "name": "req"}],
            "Multiple bindings with name 'req' discovered. Binding names must be unique.",
        ),
        ([{**http_trigger(), "name": ""}], "The binding name  is invalid."),
        ([http_trigger(route="admin/x")], "The specified route conflicts with one or more built in routes."),
        ([http_trigger(route="Administration")], "The specified route conflicts with one or more built in"),
        (
            [http_trigger(route="runtimeinfo")],
            "The specified route conflicts with one or more built in routes.",
        ),
        ([http_trigger(direction="sideways")], "'sideways' is not a valid binding direction."),
        ([http_trigger(authLevel="everyone")], "'everyone' is not an authLevel"),
        ([http_trigger(methods="get")], "'methods' is \"get\", not a list of HTTP methods."),
        ([http_trigger(route="/x")], "The route '/x' begins with '/', which stops a whole app on Azure"),
        ([http_trigger(route="x/{id:mystery}")], "The route constraint 'mystery' is not understood."),
        ([http_trigger(route="x/{id")], "The route part '{id' is not understood."),
        (["req"], 'A binding of function.json is "req", not an object.'),
    ],
)
def test_unusable_bindings_leave_the_function_out(app: SampleApp, bindings: list[Any], expected: str):
    app.function("broken", *bindings)
    assert reason(app).startswith(expected)


@pytest.mark.parametrize("name", ["has space", "1st"])
def test_folder_whose_name_is_no_function_name_is_left_out(app: SampleApp, name: str):
    app.http(name)
    assert reason(app) == f"'{name}' is not a valid function name."


def test_script_file_that_does_not_exist_leaves_the_function_out(app: SampleApp):
    app.function("broken", http_trigger(), scriptFile="absent.py")
    assert reason(app) == (
        "Invalid script file name configuration. "
        "The 'scriptFile' property is set to a file that does not exist."
    )


@pytest.mark.parametrize("text", ["{", "[]"])
def test_function_json_that_is_no_object_leaves_the_function_out(app: SampleApp, text: str):
    app.file("broken/function.json", text)
    assert "broken/function.json is not " in reason(app)


@pytest.mark.parametrize(("first", "second"), [(["get", "post"], ["POST"]), ([], ["get"]), (["get"], [])])
def test_second_function_of_a_route_loses(app: SampleApp, first: list[str], second: list[str]):
    app.http("a", route="x/{id}", methods=first)
    app.http("b", route="X/{id}/", methods=second)
    index = index_app(app.root)
    assert [function.name for function in index.functions] == ["a"]
    assert index.errors[0].reason == "The route specified conflicts with the route defined by function 'a'."


async def test_function_in_error_is_404_and_the_others_work(app: SampleApp, start: StartHost):
    app.function("broken", http_trigger(), {"name": "x", "type": "fooTrigger"})
    app.http("fine")
    client = await start()
    assert (await client.get("/api/broken")).status == 404
    assert (await client.get("/api/fine")).status == 200


async def test_function_in_error_is_logged_once_with_its_name(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.function("broken", RETURN)
    await start()
    messages = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(messages) == 1
    assert messages[0].startswith("The 'broken' function is in error: No trigger binding specified.")


@pytest.mark.parametrize("files", [["other.py"], ["main.py", "x.py"], ["__init__.py", "x.py"]])
def test_script_is_found_without_script_file(app: SampleApp, files: list[str]):
    app.file("found/function.json", {"bindings": [http_trigger()]})
    for file in files:
        app.file(f"found/{file}", "")
    assert index_app(app.root).functions[0].script.name == files[0]


def test_ambiguous_script_names_the_remedy(app: SampleApp):
    app.file("broken/function.json", {"bindings": [http_trigger()]})
    app.file("broken/a.py", "")
    app.file("broken/b.py", "")
    assert "name the one to run as 'scriptFile'" in reason(app)


async def test_disabled_in_function_json_is_not_honoured(app: SampleApp, start: StartHost):
    app.function("still-there", http_trigger(), RETURN, disabled=True)
    assert (await (await start()).get("/api/still-there")).status == 200


async def test_entry_point_names_the_function_to_call(app: SampleApp, start: StartHost):
    app.function(
        "named", http_trigger(), RETURN, code="def handle(req):\n    return 'x'\n", entryPoint="handle"
    )
    assert (await (await start()).get("/api/named")).text == "x"


def test_binding_type_is_case_insensitive(app: SampleApp):
    app.function("shouting", {**http_trigger(), "type": "HTTPTRIGGER"}, RETURN)
    assert index_app(app.root).functions[0].trigger.type == "httpTrigger"


async def test_members_of_a_binding_are_read_in_any_case(app: SampleApp, start: StartHost):
    trigger = {"Type": "httpTrigger", "Name": "req", "Direction": "In", "METHODS": ["post"], "Route": "Cased"}
    answer = {"TYPE": "http", "NAME": "$return", "DIRECTION": "Out"}
    app.function("written", trigger, answer)
    client = await start()
    assert (await client.post("/api/cased")).text == "hello"
    assert (await client.get("/api/cased")).status == 404
