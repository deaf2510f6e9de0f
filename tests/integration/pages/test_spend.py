"""The spend page: cards, bars, tables and a file, from the sums of the days; one's own, and for admins everyone's."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from time_machine import travel

from selfserve.models import DailySpend
from selfserve.services import spend_export
from tests.factories import change, make_key, make_user, save_all
from tests.integration.pages.parts import link, words

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)  # a Wednesday
DOLLAR = 10**9
NOBODY = "99999999-9999-4999-8999-999999999999"
SVG = "{http://www.w3.org/2000/svg}"
MONTHLY = {"max_budget": 50 * DOLLAR, "budget_duration": "1mo", "budget_reset_at": datetime(2026, 7, 1, tzinfo=UTC)}


@pytest.fixture(autouse=True)
def today():
    """It is a Wednesday in June."""
    with travel(NOON, tick=False):
        yield


def days_of(user, *told, key=None):
    """Write sums of days: model, days ago, dollars, and whatever else."""
    key = key or make_key(user).row
    save_all(
        [
            DailySpend(
                user_pk=user.id, key_id=key.id, model=model, day=NOON.date() - timedelta(days=age),
                spend=round(dollars * DOLLAR), **{"requests": 1} | more,
            )
            for model, age, dollars, more in told
        ]
    )  # fmt: skip
    return key


def said(answer):
    """All words of a page."""
    return answer.html.words().replace(" .", ".")


def cards(answer):
    """The cards, by their headings."""
    return {words(card[0]): words(card).replace(" .", ".") for dl in answer.html.all("dl") for card in dl if len(card)}


def drawn(answer, *tags):
    """What the drawings of a page are made of."""
    return answer.html.all(*(SVG + tag for tag in tags))


def section(answer, name):
    """One panel of the page."""
    return next((one for one in answer.html.all("section") if one.get("aria-labelledby") == name), None)


def lines(answer, name):
    """The rows of one of its tables, as they read."""
    part = section(answer, name)
    return [] if part is None else [words(row) for body in part.iter("tbody") for row in body]


def chosen(answer, label):
    """Which link of a navigation is the current one."""
    navs = [nav for nav in answer.html.all("nav") if nav.get("aria-label") == label]
    return [words(a) for nav in navs for a in nav.iter("a") if a.get("aria-current")]


def meters(answer):
    """What the bars of the cards say."""
    return [svg.get("aria-label") for dl in answer.html.all("dl") for svg in dl.iter(f"{SVG}svg") if svg.get("role")]


# -- the figures --------------------------------------------------------------------------------------------------


def test_cards_bars_and_tables_say_the_same(browser, mia, otto):
    more = {"requests": 1_234, "failed_requests": 2, "prompt_tokens": 12_400_000, "completion_tokens": 9_999,
            "cached_tokens": 1_000_000}  # fmt: skip
    laptop = days_of(mia, ("gpt-5-mini", 0, 1.5, more), ("claude", 0, 0.25, {}), key=make_key(mia, "laptop").row)
    days_of(mia, ("gpt-5-mini", 6, 0.000005, {}), key=make_key(mia, "server").row)
    days_of(otto, ("secret-model", 0, 1000, {}))
    answer = browser(mia).get("/ui/spend?range=7d")
    assert cards(answer)["Spend"] == "Spend $1.75 No budget limit."
    assert cards(answer)["Requests"] == "Requests 1,236 2 failed (0.2 %)"
    assert cards(answer)["Tokens"] == "Tokens 12.4M 12.4M in (1M cached), 9,999 out"
    assert cards(answer)["Per request"] == "Per request $0.0014 No calls to compare with"
    assert lines(answer, "by-model") == ["gpt-5-mini 1,235 $1.50", "claude 1 $0.25"]
    assert lines(answer, "by-key") == ["laptop 1,235 $1.75", "server 1 <$0.0001"]
    assert lines(answer, "per-day") == [
        "11 Jun <$0.0001 $0.00 <$0.0001", *[f"{day} Jun $0.00 $0.00 $0.00" for day in (12, 13, 14, 15, 16)],
        "17 Jun $1.50 $0.25 $1.75",
    ]  # fmt: skip
    assert [words(foot) for foot in answer.html.all("tfoot")] == ["Total $1.50 $0.25 $1.75"]
    titles = [words(title) for title in drawn(answer, "title")]
    assert titles[-1] == "17 Jun: $1.75 (gpt-5-mini $1.50, claude $0.25)"
    assert titles[1:-1] == [f"{day} Jun: no spend" for day in (12, 13, 14, 15, 16)]
    assert "gpt-5-mini $1.50 claude $0.25" in words(section(answer, "per-day"))
    assert "11 to 17 June 2026, days in UTC." in answer.html.words()
    assert laptop.masked not in answer.text


def test_the_bars_are_three_drawings_in_percent_and_a_table_behind(browser, mia):
    days_of(mia, ("gpt", 0, 1, {}))
    answer = browser(mia).get("/ui/spend?range=7d")
    (chart,) = [div for div in answer.html.all("div") if div.get("class", "").split()[:1] == ["chart"]]
    assert [svg.get("role") for svg in chart] == [None, "img", None]
    assert "The same numbers are in the table." in chart[1].get("aria-label")
    for element in chart.iter():
        assert not {"style", "viewBox", "fill"} & set(element.attrib)
        for name in {"x", "width", "height"} & set(element.attrib) if element.tag == f"{SVG}rect" else ():
            assert re.fullmatch(r"\d+(\.\d\d)?%", element.get(name)), element.attrib
    assert len(drawn(answer, "g")) == 7
    assert section(answer, "per-day").find(".//details/summary") is not None


def test_models_beyond_the_first_come_together_and_nothing_is_lost(browser, mia):
    days_of(mia, *[(f"model-{number:02}", number % 5, 30 - number, {}) for number in range(25)])
    answer = browser(mia).get("/ui/spend?range=7d")
    assert len(lines(answer, "by-model")) == 21
    assert lines(answer, "by-model")[-1] == "5 others 5 $40.00"
    (total,) = (words(foot) for foot in answer.html.all("tfoot"))
    assert total == "Total $30.00 $29.00 $28.00 $27.00 $26.00 $310.00 $450.00"
    assert cards(answer)["Spend"] == "Spend $450.00 No budget limit."
    assert {rect.get("class") for rect in drawn(answer, "rect")} >= {"s1", "s2", "s3", "s4", "s5", "s6"}


def test_keys_beyond_the_first_come_together_and_deleted_ones_are_told(browser, mia):
    for number in range(22):
        days_of(mia, ("gpt", 0, 30 - number, {}), key=make_key(mia, f"key-{number:02}").row)
    change(days_of(mia, ("gpt", 0, 99, {}), key=make_key(mia, "gone").row), deleted_at=NOON)
    answer = browser(mia).get("/ui/spend?range=7d")
    assert lines(answer, "by-key")[0] == "gone Deleted 1 $99.00"
    assert lines(answer, "by-key")[-1] == "3 others 3 $30.00"
    assert len(lines(answer, "by-key")) == 21


def test_long_and_odd_names_stay_text(browser, mia):
    days_of(mia, ("m" * 255, 0, 1, {}), ("<script>alert(1)</script>", 0, 1, {}), ("日本 \u202e", 0, 1, {}))
    days_of(mia, ('"><svg onload=x>', 0, 1, {}), key=make_key(mia, "'\"><img src=x>").row)
    answer = browser(mia).get("/ui/spend")
    assert (len(lines(answer, "by-model")), len(lines(answer, "by-key"))) == (4, 2)
    assert not answer.html.all("img", "script")[2:]


def test_calls_that_cost_nothing_are_calls(browser, mia):
    days_of(mia, ("local", 0, 0, {"requests": 3}))
    answer = browser(mia).get("/ui/spend?range=7d")
    assert cards(answer)["Spend"] == "Spend $0.00 No budget limit."
    assert cards(answer)["Per request"].startswith("Per request $0.00")
    assert lines(answer, "by-model") == ["local 3 $0.00"]
    assert [svg.get("aria-label") for svg in section(answer, "by-model").iter(f"{SVG}svg")] == ["0 %"]


def test_huge_numbers_fit(browser, mia):
    days_of(mia, ("opus", 0, 9_000_000_000, {"prompt_tokens": 9 * 10**18, "requests": 2 * 10**9}))
    answer = browser(mia).get("/ui/spend?range=7d")
    assert "$9,000,000,000.00" in cards(answer)["Spend"]
    assert "9000000T in" in cards(answer)["Tokens"]
    assert "2,000,000,000" in cards(answer)["Requests"]


def test_it_is_compared_with_the_range_before(browser, mia):
    days_of(mia, ("gpt", 0, 1, {"requests": 10}), ("gpt", 7, 3, {"requests": 10}), ("gpt", 20, 4, {"requests": 10}))
    page = browser(mia)
    assert cards(page.get("/ui/spend?range=7d"))["Per request"].endswith("67 % below the 7 days before")
    assert cards(page.get("/ui/spend?range=month"))["Per request"].endswith("50 % below May")
    one_day = page.get("/ui/spend?from=2026-06-17&to=2026-06-17")
    assert cards(one_day)["Per request"].endswith("No calls to compare with")


def test_the_page_of_a_key_shows_its_last_fourteen_days(browser, mia):
    key = make_key(mia, "laptop", window_spend=11 * DOLLAR, created_at=datetime(2026, 1, 1, tzinfo=UTC), **MONTHLY).row
    days_of(mia, ("gpt", 0, 2, {"prompt_tokens": 5}), ("claude", 13, 1, {}), ("gpt", 14, 100, {}), key=key)
    days_of(mia, ("gpt", 0, 50, {}))
    answer = browser(mia).get(f"/ui/keys/{key.id}")
    assert (
        cards(answer).items()
        >= {
            "Key budget": "Key budget $11.00 of $50.00 On pace for $20.00. Resets on 1 Jul.",
            "Requests, 14 days": "Requests, 14 days 2 None failed",
            "Tokens, 14 days": "Tokens, 14 days 5 5 in, 0 out",
        }.items()
    )
    assert len(lines(answer, "per-day")) == len(drawn(answer, "g")) == 14
    assert lines(answer, "per-day")[-1] == "17 Jun $2.00 $0.00 $2.00"


def test_keys_of_the_table_lead_to_their_pages(browser, ada, mia):
    key = days_of(mia, ("gpt", 0, 2, {}), key=make_key(mia, "laptop").row)
    assert link(browser(mia).get("/ui/spend"), "laptop") == f"/ui/keys/{key.id}"
    page = browser(ada)
    assert link(page.get("/ui/spend?scope=everyone"), "laptop") == f"/ui/keys/{key.id}"
    assert link(page.get(f"/ui/spend?user={mia.id}"), "Open user") == f"/ui/users/{mia.id}"
    change(key, deleted_at=NOON)
    assert link(page.get("/ui/spend?scope=everyone"), "laptop") is None


# -- the range ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "requests", "which", "says"),
    [("", 3, "This month", "1 to 17 June 2026"), ("?range=7d", 2, "7 days", "11 to 17 June 2026"),
     ("?range=month", 3, "This month", "1 to 17 June 2026"), ("?range=period", 3, "This month", "1 to 17 June 2026"),
     ("?range=30d", 5, "30 days", "19 May to 17 June 2026"), ("?range=90d", 6, "90 days", "20 March to 17 June 2026"),
     ("?from=2026-06-11&to=2026-06-16", 1, None, "11 to 16 June 2026"),
     ("?from=2026-06-17&to=2026-06-17", 1, None, "17 June 2026"), ("?range=&from=&to=", 3, "This month", "1 to 17")],
)  # fmt: skip
def test_a_range_shows_its_days_and_says_which_it_is(browser, mia, query, requests, which, says):
    days_of(mia, *[("m", age, 1, {}) for age in (0, 6, 16, 17, 29, 89, 90)])
    answer = browser(mia).get(f"/ui/spend{query}")
    assert cards(answer)["Requests"] == f"Requests {requests} None failed"
    assert chosen(answer, "Range") == ([which] if which else [])
    assert f"{says}" in words(answer.html.all("header")[1])


@pytest.mark.parametrize(
    ("window", "which", "says", "requests"),
    [("1d", "Today", "17 June 2026", 1), ("7d", "This week", "15 to 17 June 2026", 2),
     ("30d", "This month", "1 to 17 June 2026", 3), ("3mo", "This period", "1 April to 17 June 2026", 4)],
)  # fmt: skip
def test_by_default_it_is_the_window_of_ones_budget(browser, window, which, says, requests):
    resets = {"1d": (6, 18), "7d": (6, 22), "30d": (7, 1), "3mo": (7, 1)}[window]
    pia = make_user(
        "Pia", max_budget=DOLLAR, budget_duration=window, budget_reset_at=datetime(2026, *resets, tzinfo=UTC)
    )
    days_of(pia, *[("m", age, 0, {}) for age in (0, 2, 16, 60, 100)])
    answer = browser(pia).get("/ui/spend")
    assert chosen(answer, "Range") == [which]
    assert says in answer.html.words()
    assert cards(answer)["Requests"].startswith(f"Requests {requests} ")


def test_the_chart_of_a_month_goes_on_to_its_end(browser, mia):
    days_of(mia, ("m", 0, 1, {}))
    answer = browser(mia).get("/ui/spend?range=month")
    assert (len(drawn(answer, "g")), len(lines(answer, "per-day"))) == (30, 17)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("from=2026-06-02&to=2026-06-01", "from must not be after to"), ("from=2026-06-02", "pick both days"),
     ("to=2026-06-02", "pick both days"), ("from=2025-06-01&to=2026-06-02", "366 days at most"),
     ("from=0001-01-01&to=2026-01-01", "between 2000-01-01"), ("from=2026-02-30&to=2026-03-01", "must be a date"),
     ("range=nonsense", "must be one of"), ("range=7", "must be one of"), ("scope=mine", "must be"),
     ("range=7d&range=90d", "given 2 times")],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/ui/spend", "/ui/spend.csv"])
def test_a_range_that_is_none_is_refused_in_words(browser, mia, path, query, sentence):
    answer = browser(mia).get(f"{path}?{query}")
    assert answer.status in (400, 422)
    assert sentence in answer.html.words()


def test_days_are_picked_without_script_and_lead_on(browser, mia):
    days_of(mia, ("m", 0, 1, {}))
    page = browser(mia)
    answer = page.get("/ui/spend?range=7d")
    (form,) = [form for form in answer.html.forms if form.action == "/ui/spend"]
    assert (form.method, form.fields) == ("get", {"from": "2026-06-11", "to": "2026-06-17"})
    assert link(answer, "17 Jun") == "/ui/spend?from=2026-06-17&to=2026-06-17"
    assert link(answer, "Export CSV") == "/ui/spend.csv?range=7d"
    assert link(page.get("/ui/spend?from=2026-06-17&to=2026-06-17"), "Export CSV") == (
        "/ui/spend.csv?from=2026-06-17&to=2026-06-17"
    )


def test_without_calls_it_says_what_to_do(browser, ivo):
    answer = browser(ivo).get("/ui/spend")
    assert "No calls this month A call with one of your keys shows up here right away." in answer.html.words()
    assert link(answer, "Go to my keys") == "/ui/keys"
    assert (cards(answer), lines(answer, "by-model"), link(answer, "Export CSV")) == ({}, [], None)
    assert len(drawn(answer, "g")) == 30
    assert "No calls in the last 90 days" in browser(ivo).get("/ui/spend?range=90d").html.words()


# -- the budget ---------------------------------------------------------------------------------------------------


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


# -- whose --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer"])
def test_admins_see_their_own_first_and_everyones_beside_it(browser, mia, otto, role):
    nora = make_user("Nora", role=role)
    days_of(mia, ("gpt", 0, 2, {}), key=make_key(mia, "laptop").row)
    days_of(otto, ("claude", 0, 1, {}), key=make_key(otto, "server").row)
    page = browser(nora)
    own = page.get("/ui/spend")
    assert (words(own.html.all("h1")[0]), chosen(own, "Whose spend")) == ("My spend", ["Mine"])
    assert "No calls this month" in own.html.words()
    everyones = page.get(link(own, "Everyone"))
    assert (words(everyones.html.all("h1")[0]), chosen(everyones, "Whose spend")) == ("Everyone’s spend", ["Everyone"])
    assert cards(everyones)["Spend"] == "Spend $3.00 By 2 people with 2 keys"
    assert lines(everyones, "by-person") == ["Mia mia@example.com 1 $2.00", "Otto otto@example.com 1 $1.00"]
    assert lines(everyones, "by-key") == ["laptop Mia 1 $2.00", "server Otto 1 $1.00"]
    hers = page.get(link(everyones, "Mia"))
    assert (words(hers.html.all("h1")[0]), chosen(hers, "Whose spend")) == ("Mia’s spend", ["Mia"])
    assert cards(hers)["Spend"] == "Spend $2.00 No budget limit."
    assert lines(hers, "by-key") == ["laptop 1 $2.00"]
    assert link(hers, "Everyone’s spend") == "/ui/spend?scope=everyone"


def test_links_keep_the_range_and_whose_spend_it_is(browser, ada, mia):
    days_of(mia, ("gpt", 0, 2, {}))
    page = browser(ada)
    everyones = page.get("/ui/spend?range=90d&scope=everyone")
    assert link(everyones, "Mia") == f"/ui/spend?range=90d&user={mia.id}"
    assert link(everyones, "7 days") == "/ui/spend?scope=everyone&range=7d"
    assert link(everyones, "Mine") == "/ui/spend?range=90d"
    assert link(everyones, "Export CSV") == "/ui/spend.csv?range=90d&scope=everyone"
    picked = page.get(f"/ui/spend?from=2026-06-01&to=2026-06-17&user={mia.id}")
    assert link(picked, "Everyone") == "/ui/spend?from=2026-06-01&to=2026-06-17&scope=everyone"
    (form,) = [form for form in picked.html.forms if form.action == "/ui/spend"]
    assert form.fields == {"user": mia.id, "from": "2026-06-01", "to": "2026-06-17"}


def test_people_beyond_the_first_come_together_and_deleted_ones_stay(browser, ada):
    for number in range(22):
        days_of(make_user(f"Person{number:02}"), ("gpt", 0, 30 - number, {}))
    gone = make_user("Gone", deleted_at=NOON)
    days_of(gone, ("gpt", 0, 99, {}))
    page = browser(ada)
    answer = page.get("/ui/spend?scope=everyone")
    assert lines(answer, "by-person")[0] == "Gone gone@example.com, deleted 1 $99.00"
    assert lines(answer, "by-person")[-1] == "3 others 3 $30.00"
    assert cards(answer)["Spend"].endswith("By 23 people with 23 keys")
    assert cards(page.get(f"/ui/spend?user={gone.id}"))["Spend"].startswith("Spend $99.00")


def test_a_used_up_budget_of_somebody_is_told_to_the_admin_as_theirs(browser, ada):
    pia = make_user("Pia", window_spend=50 * DOLLAR, **MONTHLY)
    told = said(browser(ada).get(f"/ui/spend?user={pia.id}"))
    assert "Pia’s June budget is used up. Model calls with their keys are refused until it resets on 1 Jul." in told
    assert "Ask an admin" not in told
    assert "Pia made no call." in told


@pytest.mark.parametrize("path", ["/ui/spend", "/ui/spend.csv"])
@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
def test_nobody_else_sees_anybody_elses(browser, otto, path, role):
    """S-6: whoever is named, and whether they exist or not; the tabs are not there either."""
    days_of(otto, ("otto's model", 0, 2, {}))
    pia = make_user("Pia", role=role)
    page = browser(pia)
    for query in (f"user={otto.id}", f"user={NOBODY}", "user=otto", "scope=everyone", f"scope=everyone&user={pia.id}"):
        answer = page.get(f"{path}?{query}")
        assert (answer.status, "otto" in answer.text) == (403, False), query
    own = page.get(f"/ui/spend?user={pia.id}")
    assert (own.status, link(own, "Everyone"), "otto" in own.text) == (200, None, False)
    assert "otto" not in page.get("/ui/spend.csv").text


@pytest.mark.parametrize("path", ["/ui/spend", "/ui/spend.csv"])
def test_an_unknown_person_is_not_found(browser, ada, path):
    for name in (NOBODY, "nobody", "ada"):
        assert browser(ada).get(f"{path}?user={name}").status == 404


# -- the file -----------------------------------------------------------------------------------------------------


def test_the_file_has_a_line_for_each_day_key_and_model(browser, mia, otto):
    more = {"requests": 3, "failed_requests": 1, "prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 2}
    key = days_of(mia, ("gpt", 1, 1.5, more), ("claude", 0, 0.000000001, {}), key=make_key(mia, "laptop").row)
    days_of(mia, ("gpt", 40, 1, {}))
    days_of(otto, ("gpt", 0, 1, {}))
    answer = browser(mia).get("/ui/spend.csv?range=7d")
    assert answer.headers["content-disposition"] == 'attachment; filename="spend-2026-06-11-to-2026-06-17.csv"'
    assert answer.text.replace("\r\n", "\n") == (
        "day,user_id,key_id,key_alias,model,spend,requests,failed_requests,prompt_tokens,completion_tokens,"
        "cached_tokens\n"
        f"2026-06-16,mia,{key.id},laptop,gpt,1.5,3,1,10,5,2\n"
        f"2026-06-17,mia,{key.id},laptop,claude,0.000000001,1,0,0,0,0\n"
    )


def test_a_file_without_lines_still_has_its_header(browser, mia):
    assert browser(mia).get("/ui/spend.csv").text.startswith("day,user_id,")


def test_admins_save_everyones_and_one_persons(browser, vera, mia, otto):
    days_of(mia, ("gpt", 0, 2, {}))
    days_of(otto, ("gpt", 0, 1, {}))
    page = browser(vera)
    assert [line["user_id"] for line in page.get("/ui/spend.csv?scope=everyone").sheet] == ["mia", "otto"]
    assert [line["user_id"] for line in page.get(f"/ui/spend.csv?user={otto.id}").sheet] == ["otto"]
    assert page.get("/ui/spend.csv").sheet == []


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://x\",\"y\")"])  # fmt: skip
def test_what_people_called_things_is_no_formula_in_it(browser, formula):
    """S-36: aliases, models and user ids alike."""
    pia = make_user("Pia", user_id=formula)
    days_of(pia, (formula, 0, 1, {}), key=make_key(pia, formula).row)
    (line,) = browser(pia).get("/ui/spend.csv").sheet
    assert [line[name] for name in ("user_id", "key_alias", "model")] == [f"'{formula}"] * 3


def test_more_lines_than_a_file_holds_are_refused_rather_than_cut(browser, mia, monkeypatch):
    monkeypatch.setattr(spend_export, "MOST_EXPORTED", 2)
    days_of(mia, *[("gpt", age, 1, {}) for age in range(3)])
    page = browser(mia)
    answer = page.get("/ui/spend.csv")
    assert (answer.status, "Choose fewer days." in answer.html.words()) == (422, True)
    assert len(page.get("/ui/spend.csv?from=2026-06-16&to=2026-06-17").sheet) == 2


def test_a_year_of_days_is_shown_and_saved(browser, mia):
    days_of(mia, *[("gpt", age, 1, {}) for age in range(366)])
    first = date(2026, 6, 17) - timedelta(days=365)
    query = f"from={first}&to=2026-06-17"
    page = browser(mia)
    assert len(page.get(f"/ui/spend.csv?{query}").sheet) == 366
    answer = page.get(f"/ui/spend?{query}")
    assert (cards(answer)["Requests"], len(drawn(answer, "g"))) == ("Requests 366 None failed", 366)
