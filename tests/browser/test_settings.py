"""The settings in a real browser: every look, and prices set while the page stays where it is."""

import re

import pytest

from selfserve.clock import now
from selfserve.models import Call, DailySpend, ModelPrice
from tests.browser.conftest import LOOKS
from tests.factories import make_key, make_price, rows, save, save_all

LONG = "provider/" + "a-model-with-a-very-long-name-" * 5
PAGES = {
    "settings": ("ada", "/ui/settings"),
    "a viewer who finds nothing": ("vera", "/ui/settings?q=zzz"),
    "prices found": ("ada", "/ui/settings?q=gpt-4o-mini"),
    "a price": ("ada", f"/ui/settings/prices/edit?model={LONG}"),
}


@pytest.fixture
def house(ada, vera, mia):
    """Calls that failed, calls of unknown cost, prices that admins set, long names."""
    key = make_key(mia).row
    of_mia = {"user_pk": mia.id, "key_id": key.id}
    told = {"model": "gpt-4o-mini", "cost": 1, "provider": "default", "started_at": now(), "latency_ms": 1234}
    save_all([Call(**of_mia, **told, request_id=f"r{number}", is_failed=number > 2) for number in range(4)])
    for model in ("house-large", LONG[:-1]):
        save(DailySpend(**of_mia, model=model, day=now().date(), requests=9, unpriced_requests=9))
    make_price(LONG, "0.00000000378", "0.01")
    return {"ada": ada, "vera": vera}


def wait_for_focus(page, words):
    """Wait until the focus is where these words stand."""
    page.wait_for_function("words => document.activeElement.textContent.trim() === words", arg=words)


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("name", list(PAGES))
def test_axe_finds_nothing_and_nothing_sticks_out(tab, house, name, look):
    who, path = PAGES[name]
    opened = tab(house[who], look=look)
    page = opened.open(path)
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


@pytest.mark.parametrize("look", list(LOOKS))
def test_ada_sets_a_price_where_she_is_and_asks_the_upstream(tab, house, look):
    opened = tab(house["ada"], look=look)
    page = opened.open("/ui/settings")
    page.get_by_role("link", name="Set the price of house-large").click()
    page.get_by_label("Input", exact=True).fill("-2")
    page.get_by_role("button", name="Save price").click()
    page.get_by_text("must be dollars per million tokens").first.wait_for()
    assert opened.violations() == []
    page.get_by_label("Input", exact=True).fill("2")
    page.get_by_label("Output", exact=True).fill("8")
    page.get_by_role("button", name="Save price").click()
    page.get_by_text("From now on house-large costs $2.00 in and $8.00 out").wait_for()
    assert page.get_by_role("link", name="Set the price of house-large").count() == 0
    wait_for_focus(page, "Set a price")
    assert opened.violations() == []
    page.get_by_role("button", name="Test connection to default").click()
    page.get_by_text(re.compile(r"Answers in [\d,]+ ms with \d+ models\.")).wait_for()
    wait_for_focus(page, "Test connection")
    assert opened.violations() == []


def test_a_price_is_searched_for_and_taken_back_by_keys_alone(tab, house):
    opened = tab(house["ada"])
    page = opened.open("/ui/settings")
    page.keyboard.press("/")
    page.keyboard.type("gpt-4o-mini")
    page.get_by_role("link", name="Change the price of gpt-4o-mini", exact=True).click()
    page.get_by_label("Output", exact=True).fill("5")
    page.keyboard.press("Enter")
    page.get_by_text("From now on gpt-4o-mini costs $0.15 in and $5.00 out").wait_for()
    page.get_by_role("link", name="Change the price of gpt-4o-mini", exact=True).click()
    page.get_by_role("button", name="Back to the public list").click()
    page.get_by_text("gpt-4o-mini costs $0.15 in and $0.60 out per million tokens again.").wait_for()
    assert [row.model for row in rows(ModelPrice)] == [LONG]
    page.get_by_role("link", name="Set a price", exact=True).click()
    page.get_by_role("textbox", name="Model").press("Escape")
    page.get_by_role("textbox", name="Model").wait_for(state="detached")
    wait_for_focus(page, "Set a price")
