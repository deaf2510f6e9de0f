"""From a new key to a first call and to why one is refused, in a real browser: with JavaScript and without."""

import pytest
from playwright.sync_api import expect

from selfserve.models import Call
from tests.browser.conftest import LOOKS
from tests.factories import make_key, rows

both_ways = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])


@both_ways
def test_mia_makes_a_key_and_tests_it_at_once(tab, mia, upstream, javascript):
    opened = tab(mia, javascript=javascript)
    page = opened.open("/ui/keys/new")
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#secret")).to_be_visible()
    page.get_by_label("Model", exact=True).select_option("gpt-5-mini")
    if javascript:
        page.get_by_role("button", name="Test this key").click()
        expect(page.get_by_text("gpt-5-mini answered with status 200")).to_be_visible()
        expect(page.locator("#key-test .banner")).to_be_focused()
    else:
        with page.context.expect_page() as other:
            page.get_by_role("button", name="Test this key").click()
        expect(other.value.get_by_text("“laptop” works: gpt-5-mini answered in")).to_be_visible()
    expect(page.locator("#secret")).to_be_visible()
    assert [call.model for call in rows(Call)] == ["gpt-5-mini"]


def test_a_double_click_is_one_call(tab, mia, upstream):
    """The button is off while a test runs."""
    upstream.be(waits=0.2)
    page = tab(mia).open(f"/ui/keys/{make_key(mia, models=['gpt-5-mini']).row.id}")
    page.get_by_role("button", name="Test this key").dblclick()
    expect(page.get_by_text("It works.")).to_be_visible()
    assert len(rows(Call)) == 1


@both_ways
def test_mia_finds_her_model_and_why_a_call_is_refused(tab, mia, upstream, javascript):
    key = make_key(mia, "laptop", is_blocked=True, blocked_by="Ada")
    make_key(mia, "phone")
    page = tab(mia, javascript=javascript).open("/ui/quickstart")
    page.get_by_role("link", name="Prices, and why one is missing").click()
    page.get_by_label("Search models").fill("embedding")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="text-embedding-3-small")).to_contain_text("phone")
    page.get_by_label("Name of the model").fill("gpt-9")
    page.get_by_role("button", name="Why is it missing?").click()
    expect(page.get_by_text("No upstream serves it")).to_be_visible()
    page.get_by_role("link", name="Quickstart").first.click()
    page.get_by_role("link", name="Find out why").click()
    page.get_by_label("Error message, or the last 4 characters of the key").fill(f"Key is blocked: {key.secret}")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("That is a whole key")).to_be_visible()
    expect(page.get_by_role("heading", name="The key is blocked")).to_be_visible()
    assert key.secret not in page.content() + page.url


@pytest.mark.parametrize("look", list(LOOKS))
def test_axe_finds_nothing_in_an_answer(tab, mia, upstream, look):
    key = make_key(mia, "a-very-long-name-" * 8, max_budget=10**9, window_spend=10**9, budget_duration="1mo")
    opened = tab(mia, look=look)
    page = opened.open("/ui/refused")
    page.get_by_label("Error message, or the last 4 characters of the key").fill(key.secret)
    page.get_by_role("button", name="Explain").click()
    page.get_by_role("heading", name="The key’s budget is used up").wait_for()
    assert opened.violations() == []
    page.goto(f"{opened.base}/ui/keys/{key.row.id}")
    page.get_by_role("button", name="Test this key").click()
    page.get_by_text("Refused: 429 budget_exceeded.").wait_for()
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
