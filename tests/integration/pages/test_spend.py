"""My spend: cards and a table, from the sums of the days; everybody's own and nobody else's."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import travel

from selfserve.models import DailySpend
from tests.factories import make_key, make_user, save_all
from tests.integration.pages.parts import link, words

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today():
    """It is a Wednesday in June."""
    with travel(NOON):
        yield


def days_of(user, *told):
    """Write sums of days: model, days ago, spend, and whatever else."""
    key = make_key(user).row
    save_all(
        [
            DailySpend(
                user_pk=user.id, key_id=key.id, model=model, day=NOON.date() - timedelta(days=age), spend=spend,
                **{"requests": 1} | more,
            )
            for model, age, spend, more in told
        ]
    )  # fmt: skip


def lines(answer):
    """The rows of the table, as they read."""
    return [words(row) for body in answer.html.all("tbody") for row in body.iter("tr")]


def cards(answer):
    """The cards above it."""
    return {words(card[0]): words(card) for dl in answer.html.all("dl") for card in dl if len(card)}


def test_cards_and_table_say_the_same(browser, mia, otto):
    more = {"requests": 1_234, "failed_requests": 2, "prompt_tokens": 12_400_000, "completion_tokens": 9_999}
    days_of(mia, ("gpt-5-mini", 0, 1_500_000_000, more), ("claude", 0, 250_000_000, {}), ("gpt-5-mini", 6, 5_000, {}))
    days_of(mia, ("gpt-5-mini", 0, 1, {}))
    days_of(otto, ("secret-model", 0, 10**12, {}))
    answer = browser(mia).get("/ui/spend?days=7")
    assert lines(answer) == [
        "17 Jun 2026 claude 1 0 0 0 $0.25",
        "17 Jun 2026 gpt-5-mini 1,235 2 12.4M 9,999 $1.50",
        "11 Jun 2026 gpt-5-mini 1 0 0 0 <$0.0001",
    ]
    assert cards(answer)["Spend"] == "Spend $1.75 No budget limit"
    assert cards(answer)["Requests"] == "Requests 1,237 2 failed"
    assert cards(answer)["Tokens"].startswith("Tokens 12.4M 12.4M in, 9,999 out")
    assert cards(answer)["Per request"].startswith("Per request $0.0014")
    assert "11 Jun 2026 to 17 Jun 2026, in UTC" in answer.html.words()


@pytest.mark.parametrize(("days", "shown"), [(7, 1), (30, 2), (90, 3)])
def test_a_range_shows_its_days_and_says_which_it_is(browser, mia, days, shown):
    days_of(mia, *[("m", age, 10**9, {}) for age in (6, 29, 89, 90)])
    answer = browser(mia).get(f"/ui/spend?days={days}")
    assert (len(lines(answer)), cards(answer)["Requests"]) == (shown, f"Requests {shown} None failed")
    chosen = [words(a) for nav in answer.html.all("nav") for a in nav.iter("a") if a.get("aria-current") == "page"]
    assert f"{days} days" in chosen


@pytest.mark.parametrize("odd", ["", "nonsense", "-1", "8", "99999999999999999999", "7&days=90", "%00", "٧"])
@pytest.mark.parametrize("htmx", [False, True])
def test_an_odd_range_breaks_nothing(browser, mia, odd, htmx):
    assert browser(mia).get(f"/ui/spend?days={odd}", htmx=htmx).status == 200


def test_without_calls_it_says_what_to_do(browser, ivo):
    answer = browser(ivo).get("/ui/spend")
    assert "No calls in the last 30 days" in answer.html.words()
    assert link(answer, "Go to my keys") == "/ui/keys"
    assert cards(answer)["Spend"] == "Spend $0.00 No budget limit"
    assert cards(answer)["Requests"] == "Requests 0 None yet"


def test_a_budget_is_shown_with_what_is_used_of_it_and_when_it_starts_again(browser):
    window = {"max_budget": 10**10, "budget_duration": "1mo", "budget_reset_at": datetime(2026, 7, 1, tzinfo=UTC)}
    answer = browser(make_user("Pia", window_spend=25 * 10**8, **window)).get("/ui/spend")
    assert "$2.50 of your $10.00 a month, starts again on 1 Jul" in cards(answer)["Spend"]
    meters = [element.get("aria-label") for element in answer.html.tree.iter() if element.get("role") == "img"]
    assert meters == ["25 % of the budget used"]


def test_a_window_that_is_over_shows_nothing_spent(browser):
    window = {"max_budget": 10**10, "budget_duration": "1d", "budget_reset_at": NOON - timedelta(hours=12)}
    answer = browser(make_user("Pia", window_spend=10**10, **window)).get("/ui/spend")
    assert "$0.00 of your $10.00 a day, starts again on 18 Jun" in cards(answer)["Spend"]


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer"])
def test_on_this_page_admins_too_see_their_own(browser, mia, role):
    days_of(mia, ("gpt-5-mini", 0, 10**9, {}))
    answer = browser(make_user("Nora", role=role)).get("/ui/spend")
    assert (lines(answer), cards(answer)["Spend"]) == ([], "Spend $0.00 No budget limit")


def test_long_and_odd_names_of_models_stay_text(browser, mia):
    days_of(mia, ("m" * 255, 0, 1, {}), ("<script>alert(1)</script>", 0, 1, {}), ("日本 \u202e", 0, 1, {}))
    assert len(lines(browser(mia).get("/ui/spend"))) == 3


def test_very_many_rows_are_cut_but_never_the_sums(browser, mia):
    days_of(mia, *[(f"model-{number}", number % 7, 10**9, {}) for number in range(1_050)])
    answer = browser(mia).get("/ui/spend?days=7")
    assert (len(lines(answer)), cards(answer)["Requests"]) == (1_000, "Requests 1,050 None failed")
