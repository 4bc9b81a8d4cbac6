"""Code that cannot be loaded: the function is mapped, a call is an empty 500, the reason is in the log."""

from typing import Any

import pytest

from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import RETURN, SampleApp, http_trigger

OUT = {"name": "res", "type": "http", "direction": "out"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "def main(req, extra=1): return 'x'",
            "the following parameters are declared in Python but not in function.json: {'extra'}",
        ),
        (
            "def main(): return 'x'",
            "the following parameters are declared in function.json but not in Python: {'req'}",
        ),
        (
            "def main(req: int): return 'x'",
            'type of req binding in function.json "httpTrigger" does not match its Python annotation "int"',
        ),
        (
            "def main(req) -> int: return 1",
            'Python return annotation "int" does not match binding type "http"',
        ),
        (
            "def main(req: dict[str, int]): return 'x'",
            "binding req has invalid non-type annotation dict[str, int]",
        ),
        ("def main(req: 'Unknown'): return 'x'", "NameError: name 'Unknown' is not defined"),
        (
            "def main(req, context: int): return 'x'",
            "the \"context\" parameter is expected to be of type azure.functions.Context, got <class 'int'>",
        ),
        (
            "import typing\ndef main(req: typing.List[int]): return 'x'",
            "TypeError: issubclass() arg 1 must be a class",
        ),
        ("import absent_module", "ModuleNotFoundError: No module named 'absent_module'"),
        ("\n1 / 0", "ZeroDivisionError: division by zero"),
        ("def main(req)\n  pass", "SyntaxError: expected ':'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = 1", "function main() is not present in "),
    ],
)
async def test_unloadable_code_is_500_with_the_reason_in_the_log(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture, code: str, expected: str
):
    app.function("broken", http_trigger(), RETURN, code=code)
    client = await start()
    assert f"cannot load the broken function: {expected}" in caplog.text
    caplog.clear()
    answer = await client.get("/api/broken")
    assert (answer.status, answer.body) == (500, b"")
    assert expected in caplog.text


@pytest.mark.parametrize("code", ["import absent_module", "def unfinished("])
async def test_import_error_names_file_and_line_of_the_app(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture, code: str
):
    app.file("shared/broken.py", f"\n\n{code}\n")
    app.function("broken", http_trigger(), RETURN, code="from shared import broken\n")
    await start()
    assert f"({app.root}/shared/broken.py, line 3)" in caplog.text


async def test_value_may_be_returned_beside_a_binding_that_only_the_worker_converts(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    mail = {"name": "mail", "type": "sendGrid", "direction": "out"}
    app.function("answers", http_trigger(), mail, code="def main(req, mail) -> str: return 'returned'\n")
    answer = await (await start()).get("/api/answers")
    assert (answer.status, answer.text) == (200, "returned")
    assert "Dropped what goes out" not in caplog.text


async def test_annotation_beside_a_data_type_is_refused_with_both(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    trigger = {**http_trigger(), "dataType": "string"}
    app.function("broken", trigger, RETURN, code="def main(req: int): return 'x'\n")
    await start()
    assert '\'req\' binding type "httpTrigger" and dataType "1" in function.json do not m' in caplog.text


async def test_unloadable_code_keeps_no_other_function_from_working(app: SampleApp, start: StartHost):
    app.http("broken", "import absent_module")
    app.http("fine")
    assert (await (await start()).get("/api/fine")).text == "hello"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import azure.functions as func\ndef main(req, res: func.Out): ...", "has invalid Out annotation"),
        (
            "import azure.functions as func\ndef main(req, res: func.HttpResponse): ...",
            'declared to have the "out" direction, but its annotation in Python is not a subclass',
        ),
        (
            "import azure.functions as func\ndef main(req: func.Out[str], res): ...",
            'declared to have the "in" direction in function.json, but its annotation is azure.functions.Out',
        ),
        (
            "import azure.functions as func\ndef main(req, res: func.Out[int]): ...",
            'type of res binding in function.json "http" does not match its Python annotation "int"',
        ),
    ],
)
async def test_out_parameter_is_checked_against_its_binding(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture, code: str, expected: str
):
    app.function("broken", http_trigger(), OUT, code=code)
    await start()
    assert expected in caplog.text


async def test_return_binding_must_go_out(app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture):
    app.function("broken", http_trigger(), {**RETURN, "direction": "in"})
    await start()
    assert '"$return" binding must have direction set to "out"' in caplog.text


async def test_folder_imports_shared_code_and_its_own_modules(app: SampleApp, start: StartHost):
    app.file("shared/__init__.py", "")
    app.file("shared/words.py", "GREETING = 'good'")
    app.file("hello-function/parts.py", "NOUN = 'day'")
    code = (
        "from shared.words import GREETING\nfrom .parts import NOUN\ndef main(req): return GREETING + NOUN\n"
    )
    app.http("hello-function", code)
    assert (await (await start()).get("/api/hello-function")).text == "goodday"


async def test_module_is_named_as_the_worker_names_it(app: SampleApp, start: StartHost):
    app.http("hello-function", "def main(req): return __name__ + ' ' + __file__\n")
    answer = await (await start()).get("/api/hello-function")
    assert answer.text == f"__app__.hello-function.main {app.root}/hello-function/main.py"


async def test_script_file_may_lie_in_another_folder_of_the_app(app: SampleApp, start: StartHost):
    app.file("elsewhere/entry.py", "def main(req): return 'shared'\n")
    app.function("thin", http_trigger(), RETURN, scriptFile="../elsewhere/entry.py")
    assert (await (await start()).get("/api/thin")).text == "shared"


async def test_context_parameter_tells_function_and_invocation(app: SampleApp, start: StartHost):
    code = """
        import azure.functions as func
        def main(req, context: func.Context):
            return f"{context.function_name} {context.function_directory} {len(context.invocation_id)}"
    """
    app.http("told", code)
    assert (await (await start()).get("/api/told")).text == f"told {app.root}/told 36"


async def test_app_runs_in_its_own_folder(app: SampleApp, start: StartHost):
    app.http("where", "import os\ndef main(req): return os.getcwd()\n")
    assert (await (await start()).get("/api/where")).text == str(app.root)


async def test_text_parameter_loads_but_cannot_take_a_request(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.http("textual", "def main(req: str): return req\n")
    client = await start()
    assert "cannot load" not in caplog.text
    assert (await client.get("/api/textual")).status == 500


@pytest.mark.parametrize(
    ("package", "trigger"),
    [
        ("azurefunctions.extensions.http.fastapi", http_trigger()),
        ("azurefunctions.extensions.bindings.blob", {"name": "req", "type": "blobTrigger", "path": "in"}),
    ],
    ids=["a stream", "a client"],
)
async def test_type_of_a_workers_extension_is_told_as_one_that_this_host_lacks(
    app: SampleApp,
    start: StartHost,
    caplog: pytest.LogCaptureFixture,
    package: str,
    trigger: dict[str, Any],
):
    app.file(f"{package.replace('.', '/')}/__init__.py", "class Client: ...\n")
    code = f"from {package} import Client\ndef main(req: Client): return 'x'\n"
    app.function("streams", {"direction": "in", **trigger}, code=code)
    await start()
    assert f"This host does not have what {package.replace('.', '-')} adds" in caplog.text
