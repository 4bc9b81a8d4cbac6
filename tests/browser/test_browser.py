from playwright.async_api import Page


async def test_a_page_is_shown_and_its_script_runs(page: Page):
    await page.goto(
        "data:text/html,<h1>before</h1><script>document.querySelector('h1').textContent='after'</script>"
    )
    assert await page.get_by_role("heading").text_content() == "after"
