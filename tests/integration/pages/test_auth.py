"""Signing in and out on the pages."""

import pytest

from tests.application import the_settings
from tests.factories import PASSWORD

WRONG = "Email or password is wrong."


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/"])
def test_home_is_the_keys_or_the_sign_in_page(browser, mia, path):
    assert browser().get(path).location == "/ui/login"
    assert browser(mia).get(path).location == "/ui/keys"


def test_mia_signs_in_and_lands_where_she_was_going(browser, mia):
    page = browser()
    page.follow(page.get("/ui/spend?days=7"))
    answer = page.submit("/ui/login", username="mia@example.com", password=PASSWORD)
    assert answer.status == 303
    # the form keeps the way in its own address, which `submit` leaves out
    page.get("/ui/login?next=/ui/spend?days=7")
    assert page.get("/ui/login?next=/ui/spend?days=7").location == "/ui/spend?days=7"


def test_a_refusal_keeps_the_address_and_forgets_the_password(browser, mia):
    page = browser()
    page.get("/ui/login")
    answer = page.submit("/ui/login", username="mia@example.com", password="wrong password")
    assert answer.status == 422
    assert WRONG in answer.html.words()
    assert page.form("/ui/login").fields["username"] == "mia@example.com"
    assert "wrong password" not in answer.text


@pytest.mark.parametrize("who", ["rex", "ina", "nobody"])
def test_every_refusal_reads_the_same(browser, rex, ina, who):
    page = browser()
    page.get("/ui/login")
    answer = page.submit("/ui/login", username=f"{who}@example.com", password=PASSWORD)
    assert (answer.status, WRONG in answer.html.words()) == (422, True)


def test_who_is_signed_in_has_no_use_for_the_sign_in_page(browser, mia):
    assert browser(mia).get("/ui/login").status == 303


def test_too_many_tries_say_how_long_to_wait(browser, mia):
    page = browser()
    for _ in range(11):
        page.get("/ui/login")
        answer = page.submit("/ui/login", username="mia@example.com", password="wrong password")
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Time left" in answer.html.words()


def test_a_link_cannot_sign_anybody_out(browser, mia):
    page = browser(mia)
    asked = page.get("/ui/logout")
    assert asked.status == 200
    assert page.get("/ui/keys").status == 200


def test_mia_signs_out(browser, mia):
    page = browser(mia)
    page.get("/ui/logout")
    answer = page.submit("/ui/logout")
    assert (answer.status, answer.location) == (303, "/ui/login?bye=1")
    assert answer.headers["clear-site-data"] == '"cache"'
    assert page.get("/ui/keys").status == 303


def test_signing_out_goes_where_the_house_says(app, browser, mia, monkeypatch):
    monkeypatch.setitem(app.config, "SETTINGS", the_settings(proxy_logout_url="https://www.google.com"))
    page = browser(mia)
    page.get("/ui/logout")
    assert page.submit("/ui/logout").location == "https://www.google.com"


def test_an_htmx_click_without_a_session_goes_to_the_sign_in_page(browser):
    answer = browser().get("/ui/keys", htmx=True)
    assert answer.status == 401
    assert answer.headers["hx-redirect"] == "/ui/login"
