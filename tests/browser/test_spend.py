"""The spend page in a real browser: what is drawn is where it should be, in every look and with any numbers."""

from datetime import timedelta

import pytest

from selfserve.clock import next_reset, now
from selfserve.models import DailySpend
from tests.browser.conftest import LOOKS
from tests.factories import make_key, make_user, save_all

DOLLAR = 10**9
PAGES = {
    "mine": ("mia", "/ui/spend"),
    "nothing": ("otto", "/ui/spend"),
    "used up": ("pia", "/ui/spend"),
    "one day": ("mia", "/ui/spend?from={today}&to={today}"),
    "a year": ("mia", "/ui/spend?from={last_year}&to={today}"),
    "everyone's": ("ada", "/ui/spend?scope=everyone"),
    "everyone's for a viewer": ("vera", "/ui/spend?range=90d&scope=everyone"),
    "one person's": ("ada", "/ui/spend?user={mia}"),
    "a key's": ("mia", "/ui/keys/{key}"),
}


def days_of(user, *told, key=None):
    """Write sums of days: model, days ago, dollars."""
    key, today = key or make_key(user).row, now().date()
    figures = {"requests": 3, "failed_requests": 1, "prompt_tokens": 9 * 10**15, "cached_tokens": 10**9}
    save_all(
        [
            DailySpend(
                user_pk=user.id, key_id=key.id, model=model, day=today - timedelta(days=age),
                spend=round(dollars * DOLLAR), **figures,
            )
            for model, age, dollars in told
        ]
    )  # fmt: skip
    return key


@pytest.fixture
def company(ada, vera, mia, otto):
    """Many models, long names, tiny and huge amounts; a budget that is used up."""
    key = days_of(
        mia, *[(f"provider/{'a-long-model-name-' * 3}{n}", age, n / 7 + 0.1) for n in range(8) for age in range(9)]
    )
    days_of(mia, ("gpt", 0, 12_345_678.9), key=make_key(mia, "a-very-long-name-of-a-key-" * 5).row)
    window = {"max_budget": DOLLAR, "budget_duration": "1mo", "budget_reset_at": next_reset("1mo", now())}
    pia = make_user("Pia", alias="A Person Of Many Names " * 4, window_spend=2 * DOLLAR, **window)
    days_of(pia, ("gpt", 0, 0.00001))
    cast = {"ada": ada, "vera": vera, "mia": mia, "otto": otto, "pia": pia}
    today = now().date()
    return cast, {"mia": mia.id, "key": key.id, "today": today, "last_year": today - timedelta(days=365)}


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("name", list(PAGES))
def test_axe_finds_nothing_and_nothing_sticks_out(tab, company, name, look):
    cast, words = company
    who, path = PAGES[name]
    opened = tab(cast[who], look=look)
    page = opened.open(path.format(**words))
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    if table := page.get_by_text("Show as a table").all():
        table[0].click()
        assert opened.violations() == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the table widens the page"


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("name", ["mine", "a year", "one day", "a key's"])
def test_bars_stand_on_the_axis_within_their_chart(tab, company, name, look):
    cast, words = company
    who, path = PAGES[name]
    page = tab(cast[who], look=look).open(path.format(**words))
    outside = page.evaluate(
        """() => {
          const plot = document.querySelector('.chart svg[role=img]');
          const line = plot.getBoundingClientRect();
          const boxes = [...plot.querySelectorAll('rect:not(.hit)')].map(box => box.getBoundingClientRect());
          const isOutside = box => box.left < line.left - 1 || box.right > line.right + 1
            || box.top < line.top - 1 || box.bottom > line.bottom + 1 || box.width < .1;
          return boxes.length ? boxes.filter(isOutside).length : "no bars";
        }"""
    )
    assert outside == 0


@pytest.mark.parametrize("javascript", [True, False])
def test_mia_picks_days_opens_the_table_and_saves_the_file(tab, company, javascript):
    cast, words = company
    page = tab(cast["mia"], javascript=javascript).open("/ui/spend")
    page.get_by_role("button", name="Dates").click()
    page.get_by_label("From").fill(str(words["today"] - timedelta(days=1)))
    page.get_by_label("To", exact=True).fill(str(words["today"]))
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/ui/spend?from=*")
    page.get_by_text("Show as a table").click()
    assert page.locator("details tbody tr").count() == 2
    with page.expect_download() as saved:
        page.get_by_role("link", name="Export CSV").click()
    lines = saved.value.path().read_text(encoding="utf-8").splitlines()
    assert saved.value.suggested_filename.endswith(f"to-{words['today']}.csv")
    assert len(lines) == 1 + 8 * 2 + 1
    page.get_by_role("link", name="30 days").click()
    page.wait_for_url("**/ui/spend?range=30d")


@pytest.mark.parametrize("javascript", [True, False])
def test_ada_goes_from_everyone_to_a_person_to_a_key(tab, company, javascript):
    cast, _words = company
    page = tab(cast["ada"], javascript=javascript).open("/ui/spend")
    page.get_by_role("link", name="Everyone").click()
    page.get_by_role("heading", name="Everyone’s spend").wait_for()
    page.get_by_role("region", name="By person, table").get_by_role("link", name="Mia").click()
    page.get_by_role("heading", name="Mia’s spend").wait_for()
    page.get_by_role("region", name="By key, table").get_by_role("link").first.click()
    page.get_by_role("heading", name="Spend per day").wait_for()
