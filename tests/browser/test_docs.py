"""The page of the API in a real browser: drawn by ourselves, under our policy, and it calls what it shows."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LOOKS
from tests.factories import key_of


def drawn(opened):
    """Open the page and wait until the viewer has drawn it; note what is asked of anybody else."""
    opened.asked = []
    opened.page.on("request", lambda request: opened.asked.append(request.url))
    page = opened.open("/docs")
    page.locator(".opblock").first.wait_for()
    return page


def operation(page, name):
    """Find one call and unfold it."""
    found = page.locator(f"#operations-{name}")
    found.locator(".opblock-summary-control").click()
    return found


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_call_is_drawn_and_nobody_else_is_asked(tab, look):
    opened = tab(look=look)
    page = drawn(opened)
    count = page.evaluate(
        "fetch('/openapi.json').then(answer => answer.json())"
        ".then(document => Object.values(document.paths).flatMap(Object.keys).length)"
    )
    expect(page.locator(".opblock")).to_have_count(count)
    expect(page.get_by_role("heading", level=1)).to_have_text("API")
    operation(page, "keys-postKeyGenerate").get_by_text("laptop").first.wait_for()
    assert [url for url in opened.asked if not url.startswith((opened.base, "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    assert [fault for fault in opened.violations() if "color-contrast" in fault] == []


def test_mia_tries_a_call_with_her_key_which_is_kept_nowhere(tab, mia):
    opened, key = tab(), key_of(mia)
    page = drawn(opened)
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".modal-ux input").first.fill(key)
    page.locator(".modal-ux button.authorize").first.click()
    page.locator(".modal-ux .btn-done").first.click()
    call = operation(page, "keys-getKeyHealth")
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table")).to_contain_text('"healthy"')
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert key not in stored + page.url
    page.reload()
    page.locator(".opblock").first.wait_for()
    assert key not in page.content()


@pytest.mark.parametrize("look", list(LOOKS))
def test_what_stands_there_before_the_viewer_is_a_plain_list(tab, look):
    opened = tab(look=look)
    opened.page.route("**/*swagger-ui-bundle.js", lambda route: route.fulfill(body=""))
    opened.page.route("**/docs.js", lambda route: route.fulfill(body=""))
    page = opened.open("/docs")
    expect(page.get_by_text("POST /key/generate")).to_be_visible()
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


def test_without_javascript_the_list_stays(tab):
    page = tab(javascript=False).open("/docs")
    expect(page.get_by_text("POST /key/generate")).to_be_visible()
