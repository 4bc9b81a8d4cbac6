"""Extensions of the worker: called around functions, and only with their setting."""

import ast

import pytest

from devhost.settings.app_settings import WORKER_EXTENSIONS
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp

HOOKS = """
    import azure.functions as func
    class Hooks(func.AppExtensionBase):
        calls = []
        @classmethod
        def post_function_load_app_level(cls, name, directory, *args, **kwargs):
            cls.calls.append(f"loaded {name}")
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args={}, *args, **kwargs):
            cls.calls.append(f"before {context.function_name} {sorted(func_args)}")
        @classmethod
        def post_invocation_app_level(cls, logger, context, func_args={}, func_ret=None, *args, **kwargs):
            cls.calls.append(f"after {func_ret}")
"""
CALLED = """
    from hooks import Hooks
    {prefix}def main(req):
        Hooks.calls.append("called")
        return str(len(Hooks.calls))
"""
SHOWS = "from hooks import Hooks\ndef main(req): return repr(Hooks.calls)\n"


@pytest.fixture
def hooked(app: SampleApp) -> SampleApp:
    app.file("hooks.py", HOOKS)
    app.http("a", CALLED.format(prefix=""))
    app.http("b", CALLED.format(prefix="async "))
    app.http("shows", SHOWS)
    return app


@pytest.mark.parametrize("name", ["a", "b"])
async def test_extension_is_called_around_each_function(
    hooked: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setenv(WORKER_EXTENSIONS, "1")
    client = await start()
    await client.get(f"/api/{name}")
    shown = ast.literal_eval((await client.get("/api/shows")).text)
    assert shown[:3] == ["loaded a", "loaded b", "loaded shows"]
    assert shown[3:6] == [f"before {name} ['req']", "called", "after 5"]


@pytest.mark.parametrize("setting", ["", "0"])
async def test_extension_is_left_alone_without_its_setting(
    hooked: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch, setting: str
):
    monkeypatch.setenv(WORKER_EXTENSIONS, setting)
    assert (await (await start()).get("/api/shows")).text == "[]"


async def test_extension_that_raises_costs_no_call(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv(WORKER_EXTENSIONS, "true")
    app.file("hooks.py", HOOKS.replace('cls.calls.append(f"before', '1 / 0; (f"before'))
    app.http("a", CALLED.format(prefix=""))
    assert (await (await start()).get("/api/a")).status == 200
    assert "The extension failed at pre_invocation of 'a'" in caplog.text


OF_ONE = """
    import azure.functions as func
    class OfOne(func.FuncExtensionBase):
        calls = []
        def __init__(self, file): super().__init__(file)
        def pre_invocation(self, logger, context, func_args={}, *args, **kwargs):
            self.calls.append(context.function_name)
"""


async def test_extension_of_one_function_is_called_around_that_one(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(WORKER_EXTENSIONS, "1")
    app.file("of_one.py", OF_ONE)
    app.http("a", "from of_one import OfOne\nOfOne(__file__)\ndef main(req): return '+'.join(OfOne.calls)\n")
    app.http("b")
    client = await start()
    await client.get("/api/b")
    assert (await client.get("/api/a")).text == "a"
