"""Two people change the same thing: who saves second is told of it and loses nothing; another address ends access."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent
from tests.factories import change, make_invitation, make_key, reload, rows
from tests.integration.pages.parts import errors, fragment, typed

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
MEANWHILE = "Somebody changed this meanwhile. Look at it again and save once more."


@pytest.fixture
def boss(browser, ada):
    """Ada's browser."""
    return browser(ada)


def opened(page, path):
    """Open a form and keep it, as it lies in a tab."""
    page.get(path)
    return dict(page.form(path).fields)


# -- a person -------------------------------------------------------------------------------------------------


@both_ways
def test_a_role_that_was_taken_meanwhile_is_not_given_back(boss, mia, htmx):
    path = f"/ui/users/{mia.id}/edit"
    form = opened(boss, path)
    change(mia, role="internal_user_viewer", max_budget=10**9)
    answer = boss.post(path, form | {"user_alias": "Mia M."}, htmx=htmx)
    assert (answer.status, MEANWHILE in answer.html.words()) == (409, True)
    stored = reload(mia)
    assert (stored.role, stored.max_budget, stored.alias) == ("internal_user_viewer", 10**9, "Mia")
    assert not [one for one in rows(AuditEvent) if one.action == "user.updated"]


def test_the_form_holds_what_is_so_now_and_says_what_it_said(boss, mia):
    path = f"/ui/users/{mia.id}/edit"
    form = opened(boss, path)
    change(mia, role="internal_user_viewer", max_budget=10**9)
    answer = boss.post(path, form | {"user_alias": "Mia M.", "models": "o4, gpt-5"})
    held = typed(answer, path)
    assert (held["user_alias"], held["user_role"], held["max_budget"]) == ("Mia", "internal_user_viewer", "1")
    assert errors(answer) == {
        "user_alias": "Your form said “Mia M.”.",
        "user_role": "Your form said “Internal user”.",
        "max_budget": "Your form had nothing here.",
        "models": "Your form said “o4, gpt-5”.",
    }


@both_ways
def test_saved_once_more_it_is_saved(boss, mia, htmx):
    path = f"/ui/users/{mia.id}/edit"
    form = opened(boss, path)
    change(mia, max_budget=10**9)
    held = typed(boss.post(path, form | {"user_alias": "Mia M."}, htmx=htmx), path)
    assert boss.post(path, held | {"user_alias": "Mia M."}, htmx=htmx).status == (200 if htmx else 303)
    assert (reload(mia).alias, reload(mia).max_budget) == ("Mia M.", 10**9)


def test_signing_in_spending_and_a_block_are_no_change_of_what_the_form_shows(boss, browser, mia):
    path = f"/ui/users/{mia.id}/edit"
    form = opened(boss, path)
    browser(mia)
    change(mia, window_spend=5, total_spend=5, is_blocked=True)
    assert boss.post(path, form | {"user_alias": "Mia M."}).status == 303
    assert (reload(mia).alias, reload(mia).is_blocked) == ("Mia M.", True)


def test_a_wrong_field_does_not_make_an_old_form_a_new_one(boss, mia):
    path = f"/ui/users/{mia.id}/edit"
    form = opened(boss, path)
    change(mia, rpm_limit=1)
    held = typed(boss.post(path, form | {"tpm_limit": "many"}), path)
    assert boss.post(path, held | {"tpm_limit": "7"}).status == 409
    assert reload(mia).rpm_limit == 1


# -- a key ----------------------------------------------------------------------------------------------------


@both_ways
def test_limits_that_were_set_meanwhile_stay(browser, mia, htmx):
    key = make_key(mia, "laptop", max_budget=10**10, rpm_limit=5)
    page, path = browser(mia), f"/ui/keys/{key.row.id}/edit"
    form = opened(page, path)
    change(key.row, rpm_limit=1, max_budget=10**9)
    answer = page.post(path, form | {"tpm_limit": "7", "expires": "90d"}, htmx=htmx)
    assert (answer.status, MEANWHILE in answer.html.words()) == (409, True)
    assert not htmx or fragment(answer).id == "key-edit"
    stored = reload(key.row)
    assert (stored.rpm_limit, stored.max_budget, stored.tpm_limit) == (1, 10**9, None)
    held = typed(answer, path)
    assert (held["rpm_limit"], held["max_budget"], held["tpm_limit"], held["expires"]) == ("1", "1", "", "keep")
    assert errors(answer) == {
        "expires": "Your form said “In 90 days”.",
        "max_budget": "Your form said “10”.",
        "rpm_limit": "Your form said “5”.",
        "tpm_limit": "Your form said “7”.",
    }
    assert page.post(path, held | {"tpm_limit": "7"}).status == 303
    assert (reload(key.row).rpm_limit, reload(key.row).tpm_limit) == (1, 7)


def test_use_spend_and_another_name_are_no_change_of_the_limits(browser, curl, mia):
    key = make_key(mia, "laptop", rpm_limit=5)
    page, path = browser(mia), f"/ui/keys/{key.row.id}/edit"
    form = opened(page, path)
    assert curl(key.secret).get("/key/info").status == 200
    change(key.row, alias="desk", window_spend=3, total_spend=3, last_used_at=now() + timedelta(minutes=5))
    assert page.post(path, form | {"rpm_limit": "9"}).status == 303
    assert (reload(key.row).rpm_limit, reload(key.row).alias) == (9, "desk")


def test_the_api_changes_what_it_names_whatever_somebody_looked_at(curl, master, mia):
    key = make_key(mia, "laptop", rpm_limit=5)
    change(key.row, rpm_limit=1)
    assert curl(mia).post("/key/update", {"key": key.row.id, "tpm_limit": 7, "shown": "x"}).status == 200
    assert master.post("/user/update", {"user_id": "mia", "tpm_limit": 7, "shown": "x"}).status == 200


# -- another address ------------------------------------------------------------------------------------------


@both_ways
def test_a_link_that_went_to_the_wrong_address_opens_nothing_once_it_is_corrected(boss, browser, ada, ina, htmx):
    sent = make_invitation(ina, by=ada)
    boss.get(f"/ui/users/{ina.id}/edit")
    boss.submit(f"/ui/users/{ina.id}/edit", htmx=htmx, user_email="right@example.com")
    assert reload(ina).email == "right@example.com"
    assert reload(sent.row).ended_at is not None
    assert browser(None).get(f"/ui/onboarding?id={sent.secret}").status == 410


def test_another_address_signs_out_and_the_form_says_so(boss, browser, mia):
    theirs = browser(mia)
    answer = boss.get(f"/ui/users/{mia.id}/edit")
    assert "Another address signs them out and ends their open link." in answer.html.words()
    boss.submit(f"/ui/users/{mia.id}/edit", user_email="mia@other.example")
    assert theirs.get("/ui/keys").location.startswith("/ui/login")


def test_by_the_api_alike_but_not_for_a_capital_letter(browser, master, mia):
    theirs = browser(mia)
    master.post("/user/update", {"user_id": "mia", "user_email": "Mia@Example.com"})
    assert theirs.get("/ui/keys").status == 200
    master.post("/user/update", {"user_id": "mia", "user_email": "mia@other.example"})
    assert theirs.get("/ui/keys").location.startswith("/ui/login")
