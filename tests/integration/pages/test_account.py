"""The own account: what is known about one, and another password."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent, Session
from tests.factories import PASSWORD, change, make_user, reload, rows
from tests.integration.pages.parts import errors, toast, words, writes

NEW_PASSWORD = "seven quiet foxes at noon"


@pytest.fixture
def page(browser, mia):
    """Mia, on her account."""
    page = browser(mia)
    page.get("/ui/account")
    return page


def send(page, current=PASSWORD, new=NEW_PASSWORD, **how):
    return page.submit("/ui/account/password", current_password=current, new_password=new, **how)


def facts(answer):
    """The profile, line by line."""
    return {words(line[0]): words(line[1]) for dl in answer.html.all("dl") for line in dl}


def test_it_says_who_one_is(browser):
    pia = make_user(
        "Pia", role="internal_user_viewer", max_budget=10**10, budget_duration="1mo", models=["gpt-5-mini", "o4"]
    )
    said = facts(browser(pia).get("/ui/account"))
    assert (said["Name"], said["Email"], said["Models"]) == ("Pia", "pia@example.com", "gpt-5-mini, o4")
    assert said["Role"].startswith("Internal viewer")
    assert (said["Budget"], said["Last sign-in"]) == ("$10.00 a month", "Just now")


def test_it_says_what_there_is_not(browser, mia):
    change(mia, alias=None)
    said = facts(browser(mia).get("/ui/account"))
    assert (said["Name"], said["Budget"], said["Models"]) == ("Not set", "No limit", "All models")


@pytest.mark.parametrize("name", ["x" * 255, "<b>", "日本 \u202e"])
def test_a_long_or_odd_name_stays_text(browser, mia, name):
    change(mia, alias=name)
    assert facts(browser(mia).get("/ui/account"))["Name"] == name.strip()


def test_mia_changes_her_password_stays_and_is_out_everywhere_else(page, browser, mia):
    elsewhere = browser(mia)
    changed = send(page)
    assert (changed.status, changed.location) == (303, "/ui/account")
    assert toast(page.follow(changed)) == "Password changed. Every other session is signed out."
    assert (page.get("/ui/keys").status, elsewhere.get("/ui/keys").status) == (200, 303)
    assert {session.user_pk for session in rows(Session)} == {mia.id}
    assert "password.changed" in {event.action for event in rows(AuditEvent)}
    browser().sign_in(mia, NEW_PASSWORD)


def test_by_htmx_it_is_sent_on(page):
    answer = send(page, htmx=True)
    assert (answer.status, answer.headers["hx-redirect"]) == (204, "/ui/account")


@pytest.mark.parametrize(
    ("current", "new", "field", "sentence"),
    [
        ("wrong", NEW_PASSWORD, "current_password", "not your current password"),
        ("", NEW_PASSWORD, "current_password", "needed"),
        (PASSWORD, "", "new_password", "needed"),
        (PASSWORD, "short", "new_password", "12"),
        (PASSWORD, "mia@example.com", "new_password", ""),
        (PASSWORD, "passwordpassword", "new_password", ""),
        (PASSWORD, PASSWORD, "new_password", "do not have already"),
        (PASSWORD, "x" * 2_000, "new_password", "1024"),
    ],
)
def test_a_refused_change_says_which_field_and_changes_nothing(page, mia, current, new, field, sentence):
    answer = send(page, current, new)
    assert (answer.status, [*errors(answer)]) == (422, [field])
    assert sentence in errors(answer)[field]
    shown = [box.get("value") for box in answer.html.all("input") if box.get("type") == "password"]
    assert shown == [None, None]
    assert reload(mia).password_hash == mia.password_hash
    assert page.get("/ui/keys").status == 200


def test_guessing_the_current_password_is_paused_and_other_pages_go_on(page, mia):
    for _ in range(10):
        assert send(page, "wrong").status == 422
    answer = send(page)
    assert (answer.status, "Time left" in answer.html.words()) == (429, True)
    assert reload(mia).password_hash == mia.password_hash
    assert page.get("/ui/account").status == 200


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user_viewer"])
def test_viewers_change_nothing_but_their_own_password_and_sessions(browser, role):
    page = browser(make_user("Nora", role=role))
    (session,) = rows(Session)
    own = ["/ui/account/password", f"/ui/account/sessions/{session.handle}/end"]
    assert writes(page.get("/ui/account")) == own
    assert send(page).status == 303


def test_when_the_password_was_last_changed_is_said(browser, mia):
    change(mia, password_changed_at=now() - timedelta(days=400))
    assert f"Last changed {(now() - timedelta(days=400)).day} " in browser(mia).get("/ui/account").html.words()
