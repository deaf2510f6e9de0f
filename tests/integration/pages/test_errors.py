"""What goes wrong, as a page and as a toast: plain words, the true status, a way on and a request number."""

from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from tests.clients import Browser, InProcess
from tests.factories import PASSWORD, change, make_key, make_user
from tests.html import Html
from tests.integration.pages.parts import fragment, link, words

pytestmark = pytest.mark.any_database

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
NOWHERE = {
    "no server": "postgresql+psycopg://nobody@127.0.0.1:9/none",
    "no file": "sqlite:////nowhere/at/all/selfserve.db",
}


def assert_told(answer, status, title, sentence, *, htmx, button="Go to your keys"):
    """Check what every error has in common."""
    assert (answer.status, answer.html.is_fragment) == (status, htmx)
    assert sentence in answer.html.words()
    assert "Traceback" not in answer.text
    if htmx:
        assert (answer.headers["hx-retarget"], answer.headers["hx-reswap"]) == ("#flash", "beforeend")
        assert (fragment(answer).root.get("class"), fragment(answer).root.get("role")) == ("toast bad", "alert")
    else:
        assert (words(answer.html.all("h1")[0]), link(answer, button) is not None) == (title, True)
        assert f"Error {status}" in answer.html.words()
        assert answer.headers["x-request-id"] in answer.html.words()


@pytest.fixture
def page(browser, mia):
    """Mia, on her keys."""
    page = browser(mia)
    page.get("/ui/keys")
    return page


@both_ways
def test_a_form_that_was_open_too_long_is_400(page, htmx):
    for stale in ("stale", ""):
        answer = page.post("/ui/keys", {"csrf_token": stale, "key_alias": "x"}, htmx=htmx)
        assert_told(
            answer,
            400,
            "Please reload this page",
            "This page was open too long, or you signed in or out in another tab.",
            htmx=htmx,
        )


@both_ways
def test_a_header_carries_the_token_as_well_as_a_field(page, htmx):
    fields, token = {"csrf_token": ""}, page.csrf_token()
    assert page.post("/ui/logout", fields, headers={"X-CSRFToken": "stale"}, htmx=htmx).status == 400
    page.get("/ui/keys")
    del page.page.forms[:]
    assert page.post("/ui/keys", {}, headers={"X-CSRFToken": token}, htmx=htmx).status == 422


@both_ways
def test_what_a_role_may_not_do_is_403_and_says_whom_to_ask(page, htmx):
    answer = page.get("/ui/users", htmx=htmx)
    assert_told(answer, 403, "You cannot do that", "Your role internal_user may not list users.", htmx=htmx)
    assert "Ask an admin" in answer.html.words()


@both_ways
def test_what_comes_from_another_site_is_403(page, htmx):
    answer = page.post("/ui/keys", {"key_alias": "x"}, headers={"Sec-Fetch-Site": "cross-site"}, htmx=htmx)
    assert_told(answer, 403, "You cannot do that", "another site's page", htmx=htmx)


@pytest.mark.parametrize("path", ["/ui/nothing", "/ui/keys/nothing", "/ui/keys/new/more", "/ui/users/%00"])
@both_ways
def test_what_is_not_there_is_404(page, path, htmx):
    assert_told(page.get(path, htmx=htmx), 404, "Page not found", "nothing at this address", htmx=htmx)


@both_ways
def test_a_stranger_is_offered_to_sign_in(browser, htmx):
    answer = browser().get("/ui/nothing", htmx=htmx)
    assert_told(answer, 404, "Page not found", "nothing at this address", htmx=htmx, button="Sign in")


@both_ways
def test_looking_at_what_can_only_be_done_is_405(page, mia, htmx):
    answer = page.get(f"/ui/keys/{make_key(mia).row.id}/block", htmx=htmx)
    assert_told(answer, 405, "That does not work here", "does not take that method", htmx=htmx)
    assert "POST" in answer.headers["allow"]


@both_ways
def test_a_link_that_opens_nothing_is_410(page, htmx):
    answer = page.get("/ui/onboarding?id=nothing", htmx=htmx)
    assert_told(answer, 410, "Link no longer valid", "no longer valid", htmx=htmx)


@both_ways
def test_too_much_at_once_is_413(page, htmx):
    answer = page.post("/ui/keys", {"key_alias": "x" * 1_000_001}, htmx=htmx)
    assert_told(answer, 413, "That is too much at once", "larger than 1 MB", htmx=htmx)


@both_ways
def test_too_often_is_429_with_the_time_left(page, htmx):
    page.get("/ui/account")
    for _ in range(10):
        page.submit("/ui/account/password", current_password="x", new_password="y")
    answer = page.submit("/ui/account/password", current_password="x", new_password="y", htmx=htmx)
    assert_told(answer, 429, "Too many tries", "Too many tries.", htmx=htmx)
    assert htmx or "Time left: 5 minutes" in answer.html.words()
    with travel(now() + timedelta(seconds=250)):
        page.get("/ui/account")
        answer = page.submit("/ui/account/password", current_password="x", new_password="y")
        assert "Time left: 50 seconds" in answer.html.words()
        assert answer.headers["retry-after"] in ("50", "49")
        assert link(answer, "Try again") is None  # a form is not sent again by a link


@both_ways
def test_a_row_that_no_code_of_ours_could_write_is_500_without_a_trace(app, page, mia, htmx):
    """Broken behind our back, so that it really breaks."""
    change(mia, max_budget=1, budget_duration="nonsense", budget_reset_at=now() - timedelta(days=1))
    sent = {"HX-Request": "true"} if htmx else {}
    answer = page.transport.send("GET", "/ui/spend", sent, None)
    answer.html.check()
    assert_told(answer, 500, "Something broke on our side", answer.headers["x-request-id"], htmx=htmx)
    for inside in ("nonsense", "ValueError", "selfserve/", "SELECT"):
        assert inside not in answer.text
    assert htmx or link(answer, "Try again") == ""
    change(mia, budget_duration=None, budget_reset_at=None)
    assert page.get("/ui/spend").status == 200


# -- the database is away ---------------------------------------------------------------------------------------


@pytest.fixture(params=NOWHERE.values(), ids=NOWHERE)
def dark(request, app_with, page):
    """The house without its database; Mia's browser still has its cookie."""
    dark = Browser(InProcess(app_with(database_url=request.param)))
    (cookie,) = [c for c in page.transport.client._cookies.values() if c.key == "selfserve_session"]
    dark.transport.client.set_cookie(cookie.key, cookie.value)
    dark.page = page.page
    return dark


@pytest.mark.parametrize(
    "path", ["/ui/keys", "/ui/", "/ui/login", "/ui/logout", "/ui/onboarding?id=x", "/ui/users/new"]
)
@both_ways
def test_a_page_that_needs_it_is_503_and_renders(dark, path, htmx):
    answer = dark.get(path, htmx=htmx)
    assert_told(answer, 503, "Back in a moment", "Your keys are safe and nothing was changed", htmx=htmx)
    assert "psycopg" not in answer.text
    assert htmx or link(answer, "Try again") == ""


@pytest.mark.parametrize("path", ["/ui/keys", "/ui/logout", "/ui/login", "/ui/account/password"])
@both_ways
def test_a_form_that_needs_it_is_503_and_is_not_sent_again_by_a_link(dark, path, htmx):
    answer = dark.post(path, {"key_alias": "x", "username": "mia@example.com", "password": PASSWORD}, htmx=htmx)
    assert_told(answer, 503, "Back in a moment", "nothing was changed", htmx=htmx)
    assert htmx or link(answer, "Try again") is None


@both_ways
def test_the_session_outlives_the_darkness(dark, page, htmx):
    assert dark.get("/ui/keys", htmx=htmx).status == 503
    assert page.get("/ui/keys", htmx=htmx).status == 200


@both_ways
def test_a_stranger_is_let_to_the_door_without_it(app_with, htmx):
    stranger = Browser(InProcess(app_with(database_url=NOWHERE["no server"])))
    assert stranger.get("/ui/login").status == 200
    assert stranger.get("/ui/keys", htmx=htmx).status == (401 if htmx else 303)
    assert stranger.get("/ui/nothing", htmx=htmx).status == 404


def test_every_error_page_has_the_contact_and_the_headers_of_all_pages(app_with, mia):
    house = app_with(email_support_contact="help@example.com")
    page = Browser(InProcess(house)).sign_in(mia)
    for path in ("/ui/users", "/ui/nothing", "/ui/onboarding?id=x"):
        assert link(page.get(path), "Contact help@example.com") == "mailto:help@example.com"


def test_an_error_page_is_valid_where_a_name_is_odd(browser):
    page = browser(make_user("<b>", user_id="odd", email="odd@example.com"))
    answer = page.get("/ui/users")
    assert isinstance(answer.html, Html)
    assert answer.status == 403
