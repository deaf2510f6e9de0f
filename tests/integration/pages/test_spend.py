"""The spend page: cards, bars and tables from the sums of the days, and its range."""

import re
from datetime import UTC, datetime

import pytest
from time_machine import travel

from tests.factories import change, make_key, make_user
from tests.integration.pages.parts import errors, link, words
from tests.integration.pages.spending import DOLLAR, MONTHLY, NOON, SVG, cards, chosen, days_of, drawn, lines, section


@pytest.fixture(autouse=True)
def today():
    """It is a Wednesday in June."""
    with travel(NOON, tick=False):
        yield


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
    assert sentence.casefold() in answer.html.words().casefold()


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [("2026-06-02", "2026-06-01", "From must not be after to."),
     ("2026-06-02", "", "From and to go together: pick both days."),
     ("2025-06-01", "2026-06-02", "366 days at most."), ("0001-01-01", "2026-01-01", "between 2000-01-01")],
)  # fmt: skip
def test_a_wrong_range_stays_in_its_form_with_the_sentence_on_it(browser, ada, mia, first, last, sentence):
    answer = browser(ada).get(f"/ui/spend?from={first}&to={last}&user={mia.id}")
    (form,) = [form for form in answer.html.forms if "from" in form.fields]
    assert (answer.status, form.fields) == (422, {"user": mia.id, "from": first, "to": last})
    (said,) = errors(answer).values()
    assert sentence in said
    assert chosen(answer, "Whose spend") == ["Mia"]


def test_damaged_days_are_not_written_back(browser, mia):
    answer = browser(mia).get("/ui/spend?from=sk-ss_x&to=%22%3E%3Cb%3E")
    assert (answer.status, "sk-ss_x" in answer.text, "must be a date" in answer.html.words()) == (422, False, True)


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
