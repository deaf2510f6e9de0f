"""Spend as a file: a line for each day, key and model."""

from datetime import date, timedelta

import pytest
from time_machine import travel

from selfserve.services import spend_export
from tests.factories import make_key, make_user
from tests.integration.pages.spending import NOON, cards, days_of, drawn


@pytest.fixture(autouse=True)
def today():
    """It is a Wednesday in June."""
    with travel(NOON, tick=False):
        yield


def test_the_file_has_a_line_for_each_day_key_and_model(browser, mia, otto):
    more = {"requests": 3, "failed_requests": 1, "prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 2,
            "unpriced_requests": 1}  # fmt: skip
    key = days_of(mia, ("gpt", 1, 1.5, more), ("claude", 0, 0.000000001, {}), key=make_key(mia, "laptop").row)
    days_of(mia, ("gpt", 40, 1, {}))
    days_of(otto, ("gpt", 0, 1, {}))
    answer = browser(mia).get("/ui/spend.csv?range=7d")
    assert answer.headers["content-disposition"] == 'attachment; filename="spend-2026-06-11-to-2026-06-17.csv"'
    assert answer.text.replace("\r\n", "\n") == (
        "day,user_id,key_id,key_alias,model,spend,requests,failed_requests,prompt_tokens,completion_tokens,"
        "cached_tokens,unpriced_requests\n"
        f"2026-06-16,mia,{key.id},laptop,gpt,1.5,3,1,10,5,2,1\n"
        f"2026-06-17,mia,{key.id},laptop,claude,0.000000001,1,0,0,0,0,0\n"
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
