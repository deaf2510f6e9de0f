"""A budget on the spend page: its pace, when it runs out, when it is used up."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import travel

from tests.factories import make_user
from tests.integration.pages.spending import DOLLAR, MONTHLY, NOON, cards, days_of, meters, said


@pytest.fixture(autouse=True)
def today():
    """It is a Wednesday in June."""
    with travel(NOON, tick=False):
        yield


def test_a_budget_is_shown_with_its_pace_and_when_it_resets(browser):
    pia = make_user("Pia", window_spend=11 * DOLLAR, created_at=datetime(2026, 1, 1, tzinfo=UTC), **MONTHLY)
    days_of(pia, ("m", 0, 11, {}))
    answer = browser(pia).get("/ui/spend")
    assert cards(answer)["Spend"] == "Spend $11.00 of $50.00 On pace for $20.00. Resets on 1 Jul."
    assert meters(answer) == ["22 % of the June budget used, on pace for 40 %"]
    assert "used up" not in answer.html.words()


def test_a_budget_that_will_not_last_says_when_it_runs_out(browser):
    budget = MONTHLY | {"max_budget": 13 * DOLLAR}
    pia = make_user("Pia", window_spend=11 * DOLLAR, created_at=datetime(2026, 1, 1, tzinfo=UTC), **budget)
    days_of(pia, ("m", 0, 11, {}))
    answer = browser(pia).get("/ui/spend")
    assert cards(answer)["Spend"] == ("Spend $11.00 of $13.00 At this pace it runs out on 20 Jun. Resets on 1 Jul.")
    assert meters(answer) == ["84 % of the June budget used, on pace for 100 %"]


def test_in_a_window_of_a_day_the_clock_is_told(browser):
    budget = {"max_budget": 3 * DOLLAR, "budget_duration": "1d", "budget_reset_at": datetime(2026, 6, 18, tzinfo=UTC)}
    pia = make_user("Pia", window_spend=2 * DOLLAR, created_at=datetime(2026, 1, 1, tzinfo=UTC), **budget)
    days_of(pia, ("m", 0, 2, {}))
    assert cards(browser(pia).get("/ui/spend"))["Spend"] == (
        "Spend $2.00 of $3.00 At this pace it runs out on 17 Jun 2026, 18:00 UTC. Resets on 18 Jun 2026, 00:00 UTC."
    )


def test_another_range_says_what_is_used_beside_what_is_spent(browser):
    pia = make_user("Pia", window_spend=11 * DOLLAR, created_at=datetime(2026, 1, 1, tzinfo=UTC), **MONTHLY)
    days_of(pia, ("m", 0, 2, {}), ("m", 10, 9, {}))
    answer = browser(pia).get("/ui/spend?range=7d")
    assert cards(answer)["Spend"] == ("Spend $2.00 $11.00 of $50.00 a month used. On pace for $20.00. Resets on 1 Jul.")


def test_what_counts_against_the_budget_is_told_apart_when_it_is_not_the_sum_of_the_days(browser):
    """A budget that was set in the middle of the month, or whose spend an admin set."""
    pia = make_user("Pia", window_spend=40 * DOLLAR, created_at=datetime(2026, 1, 1, tzinfo=UTC), **MONTHLY)
    days_of(pia, ("m", 0, 11, {}))
    answer = browser(pia).get("/ui/spend")
    assert cards(answer)["Spend"].startswith("Spend $11.00 $40.00 of $50.00 a month used.")


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [({}, ("Your June budget is used up. Model calls with your keys are refused until it resets on 1 Jul. "
           "Ask an admin if you need more before then.")),
     ({"budget_duration": None, "budget_reset_at": None},
      "Your budget is used up. Model calls with your keys are refused. Ask an admin if you need more."),
     ({"budget_duration": "1d", "budget_reset_at": datetime(2026, 6, 18, tzinfo=UTC)},
      "Your budget for today is used up."),
     ({"budget_duration": "7d", "budget_reset_at": datetime(2026, 6, 22, tzinfo=UTC)},
      "Your budget for this week is used up.")],
    ids=["a month", "in total", "a day", "a week"],
)  # fmt: skip
def test_a_budget_that_is_used_up_says_so(browser, budget, sentence):
    pia = make_user("Pia", window_spend=50 * DOLLAR, **MONTHLY | budget)
    page = browser(pia)
    assert sentence in said(page.get("/ui/spend"))
    days_of(pia, ("m", 0, 50, {}))
    answer = page.get("/ui/spend?range=7d")
    assert sentence in said(answer)
    assert "Used up." in cards(answer)["Spend"]
    assert 'class="meter bad"' in answer.text


def test_a_window_that_is_over_shows_nothing_used(browser):
    window = {"max_budget": 10 * DOLLAR, "budget_duration": "1d", "budget_reset_at": NOON - timedelta(hours=12)}
    pia = make_user("Pia", window_spend=10 * DOLLAR, **window)
    days_of(pia, ("m", 1, 10, {}))
    answer = browser(pia).get("/ui/spend?range=7d")
    assert cards(answer)["Spend"] == "Spend $10.00 $0.00 of $10.00 a day used. Resets on 18 Jun 2026, 00:00 UTC."
