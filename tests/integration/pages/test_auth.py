"""Signing in and out on the pages."""

from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.models import Session
from tests.clients import Browser, InProcess
from tests.factories import PASSWORD, rows
from tests.integration.pages.parts import fragment, link, toast, typed, words, writes

WRONG = "Email or password is wrong."
both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/"])
def test_home_is_the_keys_or_the_sign_in_page(browser, mia, path):
    assert browser().get(path).location == "/ui/login"
    assert browser(mia).get(path).location == "/ui/keys"


def test_the_page_asks_for_two_things_and_tells_who_is_new_what_to_do(browser):
    answer = browser().get("/ui/login")
    inputs = {field.get("name"): field for field in answer.html.all("input") if field.get("type") != "hidden"}
    assert {name: field.get("autocomplete") for name, field in inputs.items()} == {
        "username": "username",
        "password": "current-password",
    }
    assert inputs["username"].get("autofocus") is not None
    assert "Open the link in your invitation" in answer.html.words()
    assert "Forgot password?" in answer.html.words()


def test_whom_to_ask_and_whose_house_it_is_comes_from_the_settings(app_with):
    page = Browser(
        InProcess(app_with(email_support_contact="help@example.com", selfserve_organization="Acme & <Sons>"))
    )
    answer = page.get("/ui/login")
    assert "API keys for Acme & <Sons>’s LLM gateway" in answer.html.words()
    assert link(answer, "Contact help@example.com") == "mailto:help@example.com"
    assert link(page.get("/ui/password/forgot"), "help@example.com") == "mailto:help@example.com"


def test_mia_signs_in_and_lands_on_her_keys(browser, mia):
    page = browser()
    page.get("/ui/login")
    answer = page.submit("/ui/login", username=" MIA@example.com", password=PASSWORD)
    assert (answer.status, answer.location) == (303, "/ui/keys")
    assert page.follow(answer).status == 200


def test_mia_lands_where_she_was_going_also_after_a_mistake(browser, mia):
    page = browser()
    asked = page.get("/ui/spend?days=7&x=a%26b")
    assert asked.location == "/ui/login?next=/ui/spend?days%3D7%26x%3Da%2526b"
    page.follow(asked)
    action = writes(page.get(page.path))[0]
    refused = page.post(action, {"username": mia.email, "password": "wrong"})
    assert (refused.status, writes(refused)) == (422, [action])
    answer = page.post(action, {"username": mia.email, "password": PASSWORD})
    assert (answer.status, answer.location) == (303, "/ui/spend?days=7&x=a%26b")


def test_a_form_that_met_a_closed_door_is_not_gone_back_to(browser, mia):
    page = browser(mia)
    page.get("/ui/keys")
    for session in rows(Session):
        with travel(now() + timedelta(days=8)):
            answer = page.post("/ui/keys", {"key_alias": "laptop"})
        assert (session.user_pk, answer.status, answer.location) == (mia.id, 303, "/ui/login")


def test_a_refusal_keeps_the_address_and_forgets_the_password(browser, mia):
    page = browser()
    page.get("/ui/login")
    answer = page.submit("/ui/login", username="mia@example.com", password="wrong password")
    assert (answer.status, WRONG in answer.html.words()) == (422, True)
    assert typed(answer, "/ui/login")["username"] == "mia@example.com"
    assert "wrong password" not in answer.text


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("rex@example.com", PASSWORD),
        ("ina@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("mia@example.com", "wrong"),
        ("mia@example.com", ""),
        ("", ""),
        ("mia", PASSWORD),
        ("x" * 5_000, PASSWORD),
        ("mia@example.com", "x" * 5_000),
        ("mia@example.com\0", PASSWORD),
        ("default_user_id", PASSWORD),
    ],
)
def test_every_refusal_reads_the_same(browser, mia, rex, ina, username, password):
    page = browser()
    page.get("/ui/login")
    answer = page.submit("/ui/login", username=username, password=password)
    assert answer.status == 422
    assert [words(box) for box in answer.html.all("div") if box.get("role") == "alert"] == [WRONG]
    assert not [field for field in answer.html.all("input") if field.get("aria-invalid")]
    assert rows(Session) == []


def test_who_is_signed_in_has_no_use_for_the_sign_in_page(browser, mia):
    page = browser(mia)
    assert page.get("/ui/login").location == "/ui/keys"
    assert page.get("/ui/login?next=/ui/spend").location == "/ui/spend"


@both_ways
def test_too_many_tries_say_how_long_to_wait(browser, mia, htmx):
    page = browser()
    page.get("/ui/login")
    for _ in range(10):
        page.submit("/ui/login", username=mia.email, password="wrong")
    answer = page.submit("/ui/login", username=mia.email, password=PASSWORD, htmx=htmx)
    assert (answer.status, 290 < int(answer.headers["retry-after"]) <= 300) == (429, True)
    assert "Too many tries" in answer.html.words()
    assert answer.html.is_fragment is htmx
    assert htmx or "Time left: 5 minutes" in answer.html.words()
    assert not htmx or answer.headers["hx-retarget"] == "#flash"


@both_ways
def test_a_click_without_a_session_goes_to_the_sign_in_page(browser, htmx):
    answer = browser().get("/ui/keys?q=a", htmx=htmx)
    if htmx:
        assert (answer.status, answer.headers["hx-redirect"], answer.body) == (401, "/ui/login", b"")
    else:
        assert (answer.status, answer.location) == (303, "/ui/login?next=/ui/keys?q%3Da")


# -- out --------------------------------------------------------------------------------------------------------


def test_a_link_asks_and_ends_nothing(browser, mia):
    page = browser(mia)
    for method in ("GET", "HEAD"):
        assert page.transport.send(method, "/ui/logout", {}, None).status == 200
    answer = page.get("/ui/logout")
    assert [form.action for form in answer.html.forms] == ["/ui/logout"]
    assert link(answer, "Back to your keys") == "/ui/keys"
    assert page.get("/ui/keys").status == 200
    assert len(rows(Session)) == 1


def test_mia_signs_out_from_any_page_and_here_only(browser, mia):
    page, elsewhere = browser(mia), browser(mia)
    page.get("/ui/spend")
    answer = page.submit("/ui/logout")
    assert (answer.status, answer.location) == (303, "/ui/login?bye=1")
    assert answer.headers["clear-site-data"] == '"cache"'
    assert "You are signed out." in page.follow(answer).html.words()
    assert page.get("/ui/keys").status == 303
    assert elsewhere.get("/ui/keys").status == 200


def test_who_is_out_is_sent_to_the_sign_in_page_by_the_link_and_by_the_form(browser, mia):
    page = browser(mia)
    page.get("/ui/logout")
    token = page.csrf_token()
    page.submit("/ui/logout")
    assert page.get("/ui/logout").location == "/ui/login"
    page.get("/ui/login")
    again = page.post("/ui/logout", {"csrf_token": token})
    assert again.status in (303, 400)
    assert browser().get("/ui/logout").location == "/ui/login"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://www.google.com", "https://www.google.com"),
        ("https://sso.example.com:8443/out?next=/", "https://sso.example.com:8443"),
    ],
)
def test_signing_out_goes_where_the_house_says_and_the_policy_lets_the_form_go_there(app_with, mia, url, origin):
    page = Browser(InProcess(app_with(proxy_logout_url=url))).sign_in(mia)
    asked = page.get("/ui/logout")
    assert f"form-action 'self' {origin};" in asked.headers["content-security-policy"]
    answer = page.submit("/ui/logout")
    assert (answer.status, answer.location, answer.headers["clear-site-data"]) == (303, url, '"cache"')
    assert page.get("/ui/keys").status == 303


def test_without_that_setting_forms_go_nowhere_else(browser):
    assert "form-action 'self';" in browser().get("/ui/login").headers["content-security-policy"]


def test_a_toast_meant_for_mia_is_not_shown_to_who_comes_after_her(browser, mia, otto):
    page = browser(mia)
    page.get("/ui/keys/new")
    page.submit("/ui/keys", key_alias="a secret project", reveals=True)
    page.get("/ui/keys")
    action = next(action for action in writes(page.get("/ui/keys")) if action.endswith("/block"))
    page.submit(action)
    page.get("/ui/logout")
    page.submit("/ui/logout")
    page.sign_in(otto)
    assert "secret project" not in page.get("/ui/keys").html.words()


def test_a_toast_by_htmx_is_said_once(browser, mia):
    page = browser(mia)
    page.get("/ui/keys/new")
    page.submit("/ui/keys", key_alias="laptop", reveals=True)
    action = next(action for action in writes(page.get("/ui/keys")) if action.endswith("/block"))
    assert "laptop" in toast(page.submit(action, htmx=True))
    assert "flash" not in fragment(page.get("/ui/keys", htmx=True)).beside


def test_whose_session_ended_is_told_so_and_that_nothing_was_saved(browser, mia):
    page = browser(mia)
    page.get("/ui/account")
    with travel(now() + timedelta(hours=25)):
        refused = page.submit("/ui/account/password", current_password=PASSWORD, new_password="four red boats at dawn")
        assert "You are signed out, so nothing was changed." in page.follow(refused).text
    other = browser(mia)
    with travel(now() + timedelta(hours=25)):
        assert "Your session ended. Sign in to go on." in other.follow(other.get("/ui/spend")).text


def test_a_sign_in_without_its_cookie_says_why_it_did_not_work(browser, mia):
    page, other = browser(), browser()
    page.get("/ui/login")
    other.get("/ui/login")
    again = other.follow(other.post("/ui/login", page.form("/ui/login").fields | {"username": mia.email}))
    assert "your browser keeps no cookies" in again.text
