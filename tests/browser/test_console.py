"""Each screen of the console, with the real app behind it, as people use it."""

from datetime import UTC, datetime

from playwright.async_api import expect

from local.samples.events import new_event
from tests.browser.console import KEY, Console
from tests.browser.world import BROKEN, MARKUP, World


async def test_jobs_are_listed_and_filtered(console: Console, world: World):
    await console.open()
    await console.shows("Embedding", "Evaluation", "3 of 3", "1 failed")
    await console.main.get_by_label("Kind").select_option("Evaluation")
    await expect(console.page).to_have_url(f"{world.api.origin}/api/console#/jobs?kind=evaluate")
    await expect(console.main.get_by_role("row").filter(has_text="Evaluation")).to_have_count(2)
    await expect(console.main.get_by_role("row").filter(has_text="Embedding")).to_have_count(0)


async def test_files_are_estimated_and_then_embedded_to_their_result(console: Console, world: World):
    await console.open("start/files")
    await console.fill(Environment=world.env, Version="v3", Path=f"{world.container}/docs")
    await console.press("Estimate")
    await console.shows("expected cost", "Files to embed3", "Left of the budget")
    await console.press("Start for about")
    await console.shows("Completed", "Embedded2", "Failed1", "Ledger")
    assert "v3" in world.api.send("GET", f"/api/index/{world.env}").text


async def test_change_of_the_form_forgets_the_estimate(console: Console, world: World):
    await console.open("start/files")
    await console.fill(Environment=world.env, Version="v1", Path=f"{world.container}/docs")
    await console.press("Estimate")
    await expect(console.main.get_by_role("button", name="Start for about")).to_be_focused()
    await console.fill(Path="elsewhere")
    await expect(console.main.get_by_role("button", name="Start for about")).to_be_hidden()


async def test_audit_query_is_counted_to_its_result(console: Console):
    await console.open("start/audit")
    await console.fill(First_day="2021-02-03", Last_day="2021-02-01")
    await console.press("Count")
    await console.shows("Bad Request", "InvalidDateRange", "Invalid date range.")
    await console.fill(Last_day="2021-02-05")
    await console.press("Count")
    await console.shows("Audit query", "Completed")
    await expect(console.main.locator("p.count")).to_have_text("2")


async def test_live_event_is_embedded_to_its_result_and_is_no_second_job(console: Console, world: World):
    event = new_event(world.storage)
    await console.open("start/event")
    await console.fill(Tracking_id=event["trackingId"], Session=event["sessionId"])
    await console.fill(Environment=world.env, Version="e1")
    await console.press("Start")
    await console.shows("Live event", "Completed")
    job = console.page.url
    await console.open("start/event")
    await console.fill(Tracking_id=event["trackingId"], Session=event["sessionId"])
    await console.fill(Environment=world.env, Version="e1")
    await console.press("Start")
    await expect(console.page).to_have_url(job)


async def test_job_is_approved_with_a_key_of_its_own(console: Console, world: World):
    job = world.awaiting()
    await console.ask_for_key("**/approval")
    await console.open(f"jobs/{job}")
    await console.shows("Waits for an approval", "Without a decision it fails", "It would cost about")
    await console.fill(Your_name="Ada", Key_for_approvals="wrong", Comment="Good value")
    await console.press("Approve")
    await expect(console.page.get_by_role("dialog")).to_contain_text("The app refused the key.")
    await console.page.get_by_label("Function key").fill(KEY)
    await console.press("Use this key", within="dialog")
    await console.shows("Completed", "Approved byAda", "CommentGood value")


async def test_job_is_rejected(console: Console, world: World):
    job = world.awaiting()
    await console.open(f"jobs/{job}")
    await console.fill(Your_name="Ben", Comment="Too dear")
    await console.press("Reject")
    await console.shows("ApprovalRejected", "Ben", "Too dear")


async def test_job_is_canceled_by_name(console: Console, world: World):
    job = world.awaiting()
    await console.open(f"jobs/{job}")
    await console.press("Cancel job")
    await console.page.get_by_role("dialog").get_by_label("Your name").fill("Cleo")
    await console.press("Cancel the job", within="dialog")
    await console.shows("Cancelled byCleo")
    await expect(console.main.get_by_role("button", name="Cancel job")).to_have_count(0)


async def test_ledger_is_searched_and_failed_files_are_tried_again(console: Console, world: World):
    await console.open(f"jobs/{world.first}")
    await console.shows("1 entries", BROKEN, "BrokenDocument")
    await console.fill(Search_the_ledger="no such file")
    await console.shows("0 of 1 entries")
    await console.fill(Search_the_ledger="broken")
    await console.shows("1 of 1 entries")
    await console.press("Try failed files again")
    await expect(console.page).not_to_have_url(f"{world.api.origin}/api/console#/jobs/{world.first}")
    await console.shows("Completed", "1 of 1 files")


async def test_question_is_answered_with_source_place_and_path_of_headings(console: Console, world: World):
    await console.open("search")
    await console.fill(Environment=world.env, Question="How are trains booked?")
    await console.press("Ask")
    hit = console.main.get_by_role("listitem").filter(has_text="Trains are booked by the office")
    await expect(hit.locator(".crumbs")).to_have_text("Handbook / Travel")
    await expect(hit.get_by_role("heading")).to_have_text(f"{world.container}/docs/travel.md")
    await expect(hit).to_contain_text("section Travel · score")
    await expect(hit.locator("mark").first).to_have_text("Trains")


async def test_version_that_is_worse_is_refused_with_figures_and_goes_live_by_force(
    console: Console, world: World
):
    await console.open(f"versions/{world.env}")
    await console.page.get_by_label("Version v2").get_by_role("button", name="Make live").click()
    await console.press("Make it live", within="dialog")
    await console.shows("QualityFell", "v2 answers 2 questions worse than v1", "-0.500")
    await console.press("Make it live all the same")
    await console.press("Make it live by force", within="dialog")
    await expect(console.page.get_by_label("Version v2")).to_contain_text("Live")
    await console.shows("Promotions", "By force")


async def test_evaluation_is_started_from_its_version(console: Console, world: World):
    await console.open(f"versions/{world.env}")
    await console.page.get_by_label("Version v1").get_by_role("link", name="Evaluate").click()
    await expect(console.main.get_by_label("Golden questions")).to_have_value(
        f"{world.container}/golden.jsonl"
    )
    await console.press("Evaluate")
    await console.shows("Completed", "Questions2", "recall@1")


async def test_usage_is_drawn_by_month_beside_its_budget(console: Console, world: World):
    await console.open(f"usage/{world.env}")
    month = f"{datetime.now(UTC):%B %Y}"
    await console.shows(f"Budget of {month}", "left of 50", "Reserved by running jobs", "Cost by month")
    await expect(console.main.locator("svg rect.spent")).to_have_count(12)
    await expect(console.main.get_by_role("row", name=month)).to_be_visible()


async def test_names_and_texts_are_never_markup(console: Console, world: World):
    canceled = world.awaiting()
    world.api.send(
        "DELETE", f"/api/status/{canceled}?by=%3Cimg%20src%3Dx%20onerror%3D%22window.hacked%3D3%22%3E"
    )
    evil = "%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D4%3E"
    screens = {
        f"jobs/{world.first}": BROKEN,
        f"jobs/{canceled}": MARKUP.replace("1", "3"),
        f"search?env={world.env}&q=leave+days&version=v1": "<script>window.hacked=2</script>",
        f"jobs?env={evil}&status={evil}&after={evil}": "InvalidField",
        f"jobs/{evil}": "no id of a job",
        f"versions/{evil}": "no name of an environment",
        f"start/{evil}?env={evil}&version={evil}&filesPath={evil}": "Estimate",
        f"search?env={world.env}&q={evil}&version={evil}": "InvalidField",
        f"{evil}": "no such screen",
    }
    for screen, text in screens.items():
        await console.open(screen)
        await console.shows(text)
        assert await console.page.evaluate("[window.hacked, document.images.length]") == [None, 0]
        assert await console.page.locator("main script, main iframe, main object").count() == 0


async def test_key_is_asked_for_once_and_never_in_an_address_or_a_log(console: Console, world: World):
    await console.ask_for_key()
    await console.open()
    dialog = console.page.get_by_role("dialog")
    await dialog.get_by_label("Function key").fill("wrong")
    await dialog.get_by_label("Function key").press("Enter")
    await expect(dialog).to_contain_text("The app refused the key.")
    await dialog.get_by_label("Function key").fill(KEY)
    await dialog.get_by_label("Function key").press("Enter")
    await console.shows("Embedding")
    await console.page.get_by_role("link", name="Usage").click()
    await console.fill(Environment=world.env)
    await console.press("Show")
    await console.shows("left of 50")
    await expect(dialog).to_have_count(0)
    assert not [url for url in console.asked if KEY in url]
    assert KEY not in world.log.read_text()
    assert await console.page.evaluate("localStorage.length + document.cookie.length") == 0
    await console.press("Forget key", within="header")
    await dialog.get_by_role("button", name="Close").click()
    await console.shows("The app asks for a function key.")
    await console.press("Enter a key")
    await expect(dialog).to_be_visible()


async def test_everything_is_reached_by_keyboard_alone(console: Console, world: World):
    keyboard = console.page.keyboard
    await console.open()
    await console.shows("Embedding")
    await keyboard.press("Tab")
    await expect(console.page.get_by_text("Skip to content")).to_be_focused()
    await keyboard.press("Enter")
    await expect(console.main).to_be_focused()
    await keyboard.press("/")
    await expect(console.main.get_by_label("Job id")).to_be_focused()
    await keyboard.type(world.awaiting())
    await keyboard.press("Enter")
    await console.shows("Waits for an approval")
    await expect(console.page.get_by_role("heading", level=1)).to_be_focused()
    await tab_to(console, "Cancel job")
    await keyboard.press("Enter")
    await expect(console.page.get_by_role("dialog")).to_be_visible()
    await keyboard.press("Escape")
    await expect(console.page.get_by_role("dialog")).to_have_count(0)
    await expect(console.main.get_by_role("button", name="Cancel job")).to_be_focused()
    await keyboard.press("g")
    await keyboard.press("u")
    await expect(console.page.get_by_role("heading", name="Usage")).to_be_focused()


async def tab_to(console: Console, name: str) -> None:
    """Goes on by Tab until that button has the focus, which is seen each time."""
    for _ in range(30):
        await console.page.keyboard.press("Tab")
        focused = console.page.locator(":focus-visible")
        assert await focused.count() == 1
        if await focused.text_content() == name:
            return
    raise AssertionError(f"{name} was not reached.")
