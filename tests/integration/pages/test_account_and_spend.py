"""The own account, the own spend, and the pages for what goes wrong."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import DailySpend
from tests.factories import PASSWORD, make_key, reload, save_all

NEW_PASSWORD = "seven quiet foxes at noon"


def test_mia_changes_her_password(browser, mia):
    page = browser(mia)
    page.get("/ui/account")
    changed = page.submit("/ui/account/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert (changed.status, changed.location) == (303, "/ui/account")
    assert "Password changed" in page.follow(changed).html.words()
    assert reload(mia).password_hash != mia.password_hash


@pytest.mark.parametrize(
    ("current", "new", "name"),
    [
        ("wrong", NEW_PASSWORD, "current_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "mia@example.com", "new_password"),
        ("", "", "current_password"),
    ],
)
def test_a_refused_change_says_which_field_and_changes_nothing(browser, mia, current, new, name):
    page = browser(mia)
    page.get("/ui/account")
    answer = page.submit("/ui/account/password", current_password=current, new_password=new)
    assert answer.status == 422
    assert name in {field.get("name") for field in answer.html.all("input") if field.get("aria-invalid")}
    assert reload(mia).password_hash == mia.password_hash


def test_spend_is_the_sum_of_the_own_calls_per_day_and_model(browser, mia, otto):
    mine, theirs = make_key(mia).row, make_key(otto).row
    today = now().date()
    day_and_spend = {"gpt-x": (0, 1_500_000_000), "claude-y": (1, 250_000_000), "old-z": (20, 1_000_000_000)}
    rows = [
        DailySpend(
            user_pk=mia.id, key_id=mine.id, model=model, day=today - timedelta(days=age), spend=spend, requests=1
        )
        for model, (age, spend) in day_and_spend.items()
    ]
    save_all([*rows, DailySpend(user_pk=otto.id, key_id=theirs.id, model="secret-w", day=today, spend=9, requests=9)])
    words = browser(mia).get("/ui/spend?days=7").html.words()
    assert "$1.75" in words
    assert "gpt-x" in words
    assert "claude-y" in words
    assert "old-z" not in words
    assert "secret-w" not in words
    assert "old-z" in browser(mia).get("/ui/spend").html.words()


@pytest.mark.parametrize("days", ["", "nonsense", "-1", "99999999999999999999", "7&days=90"])
def test_an_odd_range_is_the_usual_one(browser, mia, days):
    assert browser(mia).get(f"/ui/spend?days={days}").status == 200


def test_without_calls_it_says_what_to_do(browser, ivo):
    assert "No calls" in browser(ivo).get("/ui/spend").html.words()


# -- what goes wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/ui/nothing", 404, "Page not found"),
        ("/ui/users", 403, "You cannot do that"),
        ("/ui/onboarding?id=nothing", 410, "Link no longer valid"),
    ],
)
def test_an_error_is_a_page_with_words_and_a_request_number(browser, mia, path, status, words):
    answer = browser(mia).get(path)
    assert answer.status == status
    assert words in answer.html.words()
    assert answer.headers["x-request-id"] in answer.text


@pytest.mark.parametrize("path", ["/ui/users", "/ui/nothing"])
def test_by_htmx_an_error_is_a_toast_with_its_true_status(browser, mia, path):
    answer = browser(mia).get(path, htmx=True)
    assert answer.status in (403, 404)
    assert answer.html.is_fragment
    assert answer.headers["hx-retarget"] == "#flash"


def test_a_stale_form_says_to_reload(browser, mia):
    page = browser(mia)
    answer = page.post("/ui/keys", {"csrf_token": "stale", "key_alias": "x"})
    assert answer.status == 400
    assert "open too long" in answer.html.words()


def test_a_stranger_on_an_unknown_page_learns_nothing(browser):
    assert browser().get("/ui/nothing").status in (303, 404)


def test_too_large_a_form_is_413(browser, mia):
    page = browser(mia)
    page.get("/ui/keys/new")
    assert page.submit("/ui/keys", key_alias="x" * 2_000_000).status == 413
