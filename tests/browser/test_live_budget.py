"""The bar of a budget in a real browser: it moves by itself while somebody looks, and a page left open falls silent."""

import re

import pytest
from playwright.sync_api import expect

from selfserve.models import Session
from tests.factories import change, make_key, make_open_call, rows

DOLLAR = 10**9
TEN_SECONDS = 10_000


@pytest.fixture
def key(mia):
    """Mia's key has spent 2 of its 10 dollars, and wants to be warned at 3."""
    return make_key(mia, "laptop", max_budget=10 * DOLLAR, soft_budget=3 * DOLLAR, window_spend=2 * DOLLAR).row


@pytest.mark.parametrize("place", ["list", "key"])
def test_mia_watches_her_budget_go(tab, mia, key, place):
    opened = tab(mia)
    opened.page.clock.install()
    page = opened.open("/ui/keys" if place == "list" else f"/ui/keys/{key.id}")
    bar = page.get_by_role("img", name=re.compile("of the budget used")).first
    expect(bar).to_have_attribute("aria-label", re.compile("^20 %"))
    make_open_call(key, reserved=DOLLAR)
    page.clock.run_for(TEN_SECONDS + 1)
    expect(page.get_by_text("$1.00 held by 1 running call").first).to_be_visible()
    change(key, window_spend=5 * DOLLAR)
    page.clock.run_for(TEN_SECONDS + 1)
    expect(bar).to_have_attribute(
        "aria-label", re.compile("^50 % of the budget used, 10 % held by running calls, past")
    )
    expect(page.get_by_text("Past its soft budget").first).to_be_visible()
    assert opened.violations() == []


def test_nobody_asks_while_nobody_looks_and_not_after_the_session_ended(tab, mia, key):
    opened = tab(mia)
    asked = []
    opened.page.on("request", lambda request: asked.append(request.url) if "/live" in request.url else None)
    opened.page.clock.install()
    page = opened.open(f"/ui/keys/{key.id}")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.clock.run_for(3 * TEN_SECONDS)
    assert asked == []
    page.evaluate("delete document.hidden")
    page.get_by_role("button", name="More actions").focus()
    for session in rows(Session):
        change(session, expires_at=session.created_at)
    with page.expect_response(re.compile("/live")) as response:
        page.clock.run_for(TEN_SECONDS + 1)
    assert response.value.status == 286
    page.clock.run_for(3 * TEN_SECONDS)
    assert len(asked) == 1
    expect(page).to_have_url(f"{opened.base}/ui/keys/{key.id}")
    expect(page.get_by_role("button", name="More actions")).to_be_focused()


def test_while_the_server_is_away_no_message_piles_up(tab, mia, key):
    opened = tab(mia)
    opened.page.clock.install()
    page = opened.open("/ui/keys")
    page.route(re.compile("/live"), lambda route: route.abort())
    for _ in range(3):
        page.clock.run_for(TEN_SECONDS + 1)
    expect(page.locator("#flash .toast")).to_have_count(0)
    opened.complaints.clear()
