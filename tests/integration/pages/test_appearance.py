"""Light, dark or as the system says: chosen without script, kept in a cookie, printed on every page."""

from http.cookies import SimpleCookie

import pytest

from tests.clients import Browser, InProcess
from tests.factories import make_user

pytestmark = pytest.mark.any_database

ROLES = ["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"]
COOKIE = "selfserve_appearance"


def theme(answer):
    """What the page says of its look: the attribute that the stylesheet reads, and the word for the browser."""
    meta = next(one.get("content") for one in answer.html.all("meta") if one.get("name") == "color-scheme")
    return answer.html.tree.get("data-theme"), meta


def choose(page, look, **fields):
    return page.post("/ui/account/appearance", {"appearance": look, **fields})


def cookie_of(answer):
    return next(SimpleCookie(each)[COOKIE] for each in answer.cookies if each.startswith(COOKIE))


@pytest.fixture
def page(browser, mia):
    page = browser(mia)
    page.get("/ui/account")
    return page


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_choice_is_on_every_page_signed_out_and_on_errors_too(page, look):
    assert theme(page.get("/ui/account")) == (None, "light dark")
    assert choose(page, look).location == "/ui/account"
    for path in ("/ui/account", "/ui/keys", "/ui/nothing", "/ui/users", "/ui/logout", "/ui/keys?after=x"):
        assert theme(page.get(path)) == (look, look), path
    page.get("/ui/logout")
    page.submit("/ui/logout")
    for path in ("/ui/login", "/ui/onboarding", "/ui/nothing"):
        assert theme(page.get(path)) == (look, look), path


def test_the_buttons_say_which_one_is_chosen(page):
    choose(page, "dark")
    buttons = [one for one in page.get("/ui/account").html.all("button") if one.get("name") == "appearance"]
    said = [(one.get("value"), one.get("aria-pressed")) for one in buttons]
    assert said == [("system", "false"), ("light", "false"), ("dark", "true")] * 2


def test_the_systems_choice_needs_no_cookie(page):
    choose(page, "dark")
    answer = choose(page, "system")
    assert cookie_of(answer)["max-age"] == "0"
    assert theme(page.get("/ui/account")) == (None, "light dark")


@pytest.mark.parametrize("value", ["", "neon", "DARK", 'dark"><script>', "light dark", "x" * 4_000])
def test_what_stands_in_the_cookie_otherwise_means_the_systems_choice(app, value):
    transport = InProcess(app)
    transport.client.set_cookie(COOKIE, value)
    answer = Browser(transport).get("/ui/login")
    assert (theme(answer), "script>" in answer.text.partition("<body")[0].replace("</script>", "")) == (
        (None, "light dark"),
        False,
    )


@pytest.mark.parametrize("value", ["", "neon", "DARK", "system "])
def test_an_unknown_choice_is_refused_and_keeps_the_old_one(page, value):
    choose(page, "dark")
    assert choose(page, value).status == 422
    assert theme(page.get("/ui/account"))[0] == "dark"


@pytest.mark.parametrize("role", ROLES)
def test_everybody_may_choose(browser, role):
    """S-7e: it is about their own browser."""
    page = browser(make_user("Nora", role=role))
    page.get("/ui/account")
    assert choose(page, "light").status == 303
    assert theme(page.get("/ui/account"))[0] == "light"


def test_one_goes_on_where_one_was(page):
    """As the list was filtered; a key that was pasted into the search is not written back (S-14)."""
    answer = page.get("/ui/keys?q=lap")
    form = next(form for form in answer.html.forms if form.action == "/ui/account/appearance")
    assert form.fields["next"] == "/ui/keys?q=lap"
    assert choose(page, "dark", next=form.fields["next"]).location == "/ui/keys?q=lap"
    assert choose(page, "dark", next="/ui/users?status=invited").location == "/ui/users?status=invited"


def test_from_the_page_of_a_person_one_comes_back_to_it(browser, ada, mia):
    page = browser(ada)
    for path in (f"/ui/users/{mia.id}", f"/ui/users/{mia.id}/edit"):
        answer = page.get(path)
        form = next(form for form in answer.html.forms if form.action == "/ui/account/appearance")
        assert form.fields["next"] == path


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/ui/../x\\y", "/ui//evil.example", "x"])
def test_nobody_is_sent_elsewhere(page, target):
    assert choose(page, "dark", next=target).location == "/ui/keys"


def test_the_page_after_a_form_has_no_way_back_that_opens_nothing(page):
    answer = page.post("/ui/account/password", {"current_password": "x", "new_password": "y"})
    assert answer.status == 422
    assert "next" not in next(form for form in answer.html.forms if form.action == "/ui/account/appearance").fields


@pytest.mark.parametrize(
    ("settings", "path", "is_secure"),
    [
        ({}, "/", False),
        ({"proxy_base_url": "https://keys.example.com"}, "/", True),
        ({"server_root_path": "/a/b"}, "/a/b", False),
    ],
)
def test_the_cookie_is_kept_as_the_house_keeps_its_cookies(app_with, mia, settings, path, is_secure):
    """S-9: from scripts, from other sites, for this path, and from plain http where people come by https."""
    root = settings.get("server_root_path", "")
    page = Browser(InProcess(app_with(**settings)))
    page.transport.client.environ_base["wsgi.url_scheme"] = "https" if is_secure else "http"
    page.get(f"{root}/ui/login")
    page.post(f"{root}/ui/login", {"username": mia.email, "password": "a calm river before sunrise"})
    page.get(f"{root}/ui/account")
    cookie = cookie_of(page.post(f"{root}/ui/account/appearance", {"appearance": "dark"}))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", path, "")
    assert (bool(cookie["secure"]), cookie["max-age"]) == (is_secure, str(365 * 24 * 60 * 60))


@pytest.mark.parametrize("asked", ["scope=everyone&range=7d", "from=2026-06-01&to=2026-06-17", "range=30d&user={mia}"])
def test_from_the_spend_page_it_leads_back_to_the_same_range_of_the_same_person(browser, ada, mia, asked):
    page, asked = browser(ada), asked.format(mia=mia.id)
    answer = page.get(f"/ui/spend?{asked}")
    form = next(form for form in answer.html.forms if form.action == "/ui/account/appearance")
    path, _, query = choose(page, "dark", next=form.fields["next"]).location.partition("?")
    assert (path, sorted(query.split("&"))) == ("/ui/spend", sorted(asked.split("&")))
