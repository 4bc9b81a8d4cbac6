"""The console beside an app that is away, very full or quiet; and on a phone."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Route, expect

from tests.browser.console import Console
from tests.browser.world import MARKUP, World

JOBS = 10_000


def job(number: int, **more: Any) -> dict[str, Any]:
    progress = {"phase": "embedding", "total": 40, "completed": 9, "failed": 1, "skipped": 0}
    times = dict.fromkeys(("createdAt", "lastUpdatedAt"), "2026-11-28T10:00:05Z")
    return {"id": f"{number:032x}", "kind": "embed-files", "env": "prod", "status": "Running",
            "progress": progress, "expiresAt": None, **times, **more}  # fmt: skip


def page_of_jobs(url: str) -> dict[str, Any]:
    query = parse_qs(urlsplit(url).query)
    start, top = int(query.get("after", ["0"])[0]), int(query["top"][0])
    following = start + top
    return {"jobs": [job(number) for number in range(start, following)],
            "next": str(following) if following < JOBS else None}  # fmt: skip


async def test_ten_thousand_jobs_are_paged_and_the_page_stays_small(console: Console):
    await console.answer("**/api/jobs?*", page_of_jobs)
    await console.open()
    rows = console.main.locator("tbody tr")
    await expect(rows.first).to_contain_text(f"{0:08x}")
    for _ in range(3):
        before = await rows.first.get_attribute("data-key")
        await console.main.get_by_role("link", name="Older").click()
        await expect(rows.first).not_to_have_attribute("data-key", str(before))
    await expect(rows).to_have_count(20)
    assert await rows.first.get_attribute("data-key") == f"{60:032x}"
    assert await console.page.locator("*").count() < 700
    await console.main.get_by_role("link", name="Newest").click()
    await expect(rows.first).to_have_attribute("data-key", f"{0:032x}")


def ledger_page(url: str) -> dict[str, Any]:
    start = int(parse_qs(urlsplit(url).query).get("after", ["0"])[0])
    entries = [
        {"source": f"docs/{number}.pdf", "code": "BrokenDocument", "message": "The file is damaged."}
        for number in range(start, start + 1_000)
    ]
    return {"ledger": entries, "next": str(start + 1_000) if start < 9_000 else None}


async def test_large_ledger_is_searched_whole_and_shown_in_part(console: Console):
    status = job(1, status="Completed", result={"failed": 10_000, "ledger": []})
    await console.answer("**/api/status/*", status)
    await console.answer("**/api/status/*/ledger*", ledger_page)
    await console.open(f"jobs/{job(1)['id']}")
    await console.shows("10,000 entries")
    await expect(console.main.locator(".entries li")).to_have_count(200)
    await console.fill(Search_the_ledger="docs/9876.pdf damaged")
    await expect(console.main.locator(".entries li")).to_have_count(1)
    await console.shows("1 of 10,000 entries")


WAITING = {"service": "embeddings", "code": "CircuitOpen", "message": "The service cannot be reached.",
           "since": "2026-11-28T10:00:05Z", "nextTry": "2026-11-28T10:01:25Z"}  # fmt: skip
COUNTS = {"phase": "waiting", "total": 40, "completed": 9, "failed": 0, "skipped": 0}
LANES: list[dict[str, Any]] = [
    {"completed": 4, "failed": 0, "skipped": 0},
    {"completed": 5, "failed": 0, "skipped": 0, "waiting": WAITING},
]


async def test_reason_of_a_wait_its_next_try_and_the_lanes_are_shown(console: Console):
    status = job(1, result=None, progress={**COUNTS, "waiting": WAITING, "lanes": LANES})
    await console.answer("**/api/status/*", status)
    await console.open(f"jobs/{job(1)['id']}")
    await console.shows("Waits for embeddings", "The service cannot be reached.", "Waits since", "Next try")
    await console.shows("Lane 1", "Lane 2", "CircuitOpen")


EVIL = dict.fromkeys(("kind", "env", "status", "canceledBy"), MARKUP)
EVIL_WAIT = dict.fromkeys(("service", "code", "message"), MARKUP) | {
    "since": "2026-11-28T10:00:05Z",
    "nextTry": None,
}
EVIL_PROGRESS = {**COUNTS, "phase": MARKUP, "waiting": EVIL_WAIT, "lanes": [{**LANES[0], "held": EVIL_WAIT}],
                 "approval": {"above": 1, "expiresAt": MARKUP, "by": MARKUP, "comment": MARKUP}}  # fmt: skip
EVIL_JOB = job(
    1, **EVIL, progress=EVIL_PROGRESS, error=EVIL_WAIT, result={"trackingId": MARKUP, "version": MARKUP}
)
EVIL_HIT = {"source": MARKUP, "ordinal": 0, "position": {MARKUP: MARKUP}, "context": f"{MARKUP} > {MARKUP}",
            "text": f"trains {MARKUP}", "score": 1, "before": [MARKUP], "after": [MARKUP]}  # fmt: skip
EVIL_VERSION = {
    "version": MARKUP,
    "live": False,
    "sources": 1,
    "chunks": 1,
    "model": MARKUP,
    "evaluation": None,
}
EVIL_PROMOTION = {"live": MARKUP, "before": MARKUP, "by": MARKUP, "at": MARKUP, "forced": True}
EVIL_ANSWERS = {
    f"jobs/{'0' * 31}1": EVIL_JOB,
    "jobs": {"jobs": [EVIL_JOB], "next": MARKUP},
    "search?env=e&q=trains": {"index": MARKUP, "mode": MARKUP, "tokens": 1, "results": [EVIL_HIT],
                              "notice": {"code": MARKUP, "message": MARKUP}},
    "versions/e": {"env": MARKUP, "live": MARKUP, "versions": [EVIL_VERSION], "promotions": [EVIL_PROMOTION]},
    "usage/e": {"title": MARKUP, "detail": MARKUP, "code": MARKUP, "status": 418},
}  # fmt: skip


@pytest.mark.parametrize("screen", EVIL_ANSWERS)
async def test_whatever_the_api_says_is_text(console: Console, screen: str):
    await console.answer(
        re.compile("/api/(?!console)"), EVIL_ANSWERS[screen], status=418 if "usage" in screen else 200
    )
    await console.open(screen)
    await console.shows(MARKUP)
    assert await console.page.evaluate("[window.hacked, document.images.length]") == [None, 0]


async def test_app_that_is_away_is_asked_again_and_the_page_says_so(console: Console):
    problem = {
        "title": "Service Unavailable",
        "status": 503,
        "code": "JobTableUnavailable",
        "detail": "Storage is away.",
    }
    await console.answer("**/api/jobs?*", problem, status=503, Retry_After="1")
    await console.open()
    line = console.page.locator("#connection")
    await expect(line).to_have_text("Service Unavailable: Storage is away. Asked again in 1 s.")
    await console.page.unroute("**/api/jobs?*")
    await console.shows("Embedding")
    await expect(line).to_be_hidden()


async def test_page_survives_that_nobody_answers_at_all(console: Console):
    await console.page.route("**/api/jobs?*", lambda route: route.abort())
    await console.open()
    await expect(console.page.locator("#connection")).to_contain_text("The app does not answer")


async def test_quiet_list_is_asked_less_and_less_and_a_hidden_one_not_at_all(console: Console):
    await console.answer("**/api/jobs?*", page_of_jobs)
    await console.page.clock.install()
    await console.open()
    await console.shows("Embedding")
    await _minutes(console, 10)
    polls = _polls(console)
    await console.page.evaluate(
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})"
    )
    await _minutes(console, 1)
    when_hidden = _polls(console)
    await _minutes(console, 10)
    still_hidden = _polls(console)
    await console.page.evaluate(
        "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
    )
    await _minutes(console, 1)

    assert 15 <= polls <= 30
    assert still_hidden == when_hidden
    assert _polls(console) > still_hidden


def _polls(console: Console) -> int:
    return sum("/api/jobs?" in url for url in console.asked)


async def _minutes(console: Console, minutes: int) -> None:
    for _ in range(minutes * 4):
        await console.page.clock.run_for(15_000)
        await console.page.evaluate("0")  # lets an answer arrive


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_screen_fits_a_phone(console: Console, world: World, scheme: Any):
    await console.page.set_viewport_size({"width": 360, "height": 740})
    await console.page.emulate_media(color_scheme=scheme)
    screens = {
        "jobs": "Embedding",
        f"jobs/{world.first}": "1 entries",
        "start/files": "Estimate",
        f"search?env={world.env}&q=trains": "score",
        f"versions/{world.env}": "Last evaluation",
        f"usage/{world.env}": "Cost by month",
    }
    for screen, text in screens.items():
        await console.open(screen)
        await console.shows(text)
        assert await console.page.evaluate("document.documentElement.scrollWidth") == 360, screen


async def test_submission_whose_answer_was_lost_is_sent_again_as_the_same_request(console: Console):
    sent: list[tuple[Any, str]] = []

    async def take(route: Route) -> None:
        sent.append((route.request.post_data_json, route.request.headers["idempotency-key"]))
        if len(sent) == 1:
            await route.abort()
        else:
            await route.fulfill(status=202, json={"id": job(1)["id"], "status": "Pending"})

    await console.page.route("**/api/orchestrators/start", take)
    await console.answer("**/api/status/*", job(1, kind="embed-event", result=None))
    await console.open("start/event")
    await console.fill(Tracking_id="t-1", Session="s-1")
    await console.press("Start")
    await console.shows("No answer", "The app does not answer")
    await console.press("Start")
    await console.shows("Live event · prod", "Running")
    assert sent == [({"trackingId": "t-1", "sessionId": "s-1"}, sent[0][1])] * 2
