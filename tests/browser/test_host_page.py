"""Each screen of the host's page, with a host and an app behind it, as people use it."""

import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue.aio import QueueClient
from playwright.async_api import Browser, Page, expect

from devhost.host import Host, HostOptions
from devhost.page.page import host_page
from devhost.settings.host_json import read_host_settings
from local.emulators.azurite import Azurite
from tests.browser.host_page import HostPage, Shop
from tests.browser.shop_app import MARKUP, QUEUE, write_shop

EVENTS = 20_000


@pytest.fixture(scope="module")
async def shop(
    browser: Browser, storage: Azurite, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """One host for all tests of the page, with instances that have run."""
    folder = write_shop(tmp_path_factory.mktemp("shop")).root
    connection = storage.connection_string
    async with QueueClient.from_connection_string(connection, QUEUE) as queue:
        with contextlib.suppress(Exception):
            await queue.create_queue()
        await queue.send_message(base64.b64encode(json.dumps({"note": MARKUP}).encode()).decode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AzureWebJobsStorage", connection)
        patch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")
        host = await Host.start(HostOptions(folder, port=0, grace=5), read_host_settings(folder))
        made = Shop(host, folder)
        await made.run("order", {"customer": "Ada", "items": ["tea", "jam", "milk"]}, "order-ada")
        await made.run("order", {"customer": MARKUP, "items": ["tea"], "fails": True}, "order-failed")
        await made.start("deliver-later", None, "later")
        yield made
        await host.stop()


@pytest.fixture
async def ui(page: Page, shop: Shop) -> HostPage:
    return HostPage(page, shop)


async def test_instances_come_newest_first_with_children_folded_under_their_parents(ui: HostPage):
    await ui.open()
    rows = ui.main.locator("tbody tr")
    await expect(rows.filter(has_text="pack-box")).to_have_count(0)
    parent = rows.filter(has_text="order-ada")
    await parent.get_by_role("button", name="3 sub-orchestrations of order-ada").click()
    await expect(rows.filter(has_text="pack-box")).to_have_count(3)
    await parent.get_by_role("button", name="3 sub-orchestrations of order-ada").press("Enter")
    await expect(rows.filter(has_text="pack-box")).to_have_count(0)


async def test_instances_are_filtered_by_name_status_and_id(ui: HostPage, shop: Shop):
    await ui.open()
    await ui.main.get_by_label("Orchestrator").select_option("pack-box")
    await ui.main.get_by_label("Status").select_option("Failed")
    await expect(ui.page).to_have_url(f"{shop.host.origin}/devhost#/instances?name=pack-box&status=Failed")
    await expect(ui.main.locator("tbody tr")).to_have_count(1)
    await ui.shows("of order-failed")
    await ui.open("instances?prefix=order-a")
    await expect(ui.main.locator("tbody tr")).to_have_count(1)
    await ui.open("instances?status=Suspended")
    await ui.shows("No instance is like that.")


async def test_list_follows_what_begins_and_ends(ui: HostPage, shop: Shop):
    await ui.open()
    instance = await shop.start("order", {"items": [], "approval": True})
    row = ui.main.locator("tbody tr").filter(has_text=instance)
    await expect(row).to_contain_text("Running")
    await shop.host.hub.terminate(instance, None)
    await expect(row).to_contain_text("Terminated")


async def test_orchestration_is_started_with_the_last_input_and_followed_to_its_result(ui: HostPage):
    await ui.open("start/order")
    text = ui.main.get_by_role("textbox", name="Input", exact=True)
    await expect(text).not_to_have_value("")
    await text.fill('{"items": [tea]}')
    await ui.press("Start")
    await ui.shows("The input is not JSON")
    await text.fill('{"items": ["ink"], "seconds": 0.5}')
    await ui.press("Start")
    await ui.shows("Completed", '"packed": [')
    await expect(ui.steps("pack-box")).to_have_count(1)


async def test_waiting_instance_says_why_and_goes_on_when_its_event_is_raised(ui: HostPage, shop: Shop):
    instance = await shop.start("order", {"items": [], "approval": True})
    await ui.open(f"instances/{instance}")
    await ui.shows("It waits for the external event 'approval'.", "Raise it:")
    await ui.press("Raise event")
    await ui.fill(Name="approval", Data="{")
    await ui.press("Raise", within="dialog")
    await expect(ui.page.get_by_role("dialog")).to_contain_text("The data is not JSON")
    await ui.fill(Data='{"by": "Ada"}')
    await ui.press("Raise", within="dialog")
    await ui.shows("Completed")
    await expect(ui.steps("event approval")).to_contain_text('{"by":"Ada"}')
    await expect(ui.main.get_by_label("Why it has not ended")).to_have_count(0)


async def test_instance_is_suspended_resumed_terminated_and_purged(ui: HostPage, shop: Shop):
    instance = await shop.start("order", {"items": [], "approval": True})
    await ui.open(f"instances/{instance}")
    for action, status in (("Suspend", "Suspended"), ("Resume", "Running"), ("Terminate", "Terminated")):
        await ui.press(action)
        await ui.fill(Reason="because")
        await ui.press(action, within="dialog")
        await expect(ui.main.locator(".badge")).to_have_text(status)
    await ui.press("Purge")
    await ui.press("Close", within="dialog")
    assert await shop.status(instance) == "Terminated"
    await ui.press("Purge")
    await ui.press("Purge", within="dialog")
    await expect(ui.main.locator("h1")).to_have_text("Instances")
    assert await shop.host.hub.get_instance(instance) is None


async def test_failed_instance_is_rewound_and_restarted(ui: HostPage, shop: Shop):
    instance = await shop.run("order", {"items": ["tea"], "fails": True})
    await ui.open(f"instances/{instance}")
    await ui.shows("Nothing of tea is left.")
    await ui.press("Rewind")
    await ui.press("Rewind", within="dialog")
    await expect(ui.steps("note")).to_have_count(2)
    await ui.press("Restart")
    await ui.press("Restart", within="dialog")
    await expect(ui.page).not_to_have_url(f"{shop.host.origin}/devhost#/instances/{instance}")
    await ui.shows("Failed")


async def test_timeline_nests_children_and_shows_what_waited_and_what_ran(ui: HostPage):
    await ui.open("instances/order-ada")
    await ui.steps("pack-box").first.locator(".twist").click()
    pack = ui.steps("activity pack")
    await expect(pack).to_have_attribute("aria-level", "2")
    await expect(pack.locator(".waited")).to_have_count(1)
    await expect(pack.locator(".ran")).to_have_count(1)
    await pack.click()
    await expect(ui.main.locator(".detail")).to_contain_text('"packed": "tea"')
    await expect(ui.main.locator(".detail")).to_contain_text("Waited")
    await ui.steps("pack-box").last.click()
    await ui.press("Show its input")
    await expect(ui.main.locator(".detail")).to_contain_text('"item": "milk"')


async def test_history_is_searched_and_its_values_are_copied_and_downloaded(ui: HostPage):
    await ui.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await ui.open("instances/order-ada")
    await ui.press("Events")
    await ui.fill(Search_the_history="jam")
    await ui.shows("3 of ")
    await ui.main.get_by_role("option").filter(has_text="SubOrchestrationCompleted").click()
    detail = ui.main.locator(".detail")
    await detail.get_by_role("button", name="Copy Result").click()
    assert json.loads(await ui.page.evaluate("navigator.clipboard.readText()")) == {"packed": "jam"}
    async with ui.page.expect_download() as download:
        await detail.get_by_role("button", name="Download").first.click()
    path = await (await download.value).path()
    assert json.loads(path.read_text()) == {"packed": "jam"}


async def test_log_lines_of_an_instance_are_shown(ui: HostPage):
    await ui.open("instances/order-failed")
    await ui.press("Log")
    await ui.main.get_by_role("option").filter(has_text=re.compile(r"Failed after \d+ ms")).click()
    await expect(ui.main.locator(".detail")).to_contain_text("Nothing of tea is left.")


async def test_http_function_is_called_by_its_route(ui: HostPage):
    await ui.open("functions/orders")
    await ui.shows("GET, POST /api/orders/{id}", "nothing_of_this_name")
    await ui.main.get_by_label("Method").select_option("POST")
    await ui.fill(Path="/api/orders/7?x=1", Body=MARKUP)
    await ui.press("Send")
    await ui.shows("201 Created", f"POST 7 {MARKUP}")
    await ui.fill(Path="//evil.example/")
    await ui.press("Send")
    await ui.shows("leads to another host")


async def test_activity_is_run_and_its_failure_told(ui: HostPage):
    await ui.open("functions/pack")
    for given, told in (
        ('{"item": "salt"}', '"packed": "salt"'),
        ('{"item": 1, "fails": true}', "Nothing of 1"),
    ):
        await ui.fill(Input=given)
        await ui.press("Run now")
        await ui.shows(told)


async def test_poison_message_is_shown_and_its_function_run_again(ui: HostPage):
    await ui.open("queues")
    await ui.shows(
        f"In {QUEUE}-poison",
        "Given up1",
        f'"note": "{MARKUP}"'.replace('"window', '\\"window').replace('1">', '1\\">'),
    )
    await ui.main.get_by_role("link", name="Run the function for it again").click()
    await expect(ui.main.get_by_role("textbox", name="Message", exact=True)).to_have_value(
        json.dumps({"note": MARKUP})
    )
    await ui.press("Run now")
    await ui.shows("unreadable")


async def test_message_that_nobody_can_see_is_told(ui: HostPage, storage: Azurite):
    async with QueueClient.from_connection_string(storage.connection_string, QUEUE) as queue:
        later = await queue.send_message("later", visibility_timeout=3600)
        await ui.open("queues")
        await ui.shows("holds 1 message that nobody can see now: 1 that was sent with a delay")
        await queue.delete_message(later)


async def test_timer_is_shown_with_its_next_run_and_run_now(ui: HostPage):
    await ui.open("timers")
    await expect(ui.main.get_by_role("row").filter(has_text="nightly")).to_contain_text("0 0 3 * * *")
    await ui.shows("in ")
    await ui.main.get_by_role("link", name="nightly").click()
    await ui.press("Run now")
    await ui.shows("It succeeded after")


async def test_entity_is_asked_and_shows_what_it_holds(ui: HostPage):
    await ui.open("entities")
    await ui.press("Ask an entity")
    await ui.fill(Entity="stock", Key=MARKUP, Operation="add", Input="5")
    await ui.press("Ask", within="dialog")
    panel = ui.main.locator(".entity").filter(has_text=MARKUP)
    await expect(panel.locator("pre")).to_have_text("5")


async def exported(ui: HostPage, instance: str) -> Path:
    await ui.open(f"instances/{instance}")
    async with ui.page.expect_download() as download:
        await ui.press("Export history")
    return await (await download.value).path()


async def test_exported_history_is_looked_at_again(ui: HostPage, tmp_path: Path):
    file = await exported(ui, "order-ada")
    await ui.page.keyboard.press("g")
    await ui.page.keyboard.press("h")
    await ui.main.locator("input[type=file]").set_input_files(file)
    await ui.shows("order-ada", "Completed", "working")
    await expect(ui.steps("pack-box")).to_have_count(3)
    other = tmp_path / "other.json"
    other.write_text('[{"a": 1}]')
    await ui.main.locator("input[type=file]").set_input_files(other)
    await ui.shows("The file holds no recorded history")


async def test_saved_page_opens_a_history_without_a_host(ui: HostPage, tmp_path: Path):
    file = await exported(ui, "order-ada")
    saved = tmp_path / "devhost.html"
    saved.write_text(host_page().content)
    asked: list[str] = []
    ui.page.on("request", lambda request: asked.append(request.url))
    await ui.page.goto(saved.as_uri())
    await expect(ui.page.get_by_role("navigation").get_by_role("link")).to_have_text(["History file"])
    await ui.main.locator("input[type=file]").set_input_files(file)
    await expect(ui.steps("pack-box")).to_have_count(3)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def long_history() -> list[dict[str, Any]]:
    def event(number: int, event_type: int, **fields: Any) -> dict[str, Any]:
        at = f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000000Z"
        return {"EventType": event_type, "EventId": -1, "Timestamp": at, "IsPlayed": True, **fields}

    events = [event(0, 0, Name="long", Input="null", OrchestrationInstance={"InstanceId": "a"})]
    for task in range(EVENTS // 2):
        events.append(event(task, 4, EventId=task, Name="echo"))
        events.append(event(task + 1, 5, TaskScheduledId=task, Result=str(task)))
    return events


async def test_of_a_long_history_only_what_is_seen_becomes_elements(ui: HostPage, tmp_path: Path):
    file = tmp_path / "long.json"
    file.write_text(json.dumps(long_history()))
    await ui.open("file")
    await ui.main.locator("input[type=file]").set_input_files(file)
    await ui.press("Events")
    await ui.shows("20,001")
    assert await ui.page.locator("*").count() < 700
    await ui.main.get_by_role("listbox").press("End")
    await expect(ui.main.get_by_role("option", selected=True)).to_contain_text("9999")
    await ui.fill(Search_the_history='"taskscheduledid":1234,')
    await ui.shows("1 of 20,001")


async def test_page_is_used_by_keyboard_alone(ui: HostPage):
    await ui.open()
    await ui.page.keyboard.press("/")
    await expect(ui.main.get_by_label("Id begins with")).to_be_focused()
    await ui.page.keyboard.type("order-ada")
    await ui.page.keyboard.press("Enter")
    found = ui.main.get_by_role("link", name="order")
    await expect(found).to_have_count(1)
    await found.focus()
    await ui.page.keyboard.press("Enter")
    await expect(ui.main.locator("h1")).to_be_focused()
    tree = ui.main.get_by_role("tree")
    await expect(ui.steps("pack-box")).to_have_count(3)
    await tree.focus()
    for key in ("Home", "ArrowDown", "ArrowRight"):
        await ui.page.keyboard.press(key)
    await expect(ui.steps("activity pack")).to_have_count(1)
    await expect(ui.main.get_by_role("treeitem", selected=True)).to_have_attribute("aria-expanded", "true")
    await ui.page.keyboard.press("ArrowLeft")
    await expect(ui.steps("activity pack")).to_have_count(0)


async def test_nothing_from_outside_is_ever_markup(ui: HostPage, shop: Shop):
    evil = "%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D4%3E"
    instance = await shop.run(
        "order", {"customer": MARKUP, "items": [MARKUP]}, f"order {MARKUP}".replace("/", "")
    )
    screens = {
        "instances": instance,
        f"instances/{evil}": "No instance has the id",
        "instances/order-failed": MARKUP.replace('"', '\\"'),
        f"instances?name={evil}&status={evil}&prefix={evil}": "No instance is like that.",
        f"start/order?like={evil}": "Start",
        f"functions/pack?input={evil}": "pack",
        f"entities?name={evil}": "No entity holds a state.",
        "queues": "onerror",
        f"{evil}": "There is no such screen.",
    }
    for screen, text in screens.items():
        await ui.open(screen)
        await ui.shows(text)
        assert await ui.page.evaluate("[window.hacked, document.images.length]") == [None, 0]
        assert await ui.page.locator("main script, main iframe, main object").count() == 0


async def test_hidden_tab_asks_nothing(ui: HostPage, shop: Shop):
    asked: list[str] = []
    await ui.open()
    await ui.shows("order-ada")
    await ui.page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })"
    )
    ui.page.on("request", lambda request: asked.append(request.url))
    await ui.page.evaluate("dispatchEvent(new Event('acted'))")
    await shop.run("order", {"items": []})
    assert asked == []
    await ui.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    await ui.shows(f"order-{shop.started}")


async def test_page_fits_a_phone(ui: HostPage):
    await ui.page.set_viewport_size({"width": 360, "height": 740})
    for screen in (
        "instances",
        "instances/order-ada",
        "start",
        "functions/orders",
        "queues",
        "timers",
        "entities",
    ):
        await ui.open(screen)
        await expect(ui.main.locator("[aria-busy]")).to_have_count(0)
        assert await ui.page.evaluate("document.documentElement.scrollWidth") <= 360, screen
