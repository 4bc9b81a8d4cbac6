"""Functions that are run by hand, through `POST /admin/functions/{name}` as tools of Azure do it."""

import pytest

from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import ACTIVITY, SampleApp
from tests.devhost.storage_app import queue_trigger, timer_trigger

YEARLY = "0 0 0 1 1 *"
WRITES = "def main({name}):\n    with open('written', 'w') as file: file.write({text})\n"
TIMER = WRITES.format(name="timer", text="'ran'")


async def test_timer_function_runs_now(app: SampleApp, start: StartHost):
    app.function("yearly", timer_trigger(YEARLY), code=TIMER)
    answer = await (await start()).post("/admin/functions/Yearly", json={"input": ""})
    assert (answer.status, answer.body) == (202, b"")
    await app.wrote("written")


async def test_queue_function_gets_the_input_as_its_message(app: SampleApp, start: StartHost, account):
    code = WRITES.format(name="msg", text="msg.get_body().decode()")
    app.function("take", queue_trigger("nothing-there"), code=code)
    assert (await (await start()).post("/admin/functions/take", json={"input": "hello"})).status == 202
    await app.wrote("written")
    assert (app.root / "written").read_text() == "hello"


async def test_activity_gets_the_input(app: SampleApp, start: StartHost):
    app.function("work", ACTIVITY, code=WRITES.format(name="payload", text="str(payload)"))
    assert (await (await start()).post("/admin/functions/work", json={"input": "5"})).status == 202
    await app.wrote("written")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("yearly", b"", 400), ("yearly", b"[]", 400), ("absent", b"{}", 404), ("hello", b"{}", 400)],
)
async def test_what_cannot_be_run_is_refused(
    app: SampleApp, start: StartHost, name: str, body: bytes, status: int
):
    app.function("yearly", timer_trigger(YEARLY), code=TIMER)
    app.http("hello")
    assert (await (await start()).post(f"/admin/functions/{name}", data=body)).status == status


async def test_function_that_fails_is_accepted_all_the_same(app: SampleApp, start: StartHost):
    app.function("yearly", timer_trigger(YEARLY), code=f"{TIMER}    raise ValueError('boom')\n")
    assert (await (await start()).post("/admin/functions/yearly", json={})).status == 202
    await app.wrote("written")


async def test_one_function_is_described_alone(app: SampleApp, start: StartHost):
    app.http("hello", route="say/hello")
    answer = await (await start()).get("/admin/functions/hello")
    assert answer.json["invoke_url_template"] == "api/say/hello"
