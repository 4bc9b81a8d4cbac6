"""Web pages cannot drive the host: foreign names, foreign origins, and the doors that a developer opens."""

import asyncio
from typing import Any

import pytest

from devhost.cli import run
from devhost.errors import BrokenSettings
from devhost.host import Host, HostOptions
from devhost.settings.host_json import read_host_settings
from devhost.settings.local_settings import read_cors_settings
from tests.devhost.conftest import Answer, Client, StartHost
from tests.devhost.sample_app import SampleApp

ROOT = "/runtime/webhooks/durabletask"
APP = ["/api/hello", "/API/Hello/", "/api/hello?x=1"]
MANAGEMENT = [
    "/",
    "/admin/host/ping",
    "/admin/host/status",
    "/admin/functions",
    "/Admin/Functions",
    "/admin/instances",
    "/admin/history?instance=a",
    "/admin/input?instance=a",
    "/admin/queues",
    "/admin/timers",
    "/admin/logs?instance=a",
    "/devhost",
    "/DevHost/",
    "/api/no-such-route",
    *(
        f"{root}{path}"
        for root in (ROOT, "/durabletask", "/RunTime/WebHooks/DurableTask")
        for path in (
            "",
            "/orchestrators/greet",
            "/orchestrators/greet/a",
            "/instances",
            "/instances/a",
            "/instances/a/raiseEvent/go",
            "/instances/a/why",
            "/instances/a/terminate",
            "/instances/a/suspend",
            "/instances/a/resume",
            "/instances/a/rewind",
            "/instances/a/restart",
            "/entities",
            "/entities/counter",
            "/entities/counter/a",
        )
    ),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"]
EVIL = "https://evil.example"
FRONT_END = "http://localhost:3000"
FOREIGN = {
    "rebound name": {"Host": "evil.example"},
    "origin": {"Origin": EVIL},
    "origin null": {"Origin": "null"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "own origin, foreign site": {"Origin": "http://localhost:7071", "Sec-Fetch-Site": "cross-site"},
    "link": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
}
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type,x-a"}


@pytest.fixture
def cors(app: SampleApp) -> Any:
    """Writes Host.CORS into local.settings.json."""
    return lambda origins, **more: app.file("local.settings.json", {"Host": {"CORS": origins, **more}})


@pytest.fixture
def hello(app: SampleApp) -> None:
    app.http("hello", "import pathlib\ndef main(req):\n    pathlib.Path('ran').touch()\n    return 'hello'\n")
    app.orchestrator("greet", "return 1\nyield")


@pytest.fixture
async def client(start: StartHost, hello: None) -> Client:
    return await start()


def is_refused(answer: Answer, method: str = "GET") -> bool:
    if answer.status != 403 or any(name.lower().startswith("access-control") for name in answer.headers):
        return False
    return method == "HEAD" or answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
async def test_no_method_of_any_route_is_open_to_a_foreign_page(
    client: Client, app: SampleApp, headers: dict[str, str]
):
    followed = headers.get("Sec-Fetch-Mode") == "navigate"
    for path in [*MANAGEMENT, *APP]:
        for method in METHODS:
            if not (followed and method == "GET" and path in APP):
                assert is_refused(await client.call(method, path, headers=headers), method), (method, path)
    assert not (app.root / "ran").exists()
    assert (await client.get(f"{ROOT}/instances")).json == []


@pytest.mark.parametrize("path", [*MANAGEMENT, "/api/hello"])
async def test_preflight_of_a_foreign_page_is_refused(client: Client, path: str):
    assert is_refused(await client.call("OPTIONS", path, headers={"Origin": EVIL, **PREFLIGHT}))


async def test_simple_request_of_a_foreign_page_starts_nothing(client: Client):
    simple = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
    assert is_refused(await client.post(f"{ROOT}/orchestrators/greet", data="{}", headers=simple))
    assert (await client.get(f"{ROOT}/instances")).json == []


async def test_websocket_of_a_foreign_page_is_refused(client: Client):
    upgrade = {"Origin": EVIL, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert is_refused(await client.get("/api/hello", headers=upgrade))


NAMES = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost:1",
    "127.0.0.1",
    "127.8.9.1:80",
    "[::1]",
    "[::1]:7071",
]


@pytest.mark.parametrize("name", NAMES)
async def test_names_of_loopback_are_answered(client: Client, name: str):
    assert (await client.get("/api/hello", headers={"Host": name})).text == "hello"


FOREIGN_NAMES = [
    "localhost.evil.com",
    "evil-localhost",
    "evil.com:7071",
    "127.0.0.1.evil.com",
    "0.0.0.0",  # noqa: S104 - a page may name it, and Linux takes it for loopback
    "[::]",
    "[::2]:7071",
    "128.0.0.1",
    "192.168.1.2",
    "localhost..",
    "localhost@evil.com",
    "evil.com@localhost",
    "localhost:80:80",
    "localhost:evil",
    "[::1",
    "localhost/",
    "local host",
    "l\u043ecalhost",  # with a letter that is not Latin
]


@pytest.mark.parametrize("name", FOREIGN_NAMES)
async def test_any_other_name_is_refused_with_a_sentence_that_says_what_to_set(client: Client, name: str):
    answer = await client.get("/api/hello", headers={"Host": name})
    assert is_refused(answer)
    assert "call localhost, or start it with --allow-host " in answer.json["detail"]


async def raw(host: Host, request: str) -> str:
    """What a request that no client library sends is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
    writer.write(request.replace("\n", "\r\n").encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


@pytest.mark.parametrize(
    "request_",
    [
        "GET /api/hello HTTP/1.1\nConnection: close\n\n",
        "GET /api/hello HTTP/1.0\n\n",
        "GET /api/hello HTTP/1.1\nConnection: close\nHost:\n\n",
        "GET /api/hello HTTP/1.1\nConnection: close\nHost: localhost\nHost: evil.example\n\n",
        "GET http://evil.example/api/hello HTTP/1.1\nConnection: close\nHost: localhost\n\n",
        "GET http://localhost/api/hello HTTP/1.1\nConnection: close\nHost: evil.example\n\n",
        "CONNECT evil.example:80 HTTP/1.1\nConnection: close\nHost: localhost\n\n",
        "OPTIONS * HTTP/1.1\nConnection: close\nHost: localhost\n\n",
        "GET /api/hello?ü HTTP/1.1\nConnection: close\nHost: localhost\n\n",
    ],
)
async def test_request_without_one_host_or_without_a_path_is_refused(
    client: Client, app: SampleApp, request_: str
):
    assert (await raw(client.host, request_)).split()[1] in ("400", "403", "404")
    assert not (app.root / "ran").exists()


async def test_plain_clients_need_no_more_than_a_host_header(client: Client):
    assert (await client.get("/api/hello")).text == "hello"
    assert (await client.post(f"{ROOT}/orchestrators/greet")).status == 202
    assert (await client.get("/")).status == 200


@pytest.mark.parametrize("path", ["/", "/admin/functions", "/api/hello", f"{ROOT}/instances"])
@pytest.mark.parametrize("site", ["none", "same-origin"])
async def test_address_that_a_person_enters_and_the_hosts_own_page_are_answered(
    client: Client, path: str, site: str
):
    assert (await client.get(path, headers={"Sec-Fetch-Site": site})).status == 200


@pytest.mark.parametrize("host", ["localhost:7071", "127.0.0.1:7071", "[::1]:7071", "localhost"])
async def test_own_page_of_the_host_may_post_everywhere(client: Client, host: str):
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/api/hello", headers=own)).status == 200
    assert (await client.post(f"{ROOT}/orchestrators/greet", headers=own)).status == 202
    default_port = {**own, "Host": f"{host}:80"} if host == "localhost" else own
    assert (await client.post("/api/hello", headers=default_port)).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:7072",
        "http://localhost",
        "http://127.0.0.1:7071",
        "http://localhost:7071.evil.com",
        "localhost:7071",
    ],
)
async def test_page_on_another_port_or_name_is_another_page(client: Client, origin: str):
    assert is_refused(await client.get("/api/hello", headers={"Host": "localhost:7071", "Origin": origin}))


LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize("more", [{}, {"Sec-Fetch-Dest": "document"}, {"Sec-Fetch-User": "?1"}])
async def test_followed_link_opens_the_apps_own_routes(client: Client, more: dict[str, str]):
    assert (await client.get("/api/hello", headers=LINK | more)).text == "hello"
    assert is_refused(await client.get(f"{ROOT}/instances", headers=LINK | more))


@pytest.mark.parametrize(
    "more",
    [
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Purpose": "prefetch"},
        {"Origin": EVIL},
    ],
    ids=str,
)
async def test_what_is_no_followed_link_opens_nothing(client: Client, more: dict[str, str]):
    assert is_refused(await client.get("/api/hello", headers=LINK | more))


async def test_refusal_says_what_to_set_and_the_log_repeats_it(
    client: Client, caplog: pytest.LogCaptureFixture
):
    answer = await client.get("/api/hello", headers={"Origin": FRONT_END})
    sentence = f'set "Host": {{"CORS": "{FRONT_END}"}} in local.settings.json'
    assert sentence in answer.json["detail"]
    assert sentence in caplog.text
    refused = await client.get(f"{ROOT}/instances", headers={"Origin": FRONT_END})
    assert "opens the app's own routes, and nothing else" in refused.json["detail"]


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize("written", [FRONT_END, f" {FRONT_END}/ ,", "HTTP://LocalHost:3000"])
async def test_page_that_host_cors_names_may_call_the_app_alone(cors: Any, start: StartHost, written: str):
    cors(written)
    client = await start()
    page = {"Origin": FRONT_END, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}
    answer = await client.post("/api/hello", headers=page)
    assert (answer.text, answer.headers["Access-Control-Allow-Origin"]) == ("hello", FRONT_END)
    assert "Vary" not in answer.headers
    assert "Access-Control-Allow-Credentials" not in answer.headers
    for path in MANAGEMENT:
        for method in ("GET", "POST", "DELETE"):
            assert is_refused(await client.call(method, path, headers=page), method), path
    assert is_refused(await client.get("/api/hello", headers={"Origin": EVIL}))
    assert is_refused(await client.get("/api/hello", headers={**page, "Host": "evil.example"}))


@pytest.mark.usefixtures("hello")
async def test_preflight_is_answered_as_by_core_tools(app: SampleApp, cors: Any, start: StartHost):
    cors(FRONT_END, CORSCredentials=True)
    client = await start()
    answer = await client.call("OPTIONS", "/api/hello", headers={"Origin": FRONT_END, **PREFLIGHT})
    told = {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")}
    assert (answer.status, answer.body) == (204, b"")
    assert told == {
        "Access-Control-Allow-Origin": FRONT_END,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Allow-Headers": "content-type,x-a",
    }
    assert not (app.root / "ran").exists()
    assert is_refused(await client.call("OPTIONS", ROOT, headers={"Origin": FRONT_END, **PREFLIGHT}))


async def test_errors_of_the_app_are_readable_to_the_page_too(app: SampleApp, cors: Any, start: StartHost):
    cors(f"{FRONT_END},https://other.example")
    app.http("fails", "def main(req): raise ValueError", methods=["get"])
    client = await start()
    for method, status in (("GET", 500), ("POST", 404)):
        answer = await client.call(method, "/api/fails", headers={"Origin": FRONT_END})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, FRONT_END)
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize("origin", [EVIL, "null"])
async def test_star_opens_the_apps_routes_to_every_page_and_no_other(
    cors: Any, start: StartHost, origin: str
):
    cors("*")
    client = await start()
    answer = await client.get("/api/hello", headers={"Origin": origin})
    assert (answer.text, answer.headers["Access-Control-Allow-Origin"]) == ("hello", "*")
    assert is_refused(await client.get("/admin/functions", headers={"Origin": origin}))


async def test_allowed_name_is_answered_and_its_own_page_may_call(app: SampleApp, hello: None):
    options = HostOptions(app.root, port=0, allowed_hosts=frozenset({"app.example"}))
    host = await Host.start(options, read_host_settings(app.root))
    try:
        for origin, status in (("https://app.example", "200"), ("http://app.example", "200"), (EVIL, "403")):
            request = f"GET / HTTP/1.1\nHost: App.Example\nOrigin: {origin}\nConnection: close\n\n"
            assert (await raw(host, request)).split()[1] == status
    finally:
        await host.stop()


@pytest.mark.parametrize("name", ["", "http://app.example", "a b", "*"])
def test_allow_host_takes_names_alone(name: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run([".", "--allow-host", name])
    assert "is not the name of a host" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ({"CORS": "*", "CORSCredentials": True}, "name the origins"),
        ({"CORS": ["http://a"]}, "not a text"),
        ({"CORS": "http://a", "CORSCredentials": 1}, "not true or false"),
    ],
)
def test_settings_that_do_not_go_together_are_told(app: SampleApp, host: dict[str, Any], reason: str):
    app.file("local.settings.json", {"Host": host})
    with pytest.raises(BrokenSettings, match=reason):
        read_cors_settings(app.root)
