"""Every address that leaves the house is made from the settings, whatever a request claims to be (S-1, S-2)."""

from urllib.parse import quote

import pytest

from tests.application import BASE_URL, MASTER_KEY
from tests.clients import Browser, Curl, InProcess
from tests.factories import PASSWORD, make_invitation, make_key, make_user
from tests.integration.security.actions import PAGE_DEEDS, scene_of, token_of
from tests.integration.security.replays import Thief, steal

pytestmark = pytest.mark.any_database

EVIL = "evil.example"
LIES = {
    "host": {"Host": EVIL},
    "host and port": {"Host": f"{EVIL}:4000"},
    "forwarded host": {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "666"},
    "forwarded prefix": {"X-Forwarded-Prefix": f"/{EVIL}", "X-Script-Name": f"/{EVIL}", "X-Forwarded-Path": EVIL},
    "forwarded": {"Forwarded": f"host={EVIL};proto=https"},
    "original url": {"X-Original-URL": f"//{EVIL}/", "X-Rewrite-URL": f"//{EVIL}/", "X-Host": EVIL},
    "server": {"X-Forwarded-Server": EVIL, "X-HTTP-Host-Override": EVIL, "Origin": f"http://{EVIL}"},
}
WEIRD_HOSTS = ["", "x/?", "x/#", "x@y", "//", "%2f", "..;/", "a b", "[::1", "localhost:99999", "\u00e4", "LOCALHOST"]
PAGES = [
    "/", "/ui", "/ui/", "/ui/login", "/ui/keys", "/ui/keys/new", "/ui/all-keys", "/ui/users", "/ui/users/new",
    "/ui/spend", "/ui/account", "/ui/logout", "/ui/onboarding", "/ui/nothing", "/ui/keys?after=x",
]  # fmt: skip
named_lies = pytest.mark.parametrize("lies", LIES.values(), ids=LIES)


def hears_nothing(answer):
    """Neither body nor headers repeat what the request lied."""
    assert EVIL not in answer.text
    assert EVIL not in str(answer.headers)
    return True


@named_lies
def test_no_page_and_no_redirect_repeats_a_forged_origin(app, browser, ada, lies):
    """S-2: signed in and not, by page and by htmx."""
    for page in (Browser(Thief(app, steal(app, browser(ada)).header)), browser()):
        for path in PAGES:
            for htmx in (False, True):
                answer = page.get(path, headers=lies, htmx=htmx)
                assert hears_nothing(answer)
                assert not answer.location or answer.location.startswith("/")


@pytest.mark.parametrize("deed", PAGE_DEEDS, ids=[deed.endpoint for deed in PAGE_DEEDS])
def test_no_form_answers_with_a_forged_origin(app, browser, ada, mia, otto, deed):
    """S-2: the links that an admin copies above all."""
    here = browser(ada)
    token, scene = token_of(here), scene_of(mia, otto)
    page = Browser(Thief(app, steal(app, here).header))
    for lies in LIES.values():
        answer = page.post(deed.path(scene), deed.fields(scene) | token, headers=lies, reveals=True)
        assert answer.status != 400
        assert hears_nothing(answer)
        assert not answer.location or answer.location.startswith("/")


@named_lies
def test_adas_link_begins_with_the_configured_address(app, browser, ada, ina, lies):
    """S-2: the poisoned invitation of CVE-2025-43931."""
    here = browser(ada)
    token = token_of(here)
    page = Browser(Thief(app, steal(app, here).header))
    shown = page.post(f"/ui/users/{ina.id}/invitation", token, headers=lies)
    assert (shown.status, f"{BASE_URL}/ui/onboarding?id=" in shown.text) == (201, True)


@named_lies
def test_no_answer_of_the_api_repeats_a_forged_origin(curl, master, ina, mia, lies):
    """S-2: invitation, onboarding, sign-in, errors."""
    invited = master.post("/invitation/new", {"user_id": "ina"}, headers=lies)
    assert invited.location.startswith(f"{BASE_URL}/ui/onboarding?id=")
    opened = curl().get("/onboarding/get_token", invite_link=invited.json["id"], headers=lies)
    assert opened.json["login_url"].startswith(f"{BASE_URL}/")
    body = {"invitation_link": invited.json["id"], "password": "seven quiet foxes at noon"}
    claimed = curl(opened.json["token"]).post("/onboarding/claim_token", body, headers=lies)
    assert claimed.json["login_url"] == f"{BASE_URL}/ui/login"
    honest = {name: value for name, value in lies.items() if name != "Origin"}
    login = curl().post("/v2/login", {"username": mia.email, "password": PASSWORD}, headers=honest)
    assert login.json["redirect_url"].startswith((BASE_URL, "/"))
    for answer in (invited, opened, claimed, login, master.get("/nothing", headers=lies)):
        assert hears_nothing(answer)


def test_without_a_configured_address_links_are_paths_and_ada_is_warned(app_with, ada, ina):
    """S-2: better no host than one that the request made up."""
    nameless = app_with(proxy_base_url="")
    master = Curl(InProcess(nameless), MASTER_KEY)
    for lies in LIES.values():
        answer = master.post("/invitation/new", {"user_id": "ina"}, headers=lies)
        assert answer.location.startswith("/ui/onboarding?id=")
        assert hears_nothing(answer)
    page = Browser(InProcess(nameless)).sign_in(ada)
    assert "PROXY_BASE_URL" in page.get("/ui/users").text


@pytest.mark.parametrize("host", WEIRD_HOSTS)
def test_no_host_however_weird_opens_or_breaks_a_page(app, browser, curl, mia, host):
    """S-1: who may is decided by the matched route; a host is only ever a name that we do not use."""
    stranger, here = Browser(Thief(app)), Browser(Thief(app, steal(app, browser(mia)).header))
    headers = {"Host": host}
    for path in ("/ui/users", "/ui/all-keys"):
        assert stranger.get(path, headers=headers).status in (303, 400)
        assert here.get(path, headers=headers).status in (403, 400)
        assert curl().transport.send("GET", "/user/list", headers, None).status in (401, 400)


SPELLINGS = [
    "//ui/users", "/ui//users", "/UI/users", "/ui/USERS", "/ui/users/", "/ui/./users", "/ui/../ui/users",
    "/ui/%75sers", "/ui%2fusers", "/ui/users%00", "/ui/users%2f", "/ui/users;/", "/ui/login/..;/users",
    "/ui/keys/../users", "/ui/static/../users", "/ui/login%2f..%2fusers", "/ui/users?x=/ui/login",
    "/ui/users#/ui/login", "/ui\\users", "/ui/users%0d%0aX: y", "/health/liveness/../../ui/users", "/ui/users%ff",
]  # fmt: skip


def test_no_spelling_opens_the_users_page_to_mia_or_to_a_stranger(app, browser, mia):
    """S-1: double slashes, dots, encodings and NUL are other addresses or the same one, never a way round."""
    make_user("Secretive")
    for page in (browser(mia), browser()):
        for path in SPELLINGS:
            answer = page.transport.send("GET", path, {"Accept": "text/html"}, None)
            assert answer.status in (303, 308, 400, 401, 403, 404), path
            assert "Secretive" not in answer.text, path


@pytest.mark.parametrize("path", ["/ui/users", "/user/list", "/ui/keys/x/delete", "/key/list"])
@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_no_header_changes_the_method(browser, curl, mia, path, override):
    """S-28: a GET stays a GET."""
    make_key(mia)
    if path.startswith("/ui"):
        assert browser(mia).get(path, headers={override: "POST"}).status in (403, 404)
    else:
        assert curl(mia).get(path, headers={override: "POST"}).status in (200, 403)


TARGETS = [
    f"//{EVIL}", f"///{EVIL}", f"https://{EVIL}", f"https:{EVIL}", f"\\\\{EVIL}", f"/\\{EVIL}", f"/ui//{EVIL}",
    f"/ui/\\{EVIL}", f"/%09/{EVIL}", "javascript:alert(1)", "data:text/html,x", f"/ui/keys\r\nX-Evil: {EVIL}",
    f"/ui\t//{EVIL}", "/key/list", "ui/keys", f"@{EVIL}", f".{EVIL}", f"/ui/\u2028//{EVIL}", f"http:///{EVIL}", "",
    "/ui/../key/list", "/ui/keys/..", "/ui/%2E%2e/key/list", "/ui/.%2e/x?y=1",
]  # fmt: skip


def test_after_signing_in_nobody_is_sent_elsewhere(browser, mia):
    """S-2: `next` is a path of our own pages or it is not used."""
    for target in TARGETS:
        page = browser()
        page.get(f"/ui/login?next={quote(target)}")
        answer = page.post(f"/ui/login?next={quote(target)}", {"username": mia.email, "password": PASSWORD})
        assert (answer.status, answer.location) == (303, "/ui/keys"), target
        assert "x-evil" not in answer.headers
        assert page.get(f"/ui/login?next={quote(target)}").location == "/ui/keys", target


def test_a_stranger_who_came_from_an_honest_page_is_sent_back_there(browser, mia):
    """The counterpart, so that the refusals above mean something."""
    page = browser()
    sent = page.get("/ui/spend?days=7")
    page.follow(sent)
    answer = page.post(sent.location, {"username": mia.email, "password": PASSWORD})
    assert answer.location == "/ui/spend?days=7"


def test_a_forged_host_does_not_split_an_onboarding_link(app, ina):
    """S-2: the step from the link to its cookie is a path."""
    secret = make_invitation(ina).secret
    for lies in LIES.values():
        answer = Browser(Thief(app)).get(f"/ui/onboarding?id={secret}", headers=lies)
        assert (answer.status, answer.location) == (303, "/ui/onboarding")
        assert hears_nothing(answer)
